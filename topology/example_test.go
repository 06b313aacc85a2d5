package topology_test

import (
	"context"
	"fmt"
	"time"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream/streamtest"
	"github.com/streamweir/streamweir/topology"
)

// dedupe forwards a record unless its value was the last one of its key.
type dedupe struct {
	out  *topology.Context[string, string]
	last store.KeyValueStore[string, string]
}

func (d *dedupe) Init(out *topology.Context[string, string]) (err error) {
	d.out = out
	d.last, err = topology.Store[store.KeyValueStore[string, string]](out, "last")
	return err
}

func (d *dedupe) Process(_ context.Context, r topology.Record[string, string]) error {
	if last, ok, err := d.last.Get(r.Key); err != nil || ok && last == r.Value {
		return err
	}
	if err := d.last.Put(r.Key, r.Value); err != nil {
		return err
	}
	return d.out.Forward(r)
}

// A topology put together by hand: a source, a processor with a store, a sink.
func Example() {
	topo := topology.New()
	topology.AddSource(topo, "prices", topology.Source[string, string]{Key: serde.String(), Value: serde.String(), Topics: []string{"prices"}})
	topology.AddProcessor[string, string, string, string](topo, "dedupe", func() *dedupe { return &dedupe{} }, "prices")
	topo.AddStateStore(store.KeyValue("last", serde.String(), serde.String()), "dedupe")
	topology.AddSink(topo, "changes", topology.Sink[string, string]{Key: serde.String(), Value: serde.String(), Topic: "changes"}, "dedupe")

	d := start(topo)
	defer d.Close()
	send(d, "prices", "tea", "3", "tea", "3", "rice", "2", "tea", "4")
	show(d, "changes")
	// Output:
	// tea: 3
	// rice: 2
	// tea: 4
}

// Processors that are not connected to each other make sub-topologies of their own.
func ExampleTopology_Describe() {
	topo := topology.New()
	for _, city := range []string{"oslo", "rome"} {
		topology.AddSource(topo, city, topology.Source[string, string]{Key: serde.String(), Value: serde.String(), Topics: []string{city}})
		topology.AddProcessor[string, string, string, string](topo, "dedupe-"+city, func() *dedupe { return &dedupe{} }, city)
		topo.AddStateStore(store.KeyValue("last-"+city, serde.String(), serde.String()), "dedupe-"+city)
	}
	fmt.Print(topo.Describe())
	// Output:
	// Topologies:
	//    Sub-topology: 0
	//     Source: oslo (topics: [oslo])
	//       --> dedupe-oslo
	//     Processor: dedupe-oslo (stores: [last-oslo])
	//       --> none
	//       <-- oslo
	//
	//   Sub-topology: 1
	//     Source: rome (topics: [rome])
	//       --> dedupe-rome
	//     Processor: dedupe-rome (stores: [last-rome])
	//       --> none
	//       <-- rome
}

// Mistakes are collected, and returned together.
func ExampleTopology_Validate() {
	topo := topology.New()
	topology.AddSource(topo, "orders", topology.Source[string, string]{Key: serde.String(), Value: serde.String()})
	topology.AddSink(topo, "sink", topology.Sink[string, string]{Key: serde.String(), Topic: "out"}, "orders")
	fmt.Println(topo.Validate())
	// Output:
	// topology: source "orders" has no topic
	// topology: sink "sink" needs a serde for its keys and one for its values
}

// meter counts records and forwards the number every minute of stream time.
type meter struct {
	out   *topology.Context[string, int64]
	count int64
}

func (m *meter) Init(out *topology.Context[string, int64]) error {
	m.out = out
	_, err := out.Schedule(time.Minute, topology.StreamTime, func(_ context.Context, now int64) error {
		return out.Forward(topology.Record[string, int64]{Key: time.UnixMilli(now).UTC().Format(time.TimeOnly), Value: m.count, Timestamp: now})
	})
	return err
}

func (m *meter) Process(context.Context, topology.Record[string, string]) error {
	m.count++
	return nil
}

func ExampleContext_Schedule() {
	topo := topology.New()
	topology.AddSource(topo, "in", topology.Source[string, string]{Key: serde.String(), Value: serde.String(), Topics: []string{"in"}})
	topology.AddProcessor[string, string, string, int64](topo, "meter", func() *meter { return &meter{} }, "in")
	topology.AddSink(topo, "counts", topology.Sink[string, int64]{Key: serde.String(), Value: serde.Int64(), Topic: "counts"}, "meter")

	d := start(topo)
	defer d.Close()
	in := streamtest.NewInput(d, "in", serde.String(), serde.String()).AutoAdvance(25 * time.Second)
	for range 6 {
		check(in.Pipe("k", "v"))
	}
	records, err := streamtest.NewOutput(d, "counts", serde.String(), serde.Int64()).ReadAll()
	check(err)
	for _, r := range records {
		fmt.Println(r.Key, r.Value)
	}
	// Output:
	// 00:00:00 1
	// 00:01:15 4
	// 00:02:05 6
}

// router sends each record to the child that its key names.
type router struct {
	out *topology.Context[string, string]
}

func (r *router) Init(out *topology.Context[string, string]) error { r.out = out; return nil }

func (r *router) Process(_ context.Context, rec topology.Record[string, string]) error {
	return r.out.ForwardTo(rec.Key, rec)
}

func ExampleContext_ForwardTo() {
	topo := topology.New()
	topology.AddSource(topo, "orders", topology.Source[string, string]{Key: serde.String(), Value: serde.String(), Topics: []string{"orders"}})
	topology.AddProcessor[string, string, string, string](topo, "router", func() *router { return &router{} }, "orders")
	topology.AddSink(topo, "eu", topology.Sink[string, string]{Key: serde.String(), Value: serde.String(), Topic: "orders-eu"}, "router")
	topology.AddSink(topo, "us", topology.Sink[string, string]{Key: serde.String(), Value: serde.String(), Topic: "orders-us"}, "router")

	d := start(topo)
	defer d.Close()
	send(d, "orders", "eu", "tea", "us", "coffee", "eu", "rice")
	show(d, "orders-eu")
	// Output:
	// eu: tea
	// eu: rice
}

// trimmer shortens values; it cannot change keys.
type trimmer struct {
	out *topology.FixedKeyContext[string, string]
}

func (t *trimmer) Init(out *topology.FixedKeyContext[string, string]) error { t.out = out; return nil }

func (t *trimmer) Process(_ context.Context, r topology.FixedKeyRecord[string, string]) error {
	return t.out.Forward(topology.FixedValue(r, r.Value[:min(3, len(r.Value))]))
}

func ExampleAddFixedKeyProcessor() {
	topo := topology.New()
	topology.AddSource(topo, "in", topology.Source[string, string]{Key: serde.String(), Value: serde.String(), Topics: []string{"in"}})
	topology.AddFixedKeyProcessor[string, string, string](topo, "trim", func() *trimmer { return &trimmer{} }, "in")
	topology.AddSink(topo, "out", topology.Sink[string, string]{Key: serde.String(), Value: serde.String(), Topic: "out"}, "trim")

	d := start(topo)
	defer d.Close()
	send(d, "in", "k", "coffee", "k", "tea")
	show(d, "out")
	// Output:
	// k: cof
	// k: tea
}

// The event time is in the value; a record without one is dropped.
func ExampleTimestampExtractor() {
	topo := topology.New()
	topology.AddSource(topo, "in", topology.Source[string, string]{Key: serde.String(), Value: serde.String(), Topics: []string{"in"},
		Timestamp: func(r topology.Record[string, string], partitionTime int64) int64 {
			at, err := time.Parse(time.RFC3339, r.Value)
			if err != nil {
				return -1
			}
			return at.UnixMilli()
		}})
	topology.AddSink(topo, "out", topology.Sink[string, string]{Key: serde.String(), Value: serde.String(), Topic: "out"}, "in")

	d := start(topo)
	defer d.Close()
	send(d, "in", "k", "2001-09-09T01:46:40Z", "k", "yesterday")
	records, err := streamtest.NewOutput(d, "out", serde.String(), serde.String()).ReadAll()
	check(err)
	for _, r := range records {
		fmt.Println(r.Timestamp, r.Value)
	}
	fmt.Println(d.Dropped(), "dropped")
	// Output:
	// 1000000000000 2001-09-09T01:46:40Z
	// 1 dropped
}

// A sink can choose the topic of each record.
func ExampleAddSink() {
	topo := topology.New()
	topology.AddSource(topo, "orders", topology.Source[string, string]{Key: serde.String(), Value: serde.String(), Topics: []string{"orders"}})
	topology.AddSink(topo, "by-country", topology.Sink[string, string]{Key: serde.String(), Value: serde.String(), Extractor: "orders-<country>",
		TopicOf: func(r topology.Record[string, string]) string { return "orders-" + r.Key }}, "orders")

	d := start(topo)
	defer d.Close()
	send(d, "orders", "no", "tea", "it", "coffee")
	fmt.Println(d.Topics())
	// Output:
	// [orders orders-it orders-no]
}

func ExampleHeaders_With() {
	var h topology.Headers
	h = h.With("trace", []byte("1")).With("trace", []byte("2"))
	last, ok := h.Last("trace")
	fmt.Println(len(h), string(last), ok)
	// Output: 2 2 true
}

// The examples use these short forms of package streamtest. An example has no way to
// go on after a mistake of its own, so they panic.

func start(topo *topology.Topology) *streamtest.Driver {
	d, err := streamtest.NewDriver(topo, streamtest.Config{})
	check(err)
	return d
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// send writes strings to a topic: key, value, key, value.
func send(d *streamtest.Driver, topic string, pairs ...string) {
	in := streamtest.NewInput(d, topic, serde.String(), serde.String())
	for i := 0; i < len(pairs); i += 2 {
		check(in.Pipe(pairs[i], pairs[i+1]))
	}
}

// show prints what was written to a topic of strings.
func show(d *streamtest.Driver, topic string) {
	records, err := streamtest.NewOutput(d, topic, serde.String(), serde.String()).ReadAll()
	check(err)
	for _, r := range records {
		fmt.Printf("%s: %s\n", r.Key, r.Value)
	}
}
