package stream

import (
	"context"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/null"
	"github.com/streamweir/streamweir/topology"
)

// JoinTable joins each record of a stream with the value that a table has for its
// key at that moment; a record whose key is not in the table is left out. Only the
// stream causes results: a change of the table has none. The result has the
// record's timestamp and headers, and no value serde. Kafka Streams:
// KStream.join(KTable).
//
// Records with a null key or a null value are dropped and counted. If an operator
// since the source may have changed keys, a repartition topic comes first, named
// after the stream's last operator or by [Named]; with gives its serdes, and may be
// nil if those of the stream are known. The topics of the stream and of the table
// must have the same number of partitions. Nothing is stored, but the table is: in
// its own store, or for a table that is computed, in those of the tables it is
// computed from.
//
// A versioned table is asked for the value that was valid at the record's timestamp, as
// far as its history goes. With [GracePeriod] records wait for that, in a persistent
// store called <name>-Buffer with the changelog <application id>-<name>-Buffer-changelog,
// until a record arrives that is later by the grace period. They are then joined in the
// order of their timestamps, keys and arrival. A record that comes later than the grace
// period allows is joined at once. The table must be versioned, and its history must be
// as long as the grace period.
func JoinTable[K, V, W, R any](s *KStream[K, V], t *KTable[K, W], f func(value V, table W) R, with *Serdes[K, V], opts ...Option) *KStream[K, R] {
	return JoinTableWithKey(s, t, func(_ K, v V, w W) R { return f(v, w) }, with, opts...)
}

// JoinTableWithKey is [JoinTable] with a function that sees the key, which it must
// not modify.
func JoinTableWithKey[K, V, W, R any](s *KStream[K, V], t *KTable[K, W], f func(key K, value V, table W) R, with *Serdes[K, V], opts ...Option) *KStream[K, R] {
	return joinTable(s, t, "KSTREAM-JOIN-", false, with, opts, func(_ graph.Task, r *topology.Record[K, V], w W, ok bool) (R, error) {
		return f(r.Key, r.Value, w), nil
	})
}

// TryJoinTable is [JoinTable] with a function that sees the whole record and can
// fail.
func TryJoinTable[K, V, W, R any](s *KStream[K, V], t *KTable[K, W], f func(ctx context.Context, r topology.Record[K, V], table W) (R, error), with *Serdes[K, V], opts ...Option) *KStream[K, R] {
	return joinTable(s, t, "KSTREAM-JOIN-", false, with, opts, func(task graph.Task, r *topology.Record[K, V], w W, ok bool) (R, error) {
		return f(task.Context(), *r, w)
	})
}

// LeftJoinTable is [JoinTable] with a result for every record: table is nil where the
// table has no value for the key, or where the key is null. Records with a null value
// are dropped and counted; those with a null key pass a repartition and are in the
// result. Kafka Streams: KStream.leftJoin(KTable), KIP-962.
func LeftJoinTable[K, V, W, R any](s *KStream[K, V], t *KTable[K, W], f func(value V, table *W) R, with *Serdes[K, V], opts ...Option) *KStream[K, R] {
	return LeftJoinTableWithKey(s, t, func(_ K, v V, w *W) R { return f(v, w) }, with, opts...)
}

// LeftJoinTableWithKey is [LeftJoinTable] with a function that sees the key. For a
// null key of a type without nil it sees the zero value.
func LeftJoinTableWithKey[K, V, W, R any](s *KStream[K, V], t *KTable[K, W], f func(key K, value V, table *W) R, with *Serdes[K, V], opts ...Option) *KStream[K, R] {
	return joinTable(s, t, "KSTREAM-LEFTJOIN-", true, with, opts, func(_ graph.Task, r *topology.Record[K, V], w W, ok bool) (R, error) {
		return f(r.Key, r.Value, optional(w, ok)), nil
	})
}

// TryLeftJoinTable is [LeftJoinTable] with a function that sees the whole record and
// can fail.
func TryLeftJoinTable[K, V, W, R any](s *KStream[K, V], t *KTable[K, W], f func(ctx context.Context, r topology.Record[K, V], table *W) (R, error), with *Serdes[K, V], opts ...Option) *KStream[K, R] {
	return joinTable(s, t, "KSTREAM-LEFTJOIN-", true, with, opts, func(task graph.Task, r *topology.Record[K, V], w W, ok bool) (R, error) {
		return f(task.Context(), *r, optional(w, ok))
	})
}

// optional is a pointer that the user may keep, nil for absence.
func optional[V any](v V, ok bool) *V {
	if !ok {
		return nil
	}
	p := new(V)
	*p = v
	return p
}

// tableJoinFunc makes a result of a record and what the table has for its key.
type tableJoinFunc[K, V, W, R any] func(task graph.Task, r *topology.Record[K, V], w W, ok bool) (R, error)

// joinTable appends the join, behind a repartition if the stream needs one.
func joinTable[K, V, W, R any](s *KStream[K, V], t *KTable[K, W], prefix string, left bool, with *Serdes[K, V], opts []Option, f tableJoinFunc[K, V, W, R]) *KStream[K, R] {
	b := s.b
	o := b.options(prefix, opts, optName|optGrace)
	sd := with.or(s.key, s.value)
	unlisted := false
	if s.repartition {
		topic := o.name
		if topic == "" {
			topic = s.name
		}
		s, unlisted = s.repartitionForJoin(topic, sd)
	}
	name := b.g.Name(o.name, prefix)
	if b != t.b {
		b.g.Failf(name, "stream and table belong to different builders")
	}
	reader := t.read()
	var op *graph.Op
	if o.given&optGrace == 0 {
		op = b.g.AddNode(name, reader.stores, func(w *graph.Wiring) (any, error) { return newStreamTableNode(w, reader, left, f) }, s.op)
	} else {
		op = addGraceNode(b, name, o.grace, t, reader, left, sd, f, s.op)
	}
	op.Beside, op.Copartitioned, op.NullKeys, op.Unlisted = []*graph.Op{t.op}, true, left, unlisted
	return &KStream[K, R]{b: b, op: op, name: name, key: sd.key}
}

// repartitionForJoin puts a repartition topic behind the stream. Joins of one stream
// without a name share it; forgotten tells that it was there already, which Kafka
// Streams fails to see where it lists what must be co-partitioned.
func (s *KStream[K, V]) repartitionForJoin(topic string, sd Serdes[K, V]) (out *KStream[K, V], forgotten bool) {
	r := newRepartition(s.b, topic, sd) // its numbers are burnt even if it is not used
	if forgotten = s.joined != nil && topic == s.name; !forgotten {
		s.joined = r.shareable(s.b)
		s.b.g.Add(s.joined, s.op)
	}
	return &KStream[K, V]{b: s.b, op: s.joined, name: s.joined.Name, key: sd.key, value: sd.value}, forgotten
}

// streamTableNode joins records with a table. Kafka Streams: KStreamKTableJoin.
type streamTableNode[K, V, W, R any] struct {
	name  string
	task  graph.Task
	left  bool
	table tableView[K, W]
	f     tableJoinFunc[K, V, W, R]
	null  func(*R) bool
	out   graph.Out[topology.Record[K, R]]
	r     topology.Record[K, R]
}

func newStreamTableNode[K, V, W, R any](w *graph.Wiring, table tableReader[K, W], left bool, f tableJoinFunc[K, V, W, R]) (*streamTableNode[K, V, W, R], error) {
	n := &streamTableNode[K, V, W, R]{name: w.Name, task: w.Task, left: left, f: f, null: null.Check[R]()}
	var err error
	if n.table, err = table.open(w); err != nil {
		return nil, err
	}
	n.out, err = graph.Connect[topology.Record[K, R]](w)
	return n, err
}

func (n *streamTableNode[K, V, W, R]) Receive(r *topology.Record[K, V]) error {
	if r.NullValue || r.NullKey && !n.left {
		n.task.Dropped(n.name, "null key or value")
		return nil
	}
	return forward(n.task, n.name, r, n.join, &n.out, &n.r)
}

// join makes the result of a record; ok is false if it has none.
func (n *streamTableNode[K, V, W, R]) join(r *topology.Record[K, V]) (ok bool, err error) {
	defer graph.Recover(&err)
	var w W
	found := false
	if !r.NullKey {
		v, ok, err := readPast(n.table, r.Key, r.Timestamp)
		if err != nil {
			return false, err
		}
		w, found = v.Value, ok
	}
	if !found && !n.left {
		return false, nil
	}
	n.r = topology.Record[K, R]{Key: r.Key, NullKey: r.NullKey, Timestamp: r.Timestamp, Headers: r.Headers}
	if n.r.Value, err = n.f(n.task, r, w, found); err != nil {
		return false, err
	}
	n.r.NullValue = n.null != nil && n.null(&n.r.Value)
	return true, nil
}
