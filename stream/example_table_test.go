package stream_test

import (
	"fmt"
	"strings"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
)

func ExampleTable() {
	b := stream.NewBuilder()
	addresses := stream.Table(b, "addresses", text, stream.InStore("addresses", serde.String(), serde.String()))
	addresses.ToStream().To("changes", nil)

	d := drive(b)
	pipe(d, "addresses", "ann", "Oslo", "ann", "Rome")
	pipeNull(d, "addresses", "ann")
	show(d, "changes")
	// Output:
	// ann: Oslo
	// ann: Rome
	// ann: null
}

func ExampleKStream_ToTable() {
	b := stream.NewBuilder()
	moves := stream.From(b, "moves", text)
	addresses := moves.Filter(func(_, city string) bool { return city != "?" }).
		ToTable(stream.InStore("addresses", serde.String(), serde.String()))
	addresses.ToStream().To("addresses", nil)

	d := drive(b)
	pipe(d, "moves", "ann", "Oslo", "ann", "?", "ann", "Rome")
	show(d, "addresses")
	// Output:
	// ann: Oslo
	// ann: Rome
}

func ExampleKTable_ToStream() {
	b := stream.NewBuilder()
	stream.Table(b, "addresses", text, nil).ToStream().To("changes", nil)

	d := drive(b)
	pipe(d, "addresses", "ann", "Oslo", "bob", "Rome")
	show(d, "changes")
	// Output:
	// ann: Oslo
	// bob: Rome
}

// An entry that is no longer part of the result is deleted from it.
func ExampleKTable_Filter() {
	b := stream.NewBuilder()
	addresses := stream.Table(b, "addresses", text, stream.InStore("addresses", serde.String(), serde.String()))
	addresses.Filter(func(_, city string) bool { return city == "Oslo" }).ToStream().To("in-oslo", nil)

	d := drive(b)
	pipe(d, "addresses", "ann", "Oslo", "bob", "Rome", "ann", "Rome")
	show(d, "in-oslo")
	// Output:
	// ann: Oslo
	// ann: null
}

func ExampleKTable_FilterNot() {
	b := stream.NewBuilder()
	addresses := stream.Table(b, "addresses", text, stream.InStore("addresses", serde.String(), serde.String()))
	addresses.FilterNot(func(_, city string) bool { return city == "Rome" }).ToStream().To("not-in-rome", nil)

	d := drive(b)
	pipe(d, "addresses", "ann", "Oslo", "bob", "Rome", "ann", "Rome")
	show(d, "not-in-rome")
	// Output:
	// ann: Oslo
	// ann: null
}

func ExampleKTable_FilterInto() {
	b := stream.NewBuilder()
	stream.Table(b, "addresses", text, nil).
		FilterInto(func(_, city string) bool { return city == "Oslo" }, stream.InStore("in-oslo", serde.String(), serde.String())).
		ToStream().To("out", nil)

	d := drive(b)
	pipe(d, "addresses", "ann", "Oslo", "ann", "Rome")
	show(d, "out")
	// Output:
	// ann: Oslo
	// ann: null
}

// The function is not called for deletions.
func ExampleMapTableValues() {
	b := stream.NewBuilder()
	addresses := stream.Table(b, "addresses", text, nil)
	stream.MapTableValues(addresses, strings.ToUpper).ToStream().To("out", text)

	d := drive(b)
	pipe(d, "addresses", "ann", "Oslo")
	pipeNull(d, "addresses", "ann")
	show(d, "out")
	// Output:
	// ann: OSLO
	// ann: null
}

func ExampleMapTableValuesInto() {
	b := stream.NewBuilder()
	addresses := stream.Table(b, "addresses", text, nil)
	stream.MapTableValuesInto(addresses, func(name, city string) int64 { return int64(len(name) + len(city)) },
		stream.InStore("lengths", serde.String(), serde.Int64())).
		ToStream().To("lengths", nil)

	d := drive(b)
	pipe(d, "addresses", "ann", "Oslo")
	showAs(d, "lengths", serde.String(), serde.Int64())
	// Output:
	// ann: 7
}

// A store can be queried if it was given a name.
func ExampleKTable_StoreName() {
	b := stream.NewBuilder()
	addresses := stream.Table(b, "addresses", text, stream.InStore("addresses", serde.String(), serde.String()))
	oslo := addresses.Filter(func(_, city string) bool { return city == "Oslo" })
	fmt.Printf("%q %q\n", addresses.StoreName(), oslo.StoreName())
	// Output:
	// "addresses" ""
}
