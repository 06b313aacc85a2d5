package stream_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

func ExampleMap() {
	b := stream.NewBuilder()
	orders := stream.From(b, "orders", text)
	stream.Map(orders, func(customer, item string) (string, int64) { return item, int64(len(customer)) }).
		To("out", stream.With(serde.String(), serde.Int64()))

	d := drive(b)
	pipe(d, "orders", "ann", "tea", "bobby", "rice")
	showAs(d, "out", serde.String(), serde.Int64())
	// Output:
	// tea: 3
	// rice: 5
}

func ExampleTryMap() {
	b := stream.NewBuilder()
	orders := stream.From(b, "orders", text)
	stream.TryMap(orders, func(_ context.Context, r topology.Record[string, string]) (stream.KeyValue[string, int64], error) {
		item, count, _ := strings.Cut(r.Value, " ")
		n, err := strconv.ParseInt(count, 10, 64)
		return stream.KV(item, n), err
	}).To("out", stream.With(serde.String(), serde.Int64()))

	d := drive(b, skip)
	pipe(d, "orders", "ann", "tea 2", "bob", "rice lots", "cid", "rice 3")
	showAs(d, "out", serde.String(), serde.Int64())
	// Output:
	// skipped: strconv.ParseInt: parsing "lots": invalid syntax
	// tea: 2
	// rice: 3
}

func ExampleSelectKey() {
	b := stream.NewBuilder()
	orders := stream.From(b, "orders", text)
	stream.SelectKey(orders, func(_, item string) string { return item }).To("by-item", text)

	d := drive(b)
	pipe(d, "orders", "ann", "tea", "bob", "rice")
	show(d, "by-item")
	// Output:
	// tea: tea
	// rice: rice
}

func ExampleTrySelectKey() {
	b := stream.NewBuilder()
	orders := stream.From(b, "orders", text)
	stream.TrySelectKey(orders, func(_ context.Context, r topology.Record[string, string]) (string, error) {
		item, _, ok := strings.Cut(r.Value, " ")
		if !ok {
			return "", fmt.Errorf("no count in %q", r.Value)
		}
		return item, nil
	}).To("by-item", text)

	d := drive(b, skip)
	pipe(d, "orders", "ann", "tea 2", "bob", "rice")
	show(d, "by-item")
	// Output:
	// skipped: no count in "rice"
	// tea: tea 2
}

func ExampleMapValues() {
	b := stream.NewBuilder()
	orders := stream.From(b, "orders", text)
	stream.MapValues(orders, strings.ToUpper).To("out", text)

	d := drive(b)
	pipe(d, "orders", "ann", "tea", "bob", "rice")
	show(d, "out")
	// Output:
	// ann: TEA
	// bob: RICE
}

func ExampleMapValuesWithKey() {
	b := stream.NewBuilder()
	orders := stream.From(b, "orders", text)
	stream.MapValuesWithKey(orders, func(customer, item string) string { return item + " for " + customer }).To("out", text)

	d := drive(b)
	pipe(d, "orders", "ann", "tea")
	show(d, "out")
	// Output:
	// ann: tea for ann
}

func ExampleTryMapValues() {
	b := stream.NewBuilder()
	counts := stream.From(b, "counts", text)
	stream.TryMapValues(counts, func(_ context.Context, r topology.Record[string, string]) (int64, error) {
		return strconv.ParseInt(r.Value, 10, 64)
	}).To("numbers", stream.With(serde.String(), serde.Int64()))

	d := drive(b, skip)
	pipe(d, "counts", "tea", "12", "rice", "a dozen")
	showAs(d, "numbers", serde.String(), serde.Int64())
	// Output:
	// skipped: strconv.ParseInt: parsing "a dozen": invalid syntax
	// tea: 12
}

func ExampleFlatMap() {
	b := stream.NewBuilder()
	baskets := stream.From(b, "baskets", text)
	stream.FlatMap(baskets, func(customer, items string) []stream.KeyValue[string, string] {
		var orders []stream.KeyValue[string, string]
		for item := range strings.FieldsSeq(items) {
			orders = append(orders, stream.KV(item, customer))
		}
		return orders
	}).To("by-item", text)

	d := drive(b)
	pipe(d, "baskets", "ann", "tea rice", "bob", "", "cid", "tea")
	show(d, "by-item")
	// Output:
	// tea: ann
	// rice: ann
	// tea: cid
}

func ExampleTryFlatMap() {
	b := stream.NewBuilder()
	baskets := stream.From(b, "baskets", text)
	stream.TryFlatMap(baskets, func(_ context.Context, r topology.Record[string, string]) ([]stream.KeyValue[string, string], error) {
		var orders []stream.KeyValue[string, string]
		for item := range strings.SplitSeq(r.Value, ",") {
			if item == "" {
				return nil, fmt.Errorf("an empty item in %q", r.Value)
			}
			orders = append(orders, stream.KV(item, r.Key))
		}
		return orders, nil
	}).To("by-item", text)

	d := drive(b, skip)
	pipe(d, "baskets", "ann", "tea,rice", "bob", "tea,,rice")
	show(d, "by-item")
	// Output:
	// skipped: an empty item in "tea,,rice"
	// tea: ann
	// rice: ann
}

func ExampleFlatMapValues() {
	b := stream.NewBuilder()
	lines := stream.From(b, "lines", text)
	stream.FlatMapValues(lines, strings.Fields).To("words", text)

	d := drive(b)
	pipe(d, "lines", "1", "to be or", "2", "", "3", "not to be")
	show(d, "words")
	// Output:
	// 1: to
	// 1: be
	// 1: or
	// 3: not
	// 3: to
	// 3: be
}

func ExampleFlatMapValuesWithKey() {
	b := stream.NewBuilder()
	lines := stream.From(b, "lines", text)
	stream.FlatMapValuesWithKey(lines, func(author, line string) []string {
		if author == "" {
			return nil
		}
		return strings.Fields(line)
	}).To("words", text)

	d := drive(b)
	pipe(d, "lines", "will", "to be", "", "or not")
	show(d, "words")
	// Output:
	// will: to
	// will: be
}

func ExampleTryFlatMapValues() {
	b := stream.NewBuilder()
	lines := stream.From(b, "lines", text)
	stream.TryFlatMapValues(lines, func(_ context.Context, r topology.Record[string, string]) ([]string, error) {
		if len(r.Value) > 10 {
			return nil, fmt.Errorf("line %s is too long", r.Key)
		}
		return strings.Fields(r.Value), nil
	}).To("words", text)

	d := drive(b, skip)
	pipe(d, "lines", "1", "to be", "2", "or not to be")
	show(d, "words")
	// Output:
	// skipped: line 2 is too long
	// 1: to
	// 1: be
}
