package streamtest_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/streamtest"
)

func Example() {
	b := stream.NewBuilder()
	lines := stream.From(b, "lines", stream.With(serde.String(), serde.String()))
	words := stream.FlatMapValues(lines, strings.Fields)
	counts := stream.GroupBy(words, func(_, word string) string { return word }, stream.With(serde.String(), serde.String())).
		Count(stream.InStore("counts", serde.String(), serde.Int64()))
	counts.ToStream().To("word-counts", stream.With(serde.String(), serde.Int64()))
	topo, err := b.Build()
	check(err)

	d, err := streamtest.NewDriver(topo, streamtest.Config{})
	check(err)
	defer d.Close()
	in := streamtest.NewInput(d, "lines", serde.String(), serde.String()).AutoAdvance(time.Second)
	out := streamtest.NewOutput(d, "word-counts", serde.String(), serde.Int64())

	check(in.Pipe("1", "to be"))
	check(in.Pipe("2", "or not to be"))
	for out.Len() > 0 {
		r, _, err := out.Read()
		check(err)
		fmt.Printf("%d: %s %d\n", r.Timestamp, r.Key, r.Value)
	}
	// Output:
	// 0: to 1
	// 0: be 1
	// 1000: or 1
	// 1000: not 1
	// 1000: to 2
	// 1000: be 2
}

// A store can be looked at, and filled before the first record.
func ExampleStore() {
	b := stream.NewBuilder()
	stream.From(b, "visits", stream.With(serde.String(), serde.String())).GroupByKey().
		Count(stream.InStore("visits", serde.String(), serde.Int64()))
	topo, err := b.Build()
	check(err)
	d, err := streamtest.NewDriver(topo, streamtest.Config{})
	check(err)
	defer d.Close()

	visits, err := streamtest.Store[store.TimestampedKeyValueStore[string, int64]](d, "visits")
	check(err)
	check(visits.Put("ann", store.ValueAndTimestamp[int64]{Value: 41}))
	check(streamtest.NewInput(d, "visits", serde.String(), serde.String()).Pipe("ann", "home"))
	v, ok, err := visits.Get("ann")
	fmt.Println(v.Value, ok, err)
	// Output: 42 true <nil>
}

// Two tables of one topic are equal if their last records are.
func ExampleReadTable() {
	b := stream.NewBuilder()
	stream.From(b, "in", stream.With(serde.String(), serde.String())).To("out", nil)
	topo, err := b.Build()
	check(err)
	d, err := streamtest.NewDriver(topo, streamtest.Config{})
	check(err)
	defer d.Close()
	in := streamtest.NewInput(d, "in", serde.String(), serde.String())
	check(in.Pipe("ann", "Oslo"))
	check(in.Pipe("bob", "Rome"))
	check(in.Pipe("ann", "Lima"))
	table, err := streamtest.ReadTable(streamtest.NewOutput(d, "out", serde.String(), serde.String()))
	fmt.Println(table, err)
	// Output: map[ann:Lima bob:Rome] <nil>
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// Three partitions, a commit each second and a record cache, as in production: the two
// words are counted in tasks of their own, and each is forwarded once.
func ExampleConfig_partitions() {
	b := stream.NewBuilder()
	text := stream.With(serde.String(), serde.String())
	words := stream.FlatMapValues(stream.From(b, "lines", text), strings.Fields)
	stream.GroupBy(words, func(_, w string) string { return w }, text).
		Count(stream.InStore("counts", serde.String(), serde.Int64())).
		ToStream().To("counts", stream.With(serde.String(), serde.Int64()))
	topo, err := b.Build()
	if err != nil {
		panic(err)
	}
	d, err := streamtest.NewDriver(topo, streamtest.Config{Partitions: 3, CommitInterval: time.Second, CacheMaxBytes: 1 << 20})
	if err != nil {
		panic(err)
	}
	defer d.Close()

	in := streamtest.NewInput(d, "lines", serde.String(), serde.String())
	for _, line := range []string{"to be", "or not", "to be"} {
		if err := in.Pipe("hamlet", line); err != nil {
			panic(err)
		}
	}
	if err := d.Commit(); err != nil {
		panic(err)
	}
	all, err := streamtest.NewOutput(d, "counts", serde.String(), serde.Int64()).ReadAll()
	for _, r := range all {
		fmt.Println(r.Key, r.Value)
	}
	fmt.Println(err)
	// Output:
	// to 2
	// or 1
	// not 1
	// be 2
	// <nil>
}
