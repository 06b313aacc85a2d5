package avro

import (
	"encoding/json"
	"iter"
	"reflect"
	"slices"
	"strings"

	"github.com/streamweir/streamweir/serde/avro/wire"
)

// A Map is an Avro map as a slice of entries in the order of their keys, for maps
// of few entries on the path of each record: it is read with one allocation and
// written without one, while a Go map is built and walked at several times the
// cost. A key is found by binary search, and a new one costs a move of those after
// it. As with a Go map, nil is null in a field that is nullable, and otherwise
// written as empty.
//
// Whoever fills it by hand keeps the order; to write a map that is not in order is
// an error.
type Map[V any] []Entry[V]

// An Entry is a key with its value.
type Entry[V any] struct {
	Key   string
	Value V
}

// MapOf returns the entries of a Go map.
func MapOf[V any](m map[string]V) Map[V] {
	out := make(Map[V], 0, len(m))
	for k, v := range m {
		out = append(out, Entry[V]{k, v})
	}
	slices.SortFunc(out, compareEntries)
	return out
}

func (m Map[V]) find(key string) (int, bool) {
	return slices.BinarySearchFunc(m, key, func(e Entry[V], key string) int { return strings.Compare(e.Key, key) })
}

// Get returns the value of a key.
func (m Map[V]) Get(key string) (V, bool) {
	if i, ok := m.find(key); ok {
		return m[i].Value, true
	}
	var zero V
	return zero, false
}

// At returns the value of a key to be changed in place, the zero value if the key
// is new. The pointer is good until the map gets another key or loses one.
func (m *Map[V]) At(key string) *V {
	i, ok := m.find(key)
	if !ok {
		*m = slices.Insert(*m, i, Entry[V]{Key: key})
	}
	return &(*m)[i].Value
}

// Delete removes a key.
func (m *Map[V]) Delete(key string) {
	if i, ok := m.find(key); ok {
		*m = slices.Delete(*m, i, i+1)
	}
}

// All yields the entries in order.
func (m Map[V]) All() iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, e := range m {
			if !yield(e.Key, e.Value) {
				return
			}
		}
	}
}

// Sort puts entries in order that are not; of those with equal keys the last stays. To
// find that they are in order takes one look at each.
func (m *Map[V]) Sort() {
	for i := 1; i < len(*m); i++ {
		if (*m)[i].Key <= (*m)[i-1].Key {
			m.order()
			return
		}
	}
}

// MarshalJSON writes an object, as of a Go map.
func (m Map[V]) MarshalJSON() ([]byte, error) {
	if m == nil {
		return []byte("null"), nil
	}
	out := make(map[string]V, len(m))
	for k, v := range m.All() {
		out[k] = v
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads an object.
func (m *Map[V]) UnmarshalJSON(data []byte) error {
	var in map[string]V
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	if *m = nil; in != nil {
		*m = MapOf(in)
	}
	return nil
}

// entries is a *Map of any type, as the decoder sees it.
type entries interface {
	// room makes the capacity at least n.
	room(n int)
	// order sorts by key; of equal keys the last one stays.
	order()
}

func (m *Map[V]) room(n int) {
	wide := make(Map[V], len(*m), n)
	copy(wide, *m)
	*m = wide
}

func (m *Map[V]) order() {
	slices.SortStableFunc(*m, compareEntries)
	kept := (*m)[:0]
	for i, e := range *m {
		if i+1 == len(*m) || (*m)[i+1].Key != e.Key {
			kept = append(kept, e)
		}
	}
	clear((*m)[len(kept):])
	*m = kept
}

func compareEntries[V any](a, b Entry[V]) int { return strings.Compare(a.Key, b.Key) }

func isEntries(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.PkgPath() == reflect.TypeFor[Map[int]]().PkgPath() && strings.HasPrefix(t.Name(), "Map[")
}

func errOrder(key, before string) error {
	return wire.Unordered(key, before)
}
