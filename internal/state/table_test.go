package state

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestTableIsAMap compares a table with a map of the same while keys come and go; so
// few keys make chains of slots that go round the end.
func TestTableIsAMap(t *testing.T) {
	for _, keys := range []int{1, 6, 100, 5000} {
		r := rand.New(rand.NewPCG(1, uint64(keys)))
		table, want := newTable(), map[string]*entry{}
		for i := range 40 * keys {
			key := fmt.Sprint(r.IntN(keys))
			e := table.get([]byte(key))
			if e != want[key] {
				t.Fatalf("of %d keys: %q has entry %v, want %v", keys, key, e, want[key])
			}
			if e == nil {
				e = &entry{key: key}
				table.add(e)
				want[key] = e
			} else if r.IntN(3) > 0 || i > 30*keys {
				table.remove(e)
				delete(want, key)
			}
		}
		for key, e := range want {
			if got := table.get([]byte(key)); got != e {
				t.Errorf("of %d keys: %q has entry %v, want %v", keys, key, got, e)
			}
		}
		n := 0
		for e := range table.all() {
			if n++; want[e.key] != e {
				t.Errorf("of %d keys: entry %q is not one of the table", keys, e.key)
			}
		}
		if n != len(want) || table.n != n || 4*n > 3*len(table.slots) || 8*n < len(table.slots) && len(table.slots) > minSlots {
			t.Errorf("%d entries, counted as %d, in %d slots, want %d", n, table.n, len(table.slots), len(want))
		}
	}
}
