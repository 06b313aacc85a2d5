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
	// Exactly goes with MergeRepartitions: it does so also where Kafka Streams is wrong.
	Exactly
)

// Has tells whether o has all of x.
func (o Optimization) Has(x Optimization) bool { return o&x == x }

// Shareable describes a repartition that may be merged with others.
type Shareable struct {
	// Type is the type of the records.
	Type string
	// Again makes a repartition over a topic of the same name, with other nodes.
	Again func() *Op

	changer *Op // the operator that makes it necessary, nil if it is not moved there
	exactly *Op // the same for Exactly
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

// note remembers what mergeRepartitions needs: merges, and repartitions that are
// necessary because of an operator further up that changes keys. If values change in
// between a repartition is not moved up there, nor if keys may, by a processor.
func (b *Builder) note(op *Op) {
	if op.Merging {
		b.merges = append(b.merges, op)
	}
	if op.Shareable == nil || slices.Contains(b.shareable, op) {
		return
	}
	changes := func(processor bool) *Op {
		changer := op.find(func(o *Op) bool { return o.KeyChanging })
		if changer != op.find(func(o *Op) bool { return o.KeyChanging || o.ValueChanging || processor && o.Processor }) {
			return nil
		}
		return changer
	}
	op.Shareable.changer, op.Shareable.exactly = changes(true), changes(false)
	if op.Shareable.exactly != nil {
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
//
// With [Exactly], repartitions are moved as in Kafka Streams, and results can be wrong:
// in front of a processor, which may change the keys again (KAFKA-19668), and into one of
// several streams that are merged, whatever number of partitions the others have. And it
// is an error if what is below an operator has moved already.
func (b *Builder) mergeRepartitions() {
	targets := make([]*Op, len(b.shareable)) // found before anything moves
	for i, r := range b.shareable {
		targets[i] = b.target(r)
	}
	b.each(func(o *Op) { o.listed = o.SourceNames(true) })
	shared, renamed := map[*Op]*Op{}, map[string]string{}
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
		// What is below may have moved with an earlier repartition.
		below := r.find(func(o *Op) bool { return o != s && slices.Contains(o.parents, at) })
		switch {
		case below != nil:
			s.adopt(below)
			at.abandon(below)
		case b.Optimize.Has(Exactly):
			b.failExactly(r, at)
			return
		}
		r.replace()
		renamed[r.Sources[0]] = s.Sources[0]
	}
	b.each(func(o *Op) {
		for i, name := range o.listed {
			if to, ok := renamed[name]; ok {
				o.listed[i] = to
			}
		}
		o.listed = appendNew(nil, o.listed)
	})
}

// changer is the operator that makes a repartition necessary and behind which it can be,
// nil if there is none.
func (b *Builder) changer(r *Op) *Op {
	if b.Optimize.Has(Exactly) {
		return r.Shareable.exactly
	}
	return r.Shareable.changer
}

// target returns the operator behind which a repartition can be moved, nil if there
// is none. A stream that is merged with itself is passed unless all repartitions that
// belong to the operator above are behind the merge; where two streams are merged the
// way ends, since the other one needs the repartition too.
func (b *Builder) target(r *Op) *Op {
	changer := b.changer(r)
	if changer == nil {
		return nil
	}
	if b.Optimize.Has(Exactly) {
		return b.exactTarget(r, changer)
	}
	for o := r; len(o.parents) == 1; {
		o = o.parents[0]
		if o.KeyChanging || o.Merging && (len(o.parents) > 1 || b.allBehind(o, changer)) {
			return o
		}
	}
	return nil
}

// exactTarget is the merge behind which all repartitions are that an operator makes
// necessary, or else this operator.
func (b *Builder) exactTarget(r, changer *Op) *Op {
	at := changer
	for _, m := range b.merges {
		if b.allBehind(m, changer) && m.find(func(o *Op) bool { return slices.Contains(o.parents, changer) }) != nil {
			if at != changer {
				b.failExactly(r, m)
			}
			at = m
		}
	}
	return at
}

// failExactly reports a repartition that cannot be moved. Kafka Streams: "Found a null
// keyChangingChild node" (KAFKA-21357).
func (b *Builder) failExactly(r, at *Op) {
	before := "nothing"
	if len(r.children) > 0 {
		before = r.children[0].Name
	}
	b.Failf(at.Name, "the repartition in front of %s cannot be moved here, as what is in between was already: Kafka Streams has no such topology, use MergeRepartitions", before)
}

// allBehind tells whether all repartitions that an operator makes necessary are
// behind a merge.
func (b *Builder) allBehind(merge, changer *Op) bool {
	return !slices.ContainsFunc(b.shareable, func(r *Op) bool {
		return b.changer(r) == changer &&
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

// each calls f for each operator once.
func (b *Builder) each(f func(*Op)) {
	seen := map[*Op]bool{&b.root: true}
	for queue := slices.Clone(b.root.children); len(queue) > 0; queue = queue[1:] {
		o := queue[0]
		if !seen[o] {
			seen[o] = true
			f(o)
			queue = append(queue, o.children...)
		}
	}
}
