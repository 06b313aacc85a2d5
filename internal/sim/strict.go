package sim

import (
	"context"
	"fmt"
	"time"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

// strict are operators that only strict programs have, besides all others.
var strict = []func(m *maker){
	func(m *maker) { // what is late may be a duplicate
		id := func(_ string, v int64) string { return rekey(9)("", v) }
		m.add(stream.Deduplicate(m.keyed(), m.span(), id, serde.String()))
	},
	func(m *maker) { // as it was at the time of the record
		m.add(stream.JoinTable(m.stream(), m.versioned(forever), func(a, b int64) int64 { return a*1000 + b }, with))
	},
	func(m *maker) { // records wait for the table
		t := m.versioned(forever)
		name := m.name("waiting")
		if m.IntN(2) == 0 {
			name = m.name("waiting-too")
		}
		f := func(a int64, b *int64) int64 { return a*1000 + or(b, -1) }
		m.add(stream.LeftJoinTable(m.withKeys(), t, f, with, stream.Named(name), stream.GracePeriod(m.limit())))
	},
	func(m *maker) { // history that ends
		m.add(stream.JoinTable(m.stream(), m.versioned(m.limit()), func(a, b int64) int64 { return a - b }, with))
	},
	func(m *maker) {
		m.add(stream.JoinTable(m.stream(), m.table(), func(a, b int64) int64 { return a*100 + b }, with))
	},
	func(m *maker) {
		if m.p.Ordered { // after a restart the store's time begins again with the next record
			in := stream.InStore(m.name("mortal"), serde.String(), serde.Int64()).Options(m.place, store.TTL(m.span()))
			m.aggregate(m.raw().GroupByKeyWith(with).Count(in))
		}
	},
	func(m *maker) {
		name := m.name("changes")
		in := stream.InStore(m.name("transformed"), serde.String(), serde.Int64()).Options(m.place)
		own := store.KeyValue(name, serde.String(), serde.Int64(), m.place)
		m.addTable(stream.TransformTableValues(m.table(), func() *changes { return &changes{name: name} }, in, stream.OwnStores(own)))
	},
	func(m *maker) { // windows of which some records are late for some
		w := m.counted(m.timeWindows(), stream.OnWindowUpdate)
		m.add(stream.SelectKey(w.ToStream(), func(k stream.Windowed[string], _ int64) string { return k.Key }))
	},
	func(m *maker) {
		t := m.counted(m.timeWindows(), stream.OnWindowUpdate)
		keys := stream.With(stream.SessionWindowed(serde.String()), serde.Int64())
		m.write(withoutWindows(t.SuppressWith(stream.UntilTimeLimit(m.limit(), m.buffer()), keys)), false)
	},
	func(m *maker) {
		m.windows = append(m.windows, m.counted(stream.Unlimited(time.UnixMilli(1200)), stream.OnWindowUpdate))
	},
}

// versioned is a new table with a history.
func (m *maker) versioned(history time.Duration) table {
	in := stream.InStore(m.name("versions"), serde.String(), serde.Int64()).Options(m.place).Versioned(history)
	if m.IntN(2) == 0 {
		return m.raw().ToTable(in)
	}
	m.p.Tables++
	return stream.Table(m.b, fmt.Sprint("table-", m.p.Tables-1), with, in)
}

// withKeys is a stream without null keys, which cannot wait.
func (m *maker) withKeys() numbers {
	return m.stream().TryFilter(func(_ context.Context, r topology.Record[string, int64]) (bool, error) { return !r.NullKey, nil })
}

// changes counts how often a key's value has changed.
type changes struct {
	name  string
	store store.KeyValueStore[string, int64]
}

func (c *changes) Init(pc *topology.TransformContext) (err error) {
	c.store, err = topology.Store[store.KeyValueStore[string, int64]](pc, c.name)
	return err
}

func (c *changes) Transform(_ context.Context, r topology.Record[string, int64]) (int64, bool, error) {
	n, _, err := c.store.Get(r.Key)
	if err != nil {
		return 0, false, err
	}
	return r.Value*10 + n, !r.NullValue, c.store.Put(r.Key, n+1)
}
