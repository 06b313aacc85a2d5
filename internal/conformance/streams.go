package conformance

import "github.com/streamweir/streamweir/stream"

// onStream are the operators of a stream. Those that change neither type leave the
// call's types as they are: the scenario gives them none, so they are inherited.
var onStream = map[string]operator{
	"filter": func(c *call) any {
		return c.stream().Filter(function(c.builder, predicates, "predicate", c.Fn), c.named()...)
	},
	"filterNot": func(c *call) any {
		return c.stream().FilterNot(function(c.builder, predicates, "predicate", c.Fn), c.named()...)
	},
	"mapValues": func(c *call) any {
		f := function(c.builder, values, "value", c.Fn)
		if needsKey(c.Fn) {
			return stream.MapValuesWithKey(c.stream(), f, c.named()...)
		}
		return stream.MapValues(c.stream(), func(v value) value { return f(nil, v) }, c.named()...)
	},
	"map": func(c *call) any {
		return stream.Map(c.stream(), function(c.builder, pairs, "pair", c.Fn), c.named()...)
	},
	"flatMap": func(c *call) any {
		return stream.FlatMap(c.stream(), function(c.builder, pairLists, "pairs", c.Fn), c.named()...)
	},
	"flatMapValues": func(c *call) any {
		f := function(c.builder, valueLists, "values", c.Fn)
		if needsKey(c.Fn) {
			return stream.FlatMapValuesWithKey(c.stream(), f, c.named()...)
		}
		return stream.FlatMapValues(c.stream(), func(v value) []value { return f(nil, v) }, c.named()...)
	},
	"selectKey": func(c *call) any {
		return stream.SelectKey(c.stream(), function(c.builder, keys, "key", c.Fn), c.named()...)
	},
	"peek": func(c *call) any {
		return c.stream().Peek(c.calls.call(c.ID), c.named()...)
	},
	"foreach": func(c *call) any {
		c.stream().Foreach(c.calls.call(c.ID), c.named()...)
		return nil
	},
	"merge": func(c *call) any {
		other, ok := c.other().node.(kstream)
		if !ok {
			return nil // other reported it
		}
		return c.stream().Merge(other, c.named()...)
	},
	"split": func(c *call) any { return c.split() },
	"repartition": func(c *call) any {
		opts := c.named()
		if c.Partitions != 0 {
			opts = append(opts, stream.Partitions(c.Partitions))
		}
		return c.stream().Repartition(c.in.serdes(), opts...)
	},
	"to": func(c *call) any {
		with := c.in.serdes()
		if c.Partitioner != "" {
			with = with.Partitioner(function(c.builder, partitioners, "partitioner", c.Partitioner))
		}
		c.produces(c.in.types)
		if c.Fn != "" {
			name, _ := split(c.Fn)
			c.stream().ToDynamic(name, function(c.builder, topics, "topic", c.Fn), with, c.named()...)
		} else {
			c.stream().To(c.Topic.first(), with, c.named()...)
		}
		return nil
	},
	"toTable": func(c *call) any {
		return c.stream().ToTable(c.stored(c.in.types), c.named()...)
	},
	"groupByKey": func(c *call) any {
		return c.stream().GroupByKeyWith(c.in.serdes(), named(c.Grouped)...)
	},
	"groupBy": func(c *call) any {
		return stream.GroupBy(c.stream(), function(c.builder, keys, "key", c.Fn), c.serdes(), named(c.Grouped)...)
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
