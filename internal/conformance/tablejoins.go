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
