package streamtest

import (
	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/topology"
)

// output is the driver as the task's output.
type output Driver

// Partitions is part of task.Output.
func (o *output) Partitions(string) (int32, error) { return 1, nil }

// Send is part of task.Output.
func (o *output) Send(topic string, _ int32, key, value []byte, timestamp int64, headers []serde.Header) error {
	r := record.Record{Key: clone(key), Value: clone(value), Headers: headers, Offset: int64(len(o.log[topic])), Timestamp: timestamp}
	o.log[topic] = append(o.log[topic], r)
	if _, ok := o.inputs[topic]; ok || o.global != nil && o.global.reads(topic) {
		o.news = append(o.news, topic)
	}
	if o.cfg.Produced != nil {
		o.cfg.Produced(topic, topology.Record[[]byte, []byte]{Key: r.Key, Value: r.Value, NullKey: r.Key == nil, NullValue: r.Value == nil, Timestamp: timestamp, Headers: headers})
	}
	return nil
}

// clone copies b; nil stays nil, and empty stays empty.
func clone(b []byte) []byte {
	if b == nil {
		return nil
	}
	return append([]byte{}, b...)
}
