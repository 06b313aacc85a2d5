package stream

import (
	"fmt"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/topology"
)

// CogroupedKStream is several grouped streams, with one key type and any value types,
// that are aggregated into one table: each has a function of its own that folds its
// values into the common aggregate. Kafka Streams: CogroupedKStream. Make one with
// [Cogroup].
//
// One store takes the place of one for each stream and the joins of them. A stream
// whose key may have changed is repartitioned, into a topic named by its grouping or,
// for one of them at most, after the store. All topics must have the same
// number of partitions. The store's changelog is <application id>-<store>-changelog.
type CogroupedKStream[K, A any] struct {
	b      *Builder
	groups []cogroup[K, A]
}

// cogroup is one of the streams, without the type of its values.
type cogroup[K, A any] struct {
	group any // *KGroupedStream
	op    *graph.Op
	// parent appends the repartition, if there must be one and is not there yet, and
	// returns the operator to go on from.
	parent func(storeName string) *graph.Op
	// key gives m the key serde of the group, if it has none.
	key func(m *Materialized[K, A]) *Materialized[K, A]
	// The constructors of the nodes.
	plain  func(w *graph.Wiring, m *Materialized[K, A], flags *tableFlags, init func() A) (any, error)
	window func(w *graph.Wiring, t *windowTableOp[K, A], init func() A, merge func(K, A, A) (A, error)) (any, error)
}

// Cogroup begins with one grouped stream, whose values f folds into the aggregate. f
// may modify and return the aggregate it is given. Kafka Streams:
// KGroupedStream.cogroup.
func Cogroup[K, V, A any](g *KGroupedStream[K, V], f func(key K, value V, aggregate A) A) *CogroupedKStream[K, A] {
	return CogroupWith(&CogroupedKStream[K, A]{b: g.s.b}, g, f)
}

// CogroupWith adds a grouped stream to c and returns c. A stream that is added a second
// time gets another function. Kafka Streams: CogroupedKStream.cogroup.
func CogroupWith[K, V, A any](c *CogroupedKStream[K, A], g *KGroupedStream[K, V], f func(key K, value V, aggregate A) A) *CogroupedKStream[K, A] {
	return cogrouped(c, g, folded(f))
}

// TryCogroupWith is [CogroupWith] with a function that can fail and sees the whole
// record; c may be nil, to begin with this stream.
func TryCogroupWith[K, V, A any](c *CogroupedKStream[K, A], g *KGroupedStream[K, V], f func(r topology.Record[K, V], aggregate A) (A, error)) *CogroupedKStream[K, A] {
	if c == nil {
		c = &CogroupedKStream[K, A]{b: g.s.b}
	}
	return cogrouped(c, g, tryFolded(f))
}

func cogrouped[K, V, A any](c *CogroupedKStream[K, A], g *KGroupedStream[K, V], step windowStep[K, V, A]) *CogroupedKStream[K, A] {
	if c.b != g.s.b {
		c.b.g.Failf("Cogroup", "the grouped streams belong to different builders")
		return c
	}
	var repartition *graph.Op
	one := cogroup[K, A]{group: g, op: g.s.op, parent: func(storeName string) *graph.Op {
		if !g.s.repartition {
			return g.s.op
		}
		prefix := g.named
		if prefix == "" {
			prefix = storeName
		}
		r := newRepartition(c.b, prefix, g.serdes) // its numbers are burnt for each table
		if repartition == nil {
			repartition = r.shareable(c.b)
			c.b.g.Add(repartition, g.s.op)
		}
		return repartition
	}}
	one.key = func(m *Materialized[K, A]) *Materialized[K, A] { return m.with(g.serdes.key, nil) }
	one.plain = func(w *graph.Wiring, m *Materialized[K, A], flags *tableFlags, init func() A) (any, error) {
		ts, err := newTableStore[K, A](w, m, flags)
		plain := func(t graph.Task, r *topology.Record[K, V], old *A) (A, error) {
			v, _, err := step(t, r, old)
			return v, err
		}
		return &aggregateNode[K, V, A]{name: w.Name, task: w.Task, init: init, step: plain, table: ts}, err
	}
	one.window = func(w *graph.Wiring, t *windowTableOp[K, A], init func() A, merge func(K, A, A) (A, error)) (any, error) {
		if t.session {
			return newSessionNode(w, t, init, step, merge)
		}
		return newWindowNode(w, t, init, step)
	}
	for i := range c.groups {
		if c.groups[i].group == any(g) {
			one.parent = c.groups[i].parent
			c.groups[i] = one
			return c
		}
	}
	c.groups = append(c.groups, one)
	return c
}

// Aggregate makes the table. init makes the aggregate to begin with where there is none.
// Where the aggregate's type has nil, a function that returns nil deletes the key. m
// says where the table is kept; nil is a store with a generated name. Records with a
// null key or a null value are dropped and counted; none is late. Kafka Streams:
// CogroupedKStream.aggregate.
func (c *CogroupedKStream[K, A]) Aggregate(init func() A, m *Materialized[K, A], opts ...Option) *KTable[K, A] {
	m, named := c.materialized(m, opts)
	flags := &tableFlags{store: m.name, materialized: true}
	checked, built := false, store.Builder(nil)
	op := c.wire(m.name, named, func(name string, one *cogroup[K, A], parent *graph.Op) *graph.Op {
		if !checked {
			m.complete(c.b.g, name)
			checked = true
		}
		op := &graph.Op{Name: name}
		op.Write = func(t *graph.Topology, parents []string) error {
			if built == nil {
				built = m.builder()
			}
			node := func(w *graph.Wiring) (any, error) { return one.plain(w, m, flags, init) }
			if err := t.AddProcessor(&graph.Node{Name: name, Parents: parents, New: node}); err != nil {
				return err
			}
			return t.AddStore(built, name)
		}
		c.b.g.Add(op, parent)
		return op
	}, newFilterNode(pass[K, change[A]]))
	return &KTable[K, A]{b: c.b, op: op, name: op.Name, key: m.key, value: m.value, store: m.queryable(), old: flags.sendOldValues, read: readStore[K, A](flags.materialize)}
}

// materialized names the store, and takes the key's serde from the first stream that
// has one.
func (c *CogroupedKStream[K, A]) materialized(m *Materialized[K, A], opts []Option) (*Materialized[K, A], string) {
	m = m.named(c.b.g, "COGROUPKSTREAM-AGGREGATE-")
	for _, one := range c.groups {
		m = one.key(m)
	}
	return m, c.b.options("COGROUPKSTREAM-AGGREGATE-", opts, optName).name
}

// wire appends the repartitions, an aggregating operator for each stream, and one that
// brings their updates together.
func (c *CogroupedKStream[K, A]) wire(storeName, named string, aggregate func(name string, one *cogroup[K, A], parent *graph.Op) *graph.Op,
	pass func(*graph.Wiring) (any, error)) *graph.Op {
	g := c.b.g
	parents := make([]*graph.Op, len(c.groups))
	for i := range c.groups {
		parents[i] = c.groups[i].parent(storeName)
	}
	name := func(suffix, prefix string) string {
		if named == "" {
			return g.Generate(prefix)
		}
		g.Generate("") // a name burns a number all the same
		return named + suffix
	}
	var aggregates, listed []*graph.Op
	for i := range c.groups {
		agg := name(fmt.Sprintf("-cogroup-agg-%d", i), "COGROUPKSTREAM-AGGREGATE-")
		aggregates = append(aggregates, aggregate(agg, &c.groups[i], parents[i]))
		listed = append(listed, c.groups[i].op)
	}
	merge := name("-cogroup-merge", "COGROUPKSTREAM-MERGE-")
	op := &graph.Op{Name: merge, Unlisted: true}
	op.Write = func(t *graph.Topology, parents []string) error {
		t.CopartitionOps(op, listed)
		return t.AddProcessor(&graph.Node{Name: merge, Parents: parents, New: pass})
	}
	g.Add(op, aggregates...)
	return op
}
