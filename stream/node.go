package stream

import (
	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/null"
	"github.com/streamweir/streamweir/topology"
)

// The nodes of stateless operators. Each calls one user function, whose error or
// panic goes to the error handler at this node; what is forwarded comes after, so
// that an error further down is never taken for one of this function.

// mapNode forwards one record for each record it receives.
type mapNode[K, V, K2, V2 any] struct {
	name      string
	task      graph.Task
	f         func(t graph.Task, in *topology.Record[K, V], out *topology.Record[K2, V2]) error
	nullKey   func(*K2) bool
	nullValue func(*V2) bool
	out       graph.Out[topology.Record[K2, V2]]
	r         topology.Record[K2, V2]
}

func newMapNode[K, V, K2, V2 any](f func(t graph.Task, in *topology.Record[K, V], out *topology.Record[K2, V2]) error) func(*graph.Wiring) (any, error) {
	return func(w *graph.Wiring) (any, error) {
		out, err := graph.Connect[topology.Record[K2, V2]](w)
		return &mapNode[K, V, K2, V2]{name: w.Name, task: w.Task, f: f, out: out,
			nullKey: null.Check[K2](), nullValue: null.Check[V2]()}, err
	}
}

func (n *mapNode[K, V, K2, V2]) Receive(r *topology.Record[K, V]) error {
	for {
		n.r = topology.Record[K2, V2]{Timestamp: r.Timestamp, Headers: r.Headers}
		err := n.call(r)
		if err == nil {
			break
		}
		if retry, err := n.task.Handle(graph.Processing, n.name, err); !retry {
			return err
		}
	}
	if n.nullKey != nil {
		n.r.NullKey = n.nullKey(&n.r.Key)
	}
	if n.nullValue != nil {
		n.r.NullValue = n.nullValue(&n.r.Value)
	}
	return n.out.Forward(&n.r)
}

func (n *mapNode[K, V, K2, V2]) call(r *topology.Record[K, V]) (err error) {
	defer graph.Recover(&err)
	return n.f(n.task, r, &n.r)
}

// flatMapNode forwards any number of records for each it receives. f sets key and
// value of out to item i.
type flatMapNode[K, V, E, K2, V2 any] struct {
	mapNode[K, V, K2, V2]
	list func(t graph.Task, in *topology.Record[K, V]) ([]E, error)
	item func(in *topology.Record[K, V], e *E, out *topology.Record[K2, V2])
}

func newFlatMapNode[K, V, E, K2, V2 any](list func(graph.Task, *topology.Record[K, V]) ([]E, error),
	item func(*topology.Record[K, V], *E, *topology.Record[K2, V2])) func(*graph.Wiring) (any, error) {
	return func(w *graph.Wiring) (any, error) {
		out, err := graph.Connect[topology.Record[K2, V2]](w)
		return &flatMapNode[K, V, E, K2, V2]{list: list, item: item, mapNode: mapNode[K, V, K2, V2]{
			name: w.Name, task: w.Task, out: out, nullKey: null.Check[K2](), nullValue: null.Check[V2]()}}, err
	}
}

func (n *flatMapNode[K, V, E, K2, V2]) Receive(r *topology.Record[K, V]) error {
	var list []E
	for {
		var err error
		if list, err = n.call(r); err == nil {
			break
		}
		if retry, err := n.task.Handle(graph.Processing, n.name, err); !retry {
			return err
		}
	}
	for i := range list {
		n.r = topology.Record[K2, V2]{Timestamp: r.Timestamp, Headers: r.Headers}
		n.item(r, &list[i], &n.r)
		if n.nullKey != nil {
			n.r.NullKey = n.nullKey(&n.r.Key)
		}
		if n.nullValue != nil {
			n.r.NullValue = n.nullValue(&n.r.Value)
		}
		if err := n.out.Forward(&n.r); err != nil {
			return err
		}
	}
	return nil
}

func (n *flatMapNode[K, V, E, K2, V2]) call(r *topology.Record[K, V]) (list []E, err error) {
	defer graph.Recover(&err)
	return n.list(n.task, r)
}

// filterNode forwards the records for which f is true, as they are. Peek, merge
// and the null key filter of a repartition are filters too.
type filterNode[K, V any] struct {
	name string
	task graph.Task
	f    func(t graph.Task, in *topology.Record[K, V]) (bool, error)
	out  graph.Out[topology.Record[K, V]]
}

func newFilterNode[K, V any](f func(t graph.Task, in *topology.Record[K, V]) (bool, error)) func(*graph.Wiring) (any, error) {
	return func(w *graph.Wiring) (any, error) {
		out, err := graph.Connect[topology.Record[K, V]](w)
		return &filterNode[K, V]{name: w.Name, task: w.Task, f: f, out: out}, err
	}
}

func (n *filterNode[K, V]) Receive(r *topology.Record[K, V]) error {
	for {
		ok, err := n.call(r)
		if err == nil {
			if !ok {
				return nil
			}
			return n.out.Forward(r)
		}
		if retry, err := n.task.Handle(graph.Processing, n.name, err); !retry {
			return err
		}
	}
}

func (n *filterNode[K, V]) call(r *topology.Record[K, V]) (ok bool, err error) {
	defer graph.Recover(&err)
	return n.f(n.task, r)
}

// pass forwards every record.
func pass[K, V any](graph.Task, *topology.Record[K, V]) (bool, error) { return true, nil }

// forward hands on the record that f makes of r, if it makes one. What goes wrong in f
// is for the error handler.
func forward[R, S any](t graph.Task, node string, r *R, f func(*R) (bool, error), out *graph.Out[S], made *S) error {
	for {
		ok, err := f(r)
		switch {
		case err == nil && ok:
			return out.Forward(made)
		case err == nil:
			return nil
		}
		if retry, err := t.Handle(graph.Processing, node, err); !retry {
			return err
		}
	}
}

// attempt calls f until it succeeds or the error handler has had enough of it; ok tells
// which.
func attempt(t graph.Task, node string, f func() error) (ok bool, err error) {
	for {
		err := recovered(f)
		if err == nil {
			return true, nil
		}
		if retry, err := t.Handle(graph.Processing, node, err); !retry {
			return false, err
		}
	}
}

func recovered(f func() error) (err error) {
	defer graph.Recover(&err)
	return f()
}
