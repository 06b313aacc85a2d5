package graph

import "slices"

// SelfJoin belongs to a join of two streams, in case that they are one.
type SelfJoin struct {
	// Other is the operator that keeps the records of the right stream.
	Other *Op
	// Single tells that the join is to use the left store for both sides.
	Single bool
}

// singleStoreSelfJoins makes joins whose streams are one use one store. Kafka Streams:
// InternalStreamsBuilder.rewriteSingleStoreSelfJoin.
func (b *Builder) singleStoreSelfJoins() {
	seen := map[*Op]bool{}
	var visit func(o *Op)
	visit = func(o *Op) {
		if seen[o] {
			return
		}
		seen[o] = true
		if o.SelfJoin != nil && len(o.parents) == 1 {
			o.SelfJoin.Single = true
			o.parents[0].abandon(o.SelfJoin.Other)
			// Where what must be co-partitioned is listed, it still belongs to its stream.
			o.SelfJoin.Other.parents = slices.Clone(o.parents)
		}
		for _, c := range slices.Clone(o.children) {
			visit(c)
		}
	}
	visit(&b.root)
}
