package streamtest

import (
	"fmt"
	"time"

	"github.com/streamweir/streamweir/internal/null"
	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/topology"
)

// codecs encode and decode the records of a topic.
type codecs[K, V any] struct {
	d         *Driver
	topic     string
	key       serde.Codec[K]
	value     serde.Codec[V]
	nullKey   func(*K) bool
	nullValue func(*V) bool
	err       error // of Bind
}

func newCodecs[K, V any](d *Driver, topic string, key serde.Serde[K], value serde.Serde[V]) codecs[K, V] {
	c := codecs[K, V]{d: d, topic: topic, nullKey: null.Check[K](), nullValue: null.Check[V]()}
	if c.key, c.err = key.Bind(topic, serde.Key); c.err == nil {
		c.value, c.err = value.Bind(topic, serde.Value)
	}
	if c.err != nil {
		c.err = fmt.Errorf("streamtest: topic %q: %w", topic, c.err)
	}
	return c
}

func (c *codecs[K, V]) encode(r topology.Record[K, V]) (out record.Record, err error) {
	if c.err != nil {
		return out, c.err
	}
	out.Timestamp, out.Headers = r.Timestamp, r.Headers
	if !r.NullKey && (c.nullKey == nil || !c.nullKey(&r.Key)) {
		if out.Key, err = c.key.Append([]byte{}, r.Key); err != nil {
			return out, fmt.Errorf("streamtest: topic %q: key: %w", c.topic, err)
		}
	}
	if !r.NullValue && (c.nullValue == nil || !c.nullValue(&r.Value)) {
		if out.Value, err = c.value.Append([]byte{}, r.Value); err != nil {
			return out, fmt.Errorf("streamtest: topic %q: value: %w", c.topic, err)
		}
	}
	return out, nil
}

func (c *codecs[K, V]) decode(in record.Record) (r topology.Record[K, V], err error) {
	if c.err != nil {
		return r, c.err
	}
	r.Timestamp, r.Headers, r.NullKey, r.NullValue = in.Timestamp, in.Headers, in.Key == nil, in.Value == nil
	if !r.NullKey {
		if r.Key, err = c.key.Decode(in.Key); err != nil {
			return r, fmt.Errorf("streamtest: topic %q: key: %w", c.topic, err)
		}
	}
	if !r.NullValue {
		if r.Value, err = c.value.Decode(in.Value); err != nil {
			return r, fmt.Errorf("streamtest: topic %q: value: %w", c.topic, err)
		}
	}
	return r, nil
}

// An Input writes to an input topic of a [Driver]. Kafka Streams: TestInputTopic.
//
// Its records have its own clock's time, which begins with the driver's wall clock
// and stands still unless it is moved.
type Input[K, V any] struct {
	codecs[K, V]
	partition int32 // -1: where a producer sends a record
	now       int64
	step      int64
}

// NewInput returns an input. Whether the topology reads the topic is checked when
// a record is piped.
func NewInput[K, V any](d *Driver, topic string, key serde.Serde[K], value serde.Serde[V]) *Input[K, V] {
	return &Input[K, V]{codecs: newCodecs(d, topic, key, value), partition: -1, now: d.now}
}

// Partition makes all records go to one partition, whatever their keys, in a driver with
// Config.Partitions. It returns the input.
func (in *Input[K, V]) Partition(p int32) *Input[K, V] {
	in.partition = p
	return in
}

// AutoAdvance makes the input's clock go on by step after each record of Pipe, and
// returns the input.
func (in *Input[K, V]) AutoAdvance(step time.Duration) *Input[K, V] {
	in.step = step.Milliseconds()
	return in
}

// Advance moves the input's clock on.
func (in *Input[K, V]) Advance(by time.Duration) { in.now += by.Milliseconds() }

// Pipe writes a record with the time of the input's clock, and processes all that
// follows from it. A nil key or value of a type that has a nil is null.
//
// An error for which errors.Is(err, serde.ErrRetriable) holds means that the record
// cannot be decoded now; [Driver.Advance] tries it again.
func (in *Input[K, V]) Pipe(key K, value V) error {
	err := in.PipeAt(in.now, key, value)
	in.now += in.step
	return err
}

// PipeAt is Pipe with a timestamp in milliseconds.
func (in *Input[K, V]) PipeAt(timestamp int64, key K, value V) error {
	return in.PipeRecord(topology.Record[K, V]{Key: key, Value: value, Timestamp: timestamp})
}

// PipeRecord is Pipe with a whole record: headers, nulls and a timestamp of its
// own.
func (in *Input[K, V]) PipeRecord(r topology.Record[K, V]) error {
	raw, err := in.encode(r)
	if err != nil {
		return err
	}
	return in.d.pipe(in.topic, in.partition, raw)
}

// An Output reads a topic from its beginning: an output topic, or, with the
// application id in front, an internal one. Each Output has a position of its own.
// Kafka Streams: TestOutputTopic.
//
// With Config.Partitions the records of all partitions come in the order in which they
// were written.
type Output[K, V any] struct {
	codecs[K, V]
	partition int32 // -1: all
	at        int
}

// NewOutput returns an output. A topic that nothing was written to is empty.
func NewOutput[K, V any](d *Driver, topic string, key serde.Serde[K], value serde.Serde[V]) *Output[K, V] {
	return &Output[K, V]{codecs: newCodecs(d, topic, key, value), partition: -1}
}

// Partition makes the output read one partition only, in a driver with Config.Partitions,
// and returns it.
func (o *Output[K, V]) Partition(p int32) *Output[K, V] {
	o.partition = p
	return o
}

// records are all that were written so far.
func (o *Output[K, V]) records() []record.Record {
	if o.partition >= 0 && o.d.parts != nil {
		return o.d.parts.topics[record.Partition{Topic: o.topic, ID: o.partition}]
	}
	return o.d.log[o.topic]
}

// Len is the number of records that are left to read.
func (o *Output[K, V]) Len() int { return len(o.records()) - o.at }

// Read returns the next record; ok is false if there is none. A record that cannot
// be decoded is passed over with its error.
func (o *Output[K, V]) Read() (r topology.Record[K, V], ok bool, err error) {
	if o.Len() == 0 {
		return r, false, o.err
	}
	raw := o.records()[o.at]
	o.at++
	r, err = o.decode(raw)
	return r, err == nil, err
}

// ReadAll returns all records that are left, up to the first that cannot be
// decoded.
func (o *Output[K, V]) ReadAll() ([]topology.Record[K, V], error) {
	var all []topology.Record[K, V]
	for {
		r, ok, err := o.Read()
		if !ok {
			return all, err
		}
		all = append(all, r)
	}
}

// ReadTable returns, of all records that are left, the last value of each key:
// what a table of the topic has. A null value deletes; a null key is left out.
// Kafka Streams: readKeyValuesToMap.
func ReadTable[K comparable, V any](o *Output[K, V]) (map[K]V, error) {
	all, err := o.ReadAll()
	table := map[K]V{}
	for _, r := range all {
		switch {
		case r.NullKey:
		case r.NullValue:
			delete(table, r.Key)
		default:
			table[r.Key] = r.Value
		}
	}
	return table, err
}
