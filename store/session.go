package store

import (
	"time"

	"github.com/streamweir/streamweir/serde"
)

// A ReadOnlySessionStore maps keys and sessions to values. It is used by one goroutine at
// a time.
//
// A session is seen as long as its end is greater than the store's stream time, the
// greatest end that was put, minus its retention; with [Cached] also as long as the
// record cache holds it, and puts move the store's stream time when the cache passes them
// on. A nil key of a type that has a nil is
// an error. Methods that return an iterator report their errors when it is closed.
//
// The sessions of one key come in ascending order of their ends, then of their
// starts, descending in memory. With several keys, a persistent store goes by segments of
// time, max(retention/2, 1 min) long, and in each by the keys' bytes; a store in memory by
// ends and then by the keys' bytes. The order of a Backward method is the reverse. All
// this is as in Kafka Streams.
type ReadOnlySessionStore[K, V any] interface {
	// FetchSession returns the value of the session of key from start to end and whether
	// there is one.
	FetchSession(key K, start, end int64) (value V, ok bool, err error)
	// FindSessions iterates over the sessions of key that end at earliestEnd or later
	// and start at latestStart or earlier.
	FindSessions(key K, earliestEnd, latestStart int64) KeyValueIterator[Windowed[K], V]
	BackwardFindSessions(key K, earliestEnd, latestStart int64) KeyValueIterator[Windowed[K], V]
	// FindSessionsRange iterates over such sessions of the keys from and to and what is
	// between them, both included; nil leaves a side open.
	FindSessionsRange(from, to *K, earliestEnd, latestStart int64) KeyValueIterator[Windowed[K], V]
	BackwardFindSessionsRange(from, to *K, earliestEnd, latestStart int64) KeyValueIterator[Windowed[K], V]
	// FindEnded iterates over the sessions of all keys that end at from to to, both
	// included; in a persistent store also sessions that other methods do not show any
	// more, until their segment is dropped. Its cost depends on their number alone in a
	// [TimeOrdered] store.
	FindEnded(from, to int64) KeyValueIterator[Windowed[K], V]
	// Fetch iterates over the sessions of key.
	Fetch(key K) KeyValueIterator[Windowed[K], V]
	BackwardFetch(key K) KeyValueIterator[Windowed[K], V]
	// FetchRange iterates over the sessions of the keys from and to and what is between
	// them, both included; nil leaves a side open.
	FetchRange(from, to *K) KeyValueIterator[Windowed[K], V]
	BackwardFetchRange(from, to *K) KeyValueIterator[Windowed[K], V]
}

// A SessionStore is a [ReadOnlySessionStore] that can be written to. It belongs to a task
// and is used while the task processes a record or a punctuation. The store may be
// written to while an iterator is open; see [Reader]. What is put too late to be kept is
// treated as in a [WindowStore].
type SessionStore[K, V any] interface {
	ReadOnlySessionStore[K, V]
	// Put sets the value of a session. A nil value of a type that has a nil removes it.
	Put(session Windowed[K], value V) error
	// Remove removes a session.
	Remove(session Windowed[K]) error
}

// A SessionBuilder describes a [SessionStore].
type SessionBuilder[K, V any] struct{ description[K, V] }

// Sessions describes a session store, as Kafka Streams' sessionStoreBuilder does.
// Sessions are kept for the retention, counted from their ends.
func Sessions[K, V any](name string, keys serde.Serde[K], values serde.Serde[V], retention time.Duration, opts ...Option) *SessionBuilder[K, V] {
	d := describe(name, KindSession, keys, values, opts)
	d.spec.setTimes(retention, 0)
	return &SessionBuilder[K, V]{d}
}

// Bind returns the typed store over a task's bytes.
func (b *SessionBuilder[K, V]) Bind(to Binding) (SessionStore[K, V], error) {
	v, err := b.view(to.Bytes, to.ChangelogTopic)
	if err != nil {
		return nil, err
	}
	s := &session[K, V]{sessionView: v}
	if s.writer, err = plainValues(b.spec, v.values, to); err != nil {
		return nil, err
	}
	s.bytes, err = timedBytes(b.spec, to.Bytes)
	return s, err
}

// View returns a typed store that reads r. Each goroutine needs one of its own.
func (b *SessionBuilder[K, V]) View(r Reader, changelogTopic string) (ReadOnlySessionStore[K, V], error) {
	v, err := b.view(r, changelogTopic)
	if err != nil {
		return nil, err
	}
	return &v, nil
}

func (b *SessionBuilder[K, V]) view(r Reader, topic string) (v sessionView[K, V], err error) {
	if v.serialized, err = bindSerdes(b.spec, b.keys, b.values, r, topic); err == nil {
		v.rows, err = newRows(b.spec, r)
	}
	return v, err
}

// BindAny implements [Builder].
func (b *SessionBuilder[K, V]) BindAny(to Binding) (any, error) { return b.Bind(to) }

// ViewAny implements [Builder].
func (b *SessionBuilder[K, V]) ViewAny(r Reader, changelogTopic string) (any, error) {
	return b.View(r, changelogTopic)
}
