package stream_test

import (
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/streamweir/streamweir/internal/avrogen/golden"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/serde/avro"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/streamtest"
)

// Lines of orders are folded into one for each product, and none is kept: each line, and
// each sum, is read into the one before.
func ExampleSerdes_ReuseValues() {
	fake := srfake.New()
	defer fake.Close()
	registry := avro.NewRegistry(fake.URL(), avro.Config{})
	defer registry.Close()
	lines := avro.Of[*golden.Line](registry) // a type that was generated

	b := stream.NewBuilder()
	input := stream.From(b, "lines", stream.With(serde.String(), lines).ReuseValues())
	sums := input.GroupByKey().Reduce(func(sum, line *golden.Line) *golden.Line {
		sum.Quantity += line.Quantity
		return sum
	}, stream.InStore("sums", serde.String(), lines).ReuseValues())
	stream.MapTableValues(sums, func(sum *golden.Line) int32 { return sum.Quantity }).ToStream().
		To("quantities", stream.With(serde.String(), serde.Int32()))

	d := drive(b)
	in := streamtest.NewInput(d, "lines", serde.String(), lines)
	for _, quantity := range []int32{1, 2, 3} {
		check(in.Pipe("tea", &golden.Line{SKU: "tea", Quantity: quantity}))
	}
	showAs(d, "quantities", serde.String(), serde.Int32())
	// Output:
	// tea: 1
	// tea: 3
	// tea: 6
}
