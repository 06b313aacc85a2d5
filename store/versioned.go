package store

import (
	"fmt"
	"time"

	"github.com/streamweir/streamweir/internal/null"
	"github.com/streamweir/streamweir/serde"
)

// A VersionedRecord is a value with the time from which it is valid.
type VersionedRecord[V any] struct {
	Value     V
	Timestamp int64
	// ValidTo is the timestamp of the version after it, [StillValid] if there is none.
	ValidTo int64
}

// A ReadOnlyVersionedKeyValueStore maps keys to versions of values. It is used by one
// goroutine at a time. A nil key of a type that has a nil is an error.
type ReadOnlyVersionedKeyValueStore[K, V any] interface {
	// Get returns the latest version of key and whether there is one: none if the key
	// was deleted.
	Get(key K) (r VersionedRecord[V], ok bool, err error)
	// GetAsOf returns the version of key that was valid at a time, and whether there was
	// one. For times before the store's stream time minus its history retention it
	// knows the latest version only.
	GetAsOf(key K, at int64) (r VersionedRecord[V], ok bool, err error)
}

// A VersionedKeyValueStore is a [ReadOnlyVersionedKeyValueStore] that can be written to.
// It belongs to a task and is used while the task processes a record or a
// punctuation.
//
// Versions may be put in any order of their timestamps. One that is older than the
// store's stream time, the greatest timestamp that was put, minus the history retention
// is logged, counted as dropped, and otherwise left out. Timestamps must not be negative.
// Kafka Streams: VersionedKeyValueStore, KIP-889.
type VersionedKeyValueStore[K, V any] interface {
	ReadOnlyVersionedKeyValueStore[K, V]
	// Put adds a version of key. A nil value of a type that has a nil deletes. It
	// returns until when the version is valid: the timestamp of the next, [StillValid] if
	// there is none, or [NotPut] if the version was too old.
	Put(key K, value V, timestamp int64) (validTo int64, err error)
	// Delete deletes key as of a time, and returns the version that was valid then.
	Delete(key K, timestamp int64) (r VersionedRecord[V], ok bool, err error)
	// DeleteAt deletes key as of a time and returns what Put does. It does not
	// look for the version that was valid.
	DeleteAt(key K, timestamp int64) (validTo int64, err error)
}

// A VersionedKeyValueBuilder describes a [VersionedKeyValueStore].
type VersionedKeyValueBuilder[K, V any] struct{ description[K, V] }

// VersionedKeyValue describes a versioned store, as Kafka Streams'
// versionedKeyValueStoreBuilder does: versions are kept as long as they were valid
// within the history retention. The changelog has the values alone, and the versions'
// timestamps as those of its records. A versioned store is never cached.
func VersionedKeyValue[K, V any](name string, keys serde.Serde[K], values serde.Serde[V], history time.Duration, opts ...Option) *VersionedKeyValueBuilder[K, V] {
	d := describe(name, KindVersionedKeyValue, keys, values, opts)
	s := &d.spec
	s.Retention, s.Caching = millis(history), false
	if s.SegmentInterval == 0 {
		s.SegmentInterval = historySegment(s.Retention)
	}
	return &VersionedKeyValueBuilder[K, V]{d}
}

// historySegment is Kafka Streams' segment interval for a history retention.
func historySegment(history int64) int64 {
	const second, minute = 1000, 60 * 1000
	switch {
	case history <= minute:
		return max(history/3, 2*second)
	case history <= 5*minute:
		return max(history/5, 20*second)
	case history <= 60*minute:
		return max(history/12, minute)
	}
	return max(history/24, 5*minute)
}

// SegmentInterval is the span of time whose old versions a versioned store drops at
// once; the default follows from the history retention. It must not change once the store
// has data.
func SegmentInterval(d time.Duration) Option {
	return func(s *Spec) { s.SegmentInterval = millis(d) }
}

// Bind returns the typed store over a task's bytes.
func (b *VersionedKeyValueBuilder[K, V]) Bind(to Binding) (VersionedKeyValueStore[K, V], error) {
	v, err := b.view(to.Bytes, to.ChangelogTopic)
	if err != nil {
		return nil, err
	}
	bytes, ok := to.Bytes.(VersionedBytes)
	if !ok {
		return nil, fmt.Errorf("store: %s store %q is bound to bytes without versions", b.spec.Kind, b.spec.Name)
	}
	return &versioned[K, V]{versionedView: v, bytes: bytes, isNil: null.Check[V]()}, nil
}

// View returns a typed store that reads r. Each goroutine needs one of its own.
func (b *VersionedKeyValueBuilder[K, V]) View(r Reader, changelogTopic string) (ReadOnlyVersionedKeyValueStore[K, V], error) {
	v, err := b.view(r, changelogTopic)
	if err != nil {
		return nil, err
	}
	return &v, nil
}

func (b *VersionedKeyValueBuilder[K, V]) view(r Reader, topic string) (v versionedView[K, V], err error) {
	if v.serialized, err = bindSerdes(b.spec, b.keys, b.values, r, topic); err != nil {
		return v, err
	}
	timed, ok := r.(TimedReader)
	switch {
	case !ok:
		return v, fmt.Errorf("store: %s store %q is bound to a reader without stream time", b.spec.Kind, b.spec.Name)
	case b.spec.Retention < 0:
		return v, fmt.Errorf("store: %s store %q has a history retention of %d ms: it must not be negative", b.spec.Kind, b.spec.Name, b.spec.Retention)
	case b.spec.SegmentInterval < 1:
		return v, fmt.Errorf("store: %s store %q has a segment interval of %d ms: it must be 1 ms at least", b.spec.Kind, b.spec.Name, b.spec.SegmentInterval)
	}
	v.versions = versions{spec: b.spec, r: timed}
	return v, nil
}

// BindAny implements [Builder].
func (b *VersionedKeyValueBuilder[K, V]) BindAny(to Binding) (any, error) { return b.Bind(to) }

// ViewAny implements [Builder].
func (b *VersionedKeyValueBuilder[K, V]) ViewAny(r Reader, changelogTopic string) (any, error) {
	return b.View(r, changelogTopic)
}

// versionedView implements [ReadOnlyVersionedKeyValueStore].
type versionedView[K, V any] struct {
	serialized[K, V]
	versions versions
}

func (s *versionedView[K, V]) Get(key K) (r VersionedRecord[V], ok bool, err error) {
	if err := s.encodeKey(key); err != nil {
		return r, false, err
	}
	data, timestamp, err := s.versions.latest(s.keyData)
	return s.record(data, timestamp, StillValid, err)
}

func (s *versionedView[K, V]) GetAsOf(key K, at int64) (r VersionedRecord[V], ok bool, err error) {
	if err := s.encodeKey(key); err != nil {
		return r, false, err
	}
	data, from, validTo, err := s.versions.asOf(s.keyData, at)
	return s.record(data, from, validTo, err)
}

func (s *versionedView[K, V]) record(data []byte, from, validTo int64, err error) (r VersionedRecord[V], ok bool, _ error) {
	if err != nil {
		return r, false, fmt.Errorf("store: %q: %w", s.name, err)
	}
	if r.Value, ok, err = s.decode(data); ok {
		r.Timestamp, r.ValidTo = from, validTo
	}
	return r, ok, err
}

// versioned implements [VersionedKeyValueStore].
type versioned[K, V any] struct {
	versionedView[K, V]
	bytes VersionedBytes
	isNil func(*V) bool // nil: a V is never nil
	value V             // what isNil looks at
	data  []byte
}

func (s *versioned[K, V]) Put(key K, value V, timestamp int64) (int64, error) {
	s.value = value
	isNil := s.isNil != nil && s.isNil(&s.value)
	var zero V
	if s.value = zero; isNil {
		return s.DeleteAt(key, timestamp)
	}
	if err := s.encodeKey(key); err != nil {
		return 0, err
	}
	var err error
	if s.data, err = s.values.Append(s.data[:0], value); err != nil {
		s.data = s.data[:0]
		return 0, fmt.Errorf("store: %q: encode value: %w", s.name, err)
	}
	if s.data == nil {
		s.data = []byte{} // an empty value is a value
	}
	return s.put(s.data, timestamp)
}

func (s *versioned[K, V]) DeleteAt(key K, timestamp int64) (int64, error) {
	if err := s.encodeKey(key); err != nil {
		return 0, err
	}
	return s.put(nil, timestamp)
}

func (s *versioned[K, V]) Delete(key K, timestamp int64) (r VersionedRecord[V], ok bool, err error) {
	if !s.versions.spec.TooOld(timestamp, s.bytes.StreamTime()) {
		if r, ok, err = s.GetAsOf(key, timestamp); err != nil {
			return r, false, err
		}
	}
	_, err = s.DeleteAt(key, timestamp)
	return r, ok, err
}

func (s *versioned[K, V]) put(data []byte, timestamp int64) (int64, error) {
	if timestamp < 0 {
		return 0, fmt.Errorf("store: %q: a version has the timestamp %d: it must not be negative", s.name, timestamp)
	}
	validTo, err := s.bytes.PutVersion(s.keyData, data, timestamp)
	if err != nil {
		return 0, fmt.Errorf("store: %q: %w", s.name, err)
	}
	return validTo, nil
}
