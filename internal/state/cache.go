package state

import "math/bits"

// entryOverhead is about what an entry takes besides its key and its values: the
// struct, its place in the map and in the clock, and the rounding of allocations.
const entryOverhead = 208

// evictAtInsert and evictAtCommit bound how many entries are looked at to make
// room, so that no single call pays for all.
const (
	evictAtInsert = 4
	evictAtCommit = 4096
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
	key   string
	store *Store
	used  bool // since the clock last passed

	pending []byte // what staged put
	staged  staged

	// The committed value. Others read these two with store.mu locked.
	value []byte // nil unless present
	known known

	dirty    bool // committed and in no flush
	inFlight bool // in the flush that is under way, which owns the value it took
	gone     bool // evicted
	size     int  // what it counts in the cache
	slot     int  // its place in the clock
	unsaved  int  // what it counts in dirtyBytes if dirty
}

// cache accounts for the entries of all stores of a set. Eviction is the clock
// algorithm: a hand goes round; an entry that was used since the last time is
// passed over once.
type cache struct {
	budget       int
	bytes        int
	pendingBytes int
	dirtyBytes   int
	clock        []*entry
	hand         int
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
	c.bytes += size - e.size
	e.size = size
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

// evict drops entries that the engine has too, looking at no more than probes.
func (c *cache) evict(probes int) {
	for ; probes > 0 && c.bytes > c.budget && len(c.clock) > 0; probes-- {
		if c.hand >= len(c.clock) {
			c.hand = 0
		}
		e := c.clock[c.hand]
		switch {
		case e.staged != untouched || e.dirty || e.inFlight:
			c.hand++
		case e.used:
			e.used = false
			c.hand++
		default:
			e.store.drop(e)
			c.remove(e)
		}
	}
}

// remove takes an entry off the account and the clock.
func (c *cache) remove(e *entry) {
	c.bytes -= e.size
	last := len(c.clock) - 1
	c.clock[e.slot] = c.clock[last]
	c.clock[e.slot].slot = e.slot
	c.clock[last] = nil
	c.clock = c.clock[:last]
}

// forget removes the entries of a store from the account.
func (c *cache) forget(s *Store) {
	kept := c.clock[:0]
	for _, e := range c.clock {
		if e.store != s {
			e.slot = len(kept)
			kept = append(kept, e)
			continue
		}
		c.bytes -= e.size
		if e.dirty {
			c.dirtyBytes -= e.unsaved
		}
	}
	clear(c.clock[len(kept):])
	c.clock, c.hand = kept, 0
}

// soil marks an entry as committed and not written.
func (c *cache) soil(e *entry) {
	if e.dirty {
		c.dirtyBytes -= e.unsaved
	} else {
		e.dirty = true
		e.store.dirty = append(e.store.dirty, e)
	}
	e.unsaved = len(e.key) + len(e.value)
	c.dirtyBytes += e.unsaved
}
