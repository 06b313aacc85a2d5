package stream_test

import (
	"context"
	"errors"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

// price asks a service; the function may wait, and may fail.
func price(_ context.Context, product string) (int64, error) {
	prices := map[string]int64{"tea": 3, "rice": 2}
	if p, ok := prices[product]; ok {
		return p, nil
	}
	return 0, errors.New("no price for " + product)
}

func ExampleAsyncMapValues() {
	b := stream.NewBuilder()
	orders := stream.From(b, "orders", text)
	stream.AsyncMapValues(orders, 16, func(ctx context.Context, r topology.Record[string, string]) (int64, error) {
		return price(ctx, r.Value)
	}).To("prices", stream.With(serde.String(), serde.Int64()))

	d := drive(b)
	pipe(d, "orders", "ann", "tea", "bob", "rice")
	showAs(d, "prices", serde.String(), serde.Int64())
	// Output:
	// ann: 3
	// bob: 2
}
