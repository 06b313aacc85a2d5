package conformance

import "github.com/streamweir/streamweir/stream"

func (c *call) cogroup() any {
	if g, ok := c.in.node.(grouped); ok {
		return stream.Cogroup(g, c.aggregator())
	}
	other, ok := c.other().node.(grouped)
	if !ok {
		return nil // other reported it
	}
	return stream.CogroupWith(c.in.node.(cogrouped), other, c.aggregator())
}

var onCogrouped = map[string]operator{
	"cogroup":    func(c *call) any { return c.cogroup() },
	"windowedBy": func(c *call) any { return c.windowedBy() },
	"aggregate": func(c *call) any {
		return c.in.node.(cogrouped).Aggregate(c.initializer(), c.stored(c.types), c.named()...)
	},
}

var onTimeCogrouped = map[string]operator{
	"aggregate": func(c *call) any {
		return c.in.node.(timeCogrouped).Aggregate(c.initializer(), c.inWindow(c.value), c.named()...)
	},
}

var onSessionCogrouped = map[string]operator{
	"aggregate": func(c *call) any {
		return c.in.node.(sessionCogrouped).Aggregate(c.initializer(), c.merger(), c.inWindow(c.value), c.named()...)
	},
}
