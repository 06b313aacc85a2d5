package graph

import "slices"

// Optimization is a set of rewritings of the logical graph. Kafka Streams:
// topology.optimization.
type Optimization uint8

// The rewritings.
const (
	// ReuseTableSources makes the topic of a table the changelog of its store.
	ReuseTableSources Optimization = 1 << iota
	// MergeRepartitions makes one repartition topic of those behind one operator
	// that changes keys.
	MergeRepartitions
	// SingleStoreSelfJoin joins a stream with itself over one store.
	SingleStoreSelfJoin
)

// Has tells whether o has all of x.
func (o Optimization) Has(x Optimization) bool { return o&x == x }

// Shareable describes a repartition that may be merged with others.
type Shareable struct {
	// Type is the type of the records.
	Type string
	// Again makes a repartition over a topic of the same name, with other nodes.
	Again func() *Op

	changer *Op // the operator that makes it necessary
}

// optimize rewrites the operators.
func (b *Builder) optimize() {
	if b.Optimize.Has(ReuseTableSources) {
		for _, op := range b.root.children {
			if op.Source != nil && op.Source.Table {
				op.Source.Reuse = true
			}
		}
	}
	if b.Optimize.Has(MergeRepartitions) {
		b.mergeRepartitions()
	}
	if b.Optimize.Has(SingleStoreSelfJoin) {
		b.singleStoreSelfJoins()
	}
}

// note remembers a repartition that was added for mergeRepartitions: one that is
// necessary because of an operator further up that changes keys. If values change
// in between it is not moved up there.
func (b *Builder) note(op *Op) {
	if op.Shareable == nil || slices.Contains(b.shareable, op) {
		return
	}
	changes := op.find(func(o *Op) bool { return o.KeyChanging || o.ValueChanging })
	if changes != nil && changes == op.find(func(o *Op) bool { return o.KeyChanging }) {
		op.Shareable.changer = changes
		b.shareable = append(b.shareable, op)
	}
}

// find returns the first match on the way up, nil if there is none. Of several
// parents the last one decides, as in Kafka Streams.
func (o *Op) find(match func(*Op) bool) *Op {
	if match(o) {
		return o
	}
	var found *Op
	for _, p := range o.parents {
		if match(p) {
			return p
		}
		found = p.find(match)
	}
	return found
}

// mergeRepartitions puts one repartition directly behind each operator that changes
// keys, or that merges streams behind such a one; it is named after the first of
// those that it replaces. Kafka Streams: InternalStreamsBuilder.
//
// Only repartitions of the records that this operator itself forwards are replaced.
// An operator in between may change their type without saying so, a join with a
// global table for instance; Kafka Streams then fails when it casts the first record.
func (b *Builder) mergeRepartitions() {
	targets := make([]*Op, len(b.shareable)) // found before anything moves
	for i, r := range b.shareable {
		targets[i] = b.target(r)
	}
	shared := map[*Op]*Op{}
	for i, r := range b.shareable {
		at := targets[i]
		if at == nil || at.Type != r.Shareable.Type {
			continue
		}
		s := shared[at]
		if s == nil {
			s = r.Shareable.Again()
			s.priority = at.priority
			shared[at] = s
			at.adopt(s)
		}
		// What is below may have moved with an earlier repartition. Kafka Streams then
		// gives up: "Found a null keyChangingChild node".
		below := r
		for below.parents[0] != at && below.parents[0] != s {
			below = below.parents[0]
		}
		if below.parents[0] == at {
			s.adopt(below)
			at.abandon(below)
		}
		r.replace()
	}
}

// target returns the operator behind which a repartition can be moved, nil if there
// is none. A stream that is merged with itself is passed unless all repartitions that
// belong to the operator above are behind the merge; where two streams are merged the
// way ends, since the other one needs the repartition too.
func (b *Builder) target(r *Op) *Op {
	for o := r; len(o.parents) == 1; {
		o = o.parents[0]
		if o.KeyChanging || o.Merging && (len(o.parents) > 1 || b.allBehind(o, r.Shareable.changer)) {
			return o
		}
	}
	return nil
}

// allBehind tells whether all repartitions that an operator makes necessary are
// behind a merge.
func (b *Builder) allBehind(merge, changer *Op) bool {
	return !slices.ContainsFunc(b.shareable, func(r *Op) bool {
		return r.Shareable.changer == changer &&
			r.find(func(o *Op) bool { return slices.Contains(o.parents, merge) }) == nil
	})
}

func (o *Op) adopt(child *Op) {
	if !slices.Contains(o.children, child) {
		o.children = append(o.children, child)
	}
	if !slices.Contains(child.parents, o) {
		child.parents = append(child.parents, o)
	}
}

func (o *Op) abandon(child *Op) {
	o.children = slices.DeleteFunc(o.children, func(c *Op) bool { return c == child })
	child.parents = slices.DeleteFunc(child.parents, func(p *Op) bool { return p == o })
}

// replace takes an operator out: its children become those of its parents.
func (o *Op) replace() {
	for _, p := range slices.Clone(o.parents) {
		for _, c := range slices.Clone(o.children) {
			p.adopt(c)
		}
		p.abandon(o)
	}
	for _, c := range slices.Clone(o.children) {
		o.abandon(c)
	}
}
