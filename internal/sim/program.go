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
	Outputs  []Output
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
	stores  int
}

// with is the serdes of all topics.
var with = stream.With(serde.String(), serde.Int64())

// NewProgram makes the program of a seed; place says where its stores are.
func NewProgram(seed uint64, place store.Option) (*Program, error) {
	m := &maker{Rand: rand.New(rand.NewPCG(seed, 1)), b: stream.NewBuilder(), place: place, p: &Program{}}
	m.p.Inputs = 1 + m.IntN(2)
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
	var err error
	m.p.Topology, err = m.b.Build()
	return m.p, err
}

func (m *maker) write(s numbers, table bool) {
	o := Output{Topic: fmt.Sprint("out-", len(m.p.Outputs)), Table: table}
	m.p.Outputs = append(m.p.Outputs, o)
	s.To(o.Topic, with)
}

func (m *maker) stream() numbers { return m.streams[m.IntN(len(m.streams))] }

func (m *maker) add(s numbers) { m.streams = append(m.streams, s) }

func (m *maker) addTable(t table) { m.tables = append(m.tables, t) }

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
	func(m *maker) { m.addTable(m.grouped().Count(m.store())) },
	func(m *maker) { m.addTable(m.grouped().Reduce(plus, m.store())) },
	func(m *maker) {
		m.addTable(stream.Aggregate(m.grouped(), func() int64 { return 1 }, func(_ string, v, sum int64) int64 { return sum + v%10 }, m.store()))
	},
	func(m *maker) {
		if len(m.tables) > 0 {
			m.addTable(m.tables[m.IntN(len(m.tables))].Filter(func(_ string, v int64) bool { return v%2 == 0 }))
		}
	},
	func(m *maker) {
		if len(m.tables) > 0 {
			m.addTable(stream.MapTableValues(m.tables[m.IntN(len(m.tables))], func(v int64) int64 { return v*5 + 1 }))
		}
	},
}
