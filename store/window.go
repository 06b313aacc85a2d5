package store

import (
	"fmt"
	"strconv"
	"time"

	"github.com/streamweir/streamweir/serde"
)

// A Window is a span of time in milliseconds since the epoch. End is exclusive for time
// windows, and inclusive for sliding windows and sessions.
type Window struct{ Start, End int64 }

// A Windowed is a key in a window.
type Windowed[K any] struct {
	Key    K
	Window Window
}

// String returns Kafka Streams' form, "[key@start/end]".
func (w Windowed[K]) String() string {
	return "[" + fmt.Sprint(w.Key) + "@" + strconv.FormatInt(w.Window.Start, 10) + "/" + strconv.FormatInt(w.Window.End, 10) + "]"
}

// WindowEnd is the end of the window.
func (w Windowed[K]) WindowEnd() int64 { return w.Window.End }

// A ReadOnlyWindowStore maps keys and starts of windows to values. It is used by one
// goroutine at a time.
//
// A window is seen as long as its start is greater than the store's stream time, the
// greatest start that was put, minus its retention; with [Cached] also as long as the
// record cache holds it, and puts move the store's stream time when the cache passes them
// on. A nil key of a type that has a nil is an error. Methods that return an iterator report their errors when it is closed.
//
// The windows of one key come in ascending order of their starts. With several keys, a
// persistent store goes by segments of time, max(retention/2, 1 min) long, and in each
// by the keys' bytes; a store in memory, and a [TimeOrdered] one, by starts and
// then by the keys' bytes, ranges of keys of the latter excepted. The order of a Backward method is the reverse. All this is as
// in Kafka Streams.
type ReadOnlyWindowStore[K, V any] interface {
	// Get returns the value of key in the window that begins at start and whether there
	// is one; there is none in a store with duplicates. Kafka Streams: fetch.
	Get(key K, start int64) (value V, ok bool, err error)
	// Fetch iterates over the windows of key whose starts are from to to, both
	// included; the iterator's keys are the starts.
	Fetch(key K, from, to int64) KeyValueIterator[int64, V]
	BackwardFetch(key K, from, to int64) KeyValueIterator[int64, V]
	// FetchRange iterates over the windows of the keys fromKey and toKey and what is
	// between them, both included, whose starts are from to to; nil leaves a side of the
	// keys open.
	FetchRange(fromKey, toKey *K, from, to int64) KeyValueIterator[Windowed[K], V]
	BackwardFetchRange(fromKey, toKey *K, from, to int64) KeyValueIterator[Windowed[K], V]
	// FetchAll iterates over the windows of all keys whose starts are from to to.
	FetchAll(from, to int64) KeyValueIterator[Windowed[K], V]
	BackwardFetchAll(from, to int64) KeyValueIterator[Windowed[K], V]
	// All iterates over all windows of all keys.
	All() KeyValueIterator[Windowed[K], V]
	BackwardAll() KeyValueIterator[Windowed[K], V]
}

// A WindowStore is a [ReadOnlyWindowStore] that can be written to. It belongs to a task
// and is used while the task processes a record or a punctuation. The store may be
// written to while an iterator is open; see [Reader].
//
// What is put too late to be kept is logged, counted as dropped, and otherwise left out:
// in memory when nobody would see it any more, in a persistent store when its segment is
// gone, as in Kafka Streams. A start must not be negative.
type WindowStore[K, V any] interface {
	ReadOnlyWindowStore[K, V]
	// Put sets the value of key in the window that begins at start. A nil value of a type
	// that has a nil deletes it. A store with duplicates adds the value.
	Put(key K, value V, start int64) error
	// Delete removes the value of key in the window that begins at start. Kafka Streams:
	// put with a null value.
	Delete(key K, start int64) error
}

// A TimestampedWindowStore keeps a timestamp with each value: the store of a windowed
// table. Putting a ValueAndTimestamp whose Value is nil deletes.
type TimestampedWindowStore[K, V any] = WindowStore[K, ValueAndTimestamp[V]]

// A ReadOnlyTimestampedWindowStore is a [TimestampedWindowStore] that cannot be written
// to.
type ReadOnlyTimestampedWindowStore[K, V any] = ReadOnlyWindowStore[K, ValueAndTimestamp[V]]

// A WindowBuilder describes a [WindowStore].
type WindowBuilder[K, V any] struct{ description[K, V] }

// Windows describes a window store, as Kafka Streams' windowStoreBuilder does. Windows
// are kept for the retention, which must not be less than the windows' size; [Forever]
// is allowed for both.
func Windows[K, V any](name string, keys serde.Serde[K], values serde.Serde[V], retention, windowSize time.Duration, opts ...Option) *WindowBuilder[K, V] {
	d := describe(name, KindWindow, keys, values, opts)
	d.spec.setTimes(retention, windowSize)
	return &WindowBuilder[K, V]{d}
}

// Bind returns the typed store over a task's bytes.
func (b *WindowBuilder[K, V]) Bind(to Binding) (WindowStore[K, V], error) {
	return bindWindows(b.spec, b.keys, b.values, to, plainValues[V])
}

// View returns a typed store that reads r. Each goroutine needs one of its own.
func (b *WindowBuilder[K, V]) View(r Reader, changelogTopic string) (ReadOnlyWindowStore[K, V], error) {
	v, err := bindWindowView(b.spec, b.keys, b.values, r, changelogTopic)
	if err != nil {
		return nil, err
	}
	return &v, nil
}

// BindAny implements [Builder].
func (b *WindowBuilder[K, V]) BindAny(to Binding) (any, error) { return b.Bind(to) }

// ViewAny implements [Builder].
func (b *WindowBuilder[K, V]) ViewAny(r Reader, changelogTopic string) (any, error) {
	return b.View(r, changelogTopic)
}

// A TimestampedWindowBuilder describes a [TimestampedWindowStore].
type TimestampedWindowBuilder[K, V any] struct{ description[K, V] }

// TimestampedWindows describes a window store that keeps timestamps, as Kafka Streams'
// timestampedWindowStoreBuilder does; see [Windows] and [TimestampedKeyValue].
func TimestampedWindows[K, V any](name string, keys serde.Serde[K], values serde.Serde[V], retention, windowSize time.Duration, opts ...Option) *TimestampedWindowBuilder[K, V] {
	d := describe(name, KindTimestampedWindow, keys, values, opts)
	d.spec.setTimes(retention, windowSize)
	return &TimestampedWindowBuilder[K, V]{d}
}

// Bind returns the typed store over a task's bytes.
func (b *TimestampedWindowBuilder[K, V]) Bind(to Binding) (TimestampedWindowStore[K, V], error) {
	return bindWindows(b.spec, b.keys, timestamped(b.values), to, timestampedValues[V])
}

// View returns a typed store that reads r. Each goroutine needs one of its own.
func (b *TimestampedWindowBuilder[K, V]) View(r Reader, changelogTopic string) (ReadOnlyTimestampedWindowStore[K, V], error) {
	v, err := bindWindowView(b.spec, b.keys, timestamped(b.values), r, changelogTopic)
	if err != nil {
		return nil, err
	}
	return &v, nil
}

// BindAny implements [Builder].
func (b *TimestampedWindowBuilder[K, V]) BindAny(to Binding) (any, error) { return b.Bind(to) }

// ViewAny implements [Builder].
func (b *TimestampedWindowBuilder[K, V]) ViewAny(r Reader, changelogTopic string) (any, error) {
	return b.View(r, changelogTopic)
}
