package stream

import (
	"fmt"
	"time"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
)

// windowTableOp is a windowed table that is being wired: what its nodes share.
type windowTableOp[K, A any] struct {
	b       *Builder
	name    string // of the node, or of the last one
	m       *Materialized[K, A]
	w       windows
	emit    EmitStrategy
	session bool
	cogroup bool
	store   store.Builder
	flags   *tableFlags
	key     serde.Serde[Windowed[K]]
}

// newWindowTableOp describes the store of a table in windows of time, and reports what
// is wrong with it. operator is the name that errors are given.
func newWindowTableOp[K, A any](b *Builder, operator string, m *Materialized[K, A], w windows, wrong error, emit EmitStrategy) *windowTableOp[K, A] {
	t := &windowTableOp[K, A]{b: b, name: operator, m: m, w: w, emit: emit, flags: &tableFlags{store: m.name, materialized: true}}
	if wrong == nil && w.unlimited && emit == OnWindowClose {
		wrong = fmt.Errorf("an unlimited window never closes: OnWindowClose would emit nothing")
	}
	retention, opts, ok := t.check(wrong)
	if ok {
		t.store = store.TimestampedWindows(m.name, m.key, m.value, retention, w.span, opts...)
	}
	t.key = TimeWindowed(m.key, w.span)
	return t
}

// newSessionTableOp is newWindowTableOp for sessions.
func newSessionTableOp[K, A any](b *Builder, operator string, m *Materialized[K, A], w windows, wrong error, emit EmitStrategy) *windowTableOp[K, A] {
	t := &windowTableOp[K, A]{b: b, name: operator, m: m, w: w, emit: emit, session: true, flags: &tableFlags{store: m.name, materialized: true}}
	retention, opts, ok := t.check(wrong)
	if ok {
		t.store = store.Sessions(m.name, m.key, m.value, retention, opts...)
	}
	t.key = SessionWindowed(m.key)
	return t
}

// check reports what is wrong and returns the store's retention and options.
func (t *windowTableOp[K, A]) check(wrong error) (retention time.Duration, opts []store.Option, ok bool) {
	g := t.b.g
	ok = t.m.needSerdes(g, t.name)
	if retention = t.m.retention; retention == 0 {
		retention = t.w.retention
	}
	if t.emit != OnWindowUpdate && t.emit != OnWindowClose {
		g.Failf(t.name, "the emit strategy is %d, neither OnWindowUpdate nor OnWindowClose", t.emit)
	}
	switch {
	case t.m.versioned:
		g.Failf(t.name, "a windowed aggregation is kept in a window store, not in a versioned one")
		return 0, nil, false
	case wrong != nil:
		g.Failf(t.name, "%w", wrong)
		return 0, nil, false
	case retention < t.w.retention:
		g.Failf(t.name, "the store keeps windows for %v, less than the %v that they can change: give Retention at least that", retention, t.w.retention)
		return 0, nil, false
	}
	opts = append([]store.Option{store.Cached()}, t.m.opts...)
	if t.emit == OnWindowClose {
		opts = append(opts, store.TimeOrdered())
		if t.session || t.w.sliding {
			opts = append(opts, store.NotCached()) // of tumbling and hopping windows the changelog is held back
		}
	}
	return retention, opts, ok
}

// grace is for how long after its end a window may change.
func (t *windowTableOp[K, A]) grace() *int64 {
	grace := t.w.grace
	if t.session {
		grace += t.w.size
	}
	return &grace
}

// add adds a node that folds records into the table, after parent. node makes its
// instance.
func (t *windowTableOp[K, A]) add(name string, parent *graph.Op, node func(*graph.Wiring) (any, error)) *graph.Op {
	op := &graph.Op{Name: name, Grace: t.grace()}
	op.Write = func(g *graph.Topology, parents []string) error {
		if err := g.AddProcessor(&graph.Node{Name: name, Parents: parents, New: node}); err != nil {
			return err
		}
		return g.AddStore(t.store, name)
	}
	t.b.g.Add(op, parent)
	return op
}

// table is the table behind an operator.
func (t *windowTableOp[K, A]) table(op *graph.Op) *KTable[Windowed[K], A] {
	return &KTable[Windowed[K], A]{b: t.b, op: op, name: op.Name, key: t.key, value: t.m.value, store: t.m.queryable(),
		old: t.flags.sendOldValues, read: t.read, versioned: t.cogroup && op.Versioned()}
}

// read says how other nodes read the table.
func (t *windowTableOp[K, A]) read() tableReader[Windowed[K], A] {
	name := t.m.name
	return tableReader[Windowed[K], A]{stores: []string{name}, open: func(w *graph.Wiring) (tableView[Windowed[K], A], error) {
		s, err := w.Store(name)
		if err != nil {
			return nil, err
		}
		if t.cogroup && w.Task.Exact() {
			return nil, fmt.Errorf("store %q is none that Kafka Streams could read here", name)
		}
		switch s := s.(type) {
		case store.TimestampedWindowStore[K, A]:
			return windowView[K, A]{s}, nil
		case store.SessionStore[K, A]:
			return sessionView[K, A]{s}, nil
		}
		return nil, fmt.Errorf("store %q is a %T, not the table's", name, s)
	}}
}

// windowView reads a table in windows of time.
type windowView[K, A any] struct {
	store store.TimestampedWindowStore[K, A]
}

func (v windowView[K, A]) get(key Windowed[K]) (store.ValueAndTimestamp[A], bool, error) {
	return v.store.Get(key.Key, key.Window.Start)
}

// sessionView reads a table of sessions.
type sessionView[K, A any] struct{ store store.SessionStore[K, A] }

func (v sessionView[K, A]) get(key Windowed[K]) (a store.ValueAndTimestamp[A], ok bool, err error) {
	a.Timestamp = key.Window.End
	a.Value, ok, err = v.store.FetchSession(key.Key, key.Window.Start, key.Window.End)
	return a, ok, err
}

// aggregateGroup adds the only node of the table, after a grouped stream.
func aggregateGroup[K, V, A any](t *windowTableOp[K, A], g *KGroupedStream[K, V], node func(*graph.Wiring) (any, error)) *KTable[Windowed[K], A] {
	parent := g.s.op
	if g.s.repartition {
		parent = g.repartitioned(t.m.name)
	}
	return t.table(t.add(t.name, parent, node))
}
