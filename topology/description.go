package topology

import "github.com/streamweir/streamweir/internal/graph"

// A Description is what [Topology.Describe] prints, as data. Kafka Streams:
// TopologyDescription.
type Description struct {
	// Subtopologies are in the order of their numbers, those that fill global stores
	// among them.
	Subtopologies []SubtopologyDescription
}

// SubtopologyDescription describes nodes that are connected by edges or stores.
type SubtopologyDescription struct {
	ID     int
	Global bool // it fills a global store, and has no tasks
	Nodes  []NodeDescription
}

// NodeDescription describes a source, a processor or a sink. Internal topics are named
// without the application id.
type NodeDescription struct {
	Name string
	// Kind is "source", "processor" or "sink".
	Kind string
	// Topics are what a source reads, if it has no Pattern, or the topic that a sink
	// writes to; none for a sink that chooses one for each record.
	Topics  []string
	Pattern string
	// Stores are those that a processor is connected to.
	Stores                   []string
	Predecessors, Successors []string
}

// Description returns what Describe prints as data, in the same order.
func (t *Topology) Description() Description {
	var d Description
	for _, s := range t.g.Described() {
		sub := SubtopologyDescription{ID: int(s.ID), Global: s.Global}
		for _, n := range s.Nodes {
			node := NodeDescription{Name: n.Name, Kind: [...]string{"source", "processor", "sink"}[n.Kind], Topics: n.Topics, Stores: n.Stores,
				Predecessors: n.Predecessors, Successors: n.Successors}
			if n.Kind == graph.SinkKind && n.Topic != "" {
				node.Topics = []string{n.Topic}
			}
			if n.Pattern != nil {
				node.Pattern = n.Pattern.String()
			}
			sub.Nodes = append(sub.Nodes, node)
		}
		d.Subtopologies = append(d.Subtopologies, sub)
	}
	return d
}
