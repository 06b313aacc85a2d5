package stream

import (
	"fmt"
	"slices"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/null"
	"github.com/streamweir/streamweir/store"
)

// A tableView is a table as a node reads it: its store, or what is computed, at
// each call, from the stores of the tables that it is made of. Kafka Streams:
// KTableValueGetter.
type tableView[K, V any] interface {
	// get returns the value of a key and its timestamp; ok is false if there is none.
	// It calls functions of the user, which may panic.
	get(key K) (v store.ValueAndTimestamp[V], ok bool, err error)
}

// A tableReader tells how a table is read. Kafka Streams: KTableValueGetterSupplier.
type tableReader[K, V any] struct {
	// stores are those that a node must be connected to that reads the table.
	stores []string
	// open returns the view of a task.
	open func(w *graph.Wiring) (tableView[K, V], error)
}

// readStore reads a table that is kept in a store. materialize returns the store's
// name and makes sure that there is one.
func readStore[K, V any](materialize func() string) func() tableReader[K, V] {
	return func() tableReader[K, V] {
		name := materialize()
		return tableReader[K, V]{stores: []string{name}, open: func(w *graph.Wiring) (tableView[K, V], error) {
			s, err := w.Store(name)
			if err != nil {
				return nil, err
			}
			switch s := s.(type) {
			case store.TimestampedKeyValueStore[K, V]:
				return storeView[K, V]{s}, nil
			case store.VersionedKeyValueStore[K, V]:
				return versionedView[K, V]{s}, nil
			}
			return nil, fmt.Errorf("store %q is a %T, not the table's", name, s)
		}}
	}
}

type storeView[K, V any] struct {
	store store.TimestampedKeyValueStore[K, V]
}

func (v storeView[K, V]) get(key K) (store.ValueAndTimestamp[V], bool, error) {
	return v.store.Get(key)
}

// readMapped reads a table whose values are computed one by one from another's. f
// reports whether the table has no such entry.
func readMapped[K, V, V2 any](parent tableReader[K, V], f func(key K, v V) (out V2, none bool, err error)) tableReader[K, V2] {
	return tableReader[K, V2]{stores: parent.stores, open: func(w *graph.Wiring) (tableView[K, V2], error) {
		view, err := parent.open(w)
		return &mappedView[K, V, V2]{parent: view, f: f, isNull: null.Check[V2]()}, err
	}}
}

type mappedView[K, V, V2 any] struct {
	parent tableView[K, V]
	f      func(key K, v V) (V2, bool, error)
	isNull func(*V2) bool
	v      V2 // that isNull looks at; a local variable would be moved to the heap
}

func (m *mappedView[K, V, V2]) get(key K) (out store.ValueAndTimestamp[V2], ok bool, err error) {
	v, ok, err := m.parent.get(key)
	return m.mapped(key, v, ok, err)
}

func (m *mappedView[K, V, V2]) asOf(key K, at int64) (out store.ValueAndTimestamp[V2], ok bool, err error) {
	v, ok, err := readPast(m.parent, key, at)
	return m.mapped(key, v, ok, err)
}

func (m *mappedView[K, V, V2]) mapped(key K, v store.ValueAndTimestamp[V], ok bool, err error) (out store.ValueAndTimestamp[V2], _ bool, _ error) {
	if !ok || err != nil {
		return out, false, err
	}
	value, none, err := m.f(key, v.Value)
	if none || err != nil {
		return out, false, err
	}
	if m.v = value; m.isNull != nil && m.isNull(&m.v) {
		return out, false, nil
	}
	return store.ValueAndTimestamp[V2]{Value: value, Timestamp: v.Timestamp}, true, nil
}

// readJoined reads the join of two tables.
func readJoined[K, V, W, R any](left tableReader[K, V], right tableReader[K, W], kind joinKind, f func(v V, okV bool, w W, okW bool) R) tableReader[K, R] {
	stores := slices.Concat(left.stores, right.stores)
	return tableReader[K, R]{stores: stores, open: func(w *graph.Wiring) (tableView[K, R], error) {
		j := &joinedView[K, V, W, R]{kind: kind, f: f, isNull: null.Check[R]()}
		var err error
		if j.left, err = left.open(w); err == nil {
			j.right, err = right.open(w)
		}
		return j, err
	}}
}

type joinedView[K, V, W, R any] struct {
	left   tableView[K, V]
	right  tableView[K, W]
	kind   joinKind
	f      func(v V, okV bool, w W, okW bool) R
	isNull func(*R) bool
	out    store.ValueAndTimestamp[R]
}

func (j *joinedView[K, V, W, R]) get(key K) (store.ValueAndTimestamp[R], bool, error) {
	j.out = store.ValueAndTimestamp[R]{}
	v, okV, err := j.left.get(key)
	if err != nil || !okV && j.kind.needsLeft {
		return j.out, false, err
	}
	w, okW, err := j.right.get(key)
	if err != nil || !okW && (j.kind.needsRight || !okV) {
		return j.out, false, err
	}
	j.out.Value = j.f(v.Value, okV, w.Value, okW)
	if okV {
		j.out.Timestamp = v.Timestamp
	}
	if okW && (!okV || w.Timestamp > v.Timestamp) {
		j.out.Timestamp = w.Timestamp
	}
	return j.out, j.isNull == nil || !j.isNull(&j.out.Value), nil
}
