package stream

import "github.com/streamweir/streamweir/internal/graph"

// TimeWindowedCogroupedKStream is several grouped streams in windows of time, that are
// aggregated into one table. Kafka Streams: TimeWindowedCogroupedKStream. Make one
// with [CogroupWindowedBy].
type TimeWindowedCogroupedKStream[K, A any] struct {
	c   *CogroupedKStream[K, A]
	w   windows
	err error
}

// CogroupWindowedBy groups cogrouped streams further, by windows of time. Kafka
// Streams: CogroupedKStream.windowedBy.
func CogroupWindowedBy[K, A any](c *CogroupedKStream[K, A], w Windows) *TimeWindowedCogroupedKStream[K, A] {
	s := &TimeWindowedCogroupedKStream[K, A]{c: c}
	s.w, s.err = millisOf(w)
	return s
}

// Aggregate makes the table. What is said of [TimeWindowedKStream] and of
// [CogroupedKStream.Aggregate] holds here, but for the emit strategy: each update is
// forwarded. Each stream has a stream time of its own, so whether a record is late
// depends on the records of its stream.
func (s *TimeWindowedCogroupedKStream[K, A]) Aggregate(init func() A, m *Materialized[K, A], opts ...Option) *KTable[Windowed[K], A] {
	m, named := s.c.materialized(m, opts)
	return aggregateCogroup(s.c, m.name, named, func(operator string) *windowTableOp[K, A] {
		return newWindowTableOp(s.c.b, operator, m, s.w, s.err, OnWindowUpdate)
	}, init, nil)
}

// SessionWindowedCogroupedKStream is several grouped streams in sessions, that are
// aggregated into one table. Kafka Streams: SessionWindowedCogroupedKStream. Make one
// with [CogroupSessionWindowedBy].
type SessionWindowedCogroupedKStream[K, A any] struct {
	c   *CogroupedKStream[K, A]
	w   windows
	err error
}

// CogroupSessionWindowedBy groups cogrouped streams further, by sessions. Kafka
// Streams: CogroupedKStream.windowedBy.
func CogroupSessionWindowedBy[K, A any](c *CogroupedKStream[K, A], w SessionWindows) *SessionWindowedCogroupedKStream[K, A] {
	s := &SessionWindowedCogroupedKStream[K, A]{c: c}
	s.w, s.err = w.windows()
	return s
}

// Aggregate makes the table; merge combines the aggregates of sessions that become one,
// as in [AggregateSessions]. What is said of [TimeWindowedCogroupedKStream.Aggregate]
// holds here.
func (s *SessionWindowedCogroupedKStream[K, A]) Aggregate(init func() A, merge func(key K, a, b A) A, m *Materialized[K, A], opts ...Option) *KTable[Windowed[K], A] {
	m, named := s.c.materialized(m, opts)
	return aggregateCogroup(s.c, m.name, named, func(operator string) *windowTableOp[K, A] {
		return newSessionTableOp(s.c.b, operator, m, s.w, s.err, OnWindowUpdate)
	}, init, merged(merge))
}

// aggregateCogroup makes a windowed table; describe does so with the name of its first
// operator.
func aggregateCogroup[K, A any](c *CogroupedKStream[K, A], storeName, named string, describe func(operator string) *windowTableOp[K, A],
	init func() A, merge func(K, A, A) (A, error)) *KTable[Windowed[K], A] {
	var t *windowTableOp[K, A]
	op := c.wire(storeName, named, func(name string, one *cogroup[K, A], parent *graph.Op) *graph.Op {
		if t == nil {
			t = describe(name)
			t.cogroup = true
		}
		return t.add(name, parent, func(w *graph.Wiring) (any, error) { return one.window(w, t, init, merge) })
	}, newFilterNode(pass[Windowed[K], change[A]]))
	return t.table(op)
}
