package stream_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/streamtest"
	"github.com/streamweir/streamweir/topology"
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

	topo, err := b.Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := streamtest.NewDriver(topo, streamtest.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer d.Close()
	in := streamtest.NewInput(d, "lines", serde.String(), serde.String())
	out := streamtest.NewOutput(d, "word-counts", serde.String(), serde.Int64())
	for _, line := range []string{"to be or", "not to be"} {
		if err := in.Pipe("", line); err != nil {
			fmt.Println(err)
		}
	}
	records, err := out.ReadAll()
	for _, r := range records {
		fmt.Printf("%s: %d\n", r.Key, r.Value)
	}
	if err != nil {
		fmt.Println(err)
	}
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

// The examples below use these short forms of package streamtest. An example has no
// way to go on after a mistake of its own, so they panic.

// drive builds a topology and starts it.
func drive(b *stream.Builder, handler ...stream.ErrorHandler) *streamtest.Driver {
	topo, err := b.Build()
	check(err)
	cfg := streamtest.Config{ApplicationID: "example"}
	for _, h := range handler {
		cfg.ErrorHandler = h
	}
	d, err := streamtest.NewDriver(topo, cfg)
	check(err)
	return d
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// pipe feeds a topic of strings with records: key, value, key, value. A record's
// timestamp is the number of records before it.
func pipe(d *streamtest.Driver, topic string, pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		pipeRecord(d, topic, topology.Record[string, string]{Key: pairs[i], Value: pairs[i+1]})
	}
}

func pipeNull(d *streamtest.Driver, topic, key string) {
	pipeRecord(d, topic, topology.Record[string, string]{Key: key, NullValue: true})
}

func pipeNullKey(d *streamtest.Driver, topic, value string) {
	pipeRecord(d, topic, topology.Record[string, string]{Value: value, NullKey: true})
}

func pipeRecord(d *streamtest.Driver, topic string, r topology.Record[string, string]) {
	r.Timestamp = d.Now().UnixMilli()
	check(streamtest.NewInput(d, topic, serde.String(), serde.String()).PipeRecord(r))
	check(d.Advance(time.Millisecond))
}

func pipeAs[K, V any](d *streamtest.Driver, topic string, key serde.Serde[K], value serde.Serde[V], records ...stream.KeyValue[K, V]) {
	in := streamtest.NewInput(d, topic, key, value).AutoAdvance(time.Millisecond)
	for _, r := range records {
		check(in.Pipe(r.Key, r.Value))
	}
}

// show prints what was written to a topic of strings.
func show(d *streamtest.Driver, topic string) { showAs(d, topic, serde.String(), serde.String()) }

func showAs[K, V any](d *streamtest.Driver, topic string, key serde.Serde[K], value serde.Serde[V]) {
	records, err := streamtest.NewOutput(d, topic, key, value).ReadAll()
	check(err)
	for _, r := range records {
		if r.NullValue {
			fmt.Printf("%v: null\n", r.Key)
		} else {
			fmt.Printf("%v: %v\n", r.Key, r.Value)
		}
	}
}
