package stream

import (
	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/topology"
)

// Rekeyed is t with keys of another type, for package internal/conformance, whose keys
// and values are all of one type. It is no operator: what follows is fed by the node of
// t, which nothing else may follow. t is a windowed table.
func Rekeyed[K, K2, V any](t *KTable[K, V], key serde.Serde[K2], to func(K) K2, from func(K2) K) *KTable[K2, V] {
	t.op.Adapt = func(child any) any {
		if r, ok := child.(graph.Receiver[topology.Record[K2, change[V]]]); ok {
			return &rekeyedNode[K, K2, V]{child: r, to: to}
		}
		return child
	}
	return &KTable[K2, V]{b: t.b, op: t.op, name: t.name, key: key, value: t.value, store: t.store, old: t.old,
		read: func() tableReader[K2, V] {
			reader := t.read()
			return tableReader[K2, V]{stores: reader.stores, open: func(w *graph.Wiring) (tableView[K2, V], error) {
				v, err := reader.open(w)
				return rekeyedView[K, K2, V]{v, from}, err
			}}
		}}
}

type rekeyedNode[K, K2, V any] struct {
	child graph.Receiver[topology.Record[K2, change[V]]]
	to    func(K) K2
}

func (n *rekeyedNode[K, K2, V]) Receive(r *topology.Record[K, change[V]]) error {
	out := topology.WithKey(*r, n.to(r.Key))
	return n.child.Receive(&out)
}

type rekeyedView[K, K2, V any] struct {
	view tableView[K, V]
	from func(K2) K
}

func (v rekeyedView[K, K2, V]) get(key K2) (store.ValueAndTimestamp[V], bool, error) {
	return v.view.get(v.from(key))
}
