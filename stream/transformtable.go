package stream

import (
	"context"
	"fmt"
	"slices"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/null"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/topology"
)

// A ValueTransformer makes the values of a table of those of another, for what needs
// stores, headers or time, or can fail. Kafka Streams: ValueTransformerWithKey. Each
// task has its own instance and calls it from one goroutine at a time. One that also
// has a method Close() error is closed with its task.
type ValueTransformer[K, V, V2 any] interface {
	// Init is called once, before the first record.
	Init(pc *topology.TransformContext) error
	// Transform returns the value that the result has for the key of r; with false, or
	// for a nil value, it has none. It is called for deletions as well: then NullValue
	// of r is true. An error, and a panic, go to the application's error handler.
	Transform(ctx context.Context, r topology.Record[K, V]) (value V2, ok bool, err error)
}

// TransformTableValues gives each entry of a table another value by a
// [ValueTransformer]. supplier returns a new instance at each call. The key stays as it
// is, so there is no repartition. m says in which store the result is kept; with nil,
// or without a name, it is not kept. Options: [Named], [Stores], [OwnStores]. Kafka
// Streams: KTable.transformValues.
//
// Unless the result is kept in a store, the transformer is called again where an
// operator behind it needs the value before a change, and another instance is called
// by operators that read the table: it must give the same again then, so one with a
// memory of its own needs a store for its result.
func TransformTableValues[K, V, V2 any, P ValueTransformer[K, V, V2]](t *KTable[K, V], supplier func() P, m *Materialized[K, V2], opts ...Option) *KTable[K, V2] {
	g := t.b.g
	const prefix = "KTABLE-TRANSFORMVALUES-"
	o := t.b.options(prefix, opts, optName|optStores)
	name := g.Name(o.name, prefix)
	versioned, history := inheritVersions(t, m)
	m = m.stored(t.b.g).with(t.key, nil)
	m.checkVersioned(g, name)
	flags := &tableFlags{store: m.queryable(), materialized: m.queryable() != ""}
	if flags.materialized {
		m.complete(g, name)
	}
	if supplier == nil {
		g.Failf(name, "there is no supplier of a transformer")
	}
	stores := slices.Clone(o.stores)
	for _, s := range o.own {
		stores = append(stores, s.Name())
	}
	op := &graph.Op{Name: name, Write: func(tp *graph.Topology, parents []string) error {
		for _, s := range o.own {
			if err := tp.AddStore(s); err != nil {
				return err
			}
		}
		return addAll(tp, m, flags, &graph.Node{Name: name, Parents: parents, Stores: stores, New: func(w *graph.Wiring) (any, error) {
			ts, err := newTableStore[K, V2](w, m, flags)
			tr := transformer[K, V, V2]{name: name, task: w.Task, pc: topology.NewTransformContext(w), t: supplier(), isNull: null.Check[V2]()}
			return &transformTableNode[K, V, V2]{transformer: tr, table: ts}, err
		}})
	}}
	g.Add(op, t.op)
	out := &KTable[K, V2]{b: t.b, op: op, name: name, key: m.key, value: m.value, store: flags.store, old: func(force bool) bool {
		if flags.materialized || t.old(force) {
			flags.sendOld = true
		}
		return flags.sendOld
	}, versioned: versioned, history: history}
	if out.read = readStore[K, V2](flags.materialize); !flags.materialized {
		out.read = func() tableReader[K, V2] {
			parent := t.read()
			return tableReader[K, V2]{stores: slices.Concat(parent.stores, stores), open: func(w *graph.Wiring) (tableView[K, V2], error) {
				view, err := parent.open(w)
				tr := &transformer[K, V, V2]{name: name, task: w.Task, pc: topology.NewTransformContext(w).Reading(), t: supplier(), isNull: null.Check[V2]()}
				w.Attach(tr)
				return &transformedView[K, V, V2]{parent: view, transformer: tr}, err
			}}
		}
	}
	return out
}

// transformer is an instance of the user's.
type transformer[K, V, V2 any] struct {
	name    string
	task    graph.Task
	pc      *topology.TransformContext
	t       ValueTransformer[K, V, V2]
	isNull  func(*V2) bool
	started bool
	v       V2 // that isNull looks at; a local variable would be moved to the heap
}

// Start implements [graph.Starter].
func (t *transformer[K, V, V2]) Start() (err error) {
	defer graph.Recover(&err)
	if err := t.t.Init(t.pc); err != nil {
		return fmt.Errorf("transformer %q: Init: %w", t.name, err)
	}
	t.started = true
	return nil
}

// Close implements [graph.Closer].
func (t *transformer[K, V, V2]) Close() (err error) {
	c, ok := t.t.(graph.Closer)
	if !ok || !t.started {
		return nil
	}
	defer graph.Recover(&err)
	if err := c.Close(); err != nil {
		return fmt.Errorf("transformer %q: Close: %w", t.name, err)
	}
	return nil
}

func (t *transformer[K, V, V2]) transform(r topology.Record[K, V]) (v V2, none bool, err error) {
	v, ok, err := t.t.Transform(t.task.Context(), r)
	if !ok || err != nil {
		var zero V2
		return zero, true, err
	}
	t.v = v
	return v, t.isNull != nil && t.isNull(&t.v), nil
}

// transformTableNode transforms the updates of a table. Kafka Streams:
// KTableTransformValues.
type transformTableNode[K, V, V2 any] struct {
	transformer[K, V, V2]
	table *tableStore[K, V2]
}

func (n *transformTableNode[K, V, V2]) Receive(r *topology.Record[K, change[V]]) error {
	// The transformer may write to stores of its own.
	before := n.task.At(graph.Moment{Timestamp: r.Timestamp, Headers: r.Headers})
	for {
		err := n.receive(r)
		if err == nil {
			n.task.At(before)
			return n.table.forward(r.Headers)
		}
		if retry, err := n.task.Handle(graph.Processing, n.name, err); !retry {
			n.task.At(before)
			return err
		}
	}
}

func (n *transformTableNode[K, V, V2]) receive(r *topology.Record[K, change[V]]) (err error) {
	defer graph.Recover(&err)
	c := &r.Value
	in := topology.Record[K, V]{Key: r.Key, NullKey: r.NullKey, Timestamp: r.Timestamp, Headers: r.Headers, Value: c.new, NullValue: c.nullNew}
	v, none, err := n.transform(in)
	if err != nil {
		return err
	}
	var old V2
	noOld := true
	switch {
	case !n.table.flags.sendOld:
	case n.table.stored():
		was, ok, err := n.table.get(r.Key)
		if err != nil {
			return err
		}
		old, noOld = was.Value, !ok
	default:
		in.Value, in.NullValue = c.old, c.nullOld
		if old, noOld, err = n.transform(in); err != nil {
			return err
		}
	}
	if err := n.table.put(r.Key, v, none, old, noOld, r.Timestamp); err != nil {
		return err
	}
	if !n.table.stored() {
		n.table.r.Value.late = c.late
	}
	return nil
}

// transformedView reads a table that is transformed and not kept.
type transformedView[K, V, V2 any] struct {
	parent      tableView[K, V]
	transformer *transformer[K, V, V2]
}

func (t *transformedView[K, V, V2]) get(key K) (out store.ValueAndTimestamp[V2], ok bool, err error) {
	v, found, err := t.parent.get(key)
	return t.transformed(key, v, found, err)
}

func (t *transformedView[K, V, V2]) asOf(key K, at int64) (store.ValueAndTimestamp[V2], bool, error) {
	v, found, err := readPast(t.parent, key, at)
	return t.transformed(key, v, found, err)
}

func (t *transformedView[K, V, V2]) transformed(key K, v store.ValueAndTimestamp[V], found bool, err error) (out store.ValueAndTimestamp[V2], ok bool, _ error) {
	if err != nil {
		return out, false, err
	}
	if !found {
		v.Timestamp = -1 // unknown, as in Kafka Streams
	}
	value, none, err := t.transformer.transform(topology.Record[K, V]{Key: key, Timestamp: v.Timestamp, Value: v.Value, NullValue: !found})
	if none || err != nil {
		return out, false, err
	}
	return store.ValueAndTimestamp[V2]{Value: value, Timestamp: v.Timestamp}, true, nil
}
