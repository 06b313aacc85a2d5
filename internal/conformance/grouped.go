package conformance

import (
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
)

var onGrouped = map[string]operator{
	"count": func(c *call) any {
		c.types = types{c.in.key, "long"}
		if c.onlyWritten() {
			return c.grouped().Count(stored(c, serde.Serde[value](c.in.key), serde.Int64()), c.named()...)
		}
		if m := c.Materialized; m == nil || m.Name == "" && m.Supplier == nil {
			c.graph.Generate("") // as Count does
		}
		one := func(_, _, n value) value { return number(n) + 1 }
		return stream.Aggregate(c.grouped(), inits["zero"](""), one, c.stored(c.types), c.named()...)
	},
	"windowedBy": func(c *call) any { return c.windowedBy() },
	"cogroup":    func(c *call) any { return c.cogroup() },
	"reduce": func(c *call) any {
		return c.grouped().Reduce(function(c.builder, reducers, "reducer", c.Fn), c.stored(c.in.types), c.named()...)
	},
	"aggregate": func(c *call) any {
		c.key = c.in.key
		return stream.Aggregate(c.grouped(), function(c.builder, inits, "init", c.Init),
			function(c.builder, aggregators, "aggregator", c.Fn), c.stored(c.types), c.named()...)
	},
}

func (c *call) grouped() grouped { return c.in.node.(grouped) }

// A count has values of a type of its own, int64. It is counted as such if the
// scenario does no more with it than write it to a topic; otherwise it is an
// aggregation into the type that all other operators have, which is the same but
// for the type.
type (
	counted[K any]     = *stream.KTable[K, int64]
	countStream[K any] = *stream.KStream[K, int64]
)

var (
	onCounted             = countOperators[value]()
	onWindowedCounted     = countOperators[windowedKey]()
	onCountStream         = countStreamOperators[value]()
	onWindowedCountStream = countStreamOperators[windowedKey]()
)

func countOperators[K any]() map[string]operator {
	return map[string]operator{
		"toStream": func(c *call) any { return c.in.node.(counted[K]).ToStream(c.named()...) },
	}
}

func countStreamOperators[K any]() map[string]operator {
	return map[string]operator{
		"to": func(c *call) any {
			c.produces(c.in.types)
			c.in.node.(countStream[K]).To(c.Topic.first(), stream.With(keySerde[K](c.in.key), serde.Int64()), c.named()...)
			return nil
		},
	}
}

// onlyWritten tells whether all that follows is toStream and to a topic.
func (c *call) onlyWritten() bool {
	for _, s := range c.users(c.ID) {
		if s.Op != "toStream" || s.Fn != "" {
			return false
		}
		for _, to := range c.users(s.ID) {
			if to.Op != "to" || to.Fn != "" || to.Partitioner != "" {
				return false
			}
		}
	}
	return true
}

// users are the steps that follow a step.
func (b *builder) users(id string) []*step {
	var users []*step
	for _, s := range b.steps {
		for _, from := range s.From {
			if id != "" && from == id {
				users = append(users, s)
			}
		}
	}
	return users
}
