package stream_test

import (
	"fmt"
	"strings"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
)

// When ann moves, she is counted where she lives now, and no longer where she did.
func ExampleKGroupedTable_Count() {
	b := stream.NewBuilder()
	addresses := stream.Table(b, "addresses", text, nil)
	stream.GroupTableBy(addresses, func(name, city string) (string, string) { return city, name }, text).
		Count(stream.InStore("inhabitants", serde.String(), serde.Int64())).
		ToStream().To("inhabitants", nil)

	d := drive(b)
	pipe(d, "addresses", "ann", "Oslo", "bob", "Oslo", "ann", "Rome")
	showAs(d, "inhabitants", serde.String(), serde.Int64())
	// Output:
	// Oslo: 1
	// Oslo: 2
	// Oslo: 1
	// Rome: 1
}

func ExampleKGroupedTable_Reduce() {
	b := stream.NewBuilder()
	numbers := stream.With(serde.String(), serde.Int64())
	stock := stream.Table(b, "stock", numbers, nil)
	stream.GroupTableBy(stock, func(item string, n int64) (string, int64) {
		shop, _, _ := strings.Cut(item, "/")
		return shop, n
	}, numbers).Reduce(
		func(total, n int64) int64 { return total + n },
		func(total, n int64) int64 { return total - n }, nil).
		ToStream().To("totals", nil)

	d := drive(b)
	pipeAs(d, "stock", serde.String(), serde.Int64(), stream.KV("oslo/pen", int64(3)), stream.KV("oslo/book", int64(2)), stream.KV("oslo/pen", int64(1)))
	showAs(d, "totals", serde.String(), serde.Int64())
	// Output:
	// oslo: 3
	// oslo: 5
	// oslo: 3
}

func ExampleGroupTableBy() {
	b := stream.NewBuilder()
	addresses := stream.Table(b, "addresses", text, nil)
	byCity := stream.GroupTableBy(addresses, func(name, city string) (string, string) { return city, name }, text, stream.Named("by-city"))
	stream.AggregateTable(byCity, func() string { return "" },
		func(_, name, all string) string { return all + name + ";" },
		func(_, name, all string) string { return strings.Replace(all, name+";", "", 1) },
		stream.InStore("inhabitants", serde.String(), serde.String())).
		ToStream().To("inhabitants", nil)

	d := drive(b)
	pipe(d, "addresses", "ann", "Oslo", "bob", "Oslo", "ann", "Rome")
	show(d, "inhabitants")
	// Output:
	// Oslo: ann;
	// Oslo: ann;bob;
	// Oslo: bob;
	// Rome: ann;
}

func ExampleTryAggregateTable() {
	b := stream.NewBuilder()
	addresses := stream.Table(b, "addresses", text, nil)
	byCity := stream.GroupTableBy(addresses, func(name, city string) (string, string) { return city, name }, text)
	stream.TryAggregateTable(byCity, func() int64 { return 0 },
		func(city, _ string, n int64) (int64, error) {
			if n == 1 {
				return 0, fmt.Errorf("%s is full", city)
			}
			return n + 1, nil
		},
		func(_, _ string, n int64) (int64, error) { return n - 1, nil },
		stream.InStore("inhabitants", serde.String(), serde.Int64())).
		ToStream().To("inhabitants", nil)

	d := drive(b, skip)
	pipe(d, "addresses", "ann", "Oslo", "bob", "Oslo")
	showAs(d, "inhabitants", serde.String(), serde.Int64())
	// Output:
	// skipped: Oslo is full
	// Oslo: 1
}
