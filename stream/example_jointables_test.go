package stream_test

import (
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
)

func ExampleJoinTables() {
	b := stream.NewBuilder()
	names := stream.Table(b, "names", text, nil)
	cities := stream.Table(b, "cities", text, nil)
	stream.JoinTables(names, cities, func(name, city string) string { return name + " of " + city }, nil).
		ToStream().To("people", text)

	d := drive(b)
	pipe(d, "names", "1", "Ann")
	pipe(d, "cities", "1", "Oslo", "1", "Rome")
	pipeNull(d, "names", "1")
	show(d, "people")
	// Output:
	// 1: Ann of Oslo
	// 1: Ann of Rome
	// 1: null
}

// The result is kept in a store that can be queried.
func ExampleLeftJoinTables() {
	b := stream.NewBuilder()
	names := stream.Table(b, "names", text, nil)
	cities := stream.Table(b, "cities", text, nil)
	stream.LeftJoinTables(names, cities, func(name string, city *string) string {
		if city == nil {
			return name
		}
		return name + " of " + *city
	}, stream.InStore("people", serde.String(), serde.String())).ToStream().To("people", nil)

	d := drive(b)
	pipe(d, "cities", "1", "Oslo")
	pipe(d, "names", "1", "Ann", "2", "Bob")
	pipeNull(d, "cities", "1")
	show(d, "people")
	// Output:
	// 1: Ann of Oslo
	// 2: Bob
	// 1: Ann
}

func ExampleOuterJoinTables() {
	b := stream.NewBuilder()
	here := stream.Table(b, "stock-here", text, nil)
	there := stream.Table(b, "stock-there", text, nil)
	or := func(n *string) string {
		if n == nil {
			return "none"
		}
		return *n
	}
	stream.OuterJoinTables(here, there, func(a, b *string) string { return or(a) + " here, " + or(b) + " there" }, nil).
		ToStream().To("stock", text)

	d := drive(b)
	pipe(d, "stock-there", "pen", "3")
	pipe(d, "stock-here", "pen", "1")
	pipeNull(d, "stock-there", "pen")
	pipeNull(d, "stock-here", "pen")
	show(d, "stock")
	// Output:
	// pen: none here, 3 there
	// pen: 1 here, 3 there
	// pen: 1 here, none there
	// pen: null
}
