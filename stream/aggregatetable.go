package stream

import (
	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/topology"
)

// Count counts the entries of each group. The count of a group without entries is 0:
// it stays in the table, which is in a store with the changelog <application
// id>-<store>-changelog. m says where; nil is a store with a generated name. The
// table's timestamp is the largest of the changes counted. Kafka Streams:
// KGroupedTable.count.
func (g *KGroupedTable[K, V]) Count(m *Materialized[K, int64], opts ...Option) *KTable[K, int64] {
	if m = m.orEmpty(); m.value == nil {
		m = m.with(nil, serde.Int64())
	}
	plus := func(by int64) func(_ K, _ V, n *int64) (int64, error) {
		return func(_ K, _ V, n *int64) (int64, error) { return *n + by, nil }
	}
	return aggregateTable(g, "KTABLE-AGGREGATE-", m, opts, func() int64 { return 0 }, plus(1), plus(-1))
}

// Reduce combines the values of each group: add takes in a value that appears, and
// subtract takes out one that disappears. A change is subtracted first and then added.
// The first value is taken as it is. A nil result deletes the group. Kafka Streams:
// KGroupedTable.reduce.
func (g *KGroupedTable[K, V]) Reduce(add, subtract func(sofar, value V) V, m *Materialized[K, V], opts ...Option) *KTable[K, V] {
	if m = m.orEmpty(); m.value == nil {
		m = m.with(nil, g.serdes.value)
	}
	first := func(_ K, v V, sofar *V) (V, error) {
		if sofar == nil {
			return v, nil
		}
		return add(*sofar, v), nil
	}
	return aggregateTable(g, "KTABLE-REDUCE-", m, opts, nil, first, func(_ K, v V, sofar *V) (V, error) { return subtract(*sofar, v), nil })
}

// AggregateTable folds the values of each group into an aggregate: add takes in a
// value that appears, and subtract takes out one that disappears; both may modify and
// return the aggregate they are given. A change is subtracted first and then added.
// init makes the aggregate that add begins with where there is none; subtract is not
// called then. For a type with nil, a nil result deletes the group and sends a
// tombstone. The table's timestamp is the largest of the changes aggregated. Kafka
// Streams: KGroupedTable.aggregate.
func AggregateTable[K, V, A any](g *KGroupedTable[K, V], init func() A, add, subtract func(key K, value V, aggregate A) A, m *Materialized[K, A], opts ...Option) *KTable[K, A] {
	with := func(f func(K, V, A) A) func(K, V, *A) (A, error) {
		return func(k K, v V, a *A) (A, error) { return f(k, v, *a), nil }
	}
	return aggregateTable(g, "KTABLE-AGGREGATE-", m.orEmpty(), opts, init, with(add), with(subtract))
}

// TryAggregateTable is [AggregateTable] with functions that can fail. An error goes to
// the application's error handler; nothing of the change is in the aggregate then.
func TryAggregateTable[K, V, A any](g *KGroupedTable[K, V], init func() A, add, subtract func(key K, value V, aggregate A) (A, error), m *Materialized[K, A], opts ...Option) *KTable[K, A] {
	with := func(f func(K, V, A) (A, error)) func(K, V, *A) (A, error) {
		return func(k K, v V, a *A) (A, error) { return f(k, v, *a) }
	}
	return aggregateTable(g, "KTABLE-AGGREGATE-", m.orEmpty(), opts, init, with(add), with(subtract))
}

// aggregateTable appends the repartition and the aggregating node. Where there is no
// aggregate, add is given init's, or nil if init is nil.
func aggregateTable[K, V, A any](g *KGroupedTable[K, V], prefix string, m *Materialized[K, A], opts []Option,
	init func() A, add, subtract func(K, V, *A) (A, error)) *KTable[K, A] {
	b := g.b
	m = m.named(b.g, "KTABLE-AGGREGATE-").with(g.serdes.key, nil)
	o := b.options(prefix, opts, optName)
	parent, unlisted := g.repartitioned(o.name, m.name)
	name := b.g.Name(o.name, prefix)
	m.complete(b.g, name)
	flags := &tableFlags{store: m.name, materialized: true}
	op := &graph.Op{Name: name, Unlisted: unlisted, Write: func(t *graph.Topology, parents []string) error {
		return addAll(t, m, flags, &graph.Node{Name: name, Parents: parents, New: func(w *graph.Wiring) (any, error) {
			ts, err := newTableStore[K, A](w, m, flags)
			return &aggregateTableNode[K, V, A]{name: name, task: w.Task, init: init, add: add, subtract: subtract, table: ts}, err
		}})
	}}
	b.g.Add(op, parent)
	return &KTable[K, A]{b: b, op: op, name: name, key: m.key, value: m.value, store: m.queryable(), old: flags.sendOldValues, read: readStore[K, A](flags.materialize),
		versioned: m.versioned, history: m.history}
}

// aggregateTableNode folds changes into its store. Kafka Streams: KTableAggregate,
// KTableReduce.
type aggregateTableNode[K, V, A any] struct {
	name          string
	task          graph.Task
	init          func() A // nil: add begins without an aggregate
	add, subtract func(K, V, *A) (A, error)
	table         *tableStore[K, A]
	agg           A // that add and subtract are given; a local variable would be moved to the heap
}

func (n *aggregateTableNode[K, V, A]) Receive(r *topology.Record[K, change[V]]) error {
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

func (n *aggregateTableNode[K, V, A]) receive(r *topology.Record[K, change[V]]) (err error) {
	defer graph.Recover(&err)
	old, found, err := n.table.get(r.Key)
	if err != nil {
		return err
	}
	was := old
	if found && n.table.flags.sendOld {
		// The functions may modify the aggregate they are given, so what is sent as the
		// old value is read again.
		if was, _, err = n.table.get(r.Key); err != nil {
			return err
		}
	}
	isNull, timestamp, err := n.fold(r, old, found)
	if err != nil {
		return err
	}
	return n.table.put(r.Key, n.agg, isNull, was.Value, !found, timestamp)
}

// fold leaves the new aggregate in agg.
func (n *aggregateTableNode[K, V, A]) fold(r *topology.Record[K, change[V]], old store.ValueAndTimestamp[A], found bool) (isNull bool, timestamp int64, err error) {
	c := &r.Value
	n.agg, isNull, timestamp = old.Value, !found, r.Timestamp
	if !c.nullOld && found {
		if n.agg, err = n.subtract(r.Key, c.old, &n.agg); err != nil {
			return false, 0, err
		}
		isNull, timestamp = n.isNull(), max(timestamp, old.Timestamp)
	}
	if c.nullNew {
		return isNull, timestamp, nil
	}
	p := &n.agg
	switch {
	case !isNull:
	case n.init != nil:
		n.agg = n.init()
	default:
		p = nil
	}
	if found {
		timestamp = max(timestamp, old.Timestamp)
	}
	n.agg, err = n.add(r.Key, c.new, p)
	return n.isNull(), timestamp, err
}

func (n *aggregateTableNode[K, V, A]) isNull() bool {
	return n.table.isNull != nil && n.table.isNull(&n.agg)
}
