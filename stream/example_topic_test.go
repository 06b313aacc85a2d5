package stream_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

func ExampleFrom() {
	b := stream.NewBuilder()
	orders := stream.From(b, "orders", stream.With(serde.String(), serde.Int64()))
	orders.Foreach(func(item string, count int64) { fmt.Println(count, item) })

	d := drive(b)
	pipeAs(d, "orders", serde.String(), serde.Int64(), stream.KV("tea", int64(2)))
	// Output:
	// 2 tea
}

func ExampleFromTopics() {
	b := stream.NewBuilder()
	orders := stream.FromTopics(b, []string{"orders-eu", "orders-us"}, text)
	orders.To("orders", nil)

	d := drive(b)
	pipe(d, "orders-eu", "ann", "tea")
	pipe(d, "orders-us", "bob", "rice")
	show(d, "orders")
	// Output:
	// ann: tea
	// bob: rice
}

func ExampleFromPattern() {
	b := stream.NewBuilder()
	orders := stream.FromPattern(b, regexp.MustCompile(`orders-[a-z]+`), text)
	orders.To("orders", nil)

	d := drive(b)
	pipe(d, "orders-eu", "ann", "tea")
	pipe(d, "orders-us", "bob", "rice")
	show(d, "orders")
	// Output:
	// ann: tea
	// bob: rice
}

// The time of an event is in its value.
func ExampleSerdes_Timestamps() {
	b := stream.NewBuilder()
	type order struct{ Item, At string }
	times := map[string]int64{"morning": 8, "noon": 12}
	orders := stream.From(b, "orders", stream.With(serde.String(), serde.JSON[order]()).
		Timestamps(func(r topology.Record[string, order], _ int64) int64 { return times[r.Value.At] }))
	orders.TryForeach(func(_ context.Context, r topology.Record[string, order]) error {
		fmt.Println(r.Key, r.Value.Item, r.Timestamp)
		return nil
	})

	d := drive(b)
	pipeAs(d, "orders", serde.String(), serde.JSON[order](), stream.KV("ann", order{"tea", "noon"}), stream.KV("bob", order{"rice", "morning"}))
	// Output:
	// ann tea 12
	// bob rice 8
}

func ExampleKStream_To() {
	b := stream.NewBuilder()
	orders := stream.From(b, "orders", text)
	orders.To("copy", nil) // the serdes of orders
	stream.MapValues(orders, func(item string) int64 { return int64(len(item)) }).
		To("lengths", stream.With(serde.String(), serde.Int64()))

	d := drive(b)
	pipe(d, "orders", "ann", "tea")
	show(d, "copy")
	showAs(d, "lengths", serde.String(), serde.Int64())
	// Output:
	// ann: tea
	// ann: 3
}

func ExampleKStream_ToDynamic() {
	b := stream.NewBuilder()
	orders := stream.From(b, "orders", text)
	orders.ToDynamic("by item", func(r topology.Record[string, string]) string { return "orders-" + r.Value }, nil)

	d := drive(b)
	pipe(d, "orders", "ann", "tea", "bob", "rice", "cid", "tea")
	show(d, "orders-tea")
	show(d, "orders-rice")
	// Output:
	// ann: tea
	// cid: tea
	// bob: rice
}

func ExampleKStream_Merge() {
	b := stream.NewBuilder()
	web := stream.From(b, "web-orders", text)
	shop := stream.From(b, "shop-orders", text)
	web.Merge(shop).To("orders", text)

	d := drive(b)
	pipe(d, "web-orders", "ann", "tea")
	pipe(d, "shop-orders", "bob", "rice")
	show(d, "orders")
	// Output:
	// ann: tea
	// bob: rice
}

func ExampleKStream_Split() {
	b := stream.NewBuilder()
	split := stream.From(b, "orders", text).Split(stream.Named("orders-"))
	tea := split.Branch(func(_, item string) bool { return strings.Contains(item, "tea") }, stream.Named("tea"))
	rice := split.Branch(func(_, item string) bool { return strings.Contains(item, "rice") }, stream.Named("rice"))
	rest := split.Default(stream.Named("rest"))
	tea.To("tea", nil)
	rice.To("rice", nil)
	rest.To("rest", nil)

	d := drive(b)
	pipe(d, "orders", "ann", "green tea", "bob", "salt", "cid", "rice and tea", "dee", "rice")
	for _, topic := range []string{"tea", "rice", "rest"} {
		fmt.Println(topic)
		show(d, topic)
	}
	// Output:
	// tea
	// ann: green tea
	// cid: rice and tea
	// rice
	// dee: rice
	// rest
	// bob: salt
}

// Records that meet no predicate are dropped unless there is a Default.
func ExampleBranchedKStream_Branch() {
	b := stream.NewBuilder()
	split := stream.From(b, "orders", text).Split()
	split.Branch(func(_, item string) bool { return item == "tea" }).To("tea", nil)

	d := drive(b)
	pipe(d, "orders", "ann", "tea", "bob", "salt")
	show(d, "tea")
	// Output:
	// ann: tea
}

func ExampleBranchedKStream_Default() {
	b := stream.NewBuilder()
	split := stream.From(b, "orders", text).Split()
	split.Branch(func(_, item string) bool { return item == "tea" }).To("tea", nil)
	split.Default().To("rest", nil)

	d := drive(b)
	pipe(d, "orders", "ann", "tea", "bob", "salt")
	show(d, "rest")
	// Output:
	// bob: salt
}

// A repartition divides the topology in two.
func ExampleKStream_Repartition() {
	b := stream.NewBuilder()
	orders := stream.From(b, "orders", text)
	byItem := stream.SelectKey(orders, func(_, item string) string { return item })
	byItem.Repartition(text, stream.Named("by-item"), stream.Partitions(8)).To("out", nil)

	d := drive(b)
	pipe(d, "orders", "ann", "tea")
	show(d, "out")
	// Output:
	// tea: tea
}

// All mistakes are returned at once.
func ExampleBuilder_Build() {
	b := stream.NewBuilder()
	lengths := stream.MapValues(stream.From(b, "words", text), func(w string) int { return len(w) })
	lengths.To("lengths", nil, stream.Partitions(3))
	_, err := b.Build()
	fmt.Println(err)
	// Output:
	// stream: operator "KSTREAM-SINK-0000000002": option Partitions does not apply here
	// stream: operator "KSTREAM-SINK-0000000002": no value serde is given and none can be inferred here: pass stream.With(keySerde, valueSerde)
}
