package store

import "fmt"

// startIterator iterates over the windows of one key.
type startIterator[K, V any] struct {
	s     *serialized[K, V]
	it    rowIterator // nil after Close
	start int64
	value V
	err   error
}

func (i *startIterator[K, V]) Next() bool {
	if i.it == nil || i.err != nil || !i.it.Next() {
		return false
	}
	windows := Spec{Kind: KindWindow}
	i.start = windows.RowTime(i.it.Row())
	i.value, _, i.err = i.s.decode(i.it.Value())
	return i.err == nil
}

func (i *startIterator[K, V]) Key() int64 { return i.start }

func (i *startIterator[K, V]) Value() V { return i.value }

func (i *startIterator[K, V]) Close() error {
	if i.it == nil {
		return i.err
	}
	if err := i.it.Close(); err != nil && i.err == nil {
		i.err = fmt.Errorf("store: %q: %w", i.s.name, err)
	}
	i.it = nil
	return i.err
}

// windowedIterator iterates over windows or sessions of several keys.
type windowedIterator[K, V any] struct {
	s     *serialized[K, V]
	spec  *Spec
	it    rowIterator // nil after Close
	key   Windowed[K]
	value V
	err   error
}

// windowedBetween iterates over the rows of a range of keys; see [wanted] for the times.
func windowedBetween[K, V any](s *serialized[K, V], r *rows, fromKey, toKey *K, from, to int64, reverse bool) KeyValueIterator[Windowed[K], V] {
	lower, err := bound(s, fromKey)
	if err != nil {
		return &windowedIterator[K, V]{err: err}
	}
	upper, err := bound(s, toKey)
	if err != nil {
		return &windowedIterator[K, V]{err: err}
	}
	return &windowedIterator[K, V]{s: s, spec: &r.spec, it: r.between(lower, upper, from, to, reverse)}
}

// bound returns the bytes of a key that limits a range; nil if it is open.
func bound[K, V any](s *serialized[K, V], key *K) ([]byte, error) {
	if key == nil || s.isNilKey(*key) {
		return nil, nil
	}
	if err := s.encodeKey(*key); err != nil {
		return nil, err
	}
	return append([]byte{}, s.keyData...), nil
}

func (i *windowedIterator[K, V]) Next() bool {
	if i.it == nil || i.err != nil || !i.it.Next() {
		return false
	}
	key, w := i.spec.split(i.it.Row())
	i.key.Window = w
	if i.key.Key, i.err = i.s.keys.Decode(key); i.err != nil {
		i.err = fmt.Errorf("store: %q: decode key: %w", i.s.name, i.err)
		return false
	}
	i.value, _, i.err = i.s.decode(i.it.Value())
	return i.err == nil
}

func (i *windowedIterator[K, V]) Key() Windowed[K] { return i.key }

func (i *windowedIterator[K, V]) Value() V { return i.value }

func (i *windowedIterator[K, V]) Close() error {
	if i.it == nil {
		return i.err
	}
	if err := i.it.Close(); err != nil && i.err == nil {
		i.err = fmt.Errorf("store: %q: %w", i.s.name, err)
	}
	i.it = nil
	return i.err
}
