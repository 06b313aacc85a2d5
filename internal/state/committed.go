package state

import (
	"bytes"
	"fmt"

	"github.com/streamweir/streamweir/store"
)

// A chunk is what an iterator over the committed view reads at once.
const (
	minChunk = 16
	maxChunk = 1024
)

// Committed returns a reader of the committed view: it sees what transactions
// wrote that have ended, and nothing of the one that is running. Any goroutine may
// call it; each needs a reader of its own.
//
// An iterator of the reader holds no lock and no part of the engine between two
// calls of Next. It reads as it goes, so it may see transactions that ended after
// it was made, each of its entries as it was at some moment since. When the set
// is closed, Get returns an error, and an iterator ends with one.
func (s *Store) Committed() store.Reader { return &committed{store: s} }

type committed struct {
	store      *Store
	key, value []byte
}

func (r *committed) Get(key []byte) ([]byte, error) {
	s := r.store
	s.set.life.RLock()
	defer s.set.life.RUnlock()
	if s.set.closed {
		return nil, s.errClosed()
	}
	s.mu.RLock()
	e, complete := s.entries.get(key), s.complete
	known := absent
	switch {
	case e != nil:
		known = e.known
		r.value = append(r.value[:0], e.value...)
	case !complete:
		known = unknown
	}
	s.mu.RUnlock()
	if known == absent {
		return nil, nil
	}
	if known == unknown {
		r.key = append(append(r.key[:0], s.prefix...), key...)
		value, found, err := s.backing.engine.Get(r.key, r.value[:0])
		if err != nil {
			return nil, fmt.Errorf("state: store %q: %w", s.spec.Name, err)
		}
		if !found {
			return nil, nil
		}
		r.value = value
	}
	if r.value == nil {
		r.value = []byte{}
	}
	return r.value, nil
}

func (r *committed) Scan(from, to []byte, reverse bool) store.Iterator {
	return &committedScan{
		store: r.store, from: bytes.Clone(from), to: bytes.Clone(to), reverse: reverse, size: minChunk, at: -1,
	}
}

// committedScan reads the range in chunks. from and to are what is left of it.
type committedScan struct {
	store    *Store
	from, to []byte
	reverse  bool
	size     int

	rows   []row
	at     int
	memory []row // the part of the chunk that is in memory, with deletions
	arena  []byte
	end    bool // there is nothing after the chunk
	err    error
}

// row is a key and its value in the arena; a deleted one has no value.
type row struct {
	key, value int // where they begin
	end        int
	deleted    bool
}

func (i *committedScan) Next() bool {
	i.at++
	for i.at >= len(i.rows) {
		if i.end || i.err != nil {
			return false
		}
		if i.err = i.fetch(); i.err != nil {
			i.rows = nil
			return false
		}
		i.at = 0
	}
	return true
}

func (i *committedScan) keyOf(r row) []byte { return i.arena[r.key:r.value:r.value] }

func (i *committedScan) Key() []byte { return i.keyOf(i.rows[i.at]) }

func (i *committedScan) Value() []byte {
	r := i.rows[i.at]
	return i.arena[r.value:r.end:r.end]
}

func (i *committedScan) Close() error {
	i.end, i.rows = true, nil
	return i.err
}

// fetch reads the next chunk. Memory comes before the engine: what leaves memory
// in between is in the engine by then, while the other way round it could be
// missed in both.
func (i *committedScan) fetch() error {
	s := i.store
	s.set.life.RLock()
	defer s.set.life.RUnlock()
	if s.set.closed {
		return s.errClosed()
	}
	i.rows, i.memory, i.arena = i.rows[:0], i.memory[:0], i.arena[:0]
	last, complete := i.fetchMemory()
	if complete {
		for _, r := range i.memory {
			if !r.deleted {
				i.rows = append(i.rows, r)
			}
		}
	} else {
		var err error
		if last, err = i.merge(last); err != nil {
			return fmt.Errorf("state: store %q: %w", s.spec.Name, err)
		}
	}
	switch {
	case last == nil:
		i.end = true
	case i.reverse:
		i.to = last
	default:
		i.from = append(last, 0)
	}
	i.size = min(i.size*2, maxChunk)
	return nil
}

// fetchMemory copies the entries at the beginning of the range. last is the last
// one looked at if there are more, otherwise nil.
func (i *committedScan) fetchMemory() (last []byte, complete bool) {
	s := i.store
	s.mu.RLock()
	for s.index == nil {
		s.mu.RUnlock()
		s.buildIndex()
		s.mu.RLock()
	}
	defer s.mu.RUnlock()
	it := scan{store: s, reverse: i.reverse, from: string(i.from), to: string(i.to), bounded: i.to != nil, memory: s.index.Iter()}
	it.inMemory = it.seek()
	for n := 0; it.inMemory; n++ {
		item := it.memory.Item()
		if n == i.size {
			break
		}
		last = append(last[:0], item.key...)
		if e := item.entry; e.known != unknown {
			i.memory = append(i.memory, i.copy([]byte(item.key), e.value, e.known == absent))
		}
		it.stepMemory()
	}
	if !it.inMemory {
		last = nil
	}
	return last, s.complete
}

func (i *committedScan) copy(key, value []byte, deleted bool) row {
	r := row{key: len(i.arena), deleted: deleted}
	i.arena = append(i.arena, key...)
	r.value = len(i.arena)
	i.arena = append(i.arena, value...)
	r.end = len(i.arena)
	return r
}

// merge adds the engine's part of the range up to last, nil for all of it. It
// returns where the chunk ends.
func (i *committedScan) merge(last []byte) ([]byte, error) {
	from, to := i.from, i.to
	if last != nil && i.reverse {
		from = last
	} else if last != nil {
		to = append(bytes.Clone(last), 0)
	}
	s, m := i.store, 0
	lower, upper := s.bounds(from, to)
	it := s.backing.engine.Scan(lower, upper, i.reverse)
	for n := 0; it.Next(); n++ {
		key := it.Key()[len(s.prefix):]
		if n == i.size {
			// The rest of the memory's part comes after the last key before this one.
			return i.lastKey(m), it.Close()
		}
		for m < len(i.memory) && i.before(i.keyOf(i.memory[m]), key) {
			i.keep(i.memory[m])
			m++
		}
		if m < len(i.memory) && bytes.Equal(i.keyOf(i.memory[m]), key) {
			i.keep(i.memory[m])
			m++
		} else {
			i.rows = append(i.rows, i.copy(key, it.Value(), false))
		}
	}
	for ; m < len(i.memory); m++ {
		i.keep(i.memory[m])
	}
	return last, it.Close()
}

func (i *committedScan) before(a, b []byte) bool {
	if i.reverse {
		a, b = b, a
	}
	return bytes.Compare(a, b) < 0
}

func (i *committedScan) keep(r row) {
	if !r.deleted {
		i.rows = append(i.rows, r)
	}
}

// lastKey is the later one of the last row and the last entry in memory that was
// taken: where a chunk that the engine cut ends.
func (i *committedScan) lastKey(taken int) []byte {
	var last []byte
	if n := len(i.rows); n > 0 {
		last = i.keyOf(i.rows[n-1])
	}
	if taken > 0 {
		if key := i.keyOf(i.memory[taken-1]); last == nil || i.before(last, key) {
			last = key
		}
	}
	return bytes.Clone(last)
}
