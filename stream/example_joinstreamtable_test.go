package stream_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

func ExampleJoinTable() {
	b := stream.NewBuilder()
	orders := stream.From(b, "orders", text)
	addresses := stream.Table(b, "addresses", text, nil)
	stream.JoinTable(orders, addresses, func(order, city string) string { return order + " to " + city }, nil).
		To("shipments", text)

	d := drive(b)
	pipe(d, "orders", "ann", "book") // nobody knows where ann lives
	pipe(d, "addresses", "ann", "Oslo")
	pipe(d, "orders", "ann", "pen")
	show(d, "shipments")
	// Output:
	// ann: pen to Oslo
}

func ExampleLeftJoinTable() {
	b := stream.NewBuilder()
	orders := stream.From(b, "orders", text)
	addresses := stream.Table(b, "addresses", text, nil)
	stream.LeftJoinTable(orders, addresses, func(order string, city *string) string {
		if city == nil {
			return order + " to the shop"
		}
		return order + " to " + *city
	}, nil).To("shipments", text)

	d := drive(b)
	pipe(d, "orders", "ann", "book")
	pipe(d, "addresses", "ann", "Oslo")
	pipe(d, "orders", "ann", "pen")
	show(d, "shipments")
	// Output:
	// ann: book to the shop
	// ann: pen to Oslo
}

// Orders have another key than customers, so they are repartitioned.
func ExampleJoinTableWithKey() {
	b := stream.NewBuilder()
	orders := stream.SelectKey(stream.From(b, "orders", text), func(_, customer string) string { return customer })
	customers := stream.Table(b, "customers", stream.With(serde.String(), serde.Int64()), nil)
	stream.JoinTableWithKey(orders, customers, func(name, _ string, age int64) string {
		return fmt.Sprint(name, " is ", age)
	}, text, stream.Named("by-customer")).To("ages", text)

	d := drive(b)
	pipeAs(d, "customers", serde.String(), serde.Int64(), stream.KV("ann", int64(42)))
	pipe(d, "orders", "o1", "ann")
	show(d, "example-by-customer-repartition")
	show(d, "ages")
	// Output:
	// ann: ann
	// ann: ann is 42
}

func ExampleTryJoinTable() {
	b := stream.NewBuilder()
	orders := stream.From(b, "orders", text)
	addresses := stream.Table(b, "addresses", text, nil)
	stream.TryJoinTable(orders, addresses, func(_ context.Context, r topology.Record[string, string], city string) (string, error) {
		if city == "?" {
			return "", errors.New("no address")
		}
		return r.Value + " to " + city, nil
	}, nil).To("shipments", text)

	d := drive(b, skip)
	pipe(d, "addresses", "ann", "?", "bob", "Rome")
	pipe(d, "orders", "ann", "book", "bob", "pen")
	show(d, "shipments")
	// Output:
	// skipped: no address
	// bob: pen to Rome
}
