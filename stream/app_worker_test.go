package stream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/embedded"
	"github.com/streamweir/streamweir/topology"
)

const notLeader = 6 // NOT_LEADER_OR_FOLLOWER

// An error of the user's code is the error handler's, whatever it wraps: one that
// looks like a broker's must not make the App do the work again for ever.
func TestErrorsOfUserCodeThatLookLikeABrokersFailTheApp(t *testing.T) {
	for _, err := range []error{io.ErrUnexpectedEOF, context.DeadlineExceeded, &os.PathError{Op: "open", Path: "rates", Err: syscall.ENOENT},
		&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}} {
		for _, where := range []string{"source", "operator"} {
			t.Run(fmt.Sprintf("%s %v", where, err), func(t *testing.T) {
				c := cluster(t, topicOf("in", 1), topicOf("out", 1))
				var values flaky
				b := stream.NewBuilder()
				in := stream.From(b, "in", stream.With(serde.String(), &values))
				if where == "source" {
					values.set("bad", err)
				}
				count(stream.TryMapValues(in, func(_ context.Context, r textRecord) (string, error) {
					if r.Value == "bad" {
						return "", err
					}
					return r.Value, nil
				}))
				put(t, c, "in", "k", "a", "k", "bad")
				start(t, built(t, b), config(t, c)).fails(t, "in-0@1", err.Error())
			})
		}
	}
}

// starting is a processor whose Init asks the test.
type starting struct {
	init func() error
	out  *topology.Context[string, string]
}

func (s *starting) Init(out *topology.Context[string, string]) error {
	s.out = out
	return s.init()
}

func (s *starting) Process(_ context.Context, r textRecord) error { return s.out.Forward(r) }

// late is a serde that cannot be bound while the registry is down.
type late struct {
	flaky
	down atomic.Bool
}

func (l *late) Bind(string, serde.Role) (serde.Codec[string], error) {
	if l.down.Load() {
		return nil, fmt.Errorf("%w: %w", serde.ErrRetriable, errFlaky)
	}
	return l, nil
}

// What may pass is waited for also while a task is being made or started, the
// first time as after an abort.
func TestRetriableErrorWhileATaskStartsIsWaitedFor(t *testing.T) {
	for _, where := range []string{"bind", "init"} {
		t.Run(where, func(t *testing.T) {
			const invalidProducerEpoch = 47
			c := cluster(t, topicOf("in", 2), topicOf("out", 2))
			stop := feed(t, c, 4)
			var down atomic.Bool
			down.Store(true)
			values := &late{}
			set := func(on bool) {
				if where == "bind" {
					values.down.Store(on)
				} else {
					down.Store(on)
				}
			}
			down.Store(false)
			set(true)
			b := stream.NewBuilder()
			in := stream.From(b, "in", stream.With(serde.String(), values))
			s := stream.Process(in, func() *starting {
				return &starting{init: func() error {
					if down.Load() {
						return fmt.Errorf("%w: %w", serde.ErrRetriable, errFlaky)
					}
					return nil
				}}
			})
			stream.GroupBy(s, func(k, _ string) string { return k }, text).Count(stream.InStore("counts", serde.String(), serde.Int64())).
				ToStream().To("out", stream.With(serde.String(), serde.Int64()))
			a := start(t, built(t, b), config(t, c))
			waiting := func(s stream.Status) bool { return errors.Is(s.Waiting, errFlaky) }
			a.until(t, "waiting", waiting)
			set(false)
			flowing(t, c, 50)
			set(true)
			c.Fault(embedded.Fault{Requests: []embedded.Request{embedded.TxnOffsetCommit}, Code: invalidProducerEpoch})
			a.until(t, "waiting after an abort", waiting)
			set(false)
			countedOnce(t, c, stop())
			a.until(t, "waiting no longer", goesOn)
			a.stop(t)
		})
	}
}

// While one worker waits for a broker in the middle of a rebalance, another one may
// fail, which ends the App at once.
func TestFailureOfOneWorkerIsNotHeldUpByAnother(t *testing.T) {
	c := cluster(t, topicOf("in", 3), topicOf("out", 3))
	b := stream.NewBuilder()
	failing(b)
	cfg := config(t, c)
	cfg.Workers = 3
	c.Fault(embedded.Fault{Requests: []embedded.Request{embedded.ListOffsets}, Topic: "in", Partitions: []int32{0}, Code: notLeader, Times: -1})
	a := start(t, built(t, b), cfg)
	began := time.Now()
	toPartition(t, c, "in", 1, "k", "a", "k", "bad")
	a.fails(t, "in-1@1", "no good")
	if d := time.Since(began); d > 10*time.Second {
		t.Errorf("took %v", d)
	}
}

// ticks counts, in a store, how often its punctuation was called.
type ticks struct {
	out   *topology.Context[string, int64]
	store store.KeyValueStore[string, int64]
}

func (p *ticks) Init(out *topology.Context[string, int64]) (err error) {
	p.out = out
	if p.store, err = topology.Store[store.KeyValueStore[string, int64]](out, "ticks"); err != nil {
		return err
	}
	_, err = out.Schedule(5*time.Millisecond, topology.WallClockTime, p.tick)
	return err
}

func (p *ticks) tick(_ context.Context, at int64) error {
	n, _, err := p.store.Get("k")
	if err != nil {
		return err
	}
	if err := p.store.Put("k", n+1); err != nil {
		return err
	}
	return p.out.Forward(topology.Record[string, int64]{Key: "k", Value: n + 1, Timestamp: at})
}

func (p *ticks) Process(context.Context, textRecord) error { return nil }

func ticking(t *testing.T) *topology.Topology {
	t.Helper()
	b := stream.NewBuilder()
	stream.Process(stream.From(b, "in", text), func() *ticks { return &ticks{} }, stream.OwnStores(store.KeyValue("ticks", serde.String(), serde.Int64()))).
		To("out", stream.With(serde.String(), serde.Int64()))
	return built(t, b)
}

// The committed offsets do not tell how a transaction ended that moved none.
func TestUnknownOutcomeOfACommitThatMovesNoOffset(t *testing.T) {
	for name, provoke := range unknownOutcomes {
		t.Run(name, func(t *testing.T) {
			c := cluster(t, topicOf("in", 1), topicOf("out", 1))
			var log logged
			cfg := config(t, c)
			cfg.Log = log.to()
			a := start(t, ticking(t), cfg)
			for i := range 3 {
				takeN(t, c, "out", 20*(i+1))
				provoke(c)
			}
			eventually(t, "an unknown outcome", func() bool { return log.has("outcome of a commit is unknown") })
			n := len(took(t, c, "out", func(r []*kgo.Record) bool { return len(r) > 0 }))
			for i, r := range takeN(t, c, "out", n+50) {
				if got := number(r.Value); got != int64(i+1) {
					t.Fatalf("tick %d is %d", i+1, got)
				}
			}
			a.stop(t)
		})
	}
}
