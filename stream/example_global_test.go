package stream_test

import (
	"fmt"
	"strings"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream"
)

// Orders are keyed by customer; their prices are found by the item, whatever partition
// it is in.
func ExampleJoinGlobal() {
	b := stream.NewBuilder()
	prices := stream.GlobalTable(b, "prices", text, nil)
	orders := stream.From(b, "orders", text)
	stream.JoinGlobal(orders, prices,
		func(_, item string) string { return item },
		func(item, price string) string { return item + " at " + price }).To("priced", text)

	d := drive(b)
	pipe(d, "prices", "tea", "3", "rice", "2")
	pipe(d, "orders", "ann", "tea", "bob", "salt", "cid", "rice")
	show(d, "priced")
	// Output:
	// ann: tea at 3
	// cid: rice at 2
}

func ExampleLeftJoinGlobal() {
	b := stream.NewBuilder()
	prices := stream.GlobalTable(b, "prices", text, stream.InStore("prices", serde.String(), serde.String()))
	stream.LeftJoinGlobal(stream.From(b, "orders", text), prices,
		func(_, item string) string { return item },
		func(item string, price *string) string {
			if price == nil {
				return item + " has no price"
			}
			return item + " at " + *price
		}).To("priced", text)

	d := drive(b)
	pipe(d, "prices", "tea", "3")
	pipe(d, "orders", "ann", "tea", "bob", "salt")
	show(d, "priced")
	// Output:
	// ann: tea at 3
	// bob: salt has no price
}

// What a store has is made by a processor; upperStore puts values in capitals.
func ExampleAddGlobalStore() {
	b := stream.NewBuilder()
	stream.AddGlobalStore(b, store.KeyValue("upper", serde.String(), serde.String()), "names", text, func() *upperStore { return &upperStore{} })
	stream.Process(stream.From(b, "in", text), func() *lookup { return &lookup{} }).To("out", text)

	d := drive(b)
	pipe(d, "names", "a", strings.ToLower("ANN"))
	pipe(d, "in", "1", "a", "2", "b")
	show(d, "out")
	// Output:
	// 1: a=ANN
	// 2: b=nothing
}

// A global table always has a store.
func ExampleGlobalKTable_StoreName() {
	b := stream.NewBuilder()
	named := stream.GlobalTable(b, "rates", text, stream.InStore("rates", serde.String(), serde.String()))
	fmt.Println(named.StoreName())
	fmt.Println(stream.GlobalTable(b, "names", text, nil).StoreName())
	// Output:
	// rates
	// names-STATE-STORE-0000000002
}
