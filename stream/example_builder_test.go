package stream_test

import (
	"fmt"
	"hash/fnv"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

// A source that begins at the end of its topic when there is no committed offset yet.
func ExampleResetTo() {
	b := stream.NewBuilder()
	alerts := stream.From(b, "alerts", text, stream.ResetTo(topology.ResetLatest))
	alerts.To("seen", nil)

	d := drive(b)
	pipe(d, "alerts", "disk", "full")
	show(d, "seen")
	// Output:
	// disk: full
}

// Stores of operators are in memory, except for those that say otherwise.
func ExampleDefaultStores() {
	b := stream.NewBuilder(stream.DefaultStores(store.InMemory()))
	clicks := stream.From(b, "clicks", text).GroupByKey()
	clicks.Count(stream.InStore("counts", serde.String(), serde.Int64()))
	clicks.Reduce(func(_, last string) string { return last },
		stream.InStore("last", serde.String(), serde.String()).Options(store.Persistent(nil)))

	topo, err := b.Build()
	check(err)
	for _, sub := range topo.Graph().Subtopologies() {
		for _, s := range sub.StoreSpecs() {
			fmt.Println(s.Name, "is on disk:", s.Persistent)
		}
	}
	// Output:
	// counts is on disk: false
	// last is on disk: true
}

// Records go to partitions by the country in their key, not by the whole key.
func ExampleSerdes_Partitioner() {
	byCountry := text.Partitioner(func(_ string, r topology.Record[string, string], partitions int32) ([]int32, bool) {
		h := fnv.New32a()
		h.Write([]byte(r.Key[:2]))
		return []int32{int32(h.Sum32() % uint32(partitions))}, true
	})
	b := stream.NewBuilder()
	stream.From(b, "orders", text).To("orders-by-country", byCountry)

	d := drive(b)
	pipe(d, "orders", "de-1", "tea", "fr-1", "rice")
	show(d, "orders-by-country")
	// Output:
	// de-1: tea
	// fr-1: rice
}

func ExampleMapTableValuesWithKey() {
	b := stream.NewBuilder()
	users := stream.Table(b, "users", text, nil)
	stream.MapTableValuesWithKey(users, func(id, name string) string { return name + " (" + id + ")" }).ToStream().To("labels", text)

	d := drive(b)
	pipe(d, "users", "7", "ann")
	pipeNull(d, "users", "7")
	show(d, "labels")
	// Output:
	// 7: ann (7)
	// 7: null
}

// A mapped table that is not stored has no value serde; the join behind it needs one.
func ExampleKTable_WithSerdes() {
	b := stream.NewBuilder()
	orders := stream.MapTableValues(stream.Table(b, "orders", text, nil), func(user string) string { return user }).WithSerdes(text)
	users := stream.Table(b, "users", text, nil)
	stream.JoinForeignKey(orders, users, func(_, user string) (string, bool) { return user, true },
		func(user, name string) string { return user + " is " + name }, nil).ToStream().To("names", text)

	d := drive(b)
	pipe(d, "users", "u1", "ann")
	pipe(d, "orders", "o1", "u1")
	show(d, "names")
	// Output:
	// o1: u1 is ann
}
