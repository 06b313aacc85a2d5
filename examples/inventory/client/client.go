// Package client is what stands around the application: it creates the topics,
// produces events and follows topics, for the command line, the simulator and
// the page.
package client

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/streamweir/streamweir/examples/inventory/inventory"
)

// Client is a connection to Kafka, made when it is first needed. It may be used by
// several goroutines.
type Client struct {
	brokers []string

	mu     sync.Mutex
	conn   sarama.Client // nil until it is connected
	closed bool
}

// New returns a client that is not connected yet. Until the cluster can be reached
// its methods fail, and may be called again.
func New(brokers []string) *Client { return &Client{brokers: brokers} }

// Open connects to the cluster at once.
func Open(brokers []string) (*Client, error) {
	c := New(brokers)
	_, err := c.kafka()
	return c, err
}

func (c *Client) kafka() (sarama.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, fmt.Errorf("inventory: the connection is closed: %w", net.ErrClosed)
	}
	if c.conn != nil {
		return c.conn, nil
	}
	conn, err := sarama.NewClient(c.brokers, settings())
	if err != nil {
		return nil, fmt.Errorf("inventory: cannot connect to Kafka at %q: %w; is it running, and is -brokers right?", c.brokers, err)
	}
	c.conn = conn
	return conn, nil
}

func settings() *sarama.Config {
	c := sarama.NewConfig()
	c.Version = sarama.V2_8_0_0
	c.ClientID = "inventory"
	c.Metadata.AllowAutoTopicCreation = false
	c.Metadata.Retry.Max = 1
	c.Net.DialTimeout = 5 * time.Second
	c.Producer.Partitioner = sarama.NewMurmur2Partitioner // as Kafka's own clients
	c.Producer.Idempotent = true
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Net.MaxOpenRequests = 1 // as idempotence demands
	c.Producer.Return.Successes = true
	c.Consumer.IsolationLevel = sarama.ReadCommitted
	c.Consumer.Return.Errors = true
	c.Consumer.MaxWaitTime = 100 * time.Millisecond
	c.Consumer.Retry.Backoff = 200 * time.Millisecond
	c.Consumer.MaxProcessingTime = 10 * time.Second
	return c
}

// Close disconnects for good.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.conn == nil {
		return nil
	}
	return c.conn.Close()
}

func (c *Client) admin() (sarama.ClusterAdmin, error) {
	kafka, err := c.kafka()
	if err != nil {
		return nil, err
	}
	return sarama.NewClusterAdminFromClient(kafka)
}

// CreateTopics creates the three topics of the application unless they exist,
// and returns the names of those it created. Records in them are never deleted:
// their times are those of the events, which may be long past.
func (c *Client) CreateTopics(partitions int32) ([]string, error) {
	admin, err := c.admin()
	if err != nil {
		return nil, fmt.Errorf("inventory: create topics: %w", err)
	}
	forever := "-1"
	var created []string
	var errs []error
	for _, topic := range []string{inventory.EventsTopic, inventory.AggregatesTopic, inventory.DLQTopic} {
		err := admin.CreateTopic(topic, &sarama.TopicDetail{
			NumPartitions: partitions, ReplicationFactor: -1,
			ConfigEntries: map[string]*string{"retention.ms": &forever},
		}, false)
		switch {
		case err == nil:
			created = append(created, topic)
		case !errors.Is(err, sarama.ErrTopicAlreadyExists):
			errs = append(errs, fmt.Errorf("inventory: create topic %s: %w", topic, err))
		}
	}
	return created, errors.Join(errs...)
}

// Ends returns the offset behind the last committed record of each partition.
func (c *Client) Ends(topic string) ([]int64, error) {
	kafka, err := c.kafka()
	if err != nil {
		return nil, err
	}
	if err := kafka.RefreshMetadata(topic); err != nil {
		return nil, fmt.Errorf("inventory: topic %s: %w", topic, err)
	}
	partitions, err := kafka.Partitions(topic)
	if err != nil {
		return nil, fmt.Errorf("inventory: topic %s: %w", topic, err)
	}
	ends := make([]int64, len(partitions))
	for _, p := range partitions {
		if ends[p], err = kafka.GetOffset(topic, p, sarama.OffsetNewest); err != nil {
			return nil, fmt.Errorf("inventory: end of %s-%d: %w", topic, p, err)
		}
	}
	return ends, nil
}

// Committed returns the offsets a group has committed for a topic's partitions;
// -1 is none.
func (c *Client) Committed(group, topic string, partitions int) ([]int64, error) {
	admin, err := c.admin()
	if err != nil {
		return nil, fmt.Errorf("inventory: offsets of group %s: %w", group, err)
	}
	offsets := make([]int64, partitions)
	ask := make([]int32, partitions)
	for p := range offsets {
		offsets[p], ask[p] = -1, int32(p)
	}
	answer, err := admin.ListConsumerGroupOffsets(group, map[string][]int32{topic: ask})
	// The embedded broker says so of a group that has committed nothing yet;
	// sarama reports it as an error of either kind.
	if errors.Is(err, sarama.ErrGroupIDNotFound) || answer != nil && errors.Is(answer.Err, sarama.ErrGroupIDNotFound) {
		return offsets, nil
	}
	if err == nil && answer.Err != sarama.ErrNoError {
		err = answer.Err
	}
	if err != nil {
		return nil, fmt.Errorf("inventory: offsets of group %s: %w", group, err)
	}
	for p := range offsets {
		if b := answer.GetBlock(topic, int32(p)); b != nil && b.Err == sarama.ErrNoError {
			offsets[p] = b.Offset
		}
	}
	return offsets, nil
}
