package conformance

import (
	"maps"

	"github.com/streamweir/streamweir/stream"
)

var (
	onTable         = and(tableOperators[value](), onTableOfValues)
	onWindowedTable = tableOperators[windowedKey]()

	onTableOfValues = map[string]operator{
		"foreignKeyJoin":     func(c *call) any { return c.foreignKeyJoin(false) },
		"foreignKeyLeftJoin": func(c *call) any { return c.foreignKeyJoin(true) },
	}
)

// and is all operators of two maps.
func and(a, b map[string]operator) map[string]operator {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// tableOperators are the operators of a table with keys of a type. Functions that a
// scenario names are given keys as values.
func tableOperators[K any]() map[string]operator {
	table := func(c *call) ktableOf[K] { return c.in.node.(ktableOf[K]) }
	filter := func(c *call, f predicateFunc, not bool) any {
		keep := func(k K, v value) bool { return f(k, v) != not }
		switch m := materializedOf[K](c, c.in.types); {
		case m != nil:
			return table(c).FilterInto(keep, m, c.named()...)
		case not:
			return table(c).FilterNot(func(k K, v value) bool { return f(k, v) }, c.named()...)
		default:
			return table(c).Filter(keep, c.named()...)
		}
	}
	return map[string]operator{
		"filter": func(c *call) any {
			return filter(c, function(c.builder, predicates, "predicate", c.Fn), false)
		},
		"filterNot": func(c *call) any {
			return filter(c, function(c.builder, predicates, "predicate", c.Fn), true)
		},
		"mapValues": func(c *call) any {
			f := function(c.builder, values, "value", c.Fn)
			withKey := func(k K, v value) value { return f(k, v) }
			switch m := materializedOf[K](c, c.types); {
			case m != nil:
				return stream.MapTableValuesInto(table(c), withKey, m, c.named()...)
			case needsKey(c.Fn):
				return stream.MapTableValuesWithKey(table(c), withKey, c.named()...)
			}
			return stream.MapTableValues(table(c), func(v value) value { return f(nil, v) }, c.named()...)
		},
		"join":      innerTables[K],
		"leftJoin":  leftTables[K],
		"outerJoin": outerTables[K],
		"transformValues": func(c *call) any {
			return stream.TransformTableValues[K, value, value](table(c), transformerOf[K](c), materializedOf[K](c, c.types), c.processOptions()...)
		},
		"groupBy": func(c *call) any {
			f := function(c.builder, pairs, "pair", c.Fn)
			return stream.GroupTableBy(table(c), func(k K, v value) (value, value) { return f(k, v) }, c.serdes(), named(c.Grouped)...)
		},
		"suppress": func(c *call) any {
			return table(c).SuppressWith(c.suppressed(), serdesOf[K](c.in.types), c.named()...)
		},
		"toStream": func(c *call) any {
			s := table(c).ToStream(c.named()...)
			if c.Fn == "" {
				return s
			}
			// Kafka Streams' toStream with a function is no more than this.
			f := function(c.builder, keys, "key", c.Fn)
			return stream.SelectKey(s, func(k K, v value) value { return f(k, v) })
		},
	}
}
