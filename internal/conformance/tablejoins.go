package conformance

import "github.com/streamweir/streamweir/stream"

// joinTables is a join of two tables with keys of a type; how says which.
func joinTables[K any](c *call, how func(l, r ktableOf[K], f joinFunc, m *stream.Materialized[K, value], opts []stream.Option) ktableOf[K]) any {
	left := c.in.node.(ktableOf[K])
	right, ok := c.other().node.(ktableOf[K])
	if !ok {
		c.fail(missing("a join of a table with this"))
		return nil
	}
	return how(left, right, c.joiner(), materializedOf[K](c, c.types), c.named())
}

func innerTables[K any](c *call) any {
	return joinTables(c, func(l, r ktableOf[K], f joinFunc, m *stream.Materialized[K, value], opts []stream.Option) ktableOf[K] {
		return stream.JoinTables(l, r, func(v, w value) value { return f(nil, v, w) }, m, opts...)
	})
}

func leftTables[K any](c *call) any {
	return joinTables(c, func(l, r ktableOf[K], f joinFunc, m *stream.Materialized[K, value], opts []stream.Option) ktableOf[K] {
		return stream.LeftJoinTables(l, r, func(v value, w *value) value { return f(nil, v, absent(w)) }, m, opts...)
	})
}

func outerTables[K any](c *call) any {
	return joinTables(c, func(l, r ktableOf[K], f joinFunc, m *stream.Materialized[K, value], opts []stream.Option) ktableOf[K] {
		return stream.OuterJoinTables(l, r, func(v, w *value) value { return f(nil, absent(v), absent(w)) }, m, opts...)
	})
}

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
	table, other := c.in.node.(ktable).WithSerdes(c.in.serdes()), other.WithSerdes(c.other().serdes())
	if left {
		return stream.LeftJoinForeignKey(table, other, refers, func(v value, w *value) value { return f(nil, v, absent(w)) }, c.stored(c.types), c.named()...)
	}
	return stream.JoinForeignKey(table, other, refers, func(v, w value) value { return f(nil, v, w) }, c.stored(c.types), c.named()...)
}
