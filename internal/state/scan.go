package state

import (
	"bytes"
	"fmt"

	"github.com/tidwall/btree"

	"github.com/streamweir/streamweir/store"
)

// Scan implements [store.Reader] over what is pending, committed and in the
// engine.
//
// The keys are those the store had at the call, so a loop that puts new keys
// ends. A value is the one the key has when Next gets there, and a key that was
// deleted since the call is left out.
//
// The first Scan of a store sorts the entries in memory; from then on a new key
// costs its insertion into a tree, and another Scan costs no sorting. The engine is
// not asked as long as all of the store fits into memory. Iterators still open
// when the set is closed are closed with it.
func (s *Store) Scan(from, to []byte, reverse bool) store.Iterator {
	i := &scan{store: s, reverse: reverse, from: string(from), to: string(to), bounded: to != nil, value: []byte{}}
	if s.set.closed {
		i.err, i.closed = s.errClosed(), true
		return i
	}
	s.buildIndex()
	s.iterators++
	s.copied = false
	i.memory = s.index.Iter()
	i.inMemory = i.seek()
	if !s.complete {
		i.lower, i.upper = s.bounds(from, to)
		i.engine = s.backing.engine.Scan(i.lower, i.upper, reverse)
		i.inEngine = i.engine.Next()
	}
	s.set.scans = append(s.set.scans, i)
	return i
}

// bounds returns the range of the engine's keys for a range of the store's.
func (s *Store) bounds(from, to []byte) (lower, upper []byte) {
	lower, upper = append(bytes.Clone(s.prefix), from...), s.end
	if to != nil {
		upper = append(bytes.Clone(s.prefix), to...)
	}
	return lower, upper
}

// scan merges the entries in memory, which win, with the engine.
type scan struct {
	store    *Store
	reverse  bool
	from, to string
	bounded  bool // to is a bound

	memory             btree.IterG[indexed]
	engine             store.Iterator // nil: everything is in memory
	inMemory, inEngine bool           // there is an entry at hand
	lower, upper       []byte         // the engine's iterator refers to them
	moved              bool           // the entry at hand in the engine has been returned

	key, value []byte
	err        error
	closed     bool
}

// seek moves to the first entry in memory.
func (i *scan) seek() bool {
	switch {
	case !i.reverse:
		return i.memory.Seek(indexed{key: i.from}) && i.inRange()
	case i.bounded && i.memory.Seek(indexed{key: i.to}):
		return i.memory.Prev() && i.inRange()
	default:
		return i.memory.Last() && i.inRange()
	}
}

func (i *scan) inRange() bool {
	if i.reverse {
		return i.memory.Item().key >= i.from && (!i.bounded || i.memory.Item().key < i.to)
	}
	return !i.bounded || i.memory.Item().key < i.to
}

func (i *scan) stepMemory() {
	if i.reverse {
		i.inMemory = i.memory.Prev() && i.inRange()
	} else {
		i.inMemory = i.memory.Next() && i.inRange()
	}
}

// engineKey is the key at hand in the engine.
func (i *scan) engineKey() []byte { return i.engine.Key()[len(i.store.prefix):] }

func (i *scan) Next() bool {
	if i.closed {
		return false
	}
	if i.moved {
		i.moved = false
		i.inEngine = i.engine.Next()
	}
	for i.inMemory || i.inEngine {
		if i.step() {
			return true
		}
	}
	return false
}

// step takes the next key and reports whether it has a value.
func (i *scan) step() bool {
	side := i.compare()
	if side <= 0 {
		item := i.memory.Item()
		i.stepMemory()
		i.key = append(i.key[:0], item.key...)
		e := item.entry
		if e.gone {
			e = i.store.current(i.key, e)
		}
		if ok, known := i.read(e); known || side < 0 {
			if side == 0 {
				i.inEngine = i.engine.Next()
			}
			return ok
		}
	} else {
		i.key = append(i.key[:0], i.engineKey()...)
		if e := i.store.entries.get(i.key); e != nil {
			if ok, known := i.read(e); known {
				i.inEngine = i.engine.Next()
				return ok
			}
		}
	}
	i.value = append(i.value[:0], i.engine.Value()...)
	i.moved = true
	return true
}

// compare tells which side has the next key: memory < 0, engine > 0, both 0.
func (i *scan) compare() int {
	switch {
	case !i.inEngine:
		return -1
	case !i.inMemory:
		return 1
	}
	key := i.engineKey()
	c := 0
	switch m := i.memory.Item().key; {
	case m < string(key):
		c = -1
	case m > string(key):
		c = 1
	}
	if i.reverse {
		c = -c
	}
	return c
}

// current is the entry that a key has now, if the one of the index was evicted.
func (s *Store) current(key []byte, evicted *entry) *entry {
	if e := s.entries.get(key); e != nil {
		return e
	}
	return evicted
}

// read copies the value of an entry. known is false if the engine must be asked.
func (i *scan) read(e *entry) (ok, known bool) {
	value := e.value
	switch {
	case e.staged == put:
		value = e.pending
	case e.staged == deleted || e.known == absent:
		return false, true
	case e.known == unknown:
		return false, false
	}
	i.value = append(i.value[:0], value...)
	return true, true
}

func (i *scan) Key() []byte { return i.key }

func (i *scan) Value() []byte { return i.value }

func (i *scan) Close() error {
	if i.closed {
		return i.err
	}
	i.closed = true
	i.memory.Release()
	i.store.iterators--
	i.store.set.forgetScan(i)
	if i.engine != nil {
		if err := i.engine.Close(); err != nil {
			i.err = fmt.Errorf("state: store %q: %w", i.store.spec.Name, err)
		}
	}
	return i.err
}
