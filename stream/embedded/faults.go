package embedded

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A Request is a kind of request of Kafka's protocol, by its API key. Those
// that have no name here can be given as a number.
type Request int16

// The requests of a stream application.
const (
	Produce            Request = 0
	Fetch              Request = 1
	ListOffsets        Request = 2
	Metadata           Request = 3
	OffsetCommit       Request = 8
	OffsetFetch        Request = 9
	FindCoordinator    Request = 10
	JoinGroup          Request = 11
	Heartbeat          Request = 12
	LeaveGroup         Request = 13
	SyncGroup          Request = 14
	CreateTopics       Request = 19
	DeleteRecords      Request = 21
	InitProducerID     Request = 22
	AddPartitionsToTxn Request = 24
	AddOffsetsToTxn    Request = 25
	EndTxn             Request = 26
	TxnOffsetCommit    Request = 28
)

// A Fault answers requests with an error. Its selectors are combined with and;
// one that a request does not carry never matches.
type Fault struct {
	Requests        []Request // nil: all
	Topic           string    // "": all
	Partitions      []int32   // nil: all
	Group           string    // "": all
	TransactionalID string    // "": all
	// TopLevel sets the error of the whole answer instead of that of the
	// topics, partitions or groups in it.
	TopLevel bool
	// Code is Kafka's error code, for example 6 for NOT_LEADER_OR_FOLLOWER.
	// The request is refused and does nothing, except that Produce,
	// OffsetCommit, TxnOffsetCommit and CreateTopics answered with 7
	// (REQUEST_TIMED_OUT) are carried out.
	Code int16
	// Times is how many requests are answered so: 0 is one, a negative number
	// all until Remove.
	Times int
}

// Fault installs a fault. Several are tried in the order of their installation.
func (c *Cluster) Fault(f Fault) *FaultHandle {
	in := kfake.Fault{
		Topic:      f.Topic,
		Partitions: f.Partitions,
		Group:      f.Group,
		TxnID:      f.TransactionalID,
		TopLevel:   f.TopLevel,
		Count:      f.Times,
	}
	for _, r := range f.Requests {
		in.Keys = append(in.Keys, kmsg.Key(r))
	}
	if err := kerr.ErrorForCode(f.Code); !errors.As(err, &in.Err) {
		in.Err = &kerr.Error{Code: f.Code, Message: "UNKNOWN"}
	}
	return &FaultHandle{c.kafka.Fault(in)}
}

// A FaultHandle is an installed [Fault].
type FaultHandle struct{ h *kfake.FaultHandle }

// Hits is the number of requests answered with the fault so far.
func (h *FaultHandle) Hits() int { return h.h.Hits() }

// Wait returns when the fault has answered n requests, or with ctx's error.
func (h *FaultHandle) Wait(ctx context.Context, n int) error { return h.h.Wait(ctx, n) }

// Remove ends the fault.
func (h *FaultHandle) Remove() { h.h.Remove() }

// LoseAnswers lets the next n requests of a kind be carried out but not
// answered: their connections break instead, so that the client cannot know.
// With several brokers it is n on each.
func (c *Cluster) LoseAnswers(r Request, n int) {
	for _, l := range c.listeners {
		l.mu.Lock()
		l.lost[r] = n
		l.mu.Unlock()
	}
}

// StopBrokers breaks all connections and refuses new ones until
// [Cluster.StartBrokers]. As for a client that lost its network, time goes on:
// sessions expire and transactions time out. If they are stopped already it
// does nothing.
func (c *Cluster) StopBrokers() error {
	var errs []error
	for _, l := range c.listeners {
		errs = append(errs, l.stop())
	}
	return fail("stop brokers", errs...)
}

// StartBrokers lets clients connect again, at the same addresses. It fails if
// somebody else has taken one of the ports.
func (c *Cluster) StartBrokers() error {
	var errs []error
	for _, l := range c.listeners {
		errs = append(errs, l.start())
	}
	return fail("start brokers", errs...)
}

// StopRegistry refuses connections to the registry until
// [Cluster.StartRegistry].
func (c *Cluster) StopRegistry() error { return fail("stop registry", c.registry.stop()) }

// StartRegistry makes the registry available again, at the same address.
func (c *Cluster) StartRegistry() error { return fail("start registry", c.registry.start()) }

// FailRegistry answers the next n requests to the registry with an HTTP status.
func (c *Cluster) FailRegistry(status, n int) { c.registry.fail(status, n) }

// MoveLeader makes a broker, by its place in [Cluster.Brokers], the leader of a
// partition. A request to the former one is answered with
// NOT_LEADER_OR_FOLLOWER.
func (c *Cluster) MoveLeader(topic string, partition int32, broker int) error {
	return fail("move leader", c.kafka.MoveTopicPartition(topic, partition, int32(broker)))
}

// MoveCoordinators deals the coordinators of groups and transactions out to the
// brokers anew.
func (c *Cluster) MoveCoordinators() { c.kafka.RehashCoordinators() }

// Compact compacts every topic whose cleanup policy says so, now.
func (c *Cluster) Compact() { c.kafka.Compact() }

func fail(what string, errs ...error) error {
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("embedded: %s: %w", what, err)
	}
	return nil
}
