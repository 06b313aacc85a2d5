package stream

import (
	"slices"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/store"
)

// join is a join of two streams as it is written into the topology.
type join[K, L, R, V any] struct {
	kind        streamJoinKind
	windows     JoinWindows
	names       joinNames
	f           streamJoinFunc[K, L, R, V]
	this, other store.Builder
	shared      *sharedBuilder[K, L, R] // nil for an inner join
}

// stores describes the stores that the user did not. The shared store is of the kind
// that the left one is.
func (j *join[K, L, R, V]) stores(d *StreamJoined[K, L, R]) {
	opts := append(slices.Clone(d.opts), store.NotCached())
	windows := append(opts[:len(opts):len(opts)], store.RetainDuplicates(), store.LogHeaders(), deleted)
	size, retention := j.windows.size(), j.windows.retention()
	if j.windows.check() != nil {
		size, retention = 0, 0 // reported already
	}
	j.shared = &sharedBuilder[K, L, R]{keys: d.key, left: d.left, right: d.right}
	j.shared.spec = store.KeyValue(j.names.sharedStore, d.key, d.left, opts...).Spec()
	if d.this != nil {
		of := d.this.Spec()
		j.shared.spec.Persistent, j.shared.spec.Opener = of.Persistent, of.Opener
	} else {
		j.this = store.Windows(j.names.thisStore, d.key, d.left, retention, size, windows...)
	}
	if d.other == nil {
		j.other = store.Windows(j.names.otherStore, d.key, d.right, retention, size, windows...)
	}
	if j.kind == inner {
		j.shared = nil
	}
}

// deleted lets records of a changelog be deleted by age only, whatever else the
// user's topic configuration says: no two of them have one key.
func deleted(s *store.Spec) {
	config := map[string]string{}
	for k, v := range s.TopicConfig {
		config[k] = v
	}
	config["cleanup.policy"] = "delete"
	s.TopicConfig = config
}

// write adds the two sides and what merges them. Kafka Streams: StreamStreamJoinNode.
func (j *join[K, L, R, V]) write(t *graph.Topology) error {
	n := &j.names
	shared := ""
	if j.shared != nil {
		shared = n.sharedStore
	}
	before, after, grace := j.windows.before.Milliseconds(), j.windows.after.Milliseconds(), j.windows.grace.Milliseconds()
	this := func(w *graph.Wiring) (any, error) {
		s := sideOf[K, L, R, L, R, V]{store: n.otherStore, shared: shared, before: before, after: after, grace: grace, left: true, outer: j.kind != inner}
		return newJoinSide(w, s, j.f, func(task graph.Task, k K, l *L, r *R) (V, error) { return j.f(task, k, l, r) })
	}
	other := func(w *graph.Wiring) (any, error) {
		s := sideOf[K, L, R, R, L, V]{store: n.thisStore, shared: shared, before: after, after: before, grace: grace, outer: j.kind == outer}
		return newJoinSide(w, s, j.f, func(task graph.Task, k K, r *R, l *L) (V, error) { return j.f(task, k, l, r) })
	}
	for _, node := range []*graph.Node{
		{Name: n.this, Parents: []string{n.thisWindowed}, New: this},
		{Name: n.other, Parents: []string{n.otherWindowed}, New: other},
		{Name: n.merge, Parents: []string{n.this, n.other}, New: newFilterNode(pass[K, V])},
	} {
		if err := t.AddProcessor(node); err != nil {
			return err
		}
	}
	if err := t.AddStore(j.this, n.thisWindowed, n.other); err != nil {
		return err
	}
	if err := t.AddStore(j.other, n.otherWindowed, n.this); err != nil || j.shared == nil {
		return err
	}
	return t.AddStore(j.shared, n.this, n.other)
}

// writeSelfJoin adds the one node that joins a stream with itself. Kafka Streams makes
// one of a left or outer join too: a record always has itself for a partner.
func (j *join[K, L, R, V]) writeSelfJoin(t *graph.Topology) error {
	n := &j.names
	err := t.AddProcessor(&graph.Node{Name: n.merge, Parents: []string{n.thisWindowed}, New: func(w *graph.Wiring) (any, error) {
		return newSelfJoinNode[K, L, R, V](w, n.thisStore, j.windows, j.f)
	}})
	if err != nil {
		return err
	}
	return t.AddStore(j.this, n.thisWindowed, n.merge)
}
