package operators

import (
	"runtime"
	"slices"
	"testing"

	"github.com/streamweir/streamweir/store"
)

// counting counts what an engine is asked for.
type counting struct {
	store.Engine
	n *int64
}

func (c counting) Get(key, dst []byte) ([]byte, bool, error) {
	*c.n++
	return c.Engine.Get(key, dst)
}

func (c counting) Scan(from, to []byte, reverse bool) store.Iterator {
	*c.n++
	return countingIterator{c.Engine.Scan(from, to, reverse), c.n}
}

type countingIterator struct {
	store.Iterator
	n *int64
}

func (c countingIterator) Next() bool {
	*c.n++
	return c.Iterator.Next()
}

// cost is what a record costs in an operator: accesses of an engine that has all rows,
// since nothing is kept in memory, and allocations.
type cost struct{ accesses, allocations float64 }

// measure runs records over a number of keys, and then measures as many as are a few
// windows.
func measure(t *testing.T, o operator, keys, before int) cost {
	t.Helper()
	const records = 5 * batch
	var accesses int64
	f := newFeederOn(t, o, keys, func(dir string) (store.Engine, error) {
		e, err := store.Memory()(dir)
		return counting{e, &accesses}, err
	}, -1)
	f.run(t, before)
	from := accesses
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	mallocs := m.Mallocs
	f.run(t, records)
	runtime.ReadMemStats(&m)
	return cost{float64(accesses-from) / records, float64(m.Mallocs-mallocs) / records}
}

// What a record costs does not grow with the number of keys, nor with the number of
// windows that have closed. A hundred times as many keys may cost somewhat more, since
// fewer records meet a row that is there.
func TestCostDoesNotGrow(t *testing.T) {
	names := []string{"tumbling count", "session count", "tumbling count, emitted on close", "tumbling count, suppressed until close",
		"join of streams", "foreign-key join"}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			o := all[slices.IndexFunc(all, func(o operator) bool { return o.name == name })]
			few := measure(t, o, 1000, 2*batch)
			for what, c := range map[string]cost{"with 100,000 keys": measure(t, o, 100_000, 2*batch), "after 30 windows": measure(t, o, 1000, 30*batch)} {
				t.Logf("%s: %.1f accesses and %.1f allocations per record, %.1f and %.1f before", what, c.accesses, c.allocations, few.accesses, few.allocations)
				if c.accesses > 2*few.accesses+2 || c.allocations > 2*few.allocations+5 {
					t.Errorf("%s a record costs %.1f accesses and %.1f allocations, with 1,000 keys %.1f and %.1f", what, c.accesses, c.allocations, few.accesses, few.allocations)
				}
			}
		})
	}
}
