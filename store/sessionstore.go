package store

import (
	"encoding/binary"
	"fmt"
	"math"
)

// sessionView implements [ReadOnlySessionStore].
type sessionView[K, V any] struct {
	serialized[K, V]
	rows rows
	row  []byte // the key of a row in the engine
}

func (s *sessionView[K, V]) FetchSession(key K, start, end int64) (v V, ok bool, err error) {
	if err := s.encodeKey(key); err != nil {
		return v, false, err
	}
	if end < 0 {
		return v, false, nil
	}
	data, err := s.rows.get(s.engineKey(start, end), end)
	if err != nil {
		return v, false, fmt.Errorf("store: %q: %w", s.name, err)
	}
	return s.decode(data)
}

// engineKey returns the key of a session of the key in keyData.
func (s *sessionView[K, V]) engineKey(start, end int64) []byte {
	s.row = binary.BigEndian.AppendUint64(s.row[:0], uint64(end/s.rows.spec.SegmentInterval))
	s.row = append(s.row, s.keyData...)
	s.row = binary.BigEndian.AppendUint64(s.row, uint64(end))
	s.row = binary.BigEndian.AppendUint64(s.row, uint64(start))
	return s.row
}

func (s *sessionView[K, V]) FindSessions(key K, earliestEnd, latestStart int64) KeyValueIterator[Windowed[K], V] {
	return s.find(key, earliestEnd, latestStart, false)
}

func (s *sessionView[K, V]) BackwardFindSessions(key K, earliestEnd, latestStart int64) KeyValueIterator[Windowed[K], V] {
	return s.find(key, earliestEnd, latestStart, true)
}

func (s *sessionView[K, V]) find(key K, earliestEnd, latestStart int64, reverse bool) KeyValueIterator[Windowed[K], V] {
	if err := s.encodeKey(key); err != nil {
		return &windowedIterator[K, V]{err: err}
	}
	return &windowedIterator[K, V]{s: &s.serialized, spec: &s.rows.spec, it: s.rows.ofKey(s.keyData, earliestEnd, latestStart, reverse)}
}

func (s *sessionView[K, V]) FindSessionsRange(from, to *K, earliestEnd, latestStart int64) KeyValueIterator[Windowed[K], V] {
	return windowedBetween(&s.serialized, &s.rows, from, to, earliestEnd, latestStart, false)
}

func (s *sessionView[K, V]) BackwardFindSessionsRange(from, to *K, earliestEnd, latestStart int64) KeyValueIterator[Windowed[K], V] {
	return windowedBetween(&s.serialized, &s.rows, from, to, earliestEnd, latestStart, true)
}

func (s *sessionView[K, V]) FindEnded(from, to int64) KeyValueIterator[Windowed[K], V] {
	return &windowedIterator[K, V]{s: &s.serialized, spec: &s.rows.spec, it: s.rows.ended(from, to)}
}

func (s *sessionView[K, V]) Fetch(key K) KeyValueIterator[Windowed[K], V] {
	return s.find(key, 0, math.MaxInt64, false)
}

func (s *sessionView[K, V]) BackwardFetch(key K) KeyValueIterator[Windowed[K], V] {
	return s.find(key, 0, math.MaxInt64, true)
}

func (s *sessionView[K, V]) FetchRange(from, to *K) KeyValueIterator[Windowed[K], V] {
	return s.FindSessionsRange(from, to, 0, math.MaxInt64)
}

func (s *sessionView[K, V]) BackwardFetchRange(from, to *K) KeyValueIterator[Windowed[K], V] {
	return s.BackwardFindSessionsRange(from, to, 0, math.MaxInt64)
}

// session implements [SessionStore].
type session[K, V any] struct {
	sessionView[K, V]
	bytes  TimedBytes
	writer valueWriter[V]
}

// Encodings is what the store's values are written as.
func (s *session[K, V]) Encodings() *Encodings { return &s.writer.written }

func (s *session[K, V]) Put(session Windowed[K], value V) error {
	if err := s.encodeKey(session.Key); err != nil {
		return err
	}
	data, timestamp, err := s.writer.encode(value)
	if err != nil {
		return err
	}
	return s.put(session.Window, data, timestamp)
}

func (s *session[K, V]) Remove(session Windowed[K]) error {
	if err := s.encodeKey(session.Key); err != nil {
		return err
	}
	return s.put(session.Window, nil, s.writer.now())
}

func (s *session[K, V]) put(w Window, data []byte, timestamp int64) error {
	if w.Start < 0 || w.End < w.Start {
		return fmt.Errorf("store: %q: there is no session from %d to %d", s.name, w.Start, w.End)
	}
	if err := s.bytes.Put(s.engineKey(w.Start, w.End), data, timestamp); err != nil {
		return fmt.Errorf("store: %q: %w", s.name, err)
	}
	return nil
}
