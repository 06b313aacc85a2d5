package topology

import (
	"fmt"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/store"
)

// Void is the type of the keys and values of records that cannot be: of what the
// processor of a global store forwards.
type Void struct{}

// AddGlobalStore adds a store that every instance of the application fills with all
// partitions of one topic, by a processor of its own: Init, then Process for each
// record, in the order of each partition. The source must name one topic; its Reset
// and Timestamp are not used: the topic is read from its beginning, and records have
// their own time. Kafka Streams: Topology.addGlobalStore.
//
// Every processor of the topology can read the store, with [Store] and one of the
// read-only interfaces, [store.ReadOnlyKeyValueStore] for instance; only the
// processor here writes to it. Tasks start when the store has all that the topic
// had, and are not kept in step with it afterwards: what a record finds is what
// has arrived. The store has no changelog. What is on disk after a restart is gone
// on from; otherwise the processor is given the whole topic again. It cannot
// forward, and cannot schedule punctuations. Its errors go to the error handler.
func AddGlobalStore[K, V any, P Processor[K, V, Void, Void]](t *Topology, b store.Builder, sourceName string, s Source[K, V], name string, supplier func() P) {
	if checkMaintained(t, "global", b, s, name, supplier == nil) {
		s.Timestamp = nil
		t.check(t.g.AddGlobalStore(b, sourceOf(sourceName, s), processorOf[K, V, Void, Void](name, supplier)))
	}
}

// AddReadOnlyStateStore adds a store that each task fills with its partition of one
// topic, by a processor of its own, and that others, once connected, only read. The
// topic is its changelog: the store is restored from it as it is, without the
// processor, up to where it was processed, so the processor should put what it gets.
// The topic is read from its beginning. Kafka Streams: Topology.addReadOnlyStateStore,
// KIP-813.
func AddReadOnlyStateStore[K, V any, P Processor[K, V, Void, Void]](t *Topology, b store.Builder, sourceName string, s Source[K, V], name string, supplier func() P) {
	if checkMaintained(t, "read-only", b, s, name, supplier == nil) {
		t.check(t.g.AddReadOnlyStore(b, sourceOf(sourceName, s), processorOf[K, V, Void, Void](name, supplier)))
	}
}

// checkMaintained reports what a store with a source and a processor lacks.
func checkMaintained[K, V any](t *Topology, kind string, b store.Builder, s Source[K, V], name string, noSupplier bool) bool {
	switch {
	case b == nil:
		t.fail(fmt.Errorf("topology: processor %q was added for a %s store, without the store", name, kind))
	case s.Key == nil || s.Value == nil:
		t.fail(fmt.Errorf("topology: %s store %q needs a serde for the keys of its topic and one for the values", kind, b.Name()))
	case noSupplier:
		t.fail(fmt.Errorf("topology: processor %q has no supplier", name))
	default:
		return true
	}
	return false
}

func sourceOf[K, V any](name string, s Source[K, V]) *graph.Node {
	return &graph.Node{Name: name, Topics: s.Topics, Pattern: s.Pattern, Reset: s.Reset,
		New: func(w *graph.Wiring) (any, error) {
			out, err := graph.Connect[Record[K, V]](w)
			return &sourceNode[K, V]{spec: s, topics: w.Topics, out: out}, err
		}}
}

func processorOf[K, V, K2, V2 any, P Processor[K, V, K2, V2]](name string, supplier func() P, parents ...string) *graph.Node {
	return &graph.Node{Name: name, Parents: parents,
		New: func(w *graph.Wiring) (any, error) { return newProcessor[K, V, K2, V2](w, supplier()) }}
}
