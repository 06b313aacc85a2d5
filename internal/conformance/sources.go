package conformance

import (
	"fmt"
	"regexp"

	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

var onBuilder = map[string]operator{
	"stream": func(c *call) any {
		switch {
		case c.Pattern != "":
			return stream.FromPattern(c.dsl, c.pattern(), c.consumed(), c.sourceOptions()...)
		case len(c.Topic) == 1:
			return stream.From(c.dsl, c.Topic[0], c.consumed(), c.sourceOptions()...)
		}
		return stream.FromTopics(c.dsl, c.Topic, c.consumed(), c.sourceOptions()...)
	},
	"table": func(c *call) any {
		return stream.Table(c.dsl, c.Topic.first(), c.consumed(), c.materialized(c.types), c.sourceOptions()...)
	},
	"globalTable": func(c *call) any { return c.globalTable() },
	"addGlobalStore": func(c *call) any {
		stream.AddGlobalStore(c.dsl, c.store(c.Store), c.Topic.first(), c.serdes(), c.maintainer(), c.named()...)
		return nil
	},
	"addStateStore": func(c *call) any {
		c.dsl.AddStateStore(c.store(c.Store))
		return nil
	},
}

func (c *call) pattern() *regexp.Regexp {
	p, err := regexp.Compile(c.Pattern)
	if err != nil {
		c.fail(err)
	}
	return p
}

func (c *call) consumed() *stream.Serdes[value, value] {
	with := c.serdes()
	if c.Timestamp != "" {
		with = with.Timestamps(function(c.builder, timestamps, "timestamp", c.Timestamp))
	}
	return with
}

func (c *call) sourceOptions() []stream.Option {
	opts := c.named()
	if c.Reset != "" {
		policy, ok := map[string]topology.Reset{"earliest": topology.ResetEarliest, "latest": topology.ResetLatest, "none": topology.ResetNone}[c.Reset]
		if !ok {
			c.fail(fmt.Errorf("conformance: reset policy %q", c.Reset))
		}
		opts = append(opts, stream.ResetTo(policy))
	}
	return opts
}
