package stream

import (
	"slices"
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
	versioned bool
	history   time.Duration // of a versioned store

	reuseValues bool
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

// ReuseValues returns a copy of m for an aggregation that reads each aggregate into the one
// that it read before; see [Serdes.ReuseValues]: nothing may then keep an aggregate, the
// new or the old one, for longer than its call, and an aggregate must not take over a
// slice, a map or a pointer of a value that is read so, but copy it. [Aggregate], its Try
// variant and Reduce use it; others read anew.
func (m *Materialized[K, V]) ReuseValues() *Materialized[K, V] {
	c := *m.orEmpty()
	c.reuseValues = true
	return &c
}

// Versioned returns a copy of m whose store keeps, for each key, the versions that were
// valid within the history retention, by the timestamps of records. The table is then
// versioned, and so are tables that filters and mappings compute from it without a store
// of their own:
//
//   - An update that is older than others of its key is put in its place. One that is
//     older than the history retention is dropped and counted.
//   - Aggregations and joins of tables ignore updates that are not the latest of their
//     key.
//   - A stream is joined with the version that is valid at the record's time; see
//     [GracePeriod].
//
// The store is never cached; it cannot be that of a global table, and a versioned table
// cannot be suppressed. Kafka Streams: a VersionedBytesStoreSupplier, KIP-914.
func (m *Materialized[K, V]) Versioned(history time.Duration) *Materialized[K, V] {
	c := *m.orEmpty()
	c.versioned, c.history = true, history
	return &c
}

// checkVersioned reports a versioned store that is not made for want of a name.
func (m *Materialized[K, V]) checkVersioned(b *graph.Builder, operator string) {
	if m != nil && m.versioned && m.queryable() == "" {
		b.Failf(operator, "the result is to be versioned, but its store has no name: use InStore")
	}
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

// named returns m with a generated name if it has none, and with the options of all
// stores. Kafka Streams: MaterializedInternal.
func (m *Materialized[K, V]) named(b *graph.Builder, prefix string) *Materialized[K, V] {
	c := *m.stored(b)
	if c.name == "" {
		c.name, c.generated = b.Generate(prefix+"STATE-STORE-"), true
	}
	return &c
}

// stored returns m with the options of all stores.
func (m *Materialized[K, V]) stored(b *graph.Builder) *Materialized[K, V] {
	c := *m.orEmpty()
	c.opts = append(slices.Clone(b.StoreOptions), c.opts...)
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
	m.needSerdes(b, operator)
	m.checkTimes(b, operator)
}

// needSerdes reports serdes that are missing.
func (m *Materialized[K, V]) needSerdes(b *graph.Builder, operator string) (ok bool) {
	s := Serdes[K, V]{key: m.key, value: m.value}
	return s.given(b, operator, "stream.InStore(name, keySerde, valueSerde) or stream.Stored(keySerde, valueSerde)")
}

// checkTimes reports times that the store of a table without windows does not have.
func (m *Materialized[K, V]) checkTimes(b *graph.Builder, operator string) {
	if m.retention != 0 {
		b.Failf(operator, "Retention is for windowed aggregations; entries of this store do not expire")
	}
	if m.history < 0 {
		b.Failf(operator, "the history retention of the table's store is %s: it must not be negative", m.history)
	}
}

func (m *Materialized[K, V]) builder() store.Builder {
	if m.versioned {
		return store.VersionedKeyValue(m.name, m.key, m.value, m.history, m.opts...)
	}
	return store.TimestampedKeyValue(m.name, m.key, m.value, append([]store.Option{store.Cached()}, m.opts...)...)
}
