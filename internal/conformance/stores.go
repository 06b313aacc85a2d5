package conformance

import (
	"fmt"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/streamtest"
)

// materialized is in which store a table is kept.
type materialized struct {
	Name          string            `json:"name"`
	Supplier      *storeSpec        `json:"supplier"`
	Store         string            `json:"store"`
	Logging       *bool             `json:"logging"`
	LoggingConfig map[string]string `json:"loggingConfig"`
	Caching       *bool             `json:"caching"`
	RetentionMs   int64             `json:"retentionMs"`
}

// storeSpec is a store of a processor, or the supplier of a table's store.
type storeSpec struct {
	Name             string            `json:"name"`
	Type             string            `json:"type"`
	Persistent       *bool             `json:"persistent"`
	KeyType          string            `json:"keyType"`
	ValueType        string            `json:"valueType"`
	Logging          *bool             `json:"logging"`
	LoggingConfig    map[string]string `json:"loggingConfig"`
	Caching          *bool             `json:"caching"`
	RetentionMs      int64             `json:"retentionMs"`
	WindowSizeMs     int64             `json:"windowSizeMs"`
	HistoryMs        int64             `json:"historyMs"`
	SegmentMs        int64             `json:"segmentMs"`
	MaxEntries       int64             `json:"maxEntries"`
	RetainDuplicates bool              `json:"retainDuplicates"`
}

// materialized is nil if the step says nothing of a store.
func (c *call) materialized(t types) *stream.Materialized[value, value] {
	return materializedOf[value](c, t)
}

func materializedOf[K any](c *call, t types) *stream.Materialized[K, value] {
	if c.Materialized == nil {
		return nil
	}
	return storedOf[K](c, t)
}

// stored is a store with serdes and a generated name if the step says nothing.
func (c *call) stored(t types) *stream.Materialized[value, value] {
	return storedOf[value](c, t)
}

func storedOf[K any](c *call, t types) *stream.Materialized[K, value] {
	return stored(c, keySerde[K](t.key), serde.Serde[value](t.value))
}

func stored[K, V any](c *call, key serde.Serde[K], val serde.Serde[V]) *stream.Materialized[K, V] {
	m := c.Materialized
	if m == nil {
		return stream.Stored(key, val)
	}
	name, opts := m.Name, options(m.Logging, m.LoggingConfig, m.Caching)
	if m.Supplier != nil {
		name, opts = m.Supplier.Name, append(opts, place(m.Supplier.Persistent))
		switch m.Supplier.Type {
		case "", "kv", "window", "session":
		case "versioned":
			return stream.InStore(name, key, val).Options(versionedOptions(m.Supplier, opts)...).Versioned(ms(m.Supplier.HistoryMs))
		default:
			c.fail(missing("store supplier " + m.Supplier.Type))
		}
	}
	switch m.Store {
	case "inMemory":
		opts = append(opts, store.InMemory())
	case "persistent":
		opts = append(opts, store.Persistent(nil))
	case "":
	default:
		c.fail(missing("store type " + m.Store))
	}
	if name == "" {
		return stream.Stored(key, val).Options(opts...)
	}
	return stream.InStore(name, key, val).Options(opts...)
}

func place(persistent *bool) store.Option {
	if persistent != nil && !*persistent {
		return store.InMemory()
	}
	return store.Persistent(nil)
}

func options(logging *bool, config map[string]string, caching *bool) []store.Option {
	var opts []store.Option
	switch {
	case logging != nil && !*logging:
		opts = append(opts, store.NotLogged())
	case config != nil:
		opts = append(opts, store.Logged(config))
	}
	switch {
	case caching == nil:
	case *caching:
		opts = append(opts, store.Cached())
	default:
		opts = append(opts, store.NotCached())
	}
	return opts
}

// store describes a store of a processor.
func (b *builder) store(s *storeSpec) store.Builder {
	if s == nil {
		b.fail(fmt.Errorf("conformance: a step adds a store but has none"))
		return nil
	}
	key, val := or(s.KeyType, "string"), or(s.ValueType, "string")
	opts := append(options(s.Logging, s.LoggingConfig, s.Caching), place(s.Persistent))
	switch s.Type {
	case "", "kv":
		return store.KeyValue[value, value](s.Name, key, val, opts...)
	case "lru":
		return store.KeyValue[value, value](s.Name, key, val, append(opts, store.LRU(int(s.MaxEntries)))...)
	case "timestampedKv":
		return store.TimestampedKeyValue[value, value](s.Name, key, val, opts...)
	}
	if w := segmentedStore(s, key, val, opts); w != nil {
		return w
	}
	b.fail(missing("store type " + s.Type))
	return nil
}

// content is a store as goldens have it.
type content struct {
	Type string  `json:"type"`
	Rows [][]any `json:"rows"`
}

// dump reads a whole store, in its order.
func dump(d *streamtest.Driver, name string) (*content, error) {
	s, err := streamtest.Store[any](d, name)
	if err != nil {
		return nil, err
	}
	if c, err := dumpWindows(s); c != nil {
		return c, err
	}
	c := &content{Type: "kv", Rows: [][]any{}}
	switch s := s.(type) {
	case store.KeyValueStore[value, value]:
		err = rows(c, s.All(), func(v value) []any { return []any{jsonOf(v)} })
	case store.TimestampedKeyValueStore[value, value]:
		err = rows(c, s.All(), func(v store.ValueAndTimestamp[value]) []any { return []any{jsonOf(v.Value), v.Timestamp} })
	case store.TimestampedKeyValueStore[windowedKey, value]:
		err = rows(c, s.All(), func(v store.ValueAndTimestamp[value]) []any { return []any{jsonOf(v.Value), v.Timestamp} })
	case store.TimestampedKeyValueStore[value, int64]:
		err = rows(c, s.All(), func(v store.ValueAndTimestamp[int64]) []any { return []any{v.Value, v.Timestamp} })
	case interface{ ApproximateNumEntries() (int64, error) }:
		// Subscriptions of a foreign-key join, or records of a stream join that wait for a
		// partner: goldens have such a store only if it is empty.
		var n int64
		if n, err = s.ApproximateNumEntries(); n > 0 {
			return nil, err
		}
	default:
		err = missing(fmt.Sprintf("reading of a %T", s))
	}
	return c, err
}

func rows[K, V any](c *content, it store.KeyValueIterator[K, V], columns func(V) []any) error {
	for it.Next() {
		c.Rows = append(c.Rows, append([]any{jsonOf(it.Key())}, columns(it.Value())...))
	}
	return it.Close()
}
