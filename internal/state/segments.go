package state

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/store"
)

// Rows of a segmented store expire with its stream time, which is part of the
// transaction like any key: pending, then committed, then in the store's record in the
// engine. With T the stream time a reader has, all it asks for is
//
//	segment >= LiveSegment(T) >= LiveSegment(committed T)
//
// so what is below LiveSegment(committed T) can be dropped from memory and from the
// engine at any moment, in parts, or not at all; complete speaks of what is above.
// Nothing is put there either: Put and Restore leave out what is expired, and so does a
// flush. The engine's rows are removed after the record with the stream time that made
// them old was written, so an engine never misses rows that its record shows.

// marks are what a segmented store has besides its rows.
type marks struct {
	time     int64 // stream time
	sequence int32 // of the last row, in a store with duplicates
}

var noMarks = marks{time: -1}

type times struct {
	running   marks // of the running transaction
	committed marks // written with mu locked
	saved     marks // in the engine
	dropped   int64 // segments below it are not in memory
	swept     int64 // segments below it are not in the engine
	expired   func()
	row       []byte // a key in the index
}

func newTimes() (t times) {
	t.set(noMarks)
	return t
}

func (t *times) set(m marks) {
	t.running, t.committed, t.saved = m, m, m
	t.dropped, t.swept = 0, 0
}

// expireAtCommit is how many rows are dropped from memory at a commit, besides twice as
// many as it wrote.
const expireAtCommit = 4096

// StreamTime implements [store.TimedReader].
func (s *Store) StreamTime() int64 { return s.times.running.time }

// NextSequence implements [store.TimedBytes].
func (s *Store) NextSequence() int32 {
	m := &s.times.running
	m.sequence = (m.sequence + 1) & 0x7fffffff
	return m.sequence
}

// OnExpired makes Put call f for every row that is too late to be kept; nil for none.
func (s *Store) OnExpired(f func()) { s.times.expired = f }

// putRow is put of a segmented store.
func (s *Store) putRow(key, value []byte) {
	if s.ignores(value) {
		return
	}
	row := s.spec.ChangelogKey(key)
	t, m := s.spec.RowTime(row), &s.times.running
	switch m.time = max(m.time, t); {
	case s.spec.Expired(t, m.time):
		if s.times.expired != nil {
			s.times.expired()
		}
		return
	case s.spec.Duplicates && value == nil:
		return
	case s.spec.TimeOrdered:
		s.putIndex(key, row, value)
	}
	s.put(key, value)
}

// ignores tells whether a row without a value leaves the stream time alone: in Kafka
// Streams only a store with duplicates in memory takes it.
func (s *Store) ignores(value []byte) bool {
	return value == nil && s.spec.Duplicates && s.spec.Persistent
}

// putIndex keeps the index of a time-ordered store: it has the rows that have a value.
func (s *Store) putIndex(key, row, value []byte) {
	if e := s.find(key); value != nil && e != nil && (e.staged == put || e.staged == untouched && e.known == present) {
		return
	}
	s.times.row = s.spec.AppendIndexKey(s.times.row[:0], row)
	if value == nil {
		s.put(s.times.row, nil)
	} else {
		s.put(s.times.row, []byte{})
	}
}

// sortSegments gives a segmented store its index from the beginning, so that what is
// old is found.
func (s *Store) sortSegments() {
	if s.spec.Kind.Segmented() {
		s.sort()
	}
}

// liveSegment is the segment below which everything is expired for good.
func (s *Store) liveSegment() int64 {
	if !s.spec.Kind.Segmented() {
		return 0
	}
	return s.spec.LiveSegment(s.times.committed.time)
}

// segmentOf is the segment of a row or of a place in the index.
func (s *Store) segmentOf(key string) int64 {
	n := binary.BigEndian.Uint64([]byte(key[:8]))
	switch {
	case n&(1<<63) == 0:
		return int64(n)
	case s.versions != nil:
		return math.MaxInt64 // a latest version never expires
	}
	return int64(n&^(1<<63)) / s.spec.SegmentInterval
}

// commitTimes commits the stream time, after written rows, and drops old rows.
func (s *Store) commitTimes(written int) {
	if s.times.running != s.times.committed {
		s.mu.Lock()
		s.times.committed = s.times.running
		s.mu.Unlock()
	}
	if s.set.flight == nil { // which refers to entries
		s.expire(expireAtCommit + 2*written)
	}
}

// expire drops rows that are expired from memory, not more than limit.
func (s *Store) expire(limit int) {
	live := s.liveSegment()
	if live <= s.times.dropped {
		return
	}
	if s.expireBetween(nil, s.spec.AppendSegmentBound(nil, live), &limit) &&
		(!s.spec.TimeOrdered || s.expireBetween(s.spec.AppendIndexBound(nil, 0), s.indexBound(live), &limit)) {
		s.times.dropped = live
	}
}

func (s *Store) indexBound(live int64) []byte {
	return s.spec.AppendIndexBound(nil, live*s.spec.SegmentInterval)
}

// expireBetween drops entries with from <= key < to and reports whether none is left.
func (s *Store) expireBetween(from, to []byte, limit *int) bool {
	pivot, end := indexed{key: string(from)}, string(to)
	for {
		var first *entry
		s.index.Ascend(pivot, func(i indexed) bool {
			if i.key < end {
				first = i.entry
			}
			return false
		})
		if first == nil {
			return true
		}
		if *limit--; *limit < 0 {
			return false
		}
		s.forgetExpired(first)
	}
}

// forgetExpired drops an entry, also one that the engine does not have.
func (s *Store) forgetExpired(e *entry) {
	complete := s.complete
	if s.drop(e); e.dirty {
		e.dirty = false
		s.set.dirtyBytes -= int(e.unsaved)
	}
	s.mu.Lock()
	s.complete = complete
	s.mu.Unlock()
}

// A sweep removes the segments below live from an engine.
type sweep struct {
	store *Store
	live  int64
}

// sweep runs on the goroutine that writes a flush.
func (s *Store) sweep(batch *store.Batch, live int64) error {
	batch.Reset()
	prefixed := func(key []byte) []byte { return append(append([]byte{}, s.prefix...), key...) }
	if err := s.backing.deleteRange(batch, s.prefix, prefixed(s.spec.AppendSegmentBound(nil, live))); err != nil {
		return err
	}
	if !s.spec.TimeOrdered {
		return nil
	}
	batch.Reset()
	return s.backing.deleteRange(batch, prefixed(s.spec.AppendIndexBound(nil, 0)), prefixed(s.indexBound(live)))
}

// restoreTimes takes what records of the changelog say of the stream time.
func (s *Store) restoreTimes(records []record.Record) error {
	m := s.times.committed
	for i := range records {
		r := &records[i]
		if r.Key == nil {
			continue
		}
		if err := s.spec.CheckChangelogKey(r.Key); err != nil {
			return fmt.Errorf("state: store %q: changelog record at offset %d: %w: was the topic written by another store?", s.spec.Name, r.Offset, err)
		}
		if !s.ignores(r.Value) {
			m.time = max(m.time, s.spec.RowTime(r.Key))
		}
		if s.spec.Duplicates {
			m.sequence = s.spec.Sequence(r.Key)
		}
	}
	s.mu.Lock()
	s.times.running, s.times.committed = m, m
	s.mu.Unlock()
	return nil
}

// dropSegments removes expired segments from memory and from the engine at once.
func (s *Store) dropSegments() error {
	live := s.liveSegment()
	if live <= s.times.swept {
		return nil
	}
	s.expire(s.entries.n)
	if err := s.sweep(&s.set.batch, live); err != nil {
		return err
	}
	s.times.swept = live
	return nil
}

// StreamTime implements [store.TimedReader].
func (r *committed) StreamTime() int64 {
	r.store.mu.RLock()
	defer r.store.mu.RUnlock()
	return r.store.times.committed.time
}
