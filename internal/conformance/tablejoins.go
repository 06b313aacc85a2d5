package conformance

import "github.com/streamweir/streamweir/stream"

// tableJoin is a join of two tables; how says which.
func tableJoin(how func(l, r ktable, f joinFunc, m *stream.Materialized[value, value], opts []stream.Option) ktable) operator {
	return func(c *call) any {
		other, ok := c.other().node.(ktable)
		if !ok {
			c.fail(missing("a join of a table with this"))
			return nil
		}
		return how(c.table(), other, c.joiner(), c.materialized(c.types), c.named())
	}
}

var (
	innerTables = tableJoin(func(l, r ktable, f joinFunc, m *stream.Materialized[value, value], opts []stream.Option) ktable {
		return stream.JoinTables(l, r, func(v, w value) value { return f(nil, v, w) }, m, opts...)
	})
	leftTables = tableJoin(func(l, r ktable, f joinFunc, m *stream.Materialized[value, value], opts []stream.Option) ktable {
		return stream.LeftJoinTables(l, r, func(v value, w *value) value { return f(nil, v, absent(w)) }, m, opts...)
	})
	outerTables = tableJoin(func(l, r ktable, f joinFunc, m *stream.Materialized[value, value], opts []stream.Option) ktable {
		return stream.OuterJoinTables(l, r, func(v, w *value) value { return f(nil, absent(v), absent(w)) }, m, opts...)
	})
)

// foreignKeys find what an entry of a table refers to.
var foreignKeys = table[valueFunc]{
	"firstChar":    keys["firstChar"],
	"value":        keys["value"],
	"null":         keys["null"],
	"keyFirstChar": simple(func(k, _ value) value { return firstChar(k) }),
	"keyAndFirstChar": simple(func(k, v value) value {
		if firstChar(v) == nil {
			return nil
		}
		return text(k) + text(firstChar(v))
	}),
}

func (c *call) foreignKeyJoin(left bool) any {
	other, ok := c.other().node.(ktable)
	if !ok {
		c.fail(missing("a join of a table with this"))
		return nil
	}
	find := function(c.builder, foreignKeys, "foreign key", c.ForeignKey)
	refers := func(k, v value) (value, bool) { return find(k, v), true } // nil is no key
	f := c.joiner()
	// A table without a serde has Kafka Streams' default one.
	table, other := c.table().WithSerdes(c.in.serdes()), other.WithSerdes(c.other().serdes())
	if left {
		return stream.LeftJoinForeignKey(table, other, refers, func(v value, w *value) value { return f(nil, v, absent(w)) }, c.stored(c.types), c.named()...)
	}
	return stream.JoinForeignKey(table, other, refers, func(v, w value) value { return f(nil, v, w) }, c.stored(c.types), c.named()...)
}
