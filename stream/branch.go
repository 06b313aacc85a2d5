package stream

import (
	"strconv"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/topology"
)

// BranchedKStream is a stream being split: each record goes to the first branch
// whose predicate it meets. Kafka Streams: BranchedKStream.
type BranchedKStream[K, V any] struct {
	s     *KStream[K, V]
	op    *graph.Op
	name  string
	preds []func(K, V) bool
	last  bool // Default was called
}

// Split begins to split the stream. Its name is the prefix of the branches' names. The
// branches keep keys, values, nulls and serdes; nothing is stored or repartitioned. Kafka
// Streams: KStream.split.
//
//	split := s.Split(stream.Named("orders-"))
//	eu := split.Branch(isEU, stream.Named("eu"))      // orders-eu
//	rest := split.Default(stream.Named("rest"))       // orders-rest
func (s *KStream[K, V]) Split(opts ...Option) *BranchedKStream[K, V] {
	b := &BranchedKStream[K, V]{s: s}
	b.name = s.b.g.Name(s.b.options("KSTREAM-BRANCH-", opts, optName).name, "KSTREAM-BRANCH-")
	b.op = s.add(b.name, func(w *graph.Wiring) (any, error) {
		out, err := graph.Connect[topology.Record[K, V]](w)
		return &branchNode[K, V]{name: b.name, task: w.Task, preds: b.preds, out: out}, err
	})
	return b
}

// Branch returns the stream of the records that meet f and no predicate before
// it. f sees a null key or value as nil, or as the zero value. Without a name the branch
// is numbered from 1. Kafka Streams: BranchedKStream.branch.
func (b *BranchedKStream[K, V]) Branch(f func(key K, value V) bool, opts ...Option) *KStream[K, V] {
	if b.last {
		b.s.b.g.Failf(b.name, "Branch was called after Default")
	}
	b.preds = append(b.preds, f)
	return b.branch(len(b.preds), opts)
}

// Default returns the stream of the records that meet no predicate; without it
// they end here, and do not count as dropped. It is called last. Kafka Streams:
// BranchedKStream.defaultBranch.
func (b *BranchedKStream[K, V]) Default(opts ...Option) *KStream[K, V] {
	if b.last {
		b.s.b.g.Failf(b.name, "Default was called twice")
	}
	b.last = true
	return b.branch(0, opts)
}

func (b *BranchedKStream[K, V]) branch(index int, opts []Option) *KStream[K, V] {
	name := b.s.b.options(b.name+"branch", opts, optName).name
	if name == "" {
		name = strconv.Itoa(index)
	}
	name = b.name + name
	b.s.b.g.Generate("") // Kafka Streams burns a number for each branch
	op := &graph.Op{Name: name, Write: func(t *graph.Topology, parents []string) error {
		return t.AddProcessor(&graph.Node{Name: name, Parents: parents, New: newFilterNode(pass[K, V])})
	}}
	b.s.b.g.Add(op, b.op)
	return b.s.same(name, op)
}

// branchNode forwards each record to one child: the children are the branches in
// order, the default last.
type branchNode[K, V any] struct {
	name  string
	task  graph.Task
	preds []func(K, V) bool
	out   graph.Out[topology.Record[K, V]]
}

func (n *branchNode[K, V]) Receive(r *topology.Record[K, V]) error {
	for {
		i, err := n.choose(r)
		if err == nil {
			if i < n.out.Len() {
				return n.out.ForwardTo(i, r)
			}
			return nil
		}
		if retry, err := n.task.Handle(graph.Processing, n.name, err); !retry {
			return err
		}
	}
}

func (n *branchNode[K, V]) choose(r *topology.Record[K, V]) (i int, err error) {
	defer graph.Recover(&err)
	for i, f := range n.preds {
		if f(r.Key, r.Value) {
			return i, nil
		}
	}
	return len(n.preds), nil
}
