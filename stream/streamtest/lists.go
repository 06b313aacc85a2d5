package streamtest

import (
	"time"

	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

// StartAt sets the input's clock, and returns the input.
func (in *Input[K, V]) StartAt(t time.Time) *Input[K, V] {
	in.now = t.UnixMilli()
	return in
}

// PipeAll is Pipe for keys and values one after the other, up to the first error. Kafka
// Streams: pipeKeyValueList.
func (in *Input[K, V]) PipeAll(list ...stream.KeyValue[K, V]) error {
	for _, kv := range list {
		if err := in.Pipe(kv.Key, kv.Value); err != nil {
			return err
		}
	}
	return nil
}

// PipeValues is Pipe for values without a key: the keys are null. Kafka Streams:
// pipeValueList.
func (in *Input[K, V]) PipeValues(values ...V) error {
	for _, v := range values {
		err := in.PipeRecord(topology.Record[K, V]{Value: v, NullKey: true, Timestamp: in.now})
		in.now += in.step
		if err != nil {
			return err
		}
	}
	return nil
}

// PipeRecords is PipeRecord for several records, up to the first error. Kafka Streams:
// pipeRecordList.
func (in *Input[K, V]) PipeRecords(records ...topology.Record[K, V]) error {
	for _, r := range records {
		if err := in.PipeRecord(r); err != nil {
			return err
		}
	}
	return nil
}

// ReadKeyValues is ReadAll without timestamps and headers. A null key or value is the
// zero value. Kafka Streams: readKeyValuesToList.
func (o *Output[K, V]) ReadKeyValues() ([]stream.KeyValue[K, V], error) {
	all, err := o.ReadAll()
	var list []stream.KeyValue[K, V]
	for _, r := range all {
		list = append(list, stream.KV(r.Key, r.Value))
	}
	return list, err
}

// ReadValues is ReadAll of the values alone; a null value is the zero value. Kafka
// Streams: readValuesToList.
func (o *Output[K, V]) ReadValues() ([]V, error) {
	all, err := o.ReadAll()
	var values []V
	for _, r := range all {
		values = append(values, r.Value)
	}
	return values, err
}

// Stores are all stores by their names, global ones included, to look at or to fill;
// the type of each is that of its processors. [Store] returns one in its typed form.
// With Config.Partitions only global stores are in it. Kafka Streams: getAllStateStores.
func (d *Driver) Stores() map[string]any {
	all := map[string]any{}
	if d.task == nil && d.parts == nil {
		return all
	}
	for _, s := range d.sub.Stores {
		if d.parts != nil {
			break
		}
		all[s.Builder.Name()], _ = d.task.Store(s.Builder.Name()) // the task has it
	}
	if d.global != nil {
		for _, s := range d.global.sub.Stores {
			all[s.Builder.Name()], _ = d.global.task.Store(s.Builder.Name())
		}
	}
	return all
}

// DeadLetters is the number of records that the error handler has sent to the dead
// letter topic so far.
func (d *Driver) DeadLetters() int64 {
	var n int64
	switch {
	case d.parts != nil:
		for _, t := range d.parts.tasks {
			n += t.task.Stats().DeadLetters
		}
	case d.task != nil:
		n = d.task.Stats().DeadLetters
	}
	if d.global != nil {
		n += d.global.task.Stats().DeadLetters
	}
	return n
}
