package topology

import (
	"errors"
	"fmt"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/store"
)

// A Topology is a graph of sources, processors, sinks and stores. Make one with
// [New] and the Add functions, or with a stream.Builder. It is put together by
// one goroutine; an application and a test driver only read it, so several may
// share one.
//
// A mistake does not panic and does not stop the rest: all are collected and
// returned by [Topology.Validate], which applications call when they are created.
type Topology struct {
	g    *graph.Topology
	errs []error
}

// New returns an empty topology.
func New() *Topology { return Of(&graph.Topology{}) }

// Of wraps a graph; package stream builds topologies with it.
func Of(g *graph.Topology) *Topology { return &Topology{g: g} }

// Graph is the untyped graph, for the packages that run a topology.
func (t *Topology) Graph() *graph.Topology { return t.g }

func (t *Topology) fail(err error) { t.errs = append(t.errs, err) }

func (t *Topology) check(err error) {
	if err != nil {
		t.fail(err)
	}
}

// Err returns the mistakes made so far, joined.
func (t *Topology) Err() error { return errors.Join(t.errs...) }

// Validate returns all mistakes made while the topology was put together.
func (t *Topology) Validate() error {
	return t.Err()
}

// Describe returns the text that Kafka Streams' Topology.describe() prints for
// the same topology. Internal topics are named without the application id.
func (t *Topology) Describe() string { return t.g.Describe() }

// AddStateStore adds a store and connects it to processors.
func (t *Topology) AddStateStore(b store.Builder, processors ...string) {
	if b == nil {
		t.fail(errors.New("topology: AddStateStore was called without a store"))
		return
	}
	t.check(t.g.AddStore(b, processors...))
}

// ConnectProcessorAndStateStores gives a processor access to stores. Processors that
// share a store are in one sub-topology.
func (t *Topology) ConnectProcessorAndStateStores(processor string, stores ...string) {
	if len(stores) == 0 {
		t.fail(fmt.Errorf("topology: processor %q is connected to no store: name at least one", processor))
	}
	for _, s := range stores {
		t.check(t.g.ConnectStore(processor, s))
	}
}

// AddProcessor adds a processor below parents, which must forward records of its
// types. supplier is called once for each task and returns a new instance.
func AddProcessor[K, V, K2, V2 any, P Processor[K, V, K2, V2]](t *Topology, name string, supplier func() P, parents ...string) {
	if supplier == nil {
		t.fail(fmt.Errorf("topology: processor %q has no supplier", name))
		return
	}
	t.check(t.g.AddProcessor(processorOf[K, V, K2, V2](name, supplier, parents...)))
}

// AddFixedKeyProcessor adds a processor that cannot change keys.
func AddFixedKeyProcessor[K, V, V2 any, P FixedKeyProcessor[K, V, V2]](t *Topology, name string, supplier func() P, parents ...string) {
	if supplier == nil {
		AddProcessor[K, V, K, V2, fixed[K, V, V2]](t, name, nil, parents...)
		return
	}
	AddProcessor(t, name, func() fixed[K, V, V2] { return fixed[K, V, V2]{supplier()} }, parents...)
}

type processorNode[K, V, K2, V2 any] struct {
	name string
	task graph.Task
	p    Processor[K, V, K2, V2]
	pc   *Context[K2, V2]

	stateful bool
}

func newProcessor[K, V, K2, V2 any](w *graph.Wiring, p Processor[K, V, K2, V2]) (*processorNode[K, V, K2, V2], error) {
	pc, err := newContext[K2, V2](w)
	return &processorNode[K, V, K2, V2]{name: w.Name, task: w.Task, p: p, pc: pc, stateful: w.Stateful()}, err
}

func (n *processorNode[K, V, K2, V2]) Start() error {
	if err := recovered(func() error { return n.p.Init(n.pc) }); err != nil {
		return fmt.Errorf("processor %q: Init: %w", n.name, err)
	}
	n.pc.started = true
	return nil
}

func (n *processorNode[K, V, K2, V2]) Close() error {
	if c, ok := n.p.(graph.Closer); ok && n.pc.started {
		if err := recovered(c.Close); err != nil {
			return fmt.Errorf("processor %q: Close: %w", n.name, err)
		}
	}
	return nil
}

func recovered(f func() error) (err error) {
	defer graph.Recover(&err)
	return f()
}

func (n *processorNode[K, V, K2, V2]) Receive(r *Record[K, V]) error {
	if n.stateful {
		before := n.task.At(graph.Moment{Timestamp: r.Timestamp, Headers: r.Headers})
		defer n.task.At(before)
	}
	for {
		err := n.process(r)
		if err == nil {
			return nil
		}
		retry, err := n.task.Handle(graph.Processing, n.name, err)
		if !retry {
			return err
		}
	}
}

func (n *processorNode[K, V, K2, V2]) process(r *Record[K, V]) (err error) {
	defer graph.Recover(&err)
	return n.p.Process(n.task.Context(), *r)
}
