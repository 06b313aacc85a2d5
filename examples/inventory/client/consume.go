package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/IBM/sarama"

	"github.com/streamweir/streamweir/examples/inventory/inventory"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/serde/avro"
)

// Message is a record that was committed.
type Message struct {
	Topic      string
	Partition  int32
	Offset     int64
	Timestamp  int64 // milliseconds since the epoch
	Key, Value []byte
	Headers    []Header
}

// Header is a header of a record.
type Header struct{ Name, Value string }

// Last returns the value of the last header of a name.
func (m *Message) Last(name string) string {
	for i := len(m.Headers) - 1; i >= 0; i-- {
		if m.Headers[i].Name == name {
			return m.Headers[i].Value
		}
	}
	return ""
}

// Follow calls f for each committed record of a topic, from the beginning or from
// now on, until ctx is cancelled or f returns an error, which it returns. Records
// of a partition come in order; f is called by one goroutine at a time. A broker
// that is away is waited for.
func (c *Client) Follow(ctx context.Context, topic string, fromBeginning bool, f func(*Message) error) error {
	kafka, err := c.kafka()
	if err != nil {
		return err
	}
	consumer, err := sarama.NewConsumerFromClient(kafka)
	if err != nil {
		return fmt.Errorf("inventory: consumer: %w", err)
	}
	partitions, err := consumer.Partitions(topic)
	if err != nil {
		return fmt.Errorf("inventory: topic %s: %w", topic, err)
	}
	from := sarama.OffsetNewest
	if fromBeginning {
		from = sarama.OffsetOldest
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var running sync.WaitGroup
	var one sync.Mutex
	for _, p := range partitions {
		pc, err := consumer.ConsumePartition(topic, p, from)
		if err != nil {
			stop(fmt.Errorf("inventory: %s-%d: %w", topic, p, err))
			break
		}
		// Both end when ctx does, and Follow waits for them.
		running.Go(func() {
			for range pc.Errors() { // sarama retries by itself
			}
		})
		running.Go(func() {
			defer drain(pc)
			follow(ctx, pc, func(m *sarama.ConsumerMessage) {
				one.Lock()
				defer one.Unlock()
				if ctx.Err() == nil {
					if err := f(message(m)); err != nil {
						stop(err)
					}
				}
			})
		})
	}
	<-ctx.Done()
	running.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

var errEnough = errors.New("enough")

// Read calls f for each committed record that is in a topic now. It gives up
// waiting for the last ones when ctx ends, which is no error.
func (c *Client) Read(ctx context.Context, topic string, f func(*Message) error) error {
	ends, err := c.Ends(topic)
	if err != nil {
		return err
	}
	left := 0
	for p, end := range ends {
		// A transaction ends with a marker, which is not delivered.
		if ends[p] = end - 2; end > 0 {
			left++
		}
	}
	if left == 0 {
		return nil
	}
	err = c.Follow(ctx, topic, true, func(m *Message) error {
		if err := f(m); err != nil {
			return err
		}
		if int(m.Partition) < len(ends) && m.Offset >= ends[m.Partition] {
			ends[m.Partition] = math.MaxInt64
			if left--; left == 0 {
				return errEnough
			}
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

func follow(ctx context.Context, pc sarama.PartitionConsumer, f func(*sarama.ConsumerMessage)) {
	for {
		select {
		case m, ok := <-pc.Messages():
			if !ok {
				return
			}
			f(m)
		case <-ctx.Done():
			return
		}
	}
}

// drain closes a consumer, which waits until its last messages are taken.
func drain(pc sarama.PartitionConsumer) {
	pc.AsyncClose()
	for range pc.Messages() {
	}
}

func message(m *sarama.ConsumerMessage) *Message {
	out := &Message{Topic: m.Topic, Partition: m.Partition, Offset: m.Offset, Timestamp: m.Timestamp.UnixMilli(), Key: m.Key, Value: m.Value}
	for _, h := range m.Headers {
		out.Headers = append(out.Headers, Header{string(h.Key), string(h.Value)})
	}
	return out
}

// Text is a record as one line of JSON: its value in Avro's JSON encoding, and
// for a dead letter an object of key, headers and value. A value that is no Avro
// of a known schema is given as bytes in base64 with the reason.
func Text(registry *avro.Registry, m *Message) ([]byte, error) { return TextAs(registry, "", m) }

// TextAs is [Text] with the value as a consumer with the schema reads it; "" is the one
// that it was written with.
func TextAs(registry *avro.Registry, schema string, m *Message) ([]byte, error) {
	value, err := valueText(registry, schema, m.Value)
	if err != nil || m.Topic != inventory.DLQTopic {
		return value, err
	}
	letter := struct {
		Key     *string           `json:"key"`
		Headers map[string]string `json:"headers"`
		Value   json.RawMessage   `json:"value"`
	}{Headers: map[string]string{}, Value: value}
	if m.Key != nil {
		key := string(m.Key)
		letter.Key = &key
	}
	for _, h := range m.Headers {
		letter.Headers[h.Name] = h.Value
	}
	return json.Marshal(letter)
}

func valueText(registry *avro.Registry, schema string, value []byte) ([]byte, error) {
	if value == nil {
		return []byte("null"), nil
	}
	toJSON := avro.ToJSON
	if schema != "" {
		toJSON = func(r *avro.Registry, data []byte) ([]byte, error) { return avro.ToJSONAs(r, schema, data) }
	}
	text, err := toJSON(registry, value)
	if err == nil || errors.Is(err, serde.ErrRetriable) {
		return text, err
	}
	return json.Marshal(struct {
		Undecodable string `json:"undecodable"`
		Bytes       []byte `json:"bytes"`
	}{err.Error(), value})
}
