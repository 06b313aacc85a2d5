package graph

import (
	"fmt"
	"slices"

	"github.com/streamweir/streamweir/store"
)

// A Receiver is a node that takes records of type R. The record belongs to the
// sender and is valid until Receive returns; the receiver does not modify it.
//
// An error that Receive returns ends the task's step: it was not, or could not
// be, handled where it arose.
type Receiver[R any] interface {
	Receive(r *R) error
}

// An EncodedReceiver is a [Receiver] that can make use of what a record's value was
// encoded as for a store.
type EncodedReceiver[R any] interface {
	ReceiveEncoded(r *R, value store.Encoding) error
}

// Out is the downstream edge of a node: its children in the order in which they
// were added to the topology.
type Out[R any] struct {
	to      []Receiver[R]
	encoded []EncodedReceiver[R] // those of to that are one, nil for others
	names   []string
	edge    *edge[R]
}

// Forward hands r to every child in order, depth first.
func (o *Out[R]) Forward(r *R) error {
	before := o.edge.r
	o.edge.r = r
	for _, c := range o.to {
		if err := c.Receive(r); err != nil {
			o.edge.r = before
			return err
		}
	}
	o.edge.r = before
	return nil
}

// ForwardEncoded is Forward of a record of whose value there is an encoding.
func (o *Out[R]) ForwardEncoded(r *R, value store.Encoding) error {
	before := o.edge.r
	o.edge.r = r
	for i, c := range o.to {
		var err error
		if e := o.encoded[i]; e != nil {
			err = e.ReceiveEncoded(r, value)
		} else {
			err = c.Receive(r)
		}
		if err != nil {
			o.edge.r = before
			return err
		}
	}
	o.edge.r = before
	return nil
}

// ForwardTo hands r to child i only.
func (o *Out[R]) ForwardTo(i int, r *R) error {
	before := o.edge.r
	o.edge.r = r
	err := o.to[i].Receive(r)
	o.edge.r = before
	return err
}

// Child returns the number of the child of that name.
func (o *Out[R]) Child(name string) (i int, ok bool) {
	i = slices.Index(o.names, name)
	return i, i >= 0
}

// Len is the number of children.
func (o *Out[R]) Len() int { return len(o.to) }

// An Edge is the record that a node is handing on, if it is. Nodes hand on the same
// variable again and again, and what the record cache gives up while they are at work
// may come by the same nodes: who makes that happen saves all edges before and restores
// them after.
type Edge interface {
	Save()
	Restore()
}

type edge[R any] struct {
	r     *R // nil: none
	saved []saved[R]
}

type saved[R any] struct {
	r     *R
	value R
}

func (e *edge[R]) Save() {
	s := saved[R]{r: e.r}
	if e.r != nil {
		s.value = *e.r
	}
	e.saved = append(e.saved, s)
}

func (e *edge[R]) Restore() {
	last := len(e.saved) - 1
	s := e.saved[last]
	e.saved[last] = saved[R]{}
	e.saved = e.saved[:last]
	if e.r = s.r; s.r != nil {
		*s.r = s.value
	}
}

// Wiring is what a node's constructor is given.
type Wiring struct {
	// Name is the name of the node.
	Name string
	// Task is the task that the node belongs to.
	Task Task
	// Topics are the topics of a source or a sink as they are called on the
	// broker: internal topics carry the application id.
	Topics []string

	stores   []string
	isGlobal func(store string) bool
	internal func(topic string) string
	children []any
	names    []string
	parts    []any
}

// Attach adds a part of the node that is started and closed with it, if it is a
// [Starter] or a [Closer].
func (w *Wiring) Attach(part any) { w.parts = append(w.parts, part) }

// Connect returns the edge to the children of the node that is being wired.
// A child that receives another type of record is an error: the topology was put
// together by hand and its types do not match.
func Connect[R any](w *Wiring) (Out[R], error) {
	out := Out[R]{names: w.names, edge: &edge[R]{}}
	w.Task.KeepEdge(out.edge)
	for i, c := range w.children {
		r, ok := c.(Receiver[R])
		if !ok {
			return out, fmt.Errorf("topology: node %q forwards %T, which its child %q (%T) does not receive",
				w.Name, *new(R), w.names[i], c)
		}
		out.to = append(out.to, r)
		e, _ := c.(EncodedReceiver[R])
		out.encoded = append(out.encoded, e)
	}
	return out, nil
}

// Internal is the name on the broker of an internal topic, whether there is such a topic
// or something is only called so.
func (w *Wiring) Internal(topic string) string { return w.internal(topic) }

// Stateful tells whether the node has stores.
func (w *Wiring) Stateful() bool { return len(w.stores) > 0 }

// Store returns the typed store of a name. The node must be connected to it, unless
// it is global, which nodes read without.
func (w *Wiring) Store(name string) (any, error) {
	for _, s := range w.stores {
		if s == name {
			return w.Task.Store(name)
		}
	}
	if w.isGlobal != nil && w.isGlobal(name) {
		return w.Task.Store(name)
	}
	return nil, fmt.Errorf("topology: processor %q has no access to store %q: connect the store to the processor, in the DSL with stream.Stores", w.Name, name)
}
