package stream

import (
	"time"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
)

// Materialized says in which store a table is kept, and how. Kafka Streams:
// Materialized. Make one with [InStore] or [Stored]; its methods return copies. A
// nil *Materialized is a store with a generated name, or none where the operator
// needs none.
type Materialized[K, V any] struct {
	name      string
	generated bool // name was not given by the user
	key       serde.Serde[K]
	value     serde.Serde[V]
	opts      []store.Option
	retention time.Duration // of a window or session store, 0 if it is not given
}

// InStore keeps a table in a store of that name, whose serdes encode it and its
// changelog. The store can be queried by the name. Kafka Streams: Materialized.as.
func InStore[K, V any](name string, key serde.Serde[K], value serde.Serde[V]) *Materialized[K, V] {
	return &Materialized[K, V]{name: name, key: key, value: value}
}

// Stored keeps a table in a store with a generated name. Kafka Streams:
// Materialized.with.
func Stored[K, V any](key serde.Serde[K], value serde.Serde[V]) *Materialized[K, V] {
	return &Materialized[K, V]{key: key, value: value}
}

// Options returns a copy of m whose store has more options: in memory, an engine
// of its own, changelog settings, no cache.
func (m *Materialized[K, V]) Options(opts ...store.Option) *Materialized[K, V] {
	c := *m.orEmpty()
	c.opts = append(c.opts[:len(c.opts):len(c.opts)], opts...)
	return &c
}

// Retention returns a copy of m for a windowed aggregation whose store, and its
// changelog, keeps windows for d of stream time; others do not take it. It must not be
// less than the windows need: their size and grace period, the gap and grace period of
// sessions, twice the time difference and grace period of sliding windows, which is
// the default. Kafka Streams: Materialized.withRetention.
func (m *Materialized[K, V]) Retention(d time.Duration) *Materialized[K, V] {
	c := *m.orEmpty()
	c.retention = d
	return &c
}

func (m *Materialized[K, V]) orEmpty() *Materialized[K, V] {
	if m == nil {
		return &Materialized[K, V]{}
	}
	return m
}

// with returns m with serdes for what it leaves open.
func (m *Materialized[K, V]) with(key serde.Serde[K], value serde.Serde[V]) *Materialized[K, V] {
	c := *m.orEmpty()
	if c.key == nil {
		c.key = key
	}
	if c.value == nil {
		c.value = value
	}
	return &c
}

// named returns m with a generated name if it has none. Kafka Streams:
// MaterializedInternal.
func (m *Materialized[K, V]) named(b *graph.Builder, prefix string) *Materialized[K, V] {
	c := *m.orEmpty()
	if c.name == "" {
		c.name, c.generated = b.Generate(prefix+"STATE-STORE-"), true
	}
	return &c
}

// queryable is the name that the user gave.
func (m *Materialized[K, V]) queryable() string {
	if m == nil || m.generated {
		return ""
	}
	return m.name
}

func (m *Materialized[K, V]) complete(b *graph.Builder, operator string) {
	s := Serdes[K, V]{key: m.key, value: m.value}
	s.complete(b, operator)
	if m.retention != 0 {
		b.Failf(operator, "Retention is for windowed aggregations; entries of this store do not expire")
	}
}

func (m *Materialized[K, V]) builder() store.Builder {
	return store.TimestampedKeyValue(m.name, m.key, m.value, append([]store.Option{store.Cached()}, m.opts...)...)
}
