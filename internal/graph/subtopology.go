package graph

import (
	"fmt"
	"slices"
	"strings"

	"github.com/streamweir/streamweir/store"
)

// A Sub is a sub-topology: nodes that are connected by edges or stores. Its
// tasks are independent of those of other sub-topologies.
type Sub struct {
	ID     int32
	Nodes  []*Node // in topological order
	Stores []*Store
	Global bool // it fills global stores

	topology *Topology
}

// Subtopologies splits the topology. Numbers follow the order in which nodes
// were added, so upstream comes before downstream. What fills a global store has a
// number too, but no tasks, and is left out.
func (t *Topology) Subtopologies() []*Sub {
	return slices.DeleteFunc(t.split(), func(s *Sub) bool { return s.Global })
}

func (t *Topology) split() []*Sub {
	var subs []*Sub
	byRoot := map[int]*Sub{}
	for i, n := range t.nodes {
		r := t.root(i)
		s := byRoot[r]
		if s == nil {
			s = &Sub{ID: int32(len(subs)), Global: n.Global, topology: t}
			byRoot[r] = s
			subs = append(subs, s)
		}
		s.Nodes = append(s.Nodes, n)
	}
	for _, s := range t.stores {
		if len(s.Users) > 0 {
			sub := byRoot[t.root(t.byName[s.Users[0]])]
			sub.Stores = append(sub.Stores, s)
		}
	}
	return subs
}

// Whole is the topology as one sub-topology, which a single task can run: a test
// driver's. What fills global stores is another's: Global.
func (t *Topology) Whole() *Sub {
	s := &Sub{Nodes: slices.DeleteFunc(slices.Clone(t.nodes), func(n *Node) bool { return n.Global }), topology: t}
	for _, st := range t.stores {
		if len(st.Users) > 0 && !st.Global {
			s.Stores = append(s.Stores, st)
		}
	}
	return s
}

// Topics names the topics of a topology on the broker. Internal topics carry a prefix:
// the application id, unless another one is set.
type Topics struct {
	ApplicationID string
	Prefix        string
	topology      *Topology
}

// Topics returns the names that topics have under an application id.
func (t *Topology) Topics(applicationID string) Topics {
	return Topics{ApplicationID: applicationID, Prefix: applicationID, topology: t}
}

// WithPrefix returns the names with another prefix of internal topics; "" changes
// nothing. Kafka Streams: __internal.override.topic.prefix__.
func (n Topics) WithPrefix(prefix string) Topics {
	if prefix != "" {
		n.Prefix = prefix
	}
	return n
}

// Internal is the name on the broker of an internal topic.
func (n Topics) Internal(topic string) string { return n.Prefix + "-" + topic }

// Name is the name of a topic on the broker.
func (n Topics) Name(topic string) string {
	if n.topology.Repartition(topic) != nil {
		return n.Internal(topic)
	}
	return topic
}

// Changelog is the topic that a store's serdes are bound to and that restores it:
// its internal changelog topic, or the source topic that serves as one. The name
// is that of the internal topic also if the store is not logged.
func (n Topics) Changelog(s *Store) string {
	if s.SourceTopic != "" {
		return n.Name(s.SourceTopic)
	}
	return n.Internal(s.Builder.Name() + "-changelog")
}

// Logged tells whether a store's changes go to an internal changelog topic.
func (n Topics) Logged(s *Store) bool { return s.SourceTopic == "" && s.Builder.Spec().Logged }

// Sources are the input topics of a sub-topology, without application id, in
// the order of the nodes. Topics of pattern sources are those in matching.
func (s *Sub) Sources(matching []string) []string {
	var topics []string
	for _, n := range s.Nodes {
		if n.Kind != SourceKind {
			continue
		}
		topics = append(topics, n.Topics...)
		if n.Pattern != nil {
			for _, m := range matching {
				if fullMatch(n.Pattern, m) && !slices.Contains(topics, m) {
					topics = append(topics, m)
				}
			}
		}
	}
	return topics
}

// Patterned tells whether a source of the sub-topology finds its topics by a
// pattern.
func (s *Sub) Patterned() bool {
	return slices.ContainsFunc(s.Nodes, func(n *Node) bool { return n.Pattern != nil })
}

// Sinks are the fixed output topics of a sub-topology, without application id.
func (s *Sub) Sinks() []string {
	var topics []string
	for _, n := range s.Nodes {
		if n.Kind == SinkKind && n.Topic != "" && !slices.Contains(topics, n.Topic) {
			topics = append(topics, n.Topic)
		}
	}
	return topics
}

// An Instance is the nodes of one task.
type Instance struct {
	nodes   []any // like Sub.Nodes
	parts   []any // of nodes, that are started and closed with them
	sources map[string]SourceNode
	pattern []patternSource
}

type patternSource struct {
	node   *Node
	source SourceNode
}

// Wire creates the nodes of a task, children before parents.
func (s *Sub) Wire(task Task, topics Topics) (*Instance, error) {
	in := &Instance{nodes: make([]any, len(s.Nodes)), sources: map[string]SourceNode{}}
	for i := len(s.Nodes) - 1; i >= 0; i-- {
		n := s.Nodes[i]
		w := &Wiring{Name: n.Name, Task: task, stores: n.Stores, isGlobal: s.topology.isGlobal, internal: topics.Internal}
		for j, c := range s.Nodes[i+1:] {
			for range count(c.Parents, n.Name) {
				w.children = append(w.children, in.nodes[i+1+j])
				w.names = append(w.names, c.Name)
			}
		}
		if n.Topic != "" {
			w.Topics = []string{topics.Name(n.Topic)}
		}
		for _, t := range n.Topics {
			w.Topics = append(w.Topics, topics.Name(t))
		}
		node, err := n.create(w)
		if err != nil {
			return nil, fmt.Errorf("task %s: node %q: %w", task.ID(), n.Name, err)
		}
		in.nodes[i] = node
		in.parts = append(in.parts, w.parts...)
		src, ok := node.(SourceNode)
		if n.Kind == SourceKind && !ok {
			return nil, fmt.Errorf("task %s: node %q is a source, but its instance %T is not", task.ID(), n.Name, node)
		}
		for _, t := range w.Topics {
			if n.Kind == SourceKind {
				in.sources[t] = src
			}
		}
		if n.Pattern != nil {
			in.pattern = append(in.pattern, patternSource{n, src})
		}
	}
	return in, nil
}

// create calls the constructor, and with it suppliers and serdes of the user.
func (n *Node) create(w *Wiring) (node any, err error) {
	defer Recover(&err)
	return n.New(w)
}

func count(names []string, name string) int {
	n := 0
	for _, o := range names {
		if o == name {
			n++
		}
	}
	return n
}

// Head returns a decoder for a partition of a topic, named as on the broker.
func (in *Instance) Head(topic string) (Head, error) {
	if s, ok := in.sources[topic]; ok {
		return s.NewHead(topic)
	}
	for _, p := range in.pattern {
		if fullMatch(p.node.Pattern, topic) {
			return p.source.NewHead(topic)
		}
	}
	return nil, fmt.Errorf("topology: no source reads topic %q", topic)
}

// Start starts the nodes that need it, parents first.
func (in *Instance) Start() error {
	for _, n := range slices.Concat(in.nodes, in.parts) {
		if s, ok := n.(Starter); ok {
			if err := s.Start(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Close closes all nodes that need it, parents first, and returns the first error.
func (in *Instance) Close() error {
	var first error
	for _, n := range slices.Concat(in.nodes, in.parts) {
		if c, ok := n.(Closer); ok {
			if err := c.Close(); err != nil && first == nil {
				first = err
			}
		}
	}
	return first
}

// StoreSpecs are the specifications of the sub-topology's stores.
func (s *Sub) StoreSpecs() []store.Spec {
	specs := make([]store.Spec, len(s.Stores))
	for i, st := range s.Stores {
		specs[i] = st.Builder.Spec()
	}
	return specs
}

// Source returns the node that reads a topic, named as on the broker; nil if
// there is none.
func (s *Sub) Source(topics Topics, topic string) *Node {
	for _, n := range s.Nodes {
		if n.Kind != SourceKind {
			continue
		}
		if n.Pattern != nil && fullMatch(n.Pattern, topic) || slices.ContainsFunc(n.Topics, func(t string) bool { return topics.Name(t) == topic }) {
			return n
		}
	}
	return nil
}

// String names the sub-topology and its sources.
func (s *Sub) String() string {
	return fmt.Sprintf("sub-topology %d (%s)", s.ID, strings.Join(s.Sources(nil), ", "))
}
