package stream

import (
	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/topology"
)

// Filter keeps the entries for which f is true; the others are deleted from the
// result. f is not called for deletions, which are passed on. The result is not stored but
// computed from the table; [KTable.FilterInto] stores it. Nothing is repartitioned. Kafka
// Streams: KTable.filter.
//
// If the table is kept in a store, a deletion is sent on only for an entry that
// was part of the result; otherwise one is sent for every entry that is not.
func (t *KTable[K, V]) Filter(f func(key K, value V) bool, opts ...Option) *KTable[K, V] {
	return t.filter(f, nil, opts)
}

// FilterNot is [KTable.Filter] for the entries for which f is not true. Kafka Streams:
// KTable.filterNot.
func (t *KTable[K, V]) FilterNot(f func(key K, value V) bool, opts ...Option) *KTable[K, V] {
	return t.filter(func(k K, v V) bool { return !f(k, v) }, nil, opts)
}

// FilterInto is [KTable.Filter] with the result kept in the store that m names, with the
// changelog <application id>-<store>-changelog. Without a name, as [Stored] makes it, it is
// computed all the same, as in Kafka Streams.
func (t *KTable[K, V]) FilterInto(f func(key K, value V) bool, m *Materialized[K, V], opts ...Option) *KTable[K, V] {
	return t.filter(f, m.stored(t.b.g).with(t.key, t.value), opts)
}

func (t *KTable[K, V]) filter(f func(K, V) bool, m *Materialized[K, V], opts []Option) *KTable[K, V] {
	out := mapTable(t, "KTABLE-FILTER-", m, opts, func(key K, v V) (V, bool, error) {
		return v, !f(key, v), nil
	}, true)
	out.key, out.value = t.key, t.value
	if m != nil {
		out.key, out.value = m.key, m.value
	}
	return out
}

// MapTableValues gives each entry another value. f is not called for deletions, which are
// passed on; a nil result deletes the entry. The result is not stored but computed, so f
// is called for reads, too; [MapTableValuesInto] stores it. Keys stay, so nothing is
// repartitioned, and the value serde is dropped. Kafka Streams: KTable.mapValues.
func MapTableValues[K, V, V2 any](t *KTable[K, V], f func(value V) V2, opts ...Option) *KTable[K, V2] {
	return mapTableValues(t, func(_ K, v V) V2 { return f(v) }, nil, opts)
}

// MapTableValuesWithKey is [MapTableValues] with a function that sees the key, which
// it must not modify.
func MapTableValuesWithKey[K, V, V2 any](t *KTable[K, V], f func(key K, value V) V2, opts ...Option) *KTable[K, V2] {
	return mapTableValues(t, f, nil, opts)
}

// MapTableValuesInto is [MapTableValues] with a function that sees the key, and with the
// result kept in the store that m names, with the changelog <application
// id>-<store>-changelog. Without a name, as [Stored] makes it, it is computed all the same,
// as in Kafka Streams.
func MapTableValuesInto[K, V, V2 any](t *KTable[K, V], f func(key K, value V) V2, m *Materialized[K, V2], opts ...Option) *KTable[K, V2] {
	return mapTableValues(t, f, m.stored(t.b.g).with(t.key, nil), opts)
}

func mapTableValues[K, V, V2 any](t *KTable[K, V], f func(K, V) V2, m *Materialized[K, V2], opts []Option) *KTable[K, V2] {
	out := mapTable(t, "KTABLE-MAPVALUES-", m, opts, func(key K, v V) (V2, bool, error) {
		return f(key, v), false, nil
	}, false)
	out.key = t.key
	if m != nil {
		out.key, out.value = m.key, m.value
	}
	return out
}

// mapTable appends an operator that computes each value of a table from the
// parent's. f reports whether the result has no such entry. skips: an update that
// leaves the result without the entry, before and after, is not sent on.
func mapTable[K, V, V2 any](t *KTable[K, V], prefix string, m *Materialized[K, V2], opts []Option,
	f func(key K, v V) (V2, bool, error), skips bool) *KTable[K, V2] {
	g := t.b.g
	if m != nil && m.name == "" {
		g.Generate("") // an unnamed store is not made, but its number is burnt
	}
	name := g.Name(t.b.options(prefix, opts, optName).name, prefix)
	flags := &tableFlags{store: m.queryable(), materialized: m.queryable() != ""}
	m.checkVersioned(g, name)
	if flags.materialized {
		m.complete(g, name)
	}
	if skips {
		// With old values at hand, needless tombstones are not sent.
		flags.sendOld = t.old(false)
	}
	node := &graph.Node{Name: name, New: func(w *graph.Wiring) (any, error) {
		ts, err := newTableStore[K, V2](w, m, flags)
		// A versioned table sends deletions on whatever was there: it has a history.
		return &mapTableNode[K, V, V2]{name: name, task: w.Task, f: f, skips: skips && !t.versioned, table: ts}, err
	}}
	op := &graph.Op{Name: name, Write: func(tp *graph.Topology, parents []string) error {
		node.Parents = parents
		if err := tp.AddProcessor(node); err != nil || !flags.materialized {
			return err
		}
		return tp.AddStore(m.builder(), name)
	}}
	g.Add(op, t.op)
	out := &KTable[K, V2]{b: t.b, op: op, name: name, store: flags.store, old: func(force bool) bool {
		if flags.materialized || t.old(force) {
			flags.sendOld = true
		}
		return flags.sendOld
	}}
	if out.read = readStore[K, V2](flags.materialize); !flags.materialized {
		out.read = func() tableReader[K, V2] { return readMapped(t.read(), f) }
	}
	out.versioned, out.history = inheritVersions(t, m)
	return out
}

// mapTableNode maps the updates of a table. Kafka Streams: KTableFilter,
// KTableMapValues.
type mapTableNode[K, V, V2 any] struct {
	name  string
	task  graph.Task
	f     func(key K, v V) (V2, bool, error)
	skips bool
	table *tableStore[K, V2]
	v     V2 // that isNull looks at; a local variable would be moved to the heap
}

func (n *mapTableNode[K, V, V2]) Receive(r *topology.Record[K, change[V]]) error {
	for {
		before := n.table.enter(r.Timestamp, r.Headers)
		skip, err := n.receive(r)
		n.table.leave(before)
		if err == nil {
			if skip {
				return nil
			}
			return n.table.forward(r.Headers)
		}
		if retry, err := n.task.Handle(graph.Processing, n.name, err); !retry {
			return err
		}
	}
}

func (n *mapTableNode[K, V, V2]) receive(r *topology.Record[K, change[V]]) (skip bool, err error) {
	defer graph.Recover(&err)
	c := &r.Value
	v, none, err := n.compute(r.Key, c.new, c.nullNew)
	if err != nil {
		return false, err
	}
	var old V2
	noOld := true
	if n.table.flags.sendOld {
		if n.table.stored() {
			was, ok, err := n.table.get(r.Key)
			if err != nil {
				return false, err
			}
			old, noOld = was.Value, !ok
		} else if old, noOld, err = n.compute(r.Key, c.old, c.nullOld); err != nil {
			return false, err
		}
		if n.skips && none && noOld {
			return true, nil
		}
	}
	if err := n.table.put(r.Key, v, none, old, noOld, r.Timestamp); err != nil {
		return false, err
	}
	if !n.table.stored() {
		n.table.r.Value.late = c.late
	}
	return false, nil
}

func (n *mapTableNode[K, V, V2]) compute(key K, v V, isNull bool) (out V2, none bool, err error) {
	if isNull {
		return out, true, nil
	}
	if out, none, err = n.f(key, v); err != nil || none {
		var zero V2
		return zero, true, err
	}
	n.v = out
	return out, n.table.isNull != nil && n.table.isNull(&n.v), nil
}
