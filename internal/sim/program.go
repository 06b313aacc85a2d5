package sim

import (
	"fmt"
	"math/rand/v2"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

// A Program is a random topology over the topics "in-0", "in-1" and so on, "table-0"
// and so on, and "global", whose records are there before all others.
type Program struct {
	Topology *topology.Topology
	Inputs   int
	Tables   int
	Global   bool
	// Strict: the program has operators whose results depend on the order of its records,
	// or on stream time. It has the same records, in the same order, however often its
	// task begins again, but only with one partition and without a record cache.
	Strict bool
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

// A program that is not strict has only operators whose final result does not depend on
// the order in which records of different keys, or of different inputs, are processed:
// what is aggregated is added up, what is counted comes from streams whose records are
// always the same.
type (
	numbers  = *stream.KStream[string, int64]
	table    = *stream.KTable[string, int64]
	windowed = *stream.KTable[stream.Windowed[string], int64]
	grouped  = *stream.KGroupedStream[string, int64]
)

type maker struct {
	*rand.Rand
	b       *stream.Builder
	place   store.Option
	p       *Program
	streams []numbers
	tables  []table
	windows []windowed
	global  *stream.GlobalKTable[string, int64]
	// vague: what a table sends as old value need not be what it sent as new before. In
	// Kafka Streams it is so with joins, whose other side may have changed since, and with
	// aggregations, whose first old value is the initial one.
	vague map[table]bool
	// deletes: the table has deletions. A join may miss them in Kafka Streams: it looks at
	// what the other side is now, while the record cache sends on what it became since it
	// last did, and nothing for what was there only in between.
	deletes map[table]bool
	bare    map[table]bool // without serdes
	names   int
	joins   int
}

// with is the serdes of all topics.
var with = stream.With(serde.String(), serde.Int64())

// NewProgram makes the program of a seed; place says where its stores are.
func NewProgram(seed uint64, place store.Option) (*Program, error) {
	m := newMaker(rand.New(rand.NewPCG(seed, 1)), place)
	m.p.Ordered = m.IntN(2) == 0
	return m.make(2+m.IntN(6), operators)
}

// NewStrictProgram makes the strict program of a seed.
func NewStrictProgram(seed uint64, place store.Option) (*Program, error) {
	r := rand.New(rand.NewPCG(seed, 4))
	for {
		m := newMaker(r, place)
		m.p.Ordered, m.p.Strict = m.IntN(3) == 0, true
		p, err := m.make(2+m.IntN(6), append(operators, strict...))
		if err != nil || settled(p.Topology) {
			return p, err
		}
	}
}

func newMaker(r *rand.Rand, place store.Option) *maker {
	return &maker{Rand: r, b: stream.NewBuilder(), place: place, p: &Program{},
		vague: map[table]bool{}, deletes: map[table]bool{}, bare: map[table]bool{}}
}

func (m *maker) make(n int, operators []func(*maker)) (*Program, error) {
	m.p.Inputs = 1 + m.IntN(2)
	for i := range m.p.Inputs {
		m.streams = append(m.streams, stream.From(m.b, fmt.Sprint("in-", i), with))
	}
	for range n {
		operators[m.IntN(len(operators))](m)
	}
	for _, s := range m.streams {
		m.write(s, false)
	}
	for _, t := range m.tables {
		m.write(t.ToStream(), true)
	}
	for _, t := range m.windows {
		m.write(withoutWindows(t), true)
	}
	var options []stream.BuildOption
	if m.IntN(2) == 0 {
		options = append(options, stream.Optimize(stream.ReuseTableSources|stream.SingleStoreSelfJoin))
	}
	var err error
	m.p.Topology, err = m.b.Build(options...)
	return m.p, err
}

func withoutWindows(t windowed) numbers {
	return stream.SelectKey(t.ToStream(), func(k stream.Windowed[string], _ int64) string { return k.String() })
}

// settled tells whether it is settled which record a task takes next. It is not where
// one input comes from another task, and another input can be ahead of it.
func settled(t *topology.Topology) bool {
	names := t.Graph().Topics(applicationID)
	for _, sub := range t.Graph().Subtopologies() {
		topics := sub.Sources(nil)
		for _, topic := range topics {
			if len(topics) > 1 && names.Name(topic) != topic {
				return false
			}
		}
	}
	return true
}

func (m *maker) write(s numbers, table bool) {
	o := Output{Topic: fmt.Sprint("out-", len(m.p.Outputs)), Table: table}
	m.p.Outputs = append(m.p.Outputs, o)
	s.To(o.Topic, with)
}

// raw is a stream as it comes from its topic: the records of a key are in order.
func (m *maker) raw() numbers { return m.streams[m.IntN(m.p.Inputs)] }

func (m *maker) stream() numbers { return m.streams[m.IntN(len(m.streams))] }

func (m *maker) add(s numbers) { m.streams = append(m.streams, s) }

// table is one of the tables, a new one if there is none.
func (m *maker) table() table {
	if len(m.tables) == 0 || m.IntN(4) == 0 {
		m.addTable(m.source())
	}
	return m.tables[m.IntN(len(m.tables))]
}

// source is a new table, of a stream or of a topic of its own.
func (m *maker) source() table {
	if m.IntN(2) == 0 {
		return m.raw().ToTable(m.store())
	}
	m.p.Tables++
	t := stream.Table(m.b, fmt.Sprint("table-", m.p.Tables-1), with, m.store())
	m.deletes[t] = true
	return t
}

// join adds a join, stored or not.
func (m *maker) join(f func(left, right table, m *stream.Materialized[string, int64]) table) {
	var in *stream.Materialized[string, int64]
	if m.IntN(2) == 0 {
		in = m.store()
	}
	l, r := m.table(), m.table()
	if !m.p.Strict && (m.deletes[l] || m.deletes[r]) {
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

func (m *maker) addTable(t table) { m.tables = append(m.tables, t) }

// aggregate adds the table of an aggregation.
func (m *maker) aggregate(t table) {
	m.vague[t] = true
	m.addTable(t)
}

// name is a new name.
func (m *maker) name(prefix string) string {
	m.names++
	return fmt.Sprint(prefix, "-", m.names)
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
	return stream.InStore(m.name("store"), serde.String(), serde.Int64()).Options(options...)
}

func (m *maker) grouped() grouped {
	if m.IntN(2) == 0 {
		return stream.GroupBy(m.stream(), rekey(2+m.Int64N(5)), with)
	}
	return m.stream().GroupByKeyWith(with)
}
