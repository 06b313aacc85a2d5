package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A Topic is a topic to create.
type Topic struct {
	Name string
	// Partitions is their number; 0 is one.
	Partitions int32
	// Config holds topic settings by their names in Kafka, for example
	// "cleanup.policy": "compact".
	Config map[string]string
}

// CreateTopics creates topics. One that exists stays as it is, which is no
// error.
func (c *Cluster) CreateTopics(ctx context.Context, topics ...Topic) error {
	return fail("create topics", c.createTopics(ctx, topics))
}

func (c *Cluster) createTopics(ctx context.Context, topics []Topic) error {
	if len(topics) == 0 {
		return nil
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	defer client.Close()
	answer, err := createRequest(topics).RequestWith(ctx, client)
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range answer.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			errs = append(errs, fmt.Errorf("topic %q: %w", t.Topic, err))
		}
	}
	return errors.Join(errs...)
}

// client returns a client that needs no port.
func (c *Cluster) client() (*kgo.Client, error) {
	dial := func(_ context.Context, _, addr string) (net.Conn, error) {
		for _, l := range c.listeners {
			if l.addr.String() == addr {
				return l.dial()
			}
		}
		return nil, fmt.Errorf("%s is not one of the brokers", addr)
	}
	return kgo.NewClient(kgo.SeedBrokers(c.Brokers()...), kgo.Dialer(dial))
}

func createRequest(topics []Topic) *kmsg.CreateTopicsRequest {
	r := kmsg.NewPtrCreateTopicsRequest()
	for _, t := range topics {
		rt := kmsg.NewCreateTopicsRequestTopic()
		rt.Topic, rt.NumPartitions, rt.ReplicationFactor = t.Name, max(t.Partitions, 1), 1
		for name, value := range t.Config {
			config := kmsg.NewCreateTopicsRequestTopicConfig()
			config.Name, config.Value = name, &value
			rt.Configs = append(rt.Configs, config)
		}
		r.Topics = append(r.Topics, rt)
	}
	return r
}
