package sim

import (
	"fmt"
	"strconv"

	"github.com/streamweir/streamweir/stream"
)

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
			in := m.store()
			if m.IntN(2) == 0 {
				in = in.Versioned(forever)
			}
			f := func(a int64, b *int64) int64 { return a*1000 + or(b, -1) }
			m.add(stream.LeftJoinTable(m.raw(), m.raw().ToTable(in), f, with))
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
