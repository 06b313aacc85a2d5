package stream_test

import (
	"time"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
)

// An order is joined with the price at the time of the order.
func ExampleMaterialized_Versioned() {
	b := stream.NewBuilder()
	prices := stream.Table(b, "prices", text, stream.InStore("prices", serde.String(), serde.String()).Versioned(time.Hour))
	stream.JoinTable(stream.From(b, "orders", text), prices, func(order, price string) string { return order + " for " + price }, nil).To("bills", text)

	d := drive(b)
	pipeRecordAt(d, "prices", 10_000, "tea", "3 EUR")
	pipeRecordAt(d, "prices", 20_000, "tea", "4 EUR")
	pipeRecordAt(d, "orders", 15_000, "tea", "order 1")
	pipeRecordAt(d, "orders", 20_000, "tea", "order 2")
	show(d, "bills")
	// Output:
	// tea: order 1 for 3 EUR
	// tea: order 2 for 4 EUR
}

// A price that comes up to a minute late is not missed.
func ExampleGracePeriod() {
	b := stream.NewBuilder()
	prices := stream.Table(b, "prices", text, stream.InStore("prices", serde.String(), serde.String()).Versioned(time.Hour))
	stream.JoinTable(stream.From(b, "orders", text), prices, func(order, price string) string { return order + " for " + price }, nil,
		stream.GracePeriod(time.Minute)).To("bills", text)

	d := drive(b)
	pipeRecordAt(d, "orders", 15_000, "tea", "order 1")
	pipeRecordAt(d, "prices", 10_000, "tea", "3 EUR")
	pipeRecordAt(d, "orders", 75_000, "tea", "order 2") // order 1 is a minute old
	show(d, "bills")
	// Output:
	// tea: order 1 for 3 EUR
}
