package stream

import (
	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/null"
	"github.com/streamweir/streamweir/topology"
)

// JoinTables joins two tables by their keys: the result has an entry for each key
// that both have, and changes when either does. Kafka Streams: KTable.join(KTable).
//
// The entry's timestamp is the larger one of the two. A deletion on either side
// deletes the entry; where the other side has no entry nothing is sent, and where
// there was no result a needless deletion may be. m says in which store the result
// is kept, with the changelog <application id>-<store>-changelog; with nil it is not kept
// but computed from the two tables, which are kept for that. f is then called for reads of the result, too. A nil result is no entry.
// The topics of the two tables must have the same number of partitions; there is no
// repartition. No change is late, but those of a versioned table that are not the latest
// of their key are dropped and counted.
func JoinTables[K, V, W, R any](left *KTable[K, V], right *KTable[K, W], f func(left V, right W) R, m *Materialized[K, R], opts ...Option) *KTable[K, R] {
	return joinTables(left, right, innerJoin, m, opts, func(v V, _ bool, w W, _ bool) R { return f(v, w) })
}

// LeftJoinTables is [JoinTables] with an entry for each key of the left table; right
// is nil where the right one has none. Kafka Streams: KTable.leftJoin(KTable).
func LeftJoinTables[K, V, W, R any](left *KTable[K, V], right *KTable[K, W], f func(left V, right *W) R, m *Materialized[K, R], opts ...Option) *KTable[K, R] {
	return joinTables(left, right, leftJoin, m, opts, func(v V, _ bool, w W, ok bool) R { return f(v, optional(w, ok)) })
}

// OuterJoinTables is [JoinTables] with an entry for each key of either table; what is
// missing is nil. Kafka Streams: KTable.outerJoin(KTable).
func OuterJoinTables[K, V, W, R any](left *KTable[K, V], right *KTable[K, W], f func(left *V, right *W) R, m *Materialized[K, R], opts ...Option) *KTable[K, R] {
	return joinTables(left, right, outerJoin, m, opts, func(v V, okV bool, w W, okW bool) R { return f(optional(v, okV), optional(w, okW)) })
}

// joinKind says which sides a result needs.
type joinKind struct{ needsLeft, needsRight bool }

var (
	innerJoin = joinKind{true, true}
	leftJoin  = joinKind{true, false}
	outerJoin = joinKind{false, false}
)

// joinTables appends the nodes of a join of tables: one for the changes of each side,
// which reads the other, and one in which their results meet.
func joinTables[K, V, W, R any](left *KTable[K, V], right *KTable[K, W], kind joinKind, m *Materialized[K, R], opts []Option,
	f func(v V, okV bool, w W, okW bool) R) *KTable[K, R] {
	b := left.b
	o := b.options("KTABLE-MERGE-", opts, optName)
	flags := &tableFlags{}
	if m != nil {
		m = m.named(b.g, "KTABLE-MERGE-").with(left.key, nil)
		flags.store, flags.materialized = m.name, true
	}
	name := b.g.Name(o.name, "KTABLE-MERGE-")
	if b != right.b {
		b.g.Failf(name, "the two tables belong to different builders")
	}
	if m != nil {
		m.complete(b.g, name)
	}
	if !kind.needsRight {
		left.old(true)
	}
	if !kind.needsLeft {
		right.old(true)
	}
	leftReader, rightReader := left.read(), right.read()
	this := b.g.Suffixed(o.name, "-join-this", "KTABLE-JOINTHIS-")
	other := b.g.Suffixed(o.name, "-join-other", "KTABLE-JOINOTHER-")
	op := &graph.Op{Name: name, Copartitioned: true, Write: func(g *graph.Topology, _ []string) error {
		return addAll(g, m, flags,
			&graph.Node{Name: this, Parents: []string{left.op.Name}, Stores: rightReader.stores, New: func(w *graph.Wiring) (any, error) {
				return newTableJoinNode(w, flags, left.versioned, rightReader, kind.needsLeft, kind.needsRight, f)
			}},
			&graph.Node{Name: other, Parents: []string{right.op.Name}, Stores: leftReader.stores, New: func(w *graph.Wiring) (any, error) {
				return newTableJoinNode(w, flags, right.versioned, leftReader, kind.needsRight, kind.needsLeft, swap(f))
			}},
			&graph.Node{Name: name, Parents: []string{this, other}, New: func(w *graph.Wiring) (any, error) {
				ts, err := newTableStore[K, R](w, m, flags)
				return &mergeNode[K, R]{name: name, task: w.Task, table: ts}, err
			}})
	}}
	b.g.Add(op, left.op, right.op)
	out := &KTable[K, R]{b: b, op: op, name: name, key: left.key, store: flags.store}
	out.old = func(bool) bool {
		left.old(true)
		right.old(true)
		flags.sendOld = true
		return true
	}
	if out.read = readStore[K, R](flags.materialize); m == nil {
		out.read = func() tableReader[K, R] { return readJoined(left.read(), right.read(), kind, f) }
	} else {
		out.key, out.value, out.versioned, out.history = m.key, m.value, m.versioned, m.history
	}
	return out
}

func swap[V, W, R any](f func(V, bool, W, bool) R) func(W, bool, V, bool) R {
	return func(w W, okW bool, v V, okV bool) R { return f(v, okV, w, okW) }
}

// addAll adds nodes, and to the last of them its store, if it has one.
func addAll[K, V any](g *graph.Topology, m *Materialized[K, V], flags *tableFlags, nodes ...*graph.Node) error {
	for _, n := range nodes {
		if err := g.AddProcessor(n); err != nil {
			return err
		}
	}
	if !flags.materialized {
		return nil
	}
	return g.AddStore(m.builder(), nodes[len(nodes)-1].Name)
}

// tableJoinNode joins the changes of one table with what another has. Kafka Streams:
// KTableKTableInnerJoin, LeftJoin, RightJoin, OuterJoin.
type tableJoinNode[K, V, W, R any] struct {
	name       string
	task       graph.Task
	flags      *tableFlags // of the result
	versioned  bool        // this table: only the latest updates of its keys count
	other      tableView[K, W]
	needsThis  bool
	needsOther bool
	f          func(v V, okV bool, w W, okW bool) R
	isNull     func(*R) bool
	out        graph.Out[topology.Record[K, change[R]]]
	r          topology.Record[K, change[R]]
}

func newTableJoinNode[K, V, W, R any](w *graph.Wiring, flags *tableFlags, versioned bool, other tableReader[K, W], needsThis, needsOther bool,
	f func(v V, okV bool, w W, okW bool) R) (any, error) {
	n := &tableJoinNode[K, V, W, R]{name: w.Name, task: w.Task, flags: flags, versioned: versioned, needsThis: needsThis, needsOther: needsOther, f: f, isNull: null.Check[R]()}
	var err error
	if n.other, err = other.open(w); err != nil {
		return nil, err
	}
	n.out, err = graph.Connect[topology.Record[K, change[R]]](w)
	return n, err
}

func (n *tableJoinNode[K, V, W, R]) Receive(r *topology.Record[K, change[V]]) error {
	if r.NullKey {
		n.task.Dropped(n.name, "null key")
		return nil
	}
	if n.versioned && r.Value.late {
		n.task.Dropped(n.name, "out-of-order update of a versioned table")
		return nil
	}
	return forward(n.task, n.name, r, n.join, &n.out, &n.r)
}

// join makes the change of the result; ok is false if there is none.
func (n *tableJoinNode[K, V, W, R]) join(r *topology.Record[K, change[V]]) (ok bool, err error) {
	defer graph.Recover(&err)
	w, found, err := n.other.get(r.Key)
	if err != nil || !found && (n.needsOther || r.Value.nullNew && r.Value.nullOld) {
		return false, err
	}
	n.r = topology.Record[K, change[R]]{Key: r.Key, Timestamp: r.Timestamp, Headers: r.Headers, Value: change[R]{nullOld: true}}
	if found {
		n.r.Timestamp = max(n.r.Timestamp, w.Timestamp)
	}
	c := &n.r.Value
	n.value(&c.new, &c.nullNew, r.Value.new, r.Value.nullNew, w.Value, found)
	if n.flags.sendOld {
		n.value(&c.old, &c.nullOld, r.Value.old, r.Value.nullOld, w.Value, found)
	}
	return true, nil
}

// value sets out to the join of two values, or none.
func (n *tableJoinNode[K, V, W, R]) value(out *R, none *bool, v V, isNull bool, w W, found bool) {
	if *none = isNull && (n.needsThis || !found); !*none {
		*out = n.f(v, !isNull, w, found)
		*none = n.isNull != nil && n.isNull(out)
	}
}

// mergeNode is where the results of the two sides of a join meet. Kafka Streams:
// KTableKTableJoinMerger.
type mergeNode[K, V any] struct {
	name  string
	task  graph.Task
	table *tableStore[K, V]
}

func (n *mergeNode[K, V]) Receive(r *topology.Record[K, change[V]]) error {
	for {
		before := n.table.enter(r.Timestamp, r.Headers)
		err := n.put(r)
		n.table.leave(before)
		if err == nil {
			return n.table.forward(r.Headers)
		}
		if retry, err := n.task.Handle(graph.Processing, n.name, err); !retry {
			return err
		}
	}
}

func (n *mergeNode[K, V]) put(r *topology.Record[K, change[V]]) (err error) {
	defer graph.Recover(&err) // of the store's serdes
	c := &r.Value
	return n.table.put(r.Key, c.new, c.nullNew, c.old, c.nullOld, r.Timestamp)
}
