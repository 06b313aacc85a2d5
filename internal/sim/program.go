package sim

import (
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

// A Program is a random topology over the topics "in-0", "in-1" and so on.
type Program struct {
	Topology *topology.Topology
	Inputs   int
	// Ordered: the timestamps of each input ascend. Only then it does not depend on the
	// number of partitions which record of one input meets which of another.
	Ordered bool
	// Loose: the timestamps in tables depend on which updates, or deletions, there were in
	// between.
	Loose   bool
	Outputs []Output
}

// An Output is a topic of a program and how its final result is told.
type Output struct {
	Topic string
	// Table: the last value of each key. Otherwise: all records, in any order.
	Table bool
}

// A program has only operators whose final result does not depend on the order in
// which records of different keys, or of different inputs, are processed: what is
// aggregated is added up, what is counted comes from streams whose records are
// always the same.
type (
	numbers = *stream.KStream[string, int64]
	table   = *stream.KTable[string, int64]
)

type maker struct {
	*rand.Rand
	b       *stream.Builder
	place   store.Option
	p       *Program
	streams []numbers
	tables  []table
	windows []*stream.KTable[stream.Windowed[string], int64]
	// vague: what a table sends as old value need not be what it sent as new before. In
	// Kafka Streams it is so with joins, whose other side may have changed since, and with
	// aggregations, whose first old value is the initial one.
	vague map[table]bool
	// deletes: the table has deletions. A join may miss them in Kafka Streams: it looks at
	// what the other side is now, while the record cache sends on what it became since it
	// last did, and nothing for what was there only in between.
	deletes map[table]bool
	bare    map[table]bool // without serdes
	stores  int
	joined  bool
}

// with is the serdes of all topics.
var with = stream.With(serde.String(), serde.Int64())

// NewProgram makes the program of a seed; place says where its stores are.
func NewProgram(seed uint64, place store.Option) (*Program, error) {
	m := &maker{Rand: rand.New(rand.NewPCG(seed, 1)), b: stream.NewBuilder(), place: place, p: &Program{}, vague: map[table]bool{}, deletes: map[table]bool{}, bare: map[table]bool{}}
	m.p.Inputs, m.p.Ordered = 1+m.IntN(2), m.IntN(2) == 0
	for i := range m.p.Inputs {
		m.streams = append(m.streams, stream.From(m.b, fmt.Sprint("in-", i), with))
	}
	for range 2 + m.IntN(6) {
		operators[m.IntN(len(operators))](m)
	}
	for _, s := range m.streams {
		m.write(s, false)
	}
	for _, t := range m.tables {
		m.write(t.ToStream(), true)
	}
	for _, t := range m.windows {
		text := stream.SelectKey(t.ToStream(), func(k stream.Windowed[string], _ int64) string { return k.String() })
		m.write(text, true)
	}
	var err error
	m.p.Topology, err = m.b.Build()
	return m.p, err
}

func (m *maker) write(s numbers, table bool) {
	o := Output{Topic: fmt.Sprint("out-", len(m.p.Outputs)), Table: table}
	m.p.Outputs = append(m.p.Outputs, o)
	s.To(o.Topic, with)
}

// raw is a stream as it comes from its topic: the records of a key are in order.
func (m *maker) raw() numbers { return m.streams[m.IntN(m.p.Inputs)] }

// table is one of the tables, a new one if there is none.
func (m *maker) table() table {
	if len(m.tables) == 0 || m.IntN(4) == 0 {
		m.addTable(m.raw().ToTable(m.store()))
	}
	return m.tables[m.IntN(len(m.tables))]
}

// join adds a join, stored or not.
func (m *maker) join(f func(left, right table, m *stream.Materialized[string, int64]) table) {
	var in *stream.Materialized[string, int64]
	if m.IntN(2) == 0 {
		in = m.store()
	}
	l, r := m.table(), m.table()
	if m.deletes[l] || m.deletes[r] {
		return
	}
	t := f(l, r, in)
	m.vague[t], m.bare[t] = true, in == nil
	m.addTable(t)
}

// derived adds a table that is not stored.
func (m *maker) derived(f func(table) table) {
	from := m.table()
	t := f(from)
	m.vague[t], m.deletes[t], m.bare[t] = m.vague[from], m.deletes[from], m.bare[from]
	m.addTable(t)
}

func (m *maker) stream() numbers { return m.streams[m.IntN(len(m.streams))] }

func (m *maker) add(s numbers) { m.streams = append(m.streams, s) }

func (m *maker) addTable(t table) { m.tables = append(m.tables, t) }

// aggregate adds the table of an aggregation.
func (m *maker) aggregate(t table) {
	m.vague[t] = true
	m.addTable(t)
}

// store is a named store, cached or not, or one with a generated name.
func (m *maker) store() *stream.Materialized[string, int64] {
	options := []store.Option{m.place}
	if m.IntN(3) == 0 {
		options = append(options, store.NotCached())
	}
	if m.IntN(2) == 0 {
		return stream.Stored(serde.String(), serde.Int64()).Options(options...)
	}
	m.stores++
	return stream.InStore(fmt.Sprint("store-", m.stores), serde.String(), serde.Int64()).Options(options...)
}

func (m *maker) grouped() *stream.KGroupedStream[string, int64] {
	if m.IntN(2) == 0 {
		return stream.GroupBy(m.stream(), rekey(2+m.Int64N(5)), with)
	}
	return m.stream().GroupByKeyWith(with)
}

func rekey(n int64) func(string, int64) string {
	return func(_ string, v int64) string { return "k" + strconv.FormatInt(v%n, 10) }
}

func plus(a, b int64) int64 { return a + b }

var operators = []func(m *maker){
	func(m *maker) {
		n := 2 + m.Int64N(3)
		m.add(m.stream().Filter(func(_ string, v int64) bool { return v%n != 0 }))
	},
	func(m *maker) {
		n := m.Int64N(9)
		m.add(stream.MapValues(m.stream(), func(v int64) int64 { return v*3 + n }))
	},
	func(m *maker) { m.add(stream.SelectKey(m.stream(), rekey(2+m.Int64N(5)))) },
	func(m *maker) {
		m.add(stream.FlatMapValues(m.stream(), func(v int64) []int64 { return []int64{v, v + 1}[:v%3%2+1] }))
	},
	func(m *maker) {
		s := m.stream()
		m.add(s.Merge(m.stream()))
	},
	func(m *maker) { m.add(m.stream().Repartition(with)) },
	func(m *maker) {
		s := m.stream().Split(stream.Named(fmt.Sprintf("split-%d-", len(m.streams))))
		m.add(s.Branch(func(_ string, v int64) bool { return v%2 == 0 }))
		m.add(s.Default())
	},
	func(m *maker) { m.aggregate(m.grouped().Count(m.store())) },
	func(m *maker) { m.addTable(m.grouped().Reduce(plus, m.store())) },
	func(m *maker) {
		m.aggregate(stream.Aggregate(m.grouped(), func() int64 { return 1 }, func(_ string, v, sum int64) int64 { return sum + v%10 }, m.store()))
	},
	func(m *maker) {
		m.derived(func(t table) table { return t.Filter(func(_ string, v int64) bool { return v%2 == 0 }) })
		m.deletes[m.tables[len(m.tables)-1]] = true
	},
	func(m *maker) {
		from := m.table()
		t := from.FilterInto(func(_ string, v int64) bool { return v%3 != 0 }, m.store())
		m.vague[t], m.deletes[t] = t.StoreName() == "" && m.vague[from], true
		m.addTable(t)
	},
	func(m *maker) {
		m.derived(func(t table) table { return stream.MapTableValues(t, func(v int64) int64 { return v*5 + 1 }) })
		m.bare[m.tables[len(m.tables)-1]] = true
	},
	func(m *maker) {
		m.join(func(l, r table, in *stream.Materialized[string, int64]) table {
			return stream.JoinTables(l, r, plus, in)
		})
	},
	func(m *maker) {
		m.join(func(l, r table, in *stream.Materialized[string, int64]) table {
			return stream.LeftJoinTables(l, r, func(a int64, b *int64) int64 { return a - or(b, 7) }, in)
		})
	},
	func(m *maker) {
		m.join(func(l, r table, in *stream.Materialized[string, int64]) table {
			return stream.OuterJoinTables(l, r, func(a, b *int64) int64 { return or(a, 3) - or(b, 5) }, in)
		})
	},
	func(m *maker) {
		n, t := 2+m.Int64N(4), m.table()
		if m.vague[t] {
			return
		}
		g := stream.GroupTableBy(t, func(k string, v int64) (string, int64) { return rekey(n)(k, abs(v)), v }, with)
		// A group that has come to nothing has 0, unless nobody saw it.
		groups := stream.AggregateTable(g, func() int64 { return 0 },
			func(_ string, v, sum int64) int64 { return sum + weight(v) },
			func(_ string, v, sum int64) int64 { return sum - weight(v) }, m.store())
		some := groups.Filter(func(_ string, v int64) bool { return v != 0 })
		m.vague[some], m.deletes[some] = true, true
		m.addTable(some)
		m.p.Loose = true
	},
	func(m *maker) {
		n, left, right := 2+m.Int64N(6), m.table(), m.table()
		if m.deletes[left] || m.deletes[right] || m.bare[left] || m.bare[right] {
			return
		}
		key := func(k string, v int64) (string, bool) { return rekey(n)(k, abs(v)), v%7 != 0 }
		// Not an inner join: if the reference to an entry that is not there changes its value
		// while the answer to the change before is under way, the answer is out of date and
		// there is no other, in Kafka Streams too: what was joined before stays.
		t := stream.LeftJoinForeignKey(left, right, key, func(a int64, b *int64) int64 { return a - or(b, 9) }, m.store())
		m.vague[t], m.deletes[t], m.p.Loose = true, true, true
		m.addTable(t)
	},
	func(m *maker) {
		if m.p.Ordered {
			table := m.raw().ToTable(m.store())
			m.add(stream.LeftJoinTable(m.raw(), table, func(a int64, b *int64) int64 { return a*1000 + or(b, -1) }, with))
		}
	},
}

func or(v *int64, absent int64) int64 {
	if v == nil {
		return absent
	}
	return *v
}

// weight is never 0, and sums of weights are not either.
func weight(v int64) int64 { return abs(v)%100_000*1000 + 1 }

func abs(v int64) int64 { return max(v, -v) }
