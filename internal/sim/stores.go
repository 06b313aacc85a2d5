package sim

import (
	"context"
	"time"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

// A processor sums the values of each key in a store of its own, and forwards the sum.
type processor struct {
	open func(pc *topology.Context[string, int64]) (func(r topology.Record[string, int64]) (sum, at int64, err error), error)
	pc   *topology.Context[string, int64]
	add  func(r topology.Record[string, int64]) (sum, at int64, err error)
}

func (p *processor) Init(pc *topology.Context[string, int64]) (err error) {
	p.pc = pc
	p.add, err = p.open(pc)
	return err
}

func (p *processor) Process(_ context.Context, r topology.Record[string, int64]) error {
	if r.NullKey || r.NullValue {
		return nil
	}
	sum, at, err := p.add(r)
	if err != nil {
		return err
	}
	r.Value, r.Timestamp = sum, at
	return p.pc.Forward(r)
}

// summed adds up in a timestamped store, with the latest timestamp.
func summed(name string) *processor {
	return &processor{open: func(pc *topology.Context[string, int64]) (func(topology.Record[string, int64]) (int64, int64, error), error) {
		s, err := topology.Store[store.TimestampedKeyValueStore[string, int64]](pc, name)
		return func(r topology.Record[string, int64]) (int64, int64, error) {
			old, _, err := s.Get(r.Key)
			if err != nil {
				return 0, 0, err
			}
			v := store.ValueAndTimestamp[int64]{Value: old.Value + r.Value, Timestamp: max(old.Timestamp, r.Timestamp)}
			return v.Value, v.Timestamp, s.Put(r.Key, v)
		}, err
	}}
}

const hundred = 100

// summedByTime adds up in windows of 100 ms, and sends the sum of the three until then.
// Only the last window of a key is sure to have seen all others.
func summedByTime(name string) *processor {
	return &processor{open: func(pc *topology.Context[string, int64]) (func(topology.Record[string, int64]) (int64, int64, error), error) {
		s, err := topology.Store[store.WindowStore[string, int64]](pc, name)
		return func(r topology.Record[string, int64]) (int64, int64, error) {
			at := r.Timestamp / hundred * hundred
			old, _, err := s.Get(r.Key, at)
			if err != nil {
				return 0, 0, err
			}
			if err := s.Put(r.Key, old+r.Value, at); err != nil {
				return 0, 0, err
			}
			sum, it := int64(0), s.Fetch(r.Key, max(0, at-2*hundred), at)
			for it.Next() {
				sum = sum*3 + it.Value()
			}
			return sum, r.Timestamp, it.Close()
		}, err
	}}
}

// summedBySession is summedByTime with sessions of a gap.
func summedBySession(name string, gap int64) *processor {
	return &processor{open: func(pc *topology.Context[string, int64]) (func(topology.Record[string, int64]) (int64, int64, error), error) {
		s, err := topology.Store[store.SessionStore[string, int64]](pc, name)
		return func(r topology.Record[string, int64]) (int64, int64, error) {
			session, sum := store.Windowed[string]{Key: r.Key, Window: store.Window{Start: r.Timestamp, End: r.Timestamp}}, r.Value
			it := s.FindSessions(r.Key, max(0, r.Timestamp-gap), r.Timestamp+gap)
			var joined []store.Windowed[string]
			for it.Next() {
				w := it.Key().Window
				session.Window.Start, session.Window.End = min(session.Window.Start, w.Start), max(session.Window.End, w.End)
				joined, sum = append(joined, it.Key()), sum+it.Value()
			}
			if err := it.Close(); err != nil {
				return 0, 0, err
			}
			for _, j := range joined {
				if err := s.Remove(j); err != nil {
					return 0, 0, err
				}
			}
			return sum, session.Window.End, s.Put(session, sum)
		}, err
	}}
}

// Processors with stores, and tables of all partitions.
func init() {
	operators = append(operators,
		func(m *maker) {
			name := m.name("sums")
			own := store.TimestampedKeyValue(name, serde.String(), serde.Int64(), m.place)
			m.write(stream.Process(m.keyed(), func() *processor { return summed(name) }, stream.OwnStores(own)), true)
		},
		func(m *maker) {
			if m.global == nil {
				m.p.Global = true
				m.global = stream.GlobalTable(m.b, "global", with, stream.InStore("globals", serde.String(), serde.Int64()).Options(m.place))
			}
			n := 2 + m.Int64N(9)
			key := func(_ string, v int64) string { return rekey(n)("", abs(v)) }
			if m.IntN(2) == 0 {
				m.add(stream.JoinGlobal(m.stream(), m.global, key, func(v, g int64) int64 { return v*11 + g }))
				return
			}
			m.add(stream.LeftJoinGlobal(m.stream(), m.global, key, func(v int64, g *int64) int64 { return v*11 + or(g, 6) }))
		},
		func(m *maker) {
			if !m.p.Ordered {
				return
			}
			// In a topic in order nothing is late, however many partitions it has.
			s := m.raw()
			id := func(k string, v int64) string { return rekey(9)("", v) + k }
			m.add(stream.Deduplicate(s, m.span(), id, serde.String()))
		},
	)
	strict = append(strict,
		func(m *maker) {
			name := m.name("by-time")
			own := store.Windows(name, serde.String(), serde.Int64(), 3*hundred*time.Millisecond, hundred*time.Millisecond, m.place)
			m.add(stream.Process(m.keyed(), func() *processor { return summedByTime(name) }, stream.OwnStores(own)))
		},
		func(m *maker) {
			name, gap := m.name("by-session"), 5+m.Int64N(50)
			own := store.Sessions(name, serde.String(), serde.Int64(), time.Duration(200+m.IntN(200))*time.Millisecond, m.place)
			m.add(stream.Process(m.keyed(), func() *processor { return summedBySession(name, gap) }, stream.OwnStores(own)))
		},
	)
}

// keyed is a stream whose records of one key are in one partition.
func (m *maker) keyed() numbers {
	if m.IntN(2) == 0 {
		return m.raw()
	}
	return m.stream().Repartition(with)
}
