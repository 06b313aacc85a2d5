package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/IBM/sarama"

	"github.com/streamweir/streamweir/examples/inventory/inventory"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/serde/avro"
)

// A Producer sends records to inventory-events. Its methods are called by one
// goroutine.
type Producer struct {
	async sarama.AsyncProducer
	done  sync.WaitGroup
}

// NewProducer returns a producer. failed is called for each record that could not
// be sent, with the number it was sent under, from another goroutine.
func (c *Client) NewProducer(failed func(id int, err error)) (*Producer, error) {
	kafka, err := c.kafka()
	if err != nil {
		return nil, err
	}
	async, err := sarama.NewAsyncProducerFromClient(kafka)
	if err != nil {
		return nil, fmt.Errorf("inventory: producer: %w", err)
	}
	p := &Producer{async: async}
	// Close waits for both.
	p.done.Go(func() {
		for range async.Successes() {
		}
	})
	p.done.Go(func() {
		for e := range async.Errors() {
			failed(e.Msg.Metadata.(int), fmt.Errorf("inventory: not sent: %w", e.Err))
		}
	})
	return p, nil
}

// Send sends a record; a nil key or value is null. It may wait for earlier ones.
func (p *Producer) Send(ctx context.Context, id int, key, value []byte) error {
	m := &sarama.ProducerMessage{Topic: inventory.EventsTopic, Metadata: id}
	if key != nil {
		m.Key = sarama.ByteEncoder(key)
	}
	if value != nil {
		m.Value = sarama.ByteEncoder(value)
	}
	select {
	case p.async.Input() <- m:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close waits until all records are sent or have failed.
func (p *Producer) Close() {
	p.async.AsyncClose()
	p.done.Wait()
}

// Produced counts lines.
type Produced struct{ Sent, Bad int }

// ProduceJSON sends the events in r, one in each line of JSON, in Avro's encoding
// or plain; optional fields may be missing. The key is the sku. A bad line is
// reported to bad with its number, counted from one, and does not stop the rest
// unless strict. Empty lines are skipped.
func (c *Client) ProduceJSON(ctx context.Context, registry *avro.Registry, r io.Reader, strict bool, bad func(line int, err error)) (Produced, error) {
	return c.ProduceJSONAs(ctx, registry, inventory.InventoryEventSchema, r, strict, bad)
}

// ProduceJSONAs is [Client.ProduceJSON] with another schema, which the registry may
// refuse: then no line is sent.
func (c *Client) ProduceJSONAs(ctx context.Context, registry *avro.Registry, schema string, r io.Reader, strict bool, bad func(line int, err error)) (Produced, error) {
	var mu sync.Mutex
	var count Produced
	report := func(line int, err error) {
		mu.Lock()
		defer mu.Unlock()
		count.Bad++
		bad(line, err)
	}
	p, err := c.NewProducer(func(line int, err error) {
		report(line, err)
		mu.Lock()
		defer mu.Unlock()
		count.Sent--
	})
	if err != nil {
		return count, err
	}
	err = eachLine(r, func(number int, line []byte) error {
		key, value, err := encodeLine(registry, schema, line)
		if err == nil {
			if err := p.Send(ctx, number, key, value); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			count.Sent++
			return nil
		}
		if errors.Is(err, serde.ErrRetriable) { // not the line's fault
			return err
		}
		report(number, err)
		if strict {
			return fmt.Errorf("inventory: stopped at line %d", number)
		}
		return nil
	})
	p.Close()
	return count, err
}

func encodeLine(registry *avro.Registry, schema string, line []byte) (key, value []byte, err error) {
	value, err = avro.FromJSON(registry, inventory.EventsTopic+"-value", schema, line)
	if err != nil {
		return nil, nil, err
	}
	var event struct {
		SKU string `json:"sku"`
	}
	if err := json.Unmarshal(line, &event); err != nil {
		return nil, nil, fmt.Errorf("inventory: sku: %w", err)
	}
	return []byte(event.SKU), value, nil
}

// maxLine bounds a line: it would not fit into a record.
const maxLine = 1 << 20

func eachLine(r io.Reader, f func(number int, line []byte) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	number := 0
	for lines.Scan() {
		number++
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		if err := f(number, line); err != nil {
			return err
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("inventory: line %d is longer than %d bytes: is it one event a line?", number+1, maxLine)
	} else if err != nil {
		return fmt.Errorf("inventory: line %d: %w", number+1, err)
	}
	return nil
}
