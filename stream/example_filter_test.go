package stream_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

func ExampleKStream_Filter() {
	b := stream.NewBuilder()
	orders := stream.From(b, "orders", text)
	orders.Filter(func(customer, item string) bool { return item != "gift" }).To("paid", nil)

	d := drive(b)
	pipe(d, "orders", "ann", "tea", "bob", "gift", "cid", "rice")
	show(d, "paid")
	// Output:
	// ann: tea
	// cid: rice
}

func ExampleKStream_FilterNot() {
	b := stream.NewBuilder()
	orders := stream.From(b, "orders", text)
	orders.FilterNot(func(customer, item string) bool { return item == "gift" }).To("paid", nil)

	d := drive(b)
	pipe(d, "orders", "ann", "tea", "bob", "gift", "cid", "rice")
	show(d, "paid")
	// Output:
	// ann: tea
	// cid: rice
}

// An error goes to the error handler, which leaves the record out here.
func ExampleKStream_TryFilter() {
	b := stream.NewBuilder()
	orders := stream.From(b, "orders", text)
	orders.TryFilter(func(_ context.Context, r topology.Record[string, string]) (bool, error) {
		if r.Value == "" {
			return false, errors.New("an order without an item")
		}
		return r.Value != "gift", nil
	}).To("paid", nil)

	d := drive(b, skip)
	pipe(d, "orders", "ann", "tea", "bob", "", "cid", "rice")
	show(d, "paid")
	// Output:
	// skipped: an order without an item
	// ann: tea
	// cid: rice
}

func ExampleKStream_Peek() {
	b := stream.NewBuilder()
	stream.From(b, "orders", text).
		Peek(func(customer, item string) { fmt.Println(customer, "orders", item) }).
		To("out", nil)

	d := drive(b)
	pipe(d, "orders", "ann", "tea")
	show(d, "out")
	// Output:
	// ann orders tea
	// ann: tea
}

// With TryPeek a record can be refused, and its headers and timestamp are seen.
func ExampleKStream_TryPeek() {
	b := stream.NewBuilder()
	stream.From(b, "orders", text).
		TryPeek(func(_ context.Context, r topology.Record[string, string]) error {
			if strings.ContainsRune(r.Value, '?') {
				return fmt.Errorf("what is %q", r.Value)
			}
			return nil
		}).
		To("out", nil)

	d := drive(b, skip)
	pipe(d, "orders", "ann", "tea", "bob", "te?")
	show(d, "out")
	// Output:
	// skipped: what is "te?"
	// ann: tea
}

func ExampleKStream_Foreach() {
	b := stream.NewBuilder()
	stream.From(b, "orders", text).
		Foreach(func(customer, item string) { fmt.Println(customer, "orders", item) })

	d := drive(b)
	pipe(d, "orders", "ann", "tea", "bob", "rice")
	// Output:
	// ann orders tea
	// bob orders rice
}

func ExampleKStream_TryForeach() {
	b := stream.NewBuilder()
	stream.From(b, "orders", text).
		TryForeach(func(_ context.Context, r topology.Record[string, string]) error {
			if r.NullKey {
				return errors.New("nobody orders " + r.Value)
			}
			fmt.Println(r.Key, "orders", r.Value)
			return nil
		})

	d := drive(b, skip)
	pipe(d, "orders", "ann", "tea")
	pipeNullKey(d, "orders", "rice")
	// Output:
	// ann orders tea
	// skipped: nobody orders rice
}
