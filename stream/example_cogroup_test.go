package stream_test

import (
	"fmt"
	"time"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

// One table of what customers put into their cart and what they took out.
func ExampleCogroup() {
	b := stream.NewBuilder()
	put := stream.From(b, "put", text).GroupByKey()
	took := stream.From(b, "took", stream.With(serde.String(), serde.Int64())).GroupByKey()
	carts := stream.Cogroup(put, func(_, item string, cart string) string { return cart + " +" + item })
	carts = stream.CogroupWith(carts, took, func(_ string, n int64, cart string) string { return fmt.Sprint(cart, " -", n) })
	carts.Aggregate(func() string { return "cart:" }, stream.InStore("carts", serde.String(), serde.String())).
		ToStream().To("carts", nil)

	d := drive(b)
	pipe(d, "put", "ann", "tea", "bob", "rice")
	pipeAs(d, "took", serde.String(), serde.Int64(), stream.KV("ann", int64(1)))
	show(d, "carts")
	// Output:
	// ann: cart: +tea
	// bob: cart: +rice
	// ann: cart: +tea -1
}

func ExampleTryCogroupWith() {
	b := stream.NewBuilder()
	clicks := stream.From(b, "clicks", text).GroupByKey()
	pages := stream.TryCogroupWith(nil, clicks, func(r topology.Record[string, string], pages string) (string, error) {
		return addPage(r, pages)
	})
	pages.Aggregate(func() string { return "" }, stream.Stored(serde.String(), serde.String())).ToStream().To("pages", nil)

	d := drive(b, skip)
	pipe(d, "clicks", "ann", "home", "ann", "", "ann", "cart")
	show(d, "pages")
	// Output:
	// skipped: a click without a page
	// ann: /home
	// ann: /home/cart
}

func ExampleCogroupWindowedBy() {
	b := stream.NewBuilder()
	visits := func(_, page string, sofar string) string { return sofar + "/" + page }
	both := stream.Cogroup(stream.From(b, "web", text).GroupByKey(), visits)
	both = stream.CogroupWith(both, stream.From(b, "app", text).GroupByKey(), visits)
	stream.CogroupWindowedBy(both, stream.Tumbling(time.Minute)).
		Aggregate(func() string { return "" }, stream.Stored(serde.String(), serde.String())).
		ToStream().To("visits", nil)

	d := drive(b)
	clicks(d, "web", "ann", "home", 0)
	clicks(d, "app", "ann", "cart", 10, "ann", "home", 70)
	showWindows(d, "visits", stream.TimeWindowed(serde.String(), time.Minute), serde.String())
	// Output:
	// ann, 0 to 60: /home
	// ann, 0 to 60: /home/cart
	// ann, 60 to 120: /home
}

func ExampleCogroupSessionWindowedBy() {
	b := stream.NewBuilder()
	visits := func(_, page string, sofar string) string { return sofar + "/" + page }
	both := stream.Cogroup(stream.From(b, "web", text).GroupByKey(), visits)
	both = stream.CogroupWith(both, stream.From(b, "app", text).GroupByKey(), visits)
	stream.CogroupSessionWindowedBy(both, stream.Sessions(time.Minute)).
		Aggregate(func() string { return "" }, func(_, a, b string) string { return a + b }, stream.Stored(serde.String(), serde.String())).
		ToStream().To("visits", nil)

	d := drive(b)
	clicks(d, "web", "ann", "home", 0)
	clicks(d, "app", "ann", "cart", 50)
	showWindows(d, "visits", stream.SessionWindowed(serde.String()), serde.String())
	// Output:
	// ann, 0 to 0: /home
	// ann, 0 to 0: null
	// ann, 0 to 50: /home/cart
}
