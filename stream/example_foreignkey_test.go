package stream_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
)

// customerOf is what the orders of these examples refer to: "ann:book" to ann.
func customerOf(_, order string) (string, bool) {
	customer, _, ok := strings.Cut(order, ":")
	return customer, ok
}

// Orders refer to customers. When a customer moves, all her orders change.
func ExampleJoinForeignKey() {
	b := stream.NewBuilder()
	orders := stream.Table(b, "orders", text, nil)
	cities := stream.Table(b, "cities", text, nil)
	stream.JoinForeignKey(orders, cities, customerOf, func(order, city string) string { return order + " to " + city },
		stream.InStore("shipments", serde.String(), serde.String()), stream.Named("ship")).
		ToStream().To("shipments", nil)

	d := drive(b)
	pipe(d, "orders", "1", "ann:book", "2", "ann:pen", "3", "bob:cup")
	pipe(d, "cities", "ann", "Oslo", "ann", "Rome")
	pipe(d, "orders", "1", "bob:book")
	show(d, "shipments")
	// Output:
	// 1: ann:book to Oslo
	// 2: ann:pen to Oslo
	// 1: ann:book to Rome
	// 2: ann:pen to Rome
	// 1: null
}

func ExampleLeftJoinForeignKey() {
	b := stream.NewBuilder()
	orders := stream.Table(b, "orders", text, nil)
	cities := stream.Table(b, "cities", text, nil)
	stream.LeftJoinForeignKey(orders, cities, customerOf, func(order string, city *string) string {
		if city == nil {
			return order + " to the shop"
		}
		return order + " to " + *city
	}, nil).ToStream().To("shipments", text)

	d := drive(b)
	pipe(d, "orders", "1", "ann:book", "2", "gift")
	pipe(d, "cities", "ann", "Oslo")
	pipeNull(d, "cities", "ann")
	show(d, "shipments")
	// Output:
	// 1: ann:book to the shop
	// 2: gift to the shop
	// 1: ann:book to Oslo
	// 1: ann:book to the shop
}

// The topic of cities is partitioned by the first letter, so what refers to one must
// go where its letter is.
func ExampleKTable_PartitionedBy() {
	b := stream.NewBuilder()
	orders := stream.Table(b, "orders", text, nil)
	cities := stream.Table(b, "cities", text, nil).PartitionedBy(func(_, name string, n int32) int32 {
		return int32(name[0]) % n
	})
	stream.JoinForeignKey(orders, cities, customerOf, func(order, city string) string { return order + " to " + city }, nil).
		ToStream().To("shipments", text)

	d := drive(b)
	pipe(d, "cities", "ann", "Oslo")
	pipe(d, "orders", "1", "ann:book")
	show(d, "shipments")
	// Output:
	// 1: ann:book to Oslo
}

// Orders whose customer cannot be told go to the error handler.
func ExampleTryJoinForeignKey() {
	b := stream.NewBuilder()
	orders := stream.Table(b, "orders", text, nil)
	cities := stream.Table(b, "cities", text, nil)
	stream.TryJoinForeignKey(orders, cities, func(_ context.Context, id, order string) (string, bool, error) {
		customer, ok := customerOf(id, order)
		if !ok {
			return "", false, fmt.Errorf("order %s has no customer", id)
		}
		return customer, true, nil
	}, func(_ context.Context, id, order, city string) (string, error) {
		if city == "-" {
			return "", fmt.Errorf("order %s goes nowhere", id)
		}
		return order + " to " + city, nil
	}, nil).ToStream().To("shipments", text)

	d := drive(b, skip)
	pipe(d, "cities", "ann", "Oslo", "bob", "-")
	pipe(d, "orders", "1", "ann:book", "2", "gift", "3", "bob:cup")
	show(d, "shipments")
	// Output:
	// skipped: order 2 has no customer
	// skipped: order 3 goes nowhere
	// 1: ann:book to Oslo
}

func ExampleTryLeftJoinForeignKey() {
	b := stream.NewBuilder()
	orders := stream.Table(b, "orders", text, nil)
	cities := stream.Table(b, "cities", text, nil)
	stream.TryLeftJoinForeignKey(orders, cities, func(_ context.Context, id, order string) (string, bool, error) {
		customer, ok := customerOf(id, order)
		return customer, ok, nil
	}, func(_ context.Context, id, order string, city *string) (string, error) {
		if city == nil {
			return "", fmt.Errorf("order %s goes nowhere", id)
		}
		return order + " to " + *city, nil
	}, nil).ToStream().To("shipments", text)

	d := drive(b, skip)
	pipe(d, "cities", "ann", "Oslo")
	pipe(d, "orders", "1", "ann:book", "2", "gift")
	show(d, "shipments")
	// Output:
	// skipped: order 2 goes nowhere
	// 1: ann:book to Oslo
}
