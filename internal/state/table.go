package state

import (
	"hash/maphash"
	"iter"
)

// A table finds the entries of a store by their keys. A Go map does so too, but has two
// pointers to each key, which every collection of garbage follows, and a look into it
// waits for memory more often.
type table struct {
	seed  maphash.Seed
	slots []slot // a power of two of them, from an eighth to three quarters with an entry
	n     int    // entries
}

// A slot has an entry and the hash of its key. An entry is in the first slot that was
// free from the one on that its hash says.
type slot struct {
	hash  uint64
	entry *entry // nil if the slot is free
}

const minSlots = 8

func newTable() table { return table{seed: maphash.MakeSeed(), slots: make([]slot, minSlots)} }

// get returns the entry of a key, nil if there is none.
func (t *table) get(key []byte) *entry {
	h := maphash.Bytes(t.seed, key)
	for i := t.first(h); ; i = t.after(i) {
		s := &t.slots[i]
		if s.entry == nil || s.hash == h && s.entry.key == string(key) {
			return s.entry
		}
	}
}

// add takes an entry whose key has none.
func (t *table) add(e *entry) {
	t.n++
	if 4*t.n > 3*len(t.slots) {
		t.resize(2 * len(t.slots))
	}
	t.put(slot{maphash.String(t.seed, e.key), e})
}

func (t *table) put(s slot) {
	i := t.first(s.hash)
	for t.slots[i].entry != nil {
		i = t.after(i)
	}
	t.slots[i] = s
}

func (t *table) resize(n int) {
	old := t.slots
	t.slots = make([]slot, n)
	for _, s := range old {
		if s.entry != nil {
			t.put(s)
		}
	}
}

// remove takes out an entry that is there. Those behind its slot move forward where
// they would not be found any more.
func (t *table) remove(e *entry) {
	t.n--
	gap := t.first(maphash.String(t.seed, e.key))
	for t.slots[gap].entry != e {
		gap = t.after(gap)
	}
	for i := t.after(gap); t.slots[i].entry != nil; i = t.after(i) {
		if t.between(t.first(t.slots[i].hash), i) >= t.between(gap, i) {
			t.slots[gap] = t.slots[i]
			gap = i
		}
	}
	t.slots[gap] = slot{}
	if n := len(t.slots); n > minSlots && 8*t.n < n {
		t.resize(n / 2)
	}
}

// all yields the entries in no order.
func (t *table) all() iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		for _, s := range t.slots {
			if s.entry != nil && !yield(s.entry) {
				return
			}
		}
	}
}

func (t *table) mask() int { return len(t.slots) - 1 }

func (t *table) first(hash uint64) int { return int(hash) & t.mask() }

func (t *table) after(i int) int { return (i + 1) & t.mask() }

// between is how many slots i is behind from.
func (t *table) between(from, i int) int { return (i - from) & t.mask() }
