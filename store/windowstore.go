package store

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/streamweir/streamweir/serde"
)

// windowView implements [ReadOnlyWindowStore].
type windowView[K, V any] struct {
	serialized[K, V]
	rows rows
	row  []byte // the key of a row in the engine
}

func bindWindowView[K, V any](s Spec, keys serde.Serde[K], values serde.Serde[V], r Reader, topic string) (v windowView[K, V], err error) {
	if v.serialized, err = bindSerdes(s, keys, values, r, topic); err == nil {
		v.rows, err = newRows(s, r)
	}
	return v, err
}

func (s *windowView[K, V]) Get(key K, start int64) (v V, ok bool, err error) {
	if err := s.encodeKey(key); err != nil {
		return v, false, err
	}
	if start < 0 || s.rows.spec.Duplicates {
		return v, false, nil
	}
	data, err := s.rows.get(s.engineKey(start, 0), start)
	if err != nil {
		return v, false, fmt.Errorf("store: %q: %w", s.name, err)
	}
	return s.decode(data)
}

// engineKey returns the key of a row of the key in keyData.
func (s *windowView[K, V]) engineKey(start int64, sequence int32) []byte {
	s.row = binary.BigEndian.AppendUint64(s.row[:0], uint64(start/s.rows.spec.SegmentInterval))
	s.row = append(s.row, s.keyData...)
	s.row = binary.BigEndian.AppendUint64(s.row, uint64(start))
	s.row = binary.BigEndian.AppendUint32(s.row, uint32(sequence))
	return s.row
}

func (s *windowView[K, V]) Fetch(key K, from, to int64) KeyValueIterator[int64, V] {
	return s.fetch(key, from, to, false)
}

func (s *windowView[K, V]) BackwardFetch(key K, from, to int64) KeyValueIterator[int64, V] {
	return s.fetch(key, from, to, true)
}

func (s *windowView[K, V]) fetch(key K, from, to int64, reverse bool) KeyValueIterator[int64, V] {
	if err := s.encodeKey(key); err != nil {
		return &startIterator[K, V]{err: err}
	}
	return &startIterator[K, V]{s: &s.serialized, it: s.rows.ofKey(s.keyData, from, to, reverse)}
}

func (s *windowView[K, V]) FetchRange(fromKey, toKey *K, from, to int64) KeyValueIterator[Windowed[K], V] {
	return s.between(fromKey, toKey, from, to, false)
}

func (s *windowView[K, V]) BackwardFetchRange(fromKey, toKey *K, from, to int64) KeyValueIterator[Windowed[K], V] {
	return s.between(fromKey, toKey, from, to, true)
}

func (s *windowView[K, V]) FetchAll(from, to int64) KeyValueIterator[Windowed[K], V] {
	return s.between(nil, nil, from, to, false)
}

func (s *windowView[K, V]) BackwardFetchAll(from, to int64) KeyValueIterator[Windowed[K], V] {
	return s.between(nil, nil, from, to, true)
}

func (s *windowView[K, V]) All() KeyValueIterator[Windowed[K], V] {
	return s.between(nil, nil, 0, math.MaxInt64, false)
}

func (s *windowView[K, V]) BackwardAll() KeyValueIterator[Windowed[K], V] {
	return s.between(nil, nil, 0, math.MaxInt64, true)
}

func (s *windowView[K, V]) between(fromKey, toKey *K, from, to int64, reverse bool) KeyValueIterator[Windowed[K], V] {
	return windowedBetween(&s.serialized, &s.rows, fromKey, toKey, from, to, reverse)
}

// window implements [WindowStore].
type window[K, V any] struct {
	windowView[K, V]
	bytes  TimedBytes
	writer valueWriter[V]
}

func bindWindows[K, V any](s Spec, keys serde.Serde[K], values serde.Serde[V], to Binding,
	writer func(Spec, serde.Codec[V], Binding) (valueWriter[V], error)) (WindowStore[K, V], error) {
	v, err := bindWindowView(s, keys, values, to.Bytes, to.ChangelogTopic)
	if err != nil {
		return nil, err
	}
	w := &window[K, V]{windowView: v}
	if w.writer, err = writer(s, v.values, to); err != nil {
		return nil, err
	}
	w.bytes, err = timedBytes(s, to.Bytes)
	return w, err
}

// Encodings is what the store's values are written as.
func (s *window[K, V]) Encodings() *Encodings { return &s.writer.written }

func (s *window[K, V]) Put(key K, value V, start int64) error {
	if err := s.encodeKey(key); err != nil {
		return err
	}
	data, timestamp, err := s.writer.encode(value)
	if err != nil {
		return err
	}
	return s.put(data, start, timestamp)
}

func (s *window[K, V]) Delete(key K, start int64) error {
	if err := s.encodeKey(key); err != nil {
		return err
	}
	return s.put(nil, start, s.writer.now())
}

func (s *window[K, V]) put(data []byte, start, timestamp int64) error {
	if start < 0 {
		return fmt.Errorf("store: %q: a window begins at %d: a start must not be negative", s.name, start)
	}
	var sequence int32
	if s.rows.spec.Duplicates {
		sequence = s.bytes.NextSequence()
	}
	if err := s.bytes.Put(s.engineKey(start, sequence), data, timestamp); err != nil {
		return fmt.Errorf("store: %q: %w", s.name, err)
	}
	return nil
}
