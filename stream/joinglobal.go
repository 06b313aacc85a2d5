package stream

import (
	"context"
	"fmt"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/null"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/topology"
)

// JoinGlobal joins each record of a stream with the value that a global table has at
// that moment for the key that key chooses; a record whose key is not in the table
// is left out. Only the stream causes results. The result has the record's key,
// timestamp and headers, and no value serde. Kafka Streams: KStream.join(GlobalKTable).
//
// There is no repartition and nothing is stored, and the topics need not have the same
// number of partitions: the table is there as a whole. Records with a null value, and
// those for which key is nil, are dropped and counted; a null key of the record itself
// is no obstacle. If keys were changed before, the result still needs a repartition.
// Options: [Named].
func JoinGlobal[K, V, GK, GV, R any](s *KStream[K, V], t *GlobalKTable[GK, GV], key func(key K, value V) GK, f func(value V, global GV) R, opts ...Option) *KStream[K, R] {
	return JoinGlobalWithKey(s, t, key, func(_ K, v V, g GV) R { return f(v, g) }, opts...)
}

// JoinGlobalWithKey is [JoinGlobal] with a function that sees the record's key, which
// it must not modify.
func JoinGlobalWithKey[K, V, GK, GV, R any](s *KStream[K, V], t *GlobalKTable[GK, GV], key func(key K, value V) GK, f func(key K, value V, global GV) R, opts ...Option) *KStream[K, R] {
	return joinGlobal(s, t, false, opts, plainKey(key), func(_ graph.Task, r *topology.Record[K, V], g GV, _ bool) (R, error) {
		return f(r.Key, r.Value, g), nil
	})
}

// TryJoinGlobal is [JoinGlobal] with functions that see the whole record and can
// fail.
func TryJoinGlobal[K, V, GK, GV, R any](s *KStream[K, V], t *GlobalKTable[GK, GV], key RecordFunc[K, V, GK],
	f func(ctx context.Context, r topology.Record[K, V], global GV) (R, error), opts ...Option) *KStream[K, R] {
	return joinGlobal(s, t, false, opts, tryKey(key), func(task graph.Task, r *topology.Record[K, V], g GV, _ bool) (R, error) {
		return f(task.Context(), *r, g)
	})
}

// LeftJoinGlobal is [JoinGlobal] with a result for every record whose value is not
// null: global is nil where the table has no value for the key, or where key is nil.
// Kafka Streams: KStream.leftJoin(GlobalKTable).
func LeftJoinGlobal[K, V, GK, GV, R any](s *KStream[K, V], t *GlobalKTable[GK, GV], key func(key K, value V) GK, f func(value V, global *GV) R, opts ...Option) *KStream[K, R] {
	return LeftJoinGlobalWithKey(s, t, key, func(_ K, v V, g *GV) R { return f(v, g) }, opts...)
}

// LeftJoinGlobalWithKey is [LeftJoinGlobal] with a function that sees the record's
// key.
func LeftJoinGlobalWithKey[K, V, GK, GV, R any](s *KStream[K, V], t *GlobalKTable[GK, GV], key func(key K, value V) GK, f func(key K, value V, global *GV) R, opts ...Option) *KStream[K, R] {
	return joinGlobal(s, t, true, opts, plainKey(key), func(_ graph.Task, r *topology.Record[K, V], g GV, ok bool) (R, error) {
		return f(r.Key, r.Value, optional(g, ok)), nil
	})
}

// TryLeftJoinGlobal is [LeftJoinGlobal] with functions that see the whole record and
// can fail.
func TryLeftJoinGlobal[K, V, GK, GV, R any](s *KStream[K, V], t *GlobalKTable[GK, GV], key RecordFunc[K, V, GK],
	f func(ctx context.Context, r topology.Record[K, V], global *GV) (R, error), opts ...Option) *KStream[K, R] {
	return joinGlobal(s, t, true, opts, tryKey(key), func(task graph.Task, r *topology.Record[K, V], g GV, ok bool) (R, error) {
		return f(task.Context(), *r, optional(g, ok))
	})
}

// globalKeyFunc chooses the key of the table.
type globalKeyFunc[K, V, GK any] func(task graph.Task, r *topology.Record[K, V]) (GK, error)

func plainKey[K, V, GK any](key func(K, V) GK) globalKeyFunc[K, V, GK] {
	return func(_ graph.Task, r *topology.Record[K, V]) (GK, error) { return key(r.Key, r.Value), nil }
}

func tryKey[K, V, GK any](key RecordFunc[K, V, GK]) globalKeyFunc[K, V, GK] {
	return func(task graph.Task, r *topology.Record[K, V]) (GK, error) { return key(task.Context(), *r) }
}

// joinGlobal appends the join. Both kinds are called LEFTJOIN in Kafka Streams.
func joinGlobal[K, V, GK, GV, R any](s *KStream[K, V], t *GlobalKTable[GK, GV], left bool, opts []Option,
	key globalKeyFunc[K, V, GK], f tableJoinFunc[K, V, GV, R]) *KStream[K, R] {
	const prefix = "KSTREAM-LEFTJOIN-"
	name := s.b.g.Name(s.b.options(prefix, opts, optName).name, prefix)
	if s.b != t.b {
		s.b.g.Failf(name, "stream and global table belong to different builders")
	}
	op := s.add(name, func(w *graph.Wiring) (any, error) {
		n := &streamGlobalNode[K, V, GK, GV, R]{name: w.Name, task: w.Task, left: left, key: key, f: f, nullKey: null.Check[GK](), null: null.Check[R]()}
		st, err := w.Store(t.store)
		if err != nil {
			return nil, err
		}
		var ok bool
		if n.table, ok = st.(store.ReadOnlyTimestampedKeyValueStore[GK, GV]); !ok {
			return nil, fmt.Errorf("store %q is a %T, not the global table's", t.store, st)
		}
		n.out, err = graph.Connect[topology.Record[K, R]](w)
		return n, err
	})
	op.NullKeys = left
	return &KStream[K, R]{b: s.b, op: op, name: name, key: s.key, repartition: s.repartition}
}

// streamGlobalNode joins records with a global table. Kafka Streams:
// KStreamGlobalKTableJoin.
type streamGlobalNode[K, V, GK, GV, R any] struct {
	name    string
	task    graph.Task
	left    bool
	key     globalKeyFunc[K, V, GK]
	table   store.ReadOnlyTimestampedKeyValueStore[GK, GV]
	f       tableJoinFunc[K, V, GV, R]
	nullKey func(*GK) bool
	null    func(*R) bool
	out     graph.Out[topology.Record[K, R]]
	k       GK // that nullKey looks at; a local variable would be moved to the heap
	r       topology.Record[K, R]
}

func (n *streamGlobalNode[K, V, GK, GV, R]) Receive(r *topology.Record[K, V]) error {
	if r.NullValue {
		n.task.Dropped(n.name, "null value")
		return nil
	}
	return forward(n.task, n.name, r, n.join, &n.out, &n.r)
}

// join makes the result of a record; ok is false if it has none.
func (n *streamGlobalNode[K, V, GK, GV, R]) join(r *topology.Record[K, V]) (ok bool, err error) {
	defer graph.Recover(&err)
	if n.k, err = n.key(n.task, r); err != nil {
		return false, err
	}
	var g store.ValueAndTimestamp[GV]
	found := false
	switch {
	case n.nullKey == nil || !n.nullKey(&n.k):
		if g, found, err = n.table.Get(n.k); err != nil {
			return false, err
		}
	case !n.left:
		n.task.Dropped(n.name, "null key of the global table")
		return false, nil
	}
	if !found && !n.left {
		return false, nil
	}
	n.r = topology.Record[K, R]{Key: r.Key, NullKey: r.NullKey, Timestamp: r.Timestamp, Headers: r.Headers}
	if n.r.Value, err = n.f(n.task, r, g.Value, found); err != nil {
		return false, err
	}
	n.r.NullValue = n.null != nil && n.null(&n.r.Value)
	return true, nil
}
