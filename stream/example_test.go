package stream_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/internal/state"
	"github.com/streamweir/streamweir/internal/task"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream"
)

// text is what most examples read and write.
var text = stream.With(serde.String(), serde.String())

func Example() {
	b := stream.NewBuilder()
	lines := stream.From(b, "lines", stream.With(serde.String(), serde.String()))
	words := stream.FlatMapValues(lines, strings.Fields)
	counts := stream.GroupBy(words, func(_, word string) string { return word }, stream.With(serde.String(), serde.String())).
		Count(stream.InStore("counts", serde.String(), serde.Int64()))
	counts.ToStream().To("word-counts", stream.With(serde.String(), serde.Int64()))

	d := drive(b)
	pipe(d, "lines", "1", "to be or", "2", "not to be")
	showAs(d, "word-counts", serde.String(), serde.Int64())
	// Output:
	// to: 1
	// be: 1
	// or: 1
	// not: 1
	// to: 2
	// be: 2
}

// skip is the error handler of the examples of what can fail.
func skip(_ context.Context, e *stream.ProcessingError) stream.Action {
	fmt.Println("skipped:", e.Err)
	return stream.Skip
}

// A driver steps the tasks of a topology, one for each sub-topology, as the
// runtime does, with topics of one partition in memory. A record timestamp is the
// number of records before it.
type driver struct {
	tasks   []*task.Task
	readers map[string]*task.Task
	topics  map[string][]record.Record
	piped   int64
}

// drive builds a topology and starts it. An example has no way to go on after a
// mistake of its own.
func drive(b *stream.Builder, handler ...stream.ErrorHandler) *driver {
	topo, err := b.Build()
	check(err)
	g := topo.Graph()
	d := &driver{readers: map[string]*task.Task{}, topics: map[string][]record.Record{}}
	for _, sub := range g.Subtopologies() {
		stores, err := state.Open(state.Config{Stores: sub.StoreSpecs(), Opener: store.Memory(), Dir: "in memory"})
		check(err)
		cfg := task.Config{ID: graph.TaskID{Subtopology: sub.ID}, Sub: sub, Topics: g.Topics("example"), Output: d, Stores: stores}
		for _, h := range handler {
			cfg.Handler = h
		}
		for _, topic := range sub.Sources([]string{"orders-eu", "orders-us"}) {
			cfg.Inputs = append(cfg.Inputs, task.Input{Partition: record.Partition{Topic: cfg.Topics.Name(topic)}, Time: -1})
		}
		t, err := task.New(cfg)
		check(err)
		check(t.Start(context.Background(), 0))
		d.tasks = append(d.tasks, t)
		for _, in := range cfg.Inputs {
			d.readers[in.Partition.Topic] = t
		}
	}
	return d
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// Partitions and Send make a driver a task.Output.
func (d *driver) Partitions(string) (int32, error) { return 1, nil }

func (d *driver) Send(topic string, _ int32, key, value []byte, timestamp int64, headers []serde.Header) error {
	r := record.Record{Offset: int64(len(d.topics[topic])), Timestamp: timestamp, Headers: headers}
	if key != nil {
		r.Key = append([]byte{}, key...)
	}
	if value != nil {
		r.Value = append([]byte{}, value...)
	}
	d.topics[topic] = append(d.topics[topic], r)
	if t := d.readers[topic]; t != nil {
		_, err := t.Add(task.Batch{Partition: record.Partition{Topic: topic}, Records: []record.Record{r}, Next: r.Offset + 1, End: r.Offset + 1})
		return err
	}
	return nil
}

// put adds a record to an input topic and lets the tasks process all there is.
func (d *driver) put(topic string, key, value []byte) {
	check(d.Send(topic, 0, key, value, d.piped, nil))
	d.piped++
	for worked := true; worked; {
		worked = false
		for _, t := range d.tasks {
			n, err := t.Process(context.Background(), 0, 1)
			check(err)
			worked = worked || n > 0
		}
	}
}

// pipe feeds a topic of strings with records: key, value, key, value.
func pipe(d *driver, topic string, pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		d.put(topic, []byte(pairs[i]), []byte(pairs[i+1]))
	}
}

func pipeNull(d *driver, topic, key string) { d.put(topic, []byte(key), nil) }

func pipeNullKey(d *driver, topic, value string) { d.put(topic, nil, []byte(value)) }

func pipeAs[K, V any](d *driver, topic string, key serde.Serde[K], value serde.Serde[V], records ...stream.KeyValue[K, V]) {
	k, err := key.Bind(topic, serde.Key)
	check(err)
	v, err := value.Bind(topic, serde.Value)
	check(err)
	for _, r := range records {
		kb, err := k.Append(nil, r.Key)
		check(err)
		vb, err := v.Append(nil, r.Value)
		check(err)
		d.put(topic, kb, vb)
	}
}

// show prints what was written to a topic of strings.
func show(d *driver, topic string) { showAs(d, topic, serde.String(), serde.String()) }

func showAs[K, V any](d *driver, topic string, key serde.Serde[K], value serde.Serde[V]) {
	k, err := key.Bind(topic, serde.Key)
	check(err)
	v, err := value.Bind(topic, serde.Value)
	check(err)
	for _, r := range d.topics[topic] {
		rk, err := k.Decode(r.Key)
		check(err)
		if r.Value == nil {
			fmt.Printf("%v: null\n", rk)
			continue
		}
		rv, err := v.Decode(r.Value)
		check(err)
		fmt.Printf("%v: %v\n", rk, rv)
	}
	d.topics[topic] = nil
}
