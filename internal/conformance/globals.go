package conformance

import (
	"context"

	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

type globalTable = *stream.GlobalKTable[value, value]

// globalTable reads a global table. Its timestamp extractor is given too: it has no
// effect.
func (c *call) globalTable() any {
	return stream.GlobalTable(c.dsl, c.Topic.first(), c.consumed(), c.materialized(c.types), c.named()...)
}

// joinGlobal joins a stream with a global table.
func (c *call) joinGlobal(table globalTable, left bool) any {
	f, key := c.joiner(), function(c.builder, keys, "key", c.KeyFn)
	switch withKey := joinWithKey(c.Fn); {
	case left && withKey:
		return stream.LeftJoinGlobalWithKey(c.stream(), table, key, func(k, v value, g *value) value { return f(k, v, absent(g)) }, c.named()...)
	case left:
		return stream.LeftJoinGlobal(c.stream(), table, key, func(v value, g *value) value { return f(nil, v, absent(g)) }, c.named()...)
	case withKey:
		return stream.JoinGlobalWithKey(c.stream(), table, key, f, c.named()...)
	}
	return stream.JoinGlobal(c.stream(), table, key, func(v, g value) value { return f(nil, v, g) }, c.named()...)
}

// maintainer fills a global or a read-only store.
type maintainer struct {
	store string
	f     func(value) value
	s     kvStore
}

func (m *maintainer) Init(pc *topology.Context[topology.Void, topology.Void]) (err error) {
	m.s, err = topology.Store[kvStore](pc, m.store)
	return err
}

func (m *maintainer) Process(_ context.Context, r rec) error {
	if r.NullKey {
		return nil
	}
	return m.s.Put(r.Key, m.f(r.Value))
}

func (c *call) maintainer() func() *maintainer {
	f := func(v value) value { return v }
	switch c.Fn {
	case "", "copy":
	case "upper":
		f = upper
	default:
		c.fail(missing("maintainer " + c.Fn))
	}
	return func() *maintainer { return &maintainer{store: c.Store.Name, f: f} }
}

func (c *call) source() topology.Source[value, value] {
	return topology.Source[value, value]{Key: c.key, Value: c.value, Topics: c.Topic}
}
