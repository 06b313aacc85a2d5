package stream

import (
	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/topology"
)

// TimeWindowedKStream is a grouped stream in windows of time, to be aggregated.
// Kafka Streams: TimeWindowedKStream. Make one with [WindowedBy].
//
// A result is a table whose key is the key and the window. It is kept in a window
// store, and its changelog <application id>-<store>-changelog, for the retention: by
// default the windows' size and grace period, for sliding windows twice the time difference and the grace period;
// [Materialized.Retention] keeps it longer, to be queried.
//
// Records with a null key are dropped and counted; those with a null value too in
// sliding windows, while in other windows the functions are called with it, as in
// Kafka Streams. A record is dropped, and counted, for each window that has closed.
type TimeWindowedKStream[K, V any] struct {
	g    *KGroupedStream[K, V]
	w    windows
	err  error // what is wrong with them
	emit EmitStrategy
}

// WindowedBy groups a grouped stream further, by windows of time: [Tumbling],
// [Hopping], [Sliding] or [Unlimited]; see [SessionWindowedBy] for sessions. Kafka
// Streams: KGroupedStream.windowedBy.
func WindowedBy[K, V any](g *KGroupedStream[K, V], w Windows) *TimeWindowedKStream[K, V] {
	s := &TimeWindowedKStream[K, V]{g: g}
	s.w, s.err = millisOf(w)
	return s
}

// EmitStrategy returns a copy of s whose results are forwarded with each update of a
// window, or once it has closed. Kafka Streams: TimeWindowedKStream.emitStrategy.
func (s *TimeWindowedKStream[K, V]) EmitStrategy(e EmitStrategy) *TimeWindowedKStream[K, V] {
	c := *s
	c.emit = e
	return &c
}

// Count counts the records of each key in each window. m names the store and gives
// the key's serde; nil is a store with a generated name. The table's timestamp is the
// largest of the records counted. Kafka Streams: TimeWindowedKStream.count.
func (s *TimeWindowedKStream[K, V]) Count(m *Materialized[K, int64], opts ...Option) *KTable[Windowed[K], int64] {
	if m = m.orEmpty(); m.name == "" && !s.w.sliding {
		s.g.s.b.g.Generate("") // Kafka Streams burns a number here, but not for sliding windows
	}
	if m.value == nil {
		m = m.with(nil, serde.Int64())
	}
	return aggregateWindows(s, "KSTREAM-AGGREGATE-", m, opts, zero, increment[K, V])
}

// Reduce combines the values of each key in each window: the first is taken as it
// is. A nil result, and a null value that is the first, deletes the window. Kafka Streams:
// TimeWindowedKStream.reduce.
func (s *TimeWindowedKStream[K, V]) Reduce(f func(sofar, value V) V, m *Materialized[K, V], opts ...Option) *KTable[Windowed[K], V] {
	if m = m.orEmpty(); m.value == nil {
		m = m.with(nil, s.g.serdes.value)
	}
	return aggregateWindows(s, "KSTREAM-REDUCE-", m, opts, nil, reduced[K](f))
}

// AggregateWindows folds the values of each key and window into an aggregate. init makes
// the one that f begins with where there is none; f may modify and return the
// aggregate it is given. For a type with nil, a nil result deletes the window and sends
// a tombstone. Kafka Streams: TimeWindowedKStream.aggregate.
func AggregateWindows[K, V, A any](s *TimeWindowedKStream[K, V], init func() A, f func(key K, value V, aggregate A) A, m *Materialized[K, A], opts ...Option) *KTable[Windowed[K], A] {
	return aggregateWindows(s, "KSTREAM-AGGREGATE-", m.orEmpty(), opts, init, folded(f))
}

// TryAggregateWindows is [AggregateWindows] with a function that can fail and sees the
// whole record. A record that the error handler skips ends at the window that failed;
// it stays in those before.
func TryAggregateWindows[K, V, A any](s *TimeWindowedKStream[K, V], init func() A, f func(r topology.Record[K, V], aggregate A) (A, error), m *Materialized[K, A], opts ...Option) *KTable[Windowed[K], A] {
	return aggregateWindows(s, "KSTREAM-AGGREGATE-", m.orEmpty(), opts, init, tryFolded(f))
}

func aggregateWindows[K, V, A any](s *TimeWindowedKStream[K, V], prefix string, m *Materialized[K, A], opts []Option,
	init func() A, step windowStep[K, V, A]) *KTable[Windowed[K], A] {
	b := s.g.s.b
	m = m.named(b.g, prefix).with(s.g.serdes.key, nil)
	name := b.g.Name(b.options(prefix, opts, optName).name, prefix)
	t := newWindowTableOp(b, name, m, s.w, s.err, s.emit)
	return aggregateGroup(t, s.g, func(w *graph.Wiring) (any, error) { return newWindowNode(w, t, init, step) })
}

// The steps of the aggregations.

func zero() int64 { return 0 }

func increment[K, V any](_ graph.Task, _ *topology.Record[K, V], old *int64) (int64, bool, error) {
	return *old + 1, false, nil
}

func reduced[K, V any](f func(sofar, value V) V) windowStep[K, V, V] {
	return func(_ graph.Task, r *topology.Record[K, V], old *V) (V, bool, error) {
		if old == nil {
			return r.Value, r.NullValue, nil
		}
		return f(*old, r.Value), false, nil
	}
}

func folded[K, V, A any](f func(key K, value V, aggregate A) A) windowStep[K, V, A] {
	return func(_ graph.Task, r *topology.Record[K, V], old *A) (A, bool, error) {
		return f(r.Key, r.Value, *old), false, nil
	}
}

func tryFolded[K, V, A any](f func(r topology.Record[K, V], aggregate A) (A, error)) windowStep[K, V, A] {
	return func(_ graph.Task, r *topology.Record[K, V], old *A) (A, bool, error) {
		v, err := f(*r, *old)
		return v, false, err
	}
}
