package graph

import (
	"errors"
	"fmt"

	"github.com/streamweir/streamweir/store"
)

// globalID stands for the number of a sub-topology that has none.
const globalID = -1

// GlobalTask is the id of the task that fills the global stores.
var GlobalTask = TaskID{Subtopology: globalID}

// AddGlobalStore adds a store that every instance of the application fills from all
// partitions of one topic, with the source that reads it and the processor that
// writes to it. Kafka Streams: InternalTopologyBuilder.addGlobalStore.
func (t *Topology) AddGlobalStore(b store.Builder, source, processor *Node) error {
	name := b.Spec().Name
	if err := CheckName(name); err != nil {
		return fmt.Errorf("topology: global store: %w", err)
	}
	switch {
	case t.Store(name) != nil:
		return fmt.Errorf("topology: there is already a store %q: store names are unique", name)
	case len(source.Topics) != 1 || source.Pattern != nil:
		return fmt.Errorf("topology: global store %q: source %q must read one topic", name, source.Name)
	}
	source.Global, processor.Global = true, true
	if err := t.AddSource(source); err != nil {
		return err
	}
	processor.Parents, processor.Stores = []string{source.Name}, nil
	if err := t.AddProcessor(processor); err != nil {
		return err
	}
	processor.Stores = []string{name}
	t.stores = append(t.stores, &Store{Builder: b, Users: []string{processor.Name}, SourceTopic: source.Topics[0], Global: true})
	return nil
}

// AddReadOnlyStore adds a store that one processor fills from a topic, which serves
// as its changelog. Kafka Streams: Topology.addReadOnlyStateStore, KIP-813.
func (t *Topology) AddReadOnlyStore(b store.Builder, source, processor *Node) error {
	if len(source.Topics) != 1 || source.Pattern != nil {
		return fmt.Errorf("topology: read-only store %q: source %q must read one topic", b.Name(), source.Name)
	}
	source.Reset = ResetEarliest
	processor.Parents = []string{source.Name}
	return errors.Join(t.AddSource(source), t.AddProcessor(processor), t.AddStore(b, processor.Name), t.ReuseSource(b.Name(), source.Topics[0]))
}

// Global is what fills the global stores, as a sub-topology that one task runs; nil
// if there are none. It has no number.
func (t *Topology) Global() *Sub {
	s := &Sub{ID: globalID, Global: true, topology: t}
	for _, n := range t.nodes {
		if n.Global {
			s.Nodes = append(s.Nodes, n)
		}
	}
	for _, st := range t.stores {
		if st.Global {
			s.Stores = append(s.Stores, st)
		}
	}
	if len(s.Nodes) == 0 {
		return nil
	}
	return s
}

// isGlobal tells whether a store is global.
func (t *Topology) isGlobal(name string) bool {
	s := t.Store(name)
	return s != nil && s.Global
}
