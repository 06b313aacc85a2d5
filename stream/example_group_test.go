package stream_test

import (
	"errors"
	"strings"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

func ExampleGroupBy() {
	b := stream.NewBuilder()
	orders := stream.From(b, "orders", text)
	byItem := stream.GroupBy(orders, func(_, item string) string { return item }, text)
	byItem.Count(nil).ToStream().To("counts", nil)

	d := drive(b)
	pipe(d, "orders", "ann", "tea", "bob", "rice", "cid", "tea")
	showAs(d, "counts", serde.String(), serde.Int64())
	// Output:
	// tea: 1
	// rice: 1
	// tea: 2
}

func ExampleKStream_GroupByKey() {
	b := stream.NewBuilder()
	orders := stream.From(b, "orders", text)
	orders.GroupByKey().Count(nil).ToStream().To("counts", nil)

	d := drive(b)
	pipe(d, "orders", "ann", "tea", "bob", "rice", "ann", "rice")
	showAs(d, "counts", serde.String(), serde.Int64())
	// Output:
	// ann: 1
	// bob: 1
	// ann: 2
}

// Behind an operator that may change keys, the serdes of the repartition topic are
// needed if they are not known.
func ExampleKStream_GroupByKeyWith() {
	b := stream.NewBuilder()
	orders := stream.From(b, "orders", text)
	byItem := stream.Map(orders, func(customer, item string) (string, int64) { return item, int64(len(customer)) })
	byItem.GroupByKeyWith(stream.With(serde.String(), serde.Int64()), stream.Named("by-item")).
		Reduce(func(sum, n int64) int64 { return sum + n }, nil).
		ToStream().To("sums", nil)

	d := drive(b)
	pipe(d, "orders", "ann", "tea", "bobby", "tea")
	showAs(d, "sums", serde.String(), serde.Int64())
	// Output:
	// tea: 3
	// tea: 8
}

// Records with a null value take no part.
func ExampleKGroupedStream_Count() {
	b := stream.NewBuilder()
	orders := stream.From(b, "orders", text)
	orders.GroupByKey().
		Count(stream.InStore("counts", serde.String(), serde.Int64())).
		ToStream().To("out", nil)

	d := drive(b)
	pipe(d, "orders", "ann", "tea")
	pipeNull(d, "orders", "ann")
	pipe(d, "orders", "ann", "rice")
	showAs(d, "out", serde.String(), serde.Int64())
	// Output:
	// ann: 1
	// ann: 2
}

func ExampleKGroupedStream_Reduce() {
	b := stream.NewBuilder()
	orders := stream.From(b, "orders", text)
	orders.GroupByKey().
		Reduce(func(sofar, item string) string { return sofar + ", " + item }, stream.InStore("baskets", serde.String(), serde.String())).
		ToStream().To("baskets", nil)

	d := drive(b)
	pipe(d, "orders", "ann", "tea", "bob", "rice", "ann", "salt")
	show(d, "baskets")
	// Output:
	// ann: tea
	// bob: rice
	// ann: tea, salt
}

// A nil aggregate deletes the key.
func ExampleAggregate() {
	type basket struct{ Items []string }
	b := stream.NewBuilder()
	orders := stream.From(b, "orders", text)
	baskets := stream.Aggregate(orders.GroupByKey(),
		func() *basket { return &basket{} },
		func(customer, item string, b *basket) *basket {
			if item == "cancel" {
				return nil
			}
			b.Items = append(b.Items, item)
			return b
		},
		stream.InStore("baskets", serde.String(), serde.JSON[*basket]()))
	baskets.ToStream().To("baskets", nil)

	d := drive(b)
	pipe(d, "orders", "ann", "tea", "ann", "rice", "ann", "cancel", "ann", "salt")
	show(d, "baskets")
	// Output:
	// ann: {"Items":["tea"]}
	// ann: {"Items":["tea","rice"]}
	// ann: null
	// ann: {"Items":["salt"]}
}

func ExampleTryAggregate() {
	b := stream.NewBuilder()
	orders := stream.From(b, "orders", text)
	latest := stream.TryAggregate(orders.GroupByKey(),
		func() int64 { return 0 },
		func(r topology.Record[string, string], sum int64) (int64, error) {
			if strings.Contains(r.Value, "?") {
				return 0, errors.New("a doubtful order")
			}
			return sum + int64(len(r.Value)), nil
		},
		stream.InStore("lengths", serde.String(), serde.Int64()))
	latest.ToStream().To("lengths", nil)

	d := drive(b, skip)
	pipe(d, "orders", "ann", "tea", "ann", "te?", "ann", "rice")
	showAs(d, "lengths", serde.String(), serde.Int64())
	// Output:
	// skipped: a doubtful order
	// ann: 3
	// ann: 7
}
