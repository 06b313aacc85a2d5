package graph

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/streamweir/streamweir/store"
)

// Kind is what a node does.
type Kind int8

// The kinds of nodes.
const (
	SourceKind Kind = iota
	ProcessorKind
	SinkKind
)

// Reset is where a source begins when there is no committed offset.
type Reset int64

// The reset policies; ResetDefault is the application's. A negative one is that many
// milliseconds before now, see ResetByDuration.
const (
	ResetDefault Reset = iota
	ResetEarliest
	ResetLatest
	ResetNone
	resetInvalid
)

// ResetByDuration is the policy to begin with the first record that is not older than
// d. A d of less than a millisecond is an invalid policy.
func ResetByDuration(d time.Duration) Reset {
	if d < time.Millisecond {
		return resetInvalid
	}
	return Reset(-d.Milliseconds())
}

// Duration is that of ResetByDuration; ok is false for another policy.
func (r Reset) Duration() (d time.Duration, ok bool) {
	return time.Duration(-min(r, 0)) * time.Millisecond, r < 0
}

// Valid tells whether there is such a policy.
func (r Reset) Valid() bool { return r < resetInvalid }

// A Node is a node of the topology before it has an instance.
type Node struct {
	Name    string
	Kind    Kind
	Topics  []string       // source
	Pattern *regexp.Regexp // source, instead of Topics
	Reset   Reset          // source
	Topic   string         // sink with a fixed topic
	Dynamic string         // sink that chooses a topic for each record: what Describe calls the extractor
	Parents []string
	Stores  []string
	Global  bool // part of a global store: every instance of the application has it
	// New returns the instance: a [SourceNode] for a source, a [Receiver] of the
	// parents' type of record otherwise. It may also be a [Starter] or a [Closer].
	New func(*Wiring) (any, error)

	group int // union-find: index of the parent node
}

// A Store is a state store of the topology.
type Store struct {
	Builder store.Builder
	Users   []string
	// SourceTopic is the input topic that serves as the store's changelog.
	SourceTopic string
	// Global tells that the store has all partitions of its source topic, and that
	// every processor may read it.
	Global bool
}

// A RepartitionTopic is an internal topic between two sub-topologies.
type RepartitionTopic struct {
	Name       string // without the application id
	Partitions int32  // 0: as many as the largest upstream topic
}

// A Topology is the physical graph: what Kafka Streams' InternalTopologyBuilder
// holds. The zero value is empty. It is built by one goroutine and only read after
// that. A store that no processor uses is no part of any sub-topology.
type Topology struct {
	nodes         []*Node
	byName        map[string]int
	stores        []*Store
	repartition   []*RepartitionTopic
	copartitioned []copartition
}

func (t *Topology) add(n *Node) error {
	if n.Name == "" {
		return errors.New("topology: a node has no name")
	}
	if _, ok := t.byName[n.Name]; ok {
		return fmt.Errorf("topology: there is already a node %q: node names are unique", n.Name)
	}
	for _, p := range n.Parents {
		i, ok := t.byName[p]
		switch {
		case p == n.Name:
			return fmt.Errorf("topology: node %q cannot be its own parent", n.Name)
		case !ok:
			return fmt.Errorf("topology: node %q has the parent %q, which does not exist: add parents first", n.Name, p)
		case t.nodes[i].Kind == SinkKind:
			return fmt.Errorf("topology: node %q has the sink %q as parent: a sink has no children", n.Name, p)
		}
	}
	if t.byName == nil {
		t.byName = map[string]int{}
	}
	n.group = len(t.nodes)
	t.byName[n.Name] = n.group
	t.nodes = append(t.nodes, n)
	for _, p := range n.Parents {
		t.unite(n.Name, p)
	}
	return nil
}

// AddSource adds a source. A topic has one source at most.
func (t *Topology) AddSource(n *Node) error {
	n.Kind = SourceKind
	if len(n.Topics) == 0 && n.Pattern == nil {
		return fmt.Errorf("topology: source %q has no topic", n.Name)
	}
	if !n.Reset.Valid() {
		return fmt.Errorf("topology: source %q has no valid reset policy: a duration must be at least a millisecond", n.Name)
	}
	for i, topic := range n.Topics {
		if topic == "" {
			return fmt.Errorf("topology: source %q has an empty topic name", n.Name)
		}
		if slices.Contains(n.Topics[:i], topic) {
			return fmt.Errorf("topology: source %q reads topic %q twice", n.Name, topic)
		}
		for _, o := range t.nodes {
			if o.Kind != SourceKind {
				continue
			}
			if slices.Contains(o.Topics, topic) || o.Pattern != nil && fullMatch(o.Pattern, topic) {
				return fmt.Errorf("topology: source %q: topic %q is already read by source %q", n.Name, topic, o.Name)
			}
		}
	}
	if n.Pattern != nil {
		for _, o := range t.nodes {
			for _, topic := range o.Topics {
				if o.Kind == SourceKind && fullMatch(n.Pattern, topic) {
					return fmt.Errorf("topology: source %q: pattern %q matches topic %q, which source %q reads", n.Name, n.Pattern, topic, o.Name)
				}
			}
		}
	}
	return t.add(n)
}

func fullMatch(p *regexp.Regexp, topic string) bool {
	at := p.FindStringIndex(topic)
	return at != nil && at[0] == 0 && at[1] == len(topic)
}

// AddProcessor adds a processor with at least one parent.
func (t *Topology) AddProcessor(n *Node) error {
	n.Kind = ProcessorKind
	if len(n.Parents) == 0 {
		return fmt.Errorf("topology: processor %q has no parent", n.Name)
	}
	if err := t.add(n); err != nil {
		return err
	}
	stores := n.Stores
	n.Stores = nil
	for _, s := range stores {
		if err := t.ConnectStore(n.Name, s); err != nil {
			return err
		}
	}
	return nil
}

// AddSink adds a sink with at least one parent.
func (t *Topology) AddSink(n *Node) error {
	n.Kind = SinkKind
	if len(n.Parents) == 0 {
		return fmt.Errorf("topology: sink %q has no parent", n.Name)
	}
	return t.add(n)
}

// AddStore adds a store and connects it to processors. The same builder may be
// added again; another one of the same name may not.
func (t *Topology) AddStore(b store.Builder, processors ...string) error {
	name := b.Spec().Name
	if err := CheckName(name); err != nil {
		return fmt.Errorf("topology: store: %w", err)
	}
	validate := b.Spec().Validate
	if v, ok := b.(interface{ Validate() error }); ok {
		validate = v.Validate
	}
	if err := validate(); err != nil {
		return fmt.Errorf("topology: %w", err)
	}
	if s := t.Store(name); s == nil {
		t.stores = append(t.stores, &Store{Builder: b})
	} else if s.Builder != b {
		return fmt.Errorf("topology: there is already a store %q: store names are unique", name)
	}
	for _, p := range processors {
		if err := t.ConnectStore(p, name); err != nil {
			return err
		}
	}
	return nil
}

// ReuseSource makes an input topic the changelog of a store: nothing is written to
// it, and the store is restored from it up to where the topic was processed.
func (t *Topology) ReuseSource(name, topic string) error {
	s := t.Store(name)
	if s == nil {
		return fmt.Errorf("topology: there is no store %q: add it first", name)
	}
	if s.SourceTopic != "" && s.SourceTopic != topic {
		return fmt.Errorf("topology: store %q is kept from topic %q and cannot be from %q too", name, s.SourceTopic, topic)
	}
	s.SourceTopic = topic
	return nil
}

// ConnectStore gives a processor access to a store. Processors that share a
// store are in one sub-topology.
func (t *Topology) ConnectStore(processor, name string) error {
	s := t.Store(name)
	switch {
	case s == nil:
		return fmt.Errorf("topology: processor %q: there is no store %q: add it first", processor, name)
	case s.Global:
		return fmt.Errorf("topology: processor %q: store %q is global: every processor can read it without being connected", processor, name)
	}
	i, ok := t.byName[processor]
	if !ok {
		return fmt.Errorf("topology: store %q: there is no processor %q: add it first", name, processor)
	}
	n := t.nodes[i]
	if n.Kind != ProcessorKind {
		return fmt.Errorf("topology: store %q: %q is not a processor: only processors use stores", name, processor)
	}
	if slices.Contains(n.Stores, name) {
		return nil
	}
	n.Stores = append(n.Stores, name)
	if len(s.Users) > 0 {
		t.unite(processor, s.Users[0])
	}
	s.Users = append(s.Users, processor)
	return nil
}

// AddRepartitionTopic declares an internal topic; sinks and sources use its name
// without the application id. Adding it again is no error.
func (t *Topology) AddRepartitionTopic(r RepartitionTopic) error {
	if err := CheckName(r.Name); err != nil {
		return fmt.Errorf("topology: repartition topic: %w", err)
	}
	for _, o := range t.repartition {
		if o.Name == r.Name {
			return nil
		}
	}
	t.repartition = append(t.repartition, &r)
	return nil
}

// Store returns the store of a name, nil if there is none.
func (t *Topology) Store(name string) *Store {
	for _, s := range t.stores {
		if s.Builder.Spec().Name == name {
			return s
		}
	}
	return nil
}

// Node returns the node of a name, nil if there is none.
func (t *Topology) Node(name string) *Node {
	if i, ok := t.byName[name]; ok {
		return t.nodes[i]
	}
	return nil
}

// Repartition returns the repartition topic of a name (without application id),
// nil if there is none.
func (t *Topology) Repartition(name string) *RepartitionTopic {
	for _, r := range t.repartition {
		if r.Name == name {
			return r
		}
	}
	return nil
}

func (t *Topology) root(i int) int {
	for t.nodes[i].group != i {
		i = t.nodes[i].group
	}
	return i
}

func (t *Topology) unite(a, b string) {
	x, y := t.root(t.byName[a]), t.root(t.byName[b])
	t.nodes[max(x, y)].group = min(x, y)
}

// CheckName reports what is wrong with a name that becomes part of a topic name.
func CheckName(name string) error {
	bad := strings.IndexFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '_' && r != '-'
	})
	switch {
	case name == "":
		return errors.New("a name is empty")
	case name == "." || name == "..":
		return fmt.Errorf("the name %q is not allowed", name)
	case len(name) > 249:
		return fmt.Errorf("the name %q is %d characters long, at most 249 are allowed", name, len(name))
	case bad >= 0:
		return fmt.Errorf("the name %q has a character other than letters, digits, '.', '_' and '-'", name)
	}
	return nil
}
