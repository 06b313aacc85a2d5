package stream

import (
	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/topology"
)

// KGroupedStream is a stream grouped by key, to be aggregated. Kafka Streams:
// KGroupedStream.
//
// Records with a null key or a null value take no part in an aggregation: they
// are dropped and counted, where a repartition has not left out null keys before.
// None is late: a record is aggregated when it comes, whatever its timestamp; see
// [WindowedBy] for aggregations that go by time.
//
// A result is a table in a store, whose changelog is <application id>-<store>-changelog.
// Its serdes are those of [Materialized], or the group's for what that leaves open.
type KGroupedStream[K, V any] struct {
	s      *KStream[K, V]
	serdes Serdes[K, V]
	named  string    // of the repartition topic, "" if generated
	shared *graph.Op // the repartition, once there is one that can be shared
}

// GroupByKey groups the stream by its key. If an operator since the source may
// have changed keys, a repartition topic follows: <application id>-<name>-repartition, with
// the name of the aggregation's store, or given by [Named]. It leaves null keys out.
// Otherwise the records stay in their partitions. Kafka Streams: KStream.groupByKey.
func (s *KStream[K, V]) GroupByKey(opts ...Option) *KGroupedStream[K, V] {
	return s.GroupByKeyWith(nil, opts...)
}

// GroupByKeyWith is [KStream.GroupByKey] with serdes for the repartition topic and the
// table; nil takes those of the stream.
func (s *KStream[K, V]) GroupByKeyWith(with *Serdes[K, V], opts ...Option) *KGroupedStream[K, V] {
	o := s.b.options("GroupByKey", opts, optName)
	return &KGroupedStream[K, V]{s: s, serdes: with.or(s.key, s.value), named: o.name}
}

// GroupBy groups the stream by a new key. A repartition topic always follows,
// <application id>-<name>-repartition with the name of the aggregation's store, or given by
// [Named]; with gives its serdes, and nil takes the stream's value serde but cannot know
// the key's. Records for which f returns nil, of a type that has one, are left out there.
// Kafka Streams: KStream.groupBy.
func GroupBy[K, V, K2 any](s *KStream[K, V], f func(key K, value V) K2, with *Serdes[K2, V], opts ...Option) *KGroupedStream[K2, V] {
	o := s.b.options("GroupBy", opts, optName)
	keyed := selectKey(s, "KSTREAM-KEY-SELECT-", f, opts)
	return &KGroupedStream[K2, V]{s: keyed, serdes: with.or(nil, s.value), named: o.name}
}

// Count counts the records of each key. m says where; nil is a store with a
// generated name. The table's timestamp is the largest of the records counted. Kafka
// Streams: KGroupedStream.count.
func (g *KGroupedStream[K, V]) Count(m *Materialized[K, int64], opts ...Option) *KTable[K, int64] {
	if m = m.orEmpty(); m.name == "" {
		g.s.b.g.Generate("") // Kafka Streams burns a number here, for Count only
	}
	if m.value == nil {
		m = m.with(nil, serde.Int64())
	}
	return aggregate(g, "KSTREAM-AGGREGATE-", m, opts, func() int64 { return 0 }, func(_ graph.Task, _ *topology.Record[K, V], old *int64) (int64, error) {
		return *old + 1, nil
	})
}

// Reduce combines the values of each key: the first is taken as it is. A nil
// result deletes the key. m says where; nil is a store with a generated name. The table's
// timestamp is the largest of the records combined. Kafka Streams: KGroupedStream.reduce.
func (g *KGroupedStream[K, V]) Reduce(f func(sofar, value V) V, m *Materialized[K, V], opts ...Option) *KTable[K, V] {
	if m = m.orEmpty(); m.value == nil {
		m = m.with(nil, g.serdes.value)
	}
	return aggregate(g, "KSTREAM-REDUCE-", m, opts, nil, func(_ graph.Task, r *topology.Record[K, V], old *V) (V, error) {
		if old == nil {
			return r.Value, nil
		}
		return f(*old, r.Value), nil
	})
}

// Aggregate folds the values of each key into an aggregate. init makes the one
// that f begins with where there is none; f may modify and return the aggregate
// it is given. For a type with nil, a nil result deletes the key and sends a
// tombstone. m says where; nil is a store with a generated name, if the value's serde is
// known. The table's timestamp is the largest of the records aggregated. Kafka Streams:
// KGroupedStream.aggregate.
func Aggregate[K, V, A any](g *KGroupedStream[K, V], init func() A, f func(key K, value V, aggregate A) A, m *Materialized[K, A], opts ...Option) *KTable[K, A] {
	return aggregate(g, "KSTREAM-AGGREGATE-", m.orEmpty(), opts, init, func(_ graph.Task, r *topology.Record[K, V], old *A) (A, error) {
		return f(r.Key, r.Value, *old), nil
	})
}

// TryAggregate is [Aggregate] with a function that can fail and sees the whole record. One
// that is skipped changes nothing.
func TryAggregate[K, V, A any](g *KGroupedStream[K, V], init func() A, f func(r topology.Record[K, V], aggregate A) (A, error), m *Materialized[K, A], opts ...Option) *KTable[K, A] {
	return aggregate(g, "KSTREAM-AGGREGATE-", m.orEmpty(), opts, init, func(_ graph.Task, r *topology.Record[K, V], old *A) (A, error) {
		return f(*r, *old)
	})
}

// aggregate appends the repartition, if one is needed, and the aggregating node.
// Where there is no aggregate, step is given init's, or nil if init is nil.
func aggregate[K, V, A any](g *KGroupedStream[K, V], prefix string, m *Materialized[K, A], opts []Option,
	init func() A, step func(t graph.Task, r *topology.Record[K, V], old *A) (A, error)) *KTable[K, A] {
	b := g.s.b
	m = m.named(b.g, prefix).with(g.serdes.key, nil)
	name := b.g.Name(b.options(prefix, opts, optName).name, prefix)
	m.complete(b.g, name)
	parent := g.s.op
	if g.s.repartition {
		parent = g.repartitioned(m.name)
	}
	flags := &tableFlags{store: m.name, materialized: true}
	op := &graph.Op{Name: name, Overwrites: m.reuseValues, Write: func(t *graph.Topology, parents []string) error {
		n := &graph.Node{Name: name, Parents: parents, New: func(w *graph.Wiring) (any, error) {
			ts, err := newTableStore[K, A](w, m, flags)
			a := &aggregateNode[K, V, A]{name: name, task: w.Task, init: init, step: step, table: ts}
			if m.reuseValues {
				a.reuser, _ = ts.store.(reuser[K, A])
			}
			return a, err
		}}
		if err := t.AddProcessor(n); err != nil {
			return err
		}
		return t.AddStore(m.builder(), name)
	}}
	b.g.Add(op, parent)
	return &KTable[K, A]{b: b, op: op, name: name, key: m.key, value: m.value, store: m.queryable(), old: flags.sendOldValues, read: readStore[K, A](flags.materialize),
		versioned: m.versioned, history: m.history}
}

// repartitioned returns the operator behind the repartition topic. A topic with a
// name of its own is shared by all aggregations of this group.
func (g *KGroupedStream[K, V]) repartitioned(storeName string) *graph.Op {
	prefix := g.named
	if prefix == "" {
		prefix = storeName
	}
	r := newRepartition(g.s.b, prefix, g.serdes) // its numbers are burnt even if it is not used
	if g.shared == nil || g.named == "" {
		g.shared = r.shareable(g.s.b)
	}
	g.s.b.g.Add(g.shared, g.s.op) // also if it is there: it becomes the last one again
	return g.shared
}

// aggregateNode folds records into its store. Kafka Streams: KStreamAggregate,
// KStreamReduce.
type aggregateNode[K, V, A any] struct {
	name  string
	task  graph.Task
	init  func() A // nil: step begins without an aggregate
	step  func(t graph.Task, r *topology.Record[K, V], old *A) (A, error)
	table *tableStore[K, A]
	old   store.ValueAndTimestamp[A] // that step is given; a local variable would be moved to the heap

	reuser reuser[K, A]               // nil: aggregates are not used again
	last   store.ValueAndTimestamp[A] // that the reuser returned
	depth  int                        // records on the stack that came by here
}

// reuser is a table's store that can read into what it returned before.
type reuser[K, A any] interface {
	GetInto(old store.ValueAndTimestamp[A], key K) (store.ValueAndTimestamp[A], bool, error)
}

// get returns the aggregate of a key. What an operator behind this one makes the record
// cache give up may come by here while the last aggregate is still being forwarded.
func (n *aggregateNode[K, V, A]) get(key K) (old store.ValueAndTimestamp[A], ok bool, err error) {
	if n.reuser == nil || n.depth > 1 {
		return n.table.get(key)
	}
	old, ok, err = n.reuser.GetInto(n.last, key)
	if ok || err != nil {
		n.last = old
	}
	return old, ok, err
}

func (n *aggregateNode[K, V, A]) Receive(r *topology.Record[K, V]) error {
	if r.NullKey || r.NullValue {
		n.task.Dropped(n.name, "null key or value")
		return nil
	}
	n.depth++
	defer func() { n.depth-- }()
	for {
		before := n.table.enter(r.Timestamp, r.Headers)
		err := n.receive(r)
		n.table.leave(before)
		if err == nil {
			return n.table.forward(r.Headers)
		}
		if retry, err := n.task.Handle(graph.Processing, n.name, err); !retry {
			return err
		}
	}
}

func (n *aggregateNode[K, V, A]) receive(r *topology.Record[K, V]) (err error) {
	defer graph.Recover(&err)
	old, ok, err := n.get(r.Key)
	if err != nil {
		return err
	}
	n.old = old
	ts, p := r.Timestamp, (*A)(nil)
	switch {
	case ok:
		ts, p = max(ts, old.Timestamp), &n.old.Value
	case n.init != nil:
		n.old.Value = n.init()
		p = &n.old.Value
	}
	// step may modify the aggregate it is given, so what is sent as the old value is
	// read, or made, again. Kafka Streams sends the initial value as the old one of an
	// aggregate that is new, and a filter behind it may therefore send a tombstone.
	switch {
	case !n.table.flags.sendOld:
	case ok:
		if old, _, err = n.table.get(r.Key); err != nil {
			return err
		}
	case n.init != nil:
		old.Value = n.init()
	}
	v, err := n.step(n.task, r, p)
	if err != nil {
		return err
	}
	return n.table.put(r.Key, v, false, old.Value, p == nil, ts)
}
