package stream

import (
	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/topology"
)

// SessionWindowedKStream is a grouped stream in sessions, to be aggregated. Kafka
// Streams: SessionWindowedKStream. Make one with [SessionWindowedBy].
//
// A result is a table whose key is the key and the session. A record that extends
// sessions, or connects several, deletes them from the table and puts one in their
// place: its aggregate is that of the merged ones, with the record folded in. The
// timestamp of a result is the end of its session, and a result has no headers. A
// session of one timestamp that gets another record with it is sent without its old
// value, so that [GroupTableBy] adds both; all this is as in Kafka Streams.
//
// The table is kept in a session store, and its changelog <application
// id>-<store>-changelog, for the gap and the grace period, or longer: see [Materialized.Retention]. Records with a null key are dropped
// and counted, and late ones are; those with a null value are counted in, as in Kafka
// Streams.
type SessionWindowedKStream[K, V any] struct {
	g    *KGroupedStream[K, V]
	w    windows
	err  error // what is wrong with them
	emit EmitStrategy
}

// SessionWindowedBy groups a grouped stream further, by sessions. Kafka Streams:
// KGroupedStream.windowedBy.
func SessionWindowedBy[K, V any](g *KGroupedStream[K, V], w SessionWindows) *SessionWindowedKStream[K, V] {
	s := &SessionWindowedKStream[K, V]{g: g}
	s.w, s.err = w.windows()
	return s
}

// EmitStrategy returns a copy of s whose results are forwarded with each update of a
// session, or once it has closed. Kafka Streams: SessionWindowedKStream.emitStrategy.
func (s *SessionWindowedKStream[K, V]) EmitStrategy(e EmitStrategy) *SessionWindowedKStream[K, V] {
	c := *s
	c.emit = e
	return &c
}

// Count counts the records of each key in each session. m names the store and gives
// the key's serde; nil is a store with a generated name. Kafka Streams:
// SessionWindowedKStream.count.
func (s *SessionWindowedKStream[K, V]) Count(m *Materialized[K, int64], opts ...Option) *KTable[Windowed[K], int64] {
	if m = m.orEmpty(); m.name == "" {
		s.g.s.b.g.Generate("") // Kafka Streams burns a number here
	}
	if m.value == nil {
		m = m.with(nil, serde.Int64())
	}
	return aggregateSessions(s, "KSTREAM-AGGREGATE-", m, opts, zero, increment[K, V], func(_ K, a, b int64) (int64, error) { return a + b, nil })
}

// Reduce combines the values of each key in each session, and those of sessions that
// become one. A nil result deletes the session. Kafka Streams:
// SessionWindowedKStream.reduce.
func (s *SessionWindowedKStream[K, V]) Reduce(f func(sofar, value V) V, m *Materialized[K, V], opts ...Option) *KTable[Windowed[K], V] {
	if m = m.orEmpty(); m.value == nil {
		m = m.with(nil, s.g.serdes.value)
	}
	return aggregateSessions(s, "KSTREAM-REDUCE-", m, opts, nil, reduced[K](f), func(_ K, a, b V) (V, error) { return f(a, b), nil })
}

// AggregateSessions folds the values of each key and session into an aggregate. For
// each record, init makes the one to begin with, merge is called with it and the
// aggregates of the sessions that the record joins, one by one in the order of time, and
// f with the record. merge and f may modify and return the aggregates they are given.
// For a type with nil, a nil result deletes the session. Kafka Streams:
// SessionWindowedKStream.aggregate.
func AggregateSessions[K, V, A any](s *SessionWindowedKStream[K, V], init func() A, f func(key K, value V, aggregate A) A,
	merge func(key K, a, b A) A, m *Materialized[K, A], opts ...Option) *KTable[Windowed[K], A] {
	return aggregateSessions(s, "KSTREAM-AGGREGATE-", m.orEmpty(), opts, init, folded(f), merged(merge))
}

// TryAggregateSessions is [AggregateSessions] with functions that can fail; f sees the
// whole record. A record that the error handler skips changes no session.
func TryAggregateSessions[K, V, A any](s *SessionWindowedKStream[K, V], init func() A, f func(r topology.Record[K, V], aggregate A) (A, error),
	merge func(key K, a, b A) (A, error), m *Materialized[K, A], opts ...Option) *KTable[Windowed[K], A] {
	return aggregateSessions(s, "KSTREAM-AGGREGATE-", m.orEmpty(), opts, init, tryFolded(f), merge)
}

func merged[K, A any](f func(key K, a, b A) A) func(K, A, A) (A, error) {
	return func(key K, a, b A) (A, error) { return f(key, a, b), nil }
}

func aggregateSessions[K, V, A any](s *SessionWindowedKStream[K, V], prefix string, m *Materialized[K, A], opts []Option,
	init func() A, step windowStep[K, V, A], merge func(K, A, A) (A, error)) *KTable[Windowed[K], A] {
	b := s.g.s.b
	m = m.named(b.g, prefix).with(s.g.serdes.key, nil)
	name := b.g.Name(b.options(prefix, opts, optName).name, prefix)
	t := newSessionTableOp(b, name, m, s.w, s.err, s.emit)
	return aggregateGroup(t, s.g, func(w *graph.Wiring) (any, error) { return newSessionNode(w, t, init, step, merge) })
}
