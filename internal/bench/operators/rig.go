package operators

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/internal/state"
	"github.com/streamweir/streamweir/internal/task"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/topology"
)

// batch is how many records are fetched, and committed, at a time.
const batch = 1000

// rig steps one task of a whole topology. What is written to a repartition topic comes
// back as input.
type rig struct {
	task    *task.Task
	set     *state.Set
	inputs  map[string]int64 // topics that are read, and their next offset
	back    map[string][]record.Record
	records int64 // produced
	written bool  // what is committed goes to the engine at once
}

// newRig opens its stores on an engine. With a cache of negative size they keep nothing in
// memory between two commits.
func newRig(tb testing.TB, topo *topology.Topology, engine store.Opener, cacheBytes int) *rig {
	tb.Helper()
	if err := topo.Validate(); err != nil {
		tb.Fatal(err)
	}
	sub, names := topo.Graph().Whole(), topo.Graph().Topics("bench")
	set, err := state.Open(state.Config{Stores: sub.StoreSpecs(), Opener: engine, Dir: "memory", CacheBytes: cacheBytes})
	if err != nil {
		tb.Fatal(err)
	}
	r := &rig{set: set, written: cacheBytes < 0, inputs: map[string]int64{}, back: map[string][]record.Record{}}
	cfg := task.Config{Sub: sub, Topics: names, Output: r, Stores: set, MaxIdle: -1}
	for _, topic := range sub.Sources(nil) {
		r.inputs[names.Name(topic)] = 0
		cfg.Inputs = append(cfg.Inputs, task.Input{Partition: record.Partition{Topic: names.Name(topic)}, Time: -1})
	}
	if r.task, err = task.New(cfg); err == nil {
		err = r.task.Start(context.Background(), 0)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := errors.Join(r.task.Close(), set.Abandon()); err != nil {
			tb.Error(err)
		}
	})
	return r
}

// Partitions implements task.Output.
func (r *rig) Partitions(string) (int32, error) { return 1, nil }

// Send implements task.Output.
func (r *rig) Send(topic string, _ int32, key, value []byte, timestamp int64, headers []serde.Header) error {
	r.records++
	if _, ok := r.inputs[topic]; ok {
		r.back[topic] = append(r.back[topic], record.Record{Key: append([]byte{}, key...), Value: append([]byte(nil), value...), Timestamp: timestamp, Headers: headers})
	}
	return nil
}

// feed processes records of a topic, and what comes back, and commits.
func (r *rig) feed(topic string, records []record.Record) error {
	for {
		next := r.inputs[topic]
		for i := range records {
			records[i].Offset = next + int64(i)
		}
		next += int64(len(records))
		r.inputs[topic] = next
		if _, err := r.task.Add(task.Batch{Partition: record.Partition{Topic: topic}, Records: records, Next: next, End: next}); err != nil {
			return err
		}
		for {
			n, err := r.task.Process(context.Background(), 0, batch)
			if err != nil {
				return err
			}
			if n == 0 {
				break
			}
		}
		if err := r.task.Flush(context.Background(), 0); err != nil {
			return err
		}
		r.task.Committed(func(record.Partition) (int64, bool) { return 0, false })
		if r.written {
			if f := r.set.Flush(); f != nil {
				if err := f.Write(); err != nil {
					return err
				}
			}
		}
		topic = ""
		for t, list := range r.back {
			if len(list) > 0 {
				topic, records = t, list
				delete(r.back, t)
				break
			}
		}
		if topic == "" {
			return nil
		}
	}
}

// keyed is a record whose key is one of a number and whose value is an int64.
func keyed(key int, value, timestamp int64) record.Record {
	return record.Record{Key: fmt.Appendf(nil, "key-%07d", key), Value: binary.BigEndian.AppendUint64(nil, uint64(value)), Timestamp: timestamp}
}
