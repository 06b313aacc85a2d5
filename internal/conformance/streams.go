package conformance

import (
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

var (
	onStream         = and(streamOperators[value](), onStreamOfValues)
	onWindowedStream = streamOperators[windowedKey]()
)

// streamOperators are the operators of a stream with keys of a type. Functions that a
// scenario names are given keys as values. Operators that change neither type leave
// the call's types as they are: the scenario gives them none, so they are inherited.
func streamOperators[K any]() map[string]operator {
	in := func(c *call) kstreamOf[K] { return c.in.node.(kstreamOf[K]) }
	return map[string]operator{
		"filter": func(c *call) any {
			f := function(c.builder, predicates, "predicate", c.Fn)
			return in(c).Filter(func(k K, v value) bool { return f(k, v) }, c.named()...)
		},
		"filterNot": func(c *call) any {
			f := function(c.builder, predicates, "predicate", c.Fn)
			return in(c).FilterNot(func(k K, v value) bool { return f(k, v) }, c.named()...)
		},
		"mapValues": func(c *call) any {
			f := function(c.builder, values, "value", c.Fn)
			if needsKey(c.Fn) {
				return stream.MapValuesWithKey(in(c), func(k K, v value) value { return f(k, v) }, c.named()...)
			}
			return stream.MapValues(in(c), func(v value) value { return f(nil, v) }, c.named()...)
		},
		"map": func(c *call) any {
			f := function(c.builder, pairs, "pair", c.Fn)
			return stream.Map(in(c), func(k K, v value) (value, value) { return f(k, v) }, c.named()...)
		},
		"flatMap": func(c *call) any {
			f := function(c.builder, pairLists, "pairs", c.Fn)
			return stream.FlatMap(in(c), func(k K, v value) []stream.KeyValue[value, value] { return f(k, v) }, c.named()...)
		},
		"flatMapValues": func(c *call) any {
			f := function(c.builder, valueLists, "values", c.Fn)
			if needsKey(c.Fn) {
				return stream.FlatMapValuesWithKey(in(c), func(k K, v value) []value { return f(k, v) }, c.named()...)
			}
			return stream.FlatMapValues(in(c), func(v value) []value { return f(nil, v) }, c.named()...)
		},
		"selectKey": func(c *call) any {
			f := function(c.builder, keys, "key", c.Fn)
			return stream.SelectKey(in(c), func(k K, v value) value { return f(k, v) }, c.named()...)
		},
		"peek": func(c *call) any {
			f := c.calls.call(c.ID)
			return in(c).Peek(func(k K, v value) { f(k, v) }, c.named()...)
		},
		"foreach": func(c *call) any {
			f := c.calls.call(c.ID)
			in(c).Foreach(func(k K, v value) { f(k, v) }, c.named()...)
			return nil
		},
		"merge": func(c *call) any {
			other, ok := c.other().node.(kstreamOf[K])
			if !ok {
				return nil // other reported it
			}
			return in(c).Merge(other, c.named()...)
		},
		"repartition": func(c *call) any {
			opts := c.named()
			if c.Partitions != 0 {
				opts = append(opts, stream.Partitions(c.Partitions))
			}
			return in(c).Repartition(serdesOf[K](c.in.types), opts...)
		},
		"to": func(c *call) any {
			with := serdesOf[K](c.in.types)
			if c.Partitioner != "" {
				f := function(c.builder, partitioners, "partitioner", c.Partitioner)
				with = with.Partitioner(func(topic string, r topology.Record[K, value], n int32) ([]int32, bool) {
					return f(topic, recordOf(r), n)
				})
			}
			c.produces(c.in.types)
			if c.Fn != "" {
				name, _ := split(c.Fn)
				f := function(c.builder, topics, "topic", c.Fn)
				in(c).ToDynamic(name, func(r topology.Record[K, value]) string { return f(recordOf(r)) }, with, c.named()...)
			} else {
				in(c).To(c.Topic.first(), with, c.named()...)
			}
			return nil
		},
		"toTable": func(c *call) any {
			return in(c).ToTable(storedOf[K](c, c.in.types), c.named()...)
		},
		"groupBy": func(c *call) any {
			f := function(c.builder, keys, "key", c.Fn)
			return stream.GroupBy(in(c), func(k K, v value) value { return f(k, v) }, c.serdes(), named(c.Grouped)...)
		},
	}
}

// recordOf is a record as functions that a scenario names see it.
func recordOf[K any](r topology.Record[K, value]) topology.Record[value, value] {
	out := topology.WithKey(r, value(r.Key))
	out.NullKey = r.NullKey
	return out
}

// onStreamOfValues are operators that no scenario has behind a windowed table.
var onStreamOfValues = map[string]operator{
	"split": func(c *call) any { return c.split() },
	"groupByKey": func(c *call) any {
		return c.stream().GroupByKeyWith(c.in.serdes(), named(c.Grouped)...)
	},
	"join":     func(c *call) any { return streamJoin(c, false) },
	"leftJoin": func(c *call) any { return streamJoin(c, true) },
	"outerJoin": func(c *call) any {
		other := c.other()
		if _, ok := other.node.(kstream); !ok {
			return nil // other reported it
		}
		return c.joinStreams(other, "outer")
	},
	"process": func(c *call) any {
		return stream.Process[value, value, value, value](c.stream(), c.supplier(), c.processOptions()...)
	},
	"processValues": func(c *call) any {
		return stream.ProcessValues[value, value, value](c.stream(), c.fixedSupplier(), c.processOptions()...)
	},
}

func (c *call) stream() kstream { return c.in.node.(kstream) }

// produces remembers how to decode the output topics of a sink.
func (c *call) produces(t types) {
	for _, topic := range c.Topic {
		c.sinks[topic] = t
	}
}

// split makes the branches of a split; their ids stand for their streams.
func (c *call) split() any {
	b := c.stream().Split(c.named()...)
	for _, br := range c.Branches {
		c.branch(br, b.Branch(function(c.builder, predicates, "predicate", br.Fn), named(br.Name)...))
	}
	if c.Default != nil {
		c.branch(c.Default, b.Default(named(c.Default.Name)...))
	}
	c.splits = append(c.splits, c.step)
	return nil
}

// branch does with a branch's stream what Java's Branched does: a function is
// called on it, or a consumer takes it, which in Go is no difference.
func (c *call) branch(br *branch, s kstream) {
	if br.Via == "function" {
		f := function(c.builder, values, "value", br.Value)
		s = stream.MapValues(s, func(v value) value { return f(nil, v) })
	}
	c.put(br.ID, s, c.in.types)
}
