package graph

import (
	"errors"
	"fmt"
	"slices"

	"github.com/streamweir/streamweir/store"
)

// A Builder is the logical graph of a DSL program: operators in the order in
// which the program made them. Build writes them into a [Topology].
type Builder struct {
	// Optimize says how Build may rewrite the operators.
	Optimize Optimization
	// ExplicitNames makes generated names of stores and internal topics an error of
	// Build.
	ExplicitNames bool
	// StoreOptions are those of the stores of operators, before their own.
	StoreOptions []store.Option

	index    int // of the next generated name
	priority int // of the next operator
	root     Op
	errs     []error
	built    bool
	names    map[string]bool // that were generated

	shareable []*Op // repartitions that may be merged
	merges    []*Op // of streams
}

// An Op is an operator of the logical graph. It becomes one or more nodes.
type Op struct {
	// Name is the name of the last of its nodes, the parent of what follows.
	Name string
	// Source is set for an operator that reads topics.
	Source *SourceOp
	// Sources are the names of the source nodes that the operator's own nodes
	// begin with: those of a source and of a repartition.
	Sources []string
	// Beside are operators whose records the operator does not receive, but whose
	// stores it reads: their topics belong to those that it is fed from.
	Beside []*Op
	// Copartitioned tells that all topics the operator is fed from must have equally
	// many partitions.
	Copartitioned bool
	// NullKeys tells that the operator has a use for records with a null key, so
	// that repartitions upstream keep them (KIP-962).
	NullKeys bool
	// Unlisted tells that the sources of the parents are left out where Kafka
	// Streams lists them.
	Unlisted bool
	// Grace is set for an operator whose results have windows: how long after the end
	// of one it may still change, in milliseconds.
	Grace *int64
	// Versions is set where a table becomes a stream: whether the table is versioned.
	Versions *bool
	// SelfJoin is set for a join of two streams.
	SelfJoin *SelfJoin
	// Write adds the operator's nodes to the topology. parents are the names of
	// the nodes it follows.
	Write func(t *Topology, parents []string) error
	// KeyChanging and ValueChanging say what the operator does to records, and
	// Merging that it makes one stream of several.
	KeyChanging, ValueChanging, Merging bool
	// Processor is set for a processor of the user, which may change keys and values.
	Processor bool
	// Type is the type of the records that a KeyChanging or Merging operator
	// forwards.
	Type string
	// Overwrites tells that a value which the operator forwards is good until the next
	// one only; of a source, SourceOp.ReuseValues tells it.
	Overwrites bool
	// Shareable is set for a repartition that may be merged with others.
	Shareable *Shareable

	parents, children []*Op
	forgotten         []*Op    // parents whose sources Kafka Streams does not list
	listed            []string // the sources that it lists, if operators above were moved
	priority          int
	written           bool
}

// Overwritten tells whether what the operator forwards, or passes on, is overwritten.
func (o *Op) Overwritten() bool {
	seen := map[*Op]bool{}
	var overwritten func(o *Op) bool
	overwritten = func(o *Op) bool {
		if seen[o] {
			return false
		}
		seen[o] = true
		if o.Overwrites || o.Source != nil && o.Source.ReuseValues {
			return true
		}
		return len(o.Sources) == 0 && slices.ContainsFunc(o.parents, overwritten)
	}
	return overwritten(o)
}

// A SourceOp tells which sources can be merged into one node.
type SourceOp struct {
	Topics  []string
	Pattern string
	Reset   Reset
	Type    string // of the records
	// ReuseValues tells that a value is good until the next one only.
	ReuseValues bool
	Table       bool // a table's source is never merged
	Reuse       bool // the topic serves as the changelog of the table's store
}

// Generate returns the next generated name: the prefix and the next number of
// the builder's one counter.
func (b *Builder) Generate(prefix string) string {
	name := b.Next(prefix)
	b.index++
	if b.names == nil {
		b.names = map[string]bool{}
	}
	b.names[name] = true
	return name
}

// Next is the name that Generate will return.
func (b *Builder) Next(prefix string) string { return fmt.Sprintf("%s%010d", prefix, b.index) }

// Name returns the given name, or a generated one if it is empty. A given name
// burns a number all the same, as in Kafka Streams: to name one operator does not
// rename the stores and topics of those after it.
func (b *Builder) Name(given, prefix string) string {
	name := b.Generate(prefix)
	if given == "" {
		return name
	}
	return b.given(given)
}

// NameOnly is Name for the operators whose given name leaves the counter alone:
// processors and repartitions.
func (b *Builder) NameOnly(given, prefix string) string {
	if given == "" {
		return b.Generate(prefix)
	}
	return b.given(given)
}

// Suffixed is Name for an operator with several nodes: a given name gets a suffix
// for each.
func (b *Builder) Suffixed(given, suffix, prefix string) string {
	if given != "" {
		given += suffix
	}
	return b.Name(given, prefix)
}

func (b *Builder) given(name string) string {
	if err := CheckName(name); err != nil {
		b.Fail(err)
	}
	return name
}

// Fail remembers an error for Build.
func (b *Builder) Fail(err error) { b.errs = append(b.errs, err) }

// Failf remembers an error of an operator for Build.
func (b *Builder) Failf(operator, format string, args ...any) {
	b.Fail(fmt.Errorf("stream: operator %q: %w", operator, fmt.Errorf(format, args...)))
}

// Add appends an operator after its parents; without parents it is a root. A parent
// that is given twice, a stream merged with itself, is one parent: its records come
// once. An operator that is added again moves behind all others. Kafka Streams:
// GraphNode, whose parents are a set, and its build priority.
func (b *Builder) Add(op *Op, parents ...*Op) {
	if len(parents) == 0 {
		parents = []*Op{&b.root}
	}
	for _, p := range parents {
		if !slices.Contains(op.parents, p) {
			p.children = append(p.children, op)
			op.parents = append(op.parents, p)
		}
		b.priority++
		op.priority = b.priority
	}
	b.note(op)
}

// AddNode appends an operator of one processor, which uses stores.
func (b *Builder) AddNode(name string, stores []string, node func(*Wiring) (any, error), parents ...*Op) *Op {
	op := &Op{Name: name, Write: func(t *Topology, parents []string) error {
		return t.AddProcessor(&Node{Name: name, Parents: parents, Stores: stores, New: node})
	}}
	b.Add(op, parents...)
	return op
}

// Build writes the operators into a topology, in the order in which they were
// made as far as parents come first. It can be called once.
func (b *Builder) Build() (*Topology, error) {
	if b.built {
		return nil, errors.New("stream: Build was already called on this builder: make a new builder for another topology")
	}
	b.built = true
	b.mergeSources()
	t := &Topology{}
	if len(b.errs) == 0 {
		b.optimize()
		b.write(t)
		b.checkExplicit(t)
		b.checkPartitions(t)
	}
	if err := errors.Join(b.errs...); err != nil {
		return nil, err
	}
	return t, nil
}

func (b *Builder) write(t *Topology) {
	b.root.written = true
	queue := slices.Clone(b.root.children)
	for len(queue) > 0 {
		next := 0
		for i, o := range queue {
			if o.priority < queue[next].priority {
				next = i
			}
		}
		op := queue[next]
		queue = slices.Delete(queue, next, next+1)
		if !op.written && !slices.ContainsFunc(op.parents, func(p *Op) bool { return !p.written }) {
			if err := op.Write(t, op.parentNames()); err != nil {
				b.Fail(err)
			}
			if op.Copartitioned {
				t.CopartitionOp(op)
			}
			op.written = true
			queue = append(queue, op.children...)
		}
	}
}

func (o *Op) parentNames() []string {
	var names []string
	for _, p := range o.parents {
		if p.Name != "" {
			names = append(names, p.Name)
		}
	}
	return names
}

// mergeSources makes one source of those that read the same topics or pattern.
func (b *Builder) mergeSources() {
	var sources []*Op
	for _, op := range slices.Clone(b.root.children) {
		if op.Source == nil || op.Source.Table {
			continue
		}
		i := slices.IndexFunc(sources, func(o *Op) bool { return o.Source.overlaps(op.Source) })
		if i < 0 {
			sources = append(sources, op)
			continue
		}
		if err := sources[i].Source.mergeable(op.Source); err != nil {
			b.Fail(fmt.Errorf("stream: sources %q and %q: %w", sources[i].Name, op.Name, err))
			continue
		}
		b.root.children = slices.DeleteFunc(b.root.children, func(o *Op) bool { return o == op })
		for _, c := range op.children {
			// The source that stays becomes the last parent, if it is none yet.
			c.parents = slices.DeleteFunc(c.parents, func(p *Op) bool { return p == op })
			if !slices.Contains(c.parents, sources[i]) {
				sources[i].children = append(sources[i].children, c)
				c.parents = append(c.parents, sources[i])
				c.forgotten = append(c.forgotten, sources[i])
			}
		}
	}
}

func (s *SourceOp) overlaps(o *SourceOp) bool {
	return s.Pattern != "" && s.Pattern == o.Pattern ||
		slices.ContainsFunc(s.Topics, func(t string) bool { return slices.Contains(o.Topics, t) })
}

func (s *SourceOp) mergeable(o *SourceOp) error {
	same := slices.Clone(s.Topics)
	other := slices.Clone(o.Topics)
	slices.Sort(same)
	slices.Sort(other)
	switch {
	case !slices.Equal(slices.Compact(same), slices.Compact(other)):
		return errors.New("they read overlapping but not equal sets of topics: read each topic once")
	case s.Reset != o.Reset:
		return errors.New("they read the same topics with different reset policies")
	case s.ReuseValues != o.ReuseValues:
		return errors.New("they read the same topics, one of them with ReuseValues: give it to both, or to none")
	case s.Type != o.Type:
		return fmt.Errorf("they read the same topics with different types, %s and %s", s.Type, o.Type)
	}
	return nil
}
