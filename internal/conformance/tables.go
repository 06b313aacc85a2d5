package conformance

import "github.com/streamweir/streamweir/stream"

var onTable = map[string]operator{
	"filter": func(c *call) any {
		return c.filter(function(c.builder, predicates, "predicate", c.Fn))
	},
	"filterNot": func(c *call) any {
		f := function(c.builder, predicates, "predicate", c.Fn)
		if c.Materialized == nil {
			return c.table().FilterNot(f, c.named()...)
		}
		return c.filter(func(k, v value) bool { return !f(k, v) })
	},
	"mapValues": func(c *call) any {
		f := function(c.builder, values, "value", c.Fn)
		switch m := c.materialized(c.types); {
		case m != nil:
			return stream.MapTableValuesInto(c.table(), f, m, c.named()...)
		case needsKey(c.Fn):
			return stream.MapTableValuesWithKey(c.table(), f, c.named()...)
		}
		return stream.MapTableValues(c.table(), func(v value) value { return f(nil, v) }, c.named()...)
	},
	"join":               innerTables,
	"leftJoin":           leftTables,
	"outerJoin":          outerTables,
	"foreignKeyJoin":     func(c *call) any { return c.foreignKeyJoin(false) },
	"foreignKeyLeftJoin": func(c *call) any { return c.foreignKeyJoin(true) },
	"transformValues": func(c *call) any {
		return stream.TransformTableValues[value, value, value](c.table(), c.transformer(), c.materialized(c.types), c.processOptions()...)
	},
	"groupBy": func(c *call) any {
		return stream.GroupTableBy(c.table(), function(c.builder, pairs, "pair", c.Fn), c.serdes(), named(c.Grouped)...)
	},
	"suppress": func(c *call) any {
		return c.table().SuppressWith(c.suppressed(), c.in.serdes(), c.named()...)
	},
	"toStream": func(c *call) any {
		s := c.table().ToStream(c.named()...)
		if c.Fn == "" {
			return s
		}
		// Kafka Streams' toStream with a function is no more than this.
		return stream.SelectKey(s, function(c.builder, keys, "key", c.Fn))
	},
}

func (c *call) table() ktable { return c.in.node.(ktable) }

func (c *call) filter(f predicateFunc) ktable {
	if m := c.materialized(c.in.types); m != nil {
		return c.table().FilterInto(f, m, c.named()...)
	}
	return c.table().Filter(f, c.named()...)
}
