package state

import (
	"bytes"
	"math/bits"
	"unsafe"
)

// entryOverhead is about what an entry takes besides its key and its values: the
// struct, its place in the table, and the rounding of allocations.
const entryOverhead = 144

// evictAtInsert and evictAtCommit bound how many slots are looked into to make
// room, so that no single call pays for all.
const (
	evictAtInsert = 8
	evictAtCommit = 8192
)

// Buffers that wait to be used again: at most maxSpare bytes of them, of minSpare to
// 64 KiB each.
const (
	maxSpare     = 8 << 20
	minSpare     = 64
	spareClasses = 41
)

// known is what is known of a key's committed value. The engine is asked when
// nothing is.
type known int8

const (
	unknown known = iota
	absent
	present
)

// staged is what the running transaction does to a key.
type staged int8

const (
	untouched staged = iota
	put
	deleted
)

// An entry is what is known of a key of a store. It is kept as long as it holds
// something that the engine does not, and after that as a cache.
type entry struct {
	key     string
	pending []byte // what staged put

	// The committed value. Others read it and known with store.mu locked.
	value []byte // nil unless present
	store *Store

	size    uint32 // what it counts in the cache
	unsaved uint32 // what it counts in dirtyBytes if dirty

	staged   staged
	known    known
	used     bool // since the clock last passed
	dirty    bool // committed and in no flush
	inFlight bool // in the flush that is under way, which owns the value it took
	gone     bool // evicted
}

// newEntry returns an entry with a copy of key, next to it if it is short: a look for a
// key reads both.
func newEntry(s *Store, key []byte) *entry {
	switch n := len(key); {
	case n <= 16:
		e := &struct {
			entry
			key [16]byte
		}{}
		return e.of(s, e.key[:copy(e.key[:], key)])
	case n <= 32:
		e := &struct {
			entry
			key [32]byte
		}{}
		return e.of(s, e.key[:copy(e.key[:], key)])
	}
	return new(entry).of(s, bytes.Clone(key))
}

// of sets the store and the key, which nobody changes any more.
func (e *entry) of(s *Store, key []byte) *entry {
	e.store, e.key = s, unsafe.String(unsafe.SliceData(key), len(key))
	return e
}

// cache accounts for the entries of all stores of a set.
type cache struct {
	budget       int
	bytes        int
	pendingBytes int
	dirtyBytes   int
	turn         int                    // the store that the clock's hand is in
	spare        [spareClasses][][]byte // by the class of the capacity
	spareBytes   int
}

func newCache(budget int) cache {
	if budget == 0 {
		budget = DefaultCacheBytes
	}
	return cache{budget: budget}
}

// measure brings the account of an entry up to date.
func (c *cache) measure(e *entry) {
	size := entryOverhead + len(e.key) + cap(e.value) + cap(e.pending)
	c.bytes += size - int(e.size)
	e.size = uint32(size)
}

// copy returns a copy of value in a buffer that was recycled, or in a new one.
// It is not nil.
func (c *cache) copy(value []byte) []byte {
	class, size := classOf(len(value))
	for i := class; i <= class+1 && i < spareClasses; i++ {
		if last := len(c.spare[i]) - 1; last >= 0 {
			b := c.spare[i][last]
			c.spare[i][last] = nil
			c.spare[i] = c.spare[i][:last]
			c.spareBytes -= cap(b)
			return append(b, value...)
		}
	}
	return append(make([]byte, 0, size), value...)
}

// recycle takes a buffer that nobody refers to.
func (c *cache) recycle(b []byte) {
	class, size := classOf(cap(b))
	if size > cap(b) {
		class-- // it has room for the class below
	}
	if class < 0 || class >= spareClasses || c.spareBytes+cap(b) > maxSpare {
		return
	}
	c.spare[class] = append(c.spare[class], b[:0])
	c.spareBytes += cap(b)
}

// classOf returns the class of buffers for n bytes, and how large they are: four
// classes to each power of two, so that a fifth at most is left empty.
func classOf(n int) (class, size int) {
	if n <= minSpare {
		return 0, minSpare
	}
	half := 1 << (bits.Len(uint(n-1)) - 1) // less than n, and at least half of it
	quarters := (n - half + half/4 - 1) / (half / 4)
	return 4*(bits.Len(uint(half))-bits.Len(uint(minSpare))) + quarters, half + quarters*half/4
}

// evict drops entries that the engine has too, looking into no more than probes slots.
// It is the clock algorithm: a hand goes round through the tables; an entry that was
// used since the last time is passed over once.
func (st *Set) evict(probes int) {
	for ; probes > 0 && st.bytes > st.budget; probes-- {
		s := st.stores[st.turn]
		if s.hand >= len(s.entries.slots) {
			s.hand = 0
			st.turn = (st.turn + 1) % len(st.stores)
			continue
		}
		switch e := s.entries.slots[s.hand].entry; {
		case e == nil, e.staged != untouched, e.dirty, e.inFlight:
			s.hand++
		case e.used:
			e.used = false
			s.hand++
		default:
			s.drop(e)
		}
	}
}

// soil marks an entry as committed and not written.
func (c *cache) soil(e *entry) {
	if e.dirty {
		c.dirtyBytes -= int(e.unsaved)
	} else {
		e.dirty = true
		e.store.dirty = append(e.store.dirty, e)
	}
	e.unsaved = uint32(len(e.key) + len(e.value))
	c.dirtyBytes += int(e.unsaved)
}
