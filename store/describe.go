package store

import (
	"fmt"

	"github.com/streamweir/streamweir/serde"
)

// description is what the builders have in common.
type description[K, V any] struct {
	spec   Spec
	keys   serde.Serde[K]
	values serde.Serde[V]
}

func describe[K, V any](name string, kind Kind, keys serde.Serde[K], values serde.Serde[V], opts []Option) description[K, V] {
	return description[K, V]{newSpec(name, kind, opts), keys, values}
}

func newSpec(name string, kind Kind, opts []Option) Spec {
	s := Spec{Name: name, Kind: kind, Persistent: true, Logged: true}
	for _, o := range opts {
		if o != nil {
			o(&s)
		}
	}
	if s.TTL != 0 || s.Duplicates {
		s.Caching = false
	}
	if s.MaxEntries != 0 {
		s.Persistent, s.Opener, s.Caching = false, nil, false
	}
	return s
}

// Name implements [Builder].
func (d *description[K, V]) Name() string { return d.spec.Name }

// Spec implements [Builder].
func (d *description[K, V]) Spec() Spec { return d.spec }

// Validate returns what is wrong with the description: a serde that is missing, or what
// [Spec.Validate] says.
func (d *description[K, V]) Validate() error {
	if d.keys == nil || d.values == nil {
		return noSerdes(d.spec)
	}
	return d.spec.Validate()
}

func noSerdes(s Spec) error {
	return fmt.Errorf("store: %s store %q has no serde for its keys or its values: give both", s.Kind, s.Name)
}

// Validate returns what is wrong with a description: times or a limit that keep nothing,
// or options that the store cannot have.
func (s Spec) Validate() error {
	switch {
	case s.TTL != 0 && s.Kind != KindTimestampedKeyValue:
		return fmt.Errorf("store: %s store %q has a TTL, which needs timestamped keys and values: use TimestampedKeyValue", s.Kind, s.Name)
	case s.TTL < 0:
		return fmt.Errorf("store: %q: its TTL is less than a millisecond", s.Name)
	case s.MaxEntries != 0 && s.Kind.Segmented():
		return fmt.Errorf("store: %s store %q has a limit of entries, which is for key-value stores", s.Kind, s.Name)
	case s.MaxEntries < 0:
		return fmt.Errorf("store: %s store %q is limited to less than one entry: it must have one at least", s.Kind, s.Name)
	case s.Retention < 0:
		return fmt.Errorf("store: %s store %q has a retention of %d ms: it must not be negative", s.Kind, s.Name, s.Retention)
	case s.SegmentInterval < 0:
		return fmt.Errorf("store: %s store %q has segments of %d ms: it must be at least 1", s.Kind, s.Name, s.SegmentInterval)
	case s.WindowSize < 0:
		return fmt.Errorf("store: %s store %q has a window size of %d ms: it must not be negative", s.Kind, s.Name, s.WindowSize)
	case s.WindowSize > s.Retention:
		return fmt.Errorf("store: %s store %q has a retention of %d ms, which is less than its window size of %d ms", s.Kind, s.Name, s.Retention, s.WindowSize)
	}
	return nil
}
