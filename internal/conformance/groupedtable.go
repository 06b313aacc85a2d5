package conformance

import "github.com/streamweir/streamweir/stream"

type groupedTable = *stream.KGroupedTable[value, value]

var onGroupedTable = map[string]operator{
	"count": func(c *call) any {
		c.types = types{c.in.key, "long"}
		// Counting into the type that all other operators have is the same but for the type.
		plus := func(by int64) aggregateFunc { return func(_, _, n value) value { return number(n) + by } }
		return stream.AggregateTable(c.groupedTable(), inits["zero"](""), plus(1), plus(-1), c.stored(c.types), c.named()...)
	},
	"reduce": func(c *call) any {
		return c.groupedTable().Reduce(function(c.builder, reducers, "adder", c.Adder),
			function(c.builder, reducers, "subtractor", c.Subtractor), c.stored(c.in.types), c.named()...)
	},
	"aggregate": func(c *call) any {
		c.key = c.in.key
		return stream.AggregateTable(c.groupedTable(), function(c.builder, inits, "init", c.Init),
			function(c.builder, aggregators, "adder", c.Adder), function(c.builder, aggregators, "subtractor", c.Subtractor),
			c.stored(c.types), c.named()...)
	},
}

func (c *call) groupedTable() groupedTable { return c.in.node.(groupedTable) }
