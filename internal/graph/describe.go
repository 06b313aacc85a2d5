package graph

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
)

// Describe returns the text of Kafka Streams' Topology.describe(), byte for byte.
//
// Two of its orders come from Java's hash maps: the topics of a source, the
// stores of a processor, and, where one node has several successors, the moment
// at which the size of each sub-tree was compared. javaOrder reproduces them.
func (t *Topology) Describe() string {
	var b strings.Builder
	b.WriteString("Topologies:\n ")
	for _, s := range t.split() {
		fmt.Fprintf(&b, "  Sub-topology: %d", s.ID)
		if s.Global {
			b.WriteString(" for global store (will not generate tasks)")
		}
		b.WriteString("\n")
		for _, n := range describeNodes(s.Nodes) {
			b.WriteString("    " + n.text() + "\n")
		}
		if !s.Global {
			b.WriteString("\n")
		}
	}
	return b.String()
}

// A DescribedSub is a sub-topology as Describe prints it.
type DescribedSub struct {
	ID     int32
	Global bool
	Nodes  []DescribedNode
}

// A DescribedNode is a node with its neighbours. Its Topics and Stores are in the
// order in which they are printed.
type DescribedNode struct {
	*Node
	Topics, Stores           []string
	Predecessors, Successors []string
}

// Described is what Describe prints, as data.
func (t *Topology) Described() []DescribedSub {
	var subs []DescribedSub
	for _, s := range t.split() {
		sub := DescribedSub{ID: s.ID, Global: s.Global}
		for _, n := range describeNodes(s.Nodes) {
			sub.Nodes = append(sub.Nodes, DescribedNode{Node: n.Node, Topics: javaOrder(n.Topics), Stores: javaOrder(n.Stores),
				Predecessors: namesOf(n.predecessors.list()), Successors: namesOf(n.successors.list())})
		}
		subs = append(subs, sub)
	}
	return subs
}

type described struct {
	*Node
	size                     int
	successors, predecessors javaSet
}

// describeNodes links the nodes in the order in which Java walks over them.
func describeNodes(nodes []*Node) []*described {
	byName := map[string]*described{}
	names := make([]string, len(nodes))
	for i, n := range nodes {
		byName[n.Name] = &described{Node: n, size: 1}
		names[i] = n.Name
	}
	for _, name := range javaOrder(javaOrder(names)) {
		d := byName[name]
		for _, p := range d.Parents {
			parent := byName[p]
			d.predecessors.insert(parent)
			parent.successors.insert(d)
			grow(parent, d.size)
		}
	}
	all := make([]*described, 0, len(nodes))
	for _, n := range nodes {
		all = append(all, byName[n.Name])
	}
	slices.SortFunc(all, compare)
	return all
}

func compare(a, b *described) int {
	if a == b {
		return 0
	}
	return cmp.Or(b.size-a.size, strings.Compare(a.Name, b.Name))
}

func grow(d *described, by int) {
	d.size += by
	for _, p := range d.predecessors.list() {
		grow(p, by)
	}
}

func (d *described) text() string {
	to, from := "\n      --> "+nodeNames(d.successors.list()), "\n      <-- "+nodeNames(d.predecessors.list())
	switch {
	case d.Kind == SourceKind && d.Pattern != nil:
		return "Source: " + d.Name + " (topics: " + d.Pattern.String() + ")" + to
	case d.Kind == SourceKind:
		return "Source: " + d.Name + " (topics: [" + strings.Join(javaOrder(d.Topics), ", ") + "])" + to
	case d.Kind == ProcessorKind:
		return "Processor: " + d.Name + " (stores: [" + strings.Join(javaOrder(d.Stores), ", ") + "])" + to + from
	case d.Topic != "":
		return "Sink: " + d.Name + " (topic: " + d.Topic + ")" + from
	default:
		return "Sink: " + d.Name + " (extractor class: " + d.Dynamic + ")" + from
	}
}

func nodeNames(nodes []*described) string {
	if len(nodes) == 0 {
		return "none"
	}
	return strings.Join(namesOf(nodes), ", ")
}

func namesOf(nodes []*described) []string {
	var names []string
	for _, n := range nodes {
		names = append(names, n.Name)
	}
	return names
}

// javaOrder returns names in the order in which a java.util.HashSet of them,
// filled in the given order, is walked: by bucket, then by insertion.
func javaOrder(names []string) []string {
	capacity := 16
	for len(names)*4 > capacity*3 {
		capacity *= 2
	}
	bucket := func(s string) int {
		h := int32(0)
		for _, u := range utf16.Encode([]rune(s)) {
			h = 31*h + int32(u)
		}
		return int((uint32(h) ^ uint32(h)>>16) & uint32(capacity-1))
	}
	out := slices.Clone(names)
	slices.SortStableFunc(out, func(a, b string) int { return bucket(a) - bucket(b) })
	return out
}
