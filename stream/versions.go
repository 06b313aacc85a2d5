package stream

import (
	"time"

	"github.com/streamweir/streamweir/store"
)

// latestOf is the latest version of a key as a table has it.
func latestOf[K, V any](s store.ReadOnlyVersionedKeyValueStore[K, V], key K) (store.ValueAndTimestamp[V], bool, error) {
	r, ok, err := s.Get(key)
	return store.ValueAndTimestamp[V]{Value: r.Value, Timestamp: r.Timestamp}, ok, err
}

// inheritVersions tells whether a table that is computed from t is versioned: as m says,
// or as t is if nothing is said.
func inheritVersions[K, V, V2 any](t *KTable[K, V], m *Materialized[K, V2]) (versioned bool, history time.Duration) {
	if m == nil {
		return t.versioned, t.history
	}
	return m.versioned, m.history
}

// putVersion stores an update of a versioned table. One that is not taken is not
// forwarded, and one that is not the latest says so.
func (t *tableStore[K, V]) putVersion(key K, value V, isNull bool, timestamp int64) (err error) {
	var validTo int64
	if isNull {
		validTo, err = t.versions.DeleteAt(key, timestamp)
	} else {
		validTo, err = t.versions.Put(key, value, timestamp)
	}
	t.notPut, t.r.Value.late = validTo == store.NotPut, validTo != store.StillValid
	return err
}

// A pastView is a table that can be read as it was at a time. If it is not versioned,
// it is read as it is.
type pastView[K, V any] interface {
	tableView[K, V]
	asOf(key K, at int64) (v store.ValueAndTimestamp[V], ok bool, err error)
}

// readPast reads a table as it was, if it can.
func readPast[K, V any](t tableView[K, V], key K, at int64) (store.ValueAndTimestamp[V], bool, error) {
	if past, ok := t.(pastView[K, V]); ok {
		return past.asOf(key, at)
	}
	return t.get(key)
}

type versionedView[K, V any] struct {
	store store.VersionedKeyValueStore[K, V]
}

func (v versionedView[K, V]) get(key K) (store.ValueAndTimestamp[V], bool, error) {
	return latestOf(v.store, key)
}

func (v versionedView[K, V]) asOf(key K, at int64) (store.ValueAndTimestamp[V], bool, error) {
	r, ok, err := v.store.GetAsOf(key, at)
	return store.ValueAndTimestamp[V]{Value: r.Value, Timestamp: r.Timestamp}, ok, err
}
