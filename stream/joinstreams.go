package stream

import (
	"context"
	"slices"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/store"
)

// Join joins each record of a stream with those of another that have the same key and
// are not too far away in time. Each pair has one result, when the second of the two
// comes; its timestamp is the later of the two, its headers are those of the record
// that came second. The result has no value serde. Kafka Streams: KStream.join(KStream).
//
// Records of both streams are kept in window stores with duplicates, named by
// [StreamJoined.StoreName] or after the join's nodes, and their changelogs, for the size
// of the windows and the grace period. A record that comes later than that is joined
// with what is still there, but not kept for others. Records with a null key or a null
// value are dropped and counted. If keys of a stream may have changed, a repartition
// topic comes first, named <name>-left or <name>-right by [Named], or after the stream's
// last operator. The topics of both must have the same number of partitions. joined
// may be nil if the streams' serdes are known. Options: [Named].
func Join[K, L, R, V any](left *KStream[K, L], right *KStream[K, R], f func(left L, right R) V, w JoinWindows, joined *StreamJoined[K, L, R], opts ...Option) *KStream[K, V] {
	return JoinWithKey(left, right, func(_ K, l L, r R) V { return f(l, r) }, w, joined, opts...)
}

// JoinWithKey is [Join] with a function that sees the key, which it must not modify.
func JoinWithKey[K, L, R, V any](left *KStream[K, L], right *KStream[K, R], f func(key K, left L, right R) V, w JoinWindows, joined *StreamJoined[K, L, R], opts ...Option) *KStream[K, V] {
	return joinStreams(left, right, inner, w, joined, opts, func(_ graph.Task, k K, l *L, r *R) (V, error) { return f(k, *l, *r), nil })
}

// TryJoin is [Join] with a function that sees the key and can fail. If the error
// handler skips the error, what the record still had to be joined with is skipped too.
func TryJoin[K, L, R, V any](left *KStream[K, L], right *KStream[K, R], f func(ctx context.Context, key K, left L, right R) (V, error), w JoinWindows, joined *StreamJoined[K, L, R], opts ...Option) *KStream[K, V] {
	return joinStreams(left, right, inner, w, joined, opts, func(t graph.Task, k K, l *L, r *R) (V, error) { return f(t.Context(), k, *l, *r) })
}

// LeftJoin is [Join] with a result also for each record of the left stream that has no
// partner: right is then nil, and the timestamp is the record's. Kafka Streams:
// KStream.leftJoin(KStream).
//
// A record without a partner has its result when its window and the grace period have
// ended, which only a record of one of the two streams can bring about: one with the
// largest timestamp so far. Results of many windows come together, once a second of
// the wall clock at most. Until then the record is kept in a third store, shared by both
// sides, with a changelog. A record that is so late that its window has ended when it
// comes, grace not counted, has its result at once, as in Kafka Streams: a later partner,
// within the grace period, then gives a second one. A left record with a null key has a
// result at once, and passes a repartition (KIP-962).
//
// If the error handler skips an error of f with a record that had no partner, that
// result is left out.
func LeftJoin[K, L, R, V any](left *KStream[K, L], right *KStream[K, R], f func(left L, right *R) V, w JoinWindows, joined *StreamJoined[K, L, R], opts ...Option) *KStream[K, V] {
	return LeftJoinWithKey(left, right, func(_ K, l L, r *R) V { return f(l, r) }, w, joined, opts...)
}

// LeftJoinWithKey is [LeftJoin] with a function that sees the key. For a null key of a
// type without nil it sees the zero value.
func LeftJoinWithKey[K, L, R, V any](left *KStream[K, L], right *KStream[K, R], f func(key K, left L, right *R) V, w JoinWindows, joined *StreamJoined[K, L, R], opts ...Option) *KStream[K, V] {
	return joinStreams(left, right, leftOuter, w, joined, opts, func(_ graph.Task, k K, l *L, r *R) (V, error) { return f(k, *l, own(r)), nil })
}

// TryLeftJoin is [LeftJoin] with a function that sees the key and can fail.
func TryLeftJoin[K, L, R, V any](left *KStream[K, L], right *KStream[K, R], f func(ctx context.Context, key K, left L, right *R) (V, error), w JoinWindows, joined *StreamJoined[K, L, R], opts ...Option) *KStream[K, V] {
	return joinStreams(left, right, leftOuter, w, joined, opts, func(t graph.Task, k K, l *L, r *R) (V, error) { return f(t.Context(), k, *l, own(r)) })
}

// OuterJoin is [LeftJoin] for both sides: records of either stream that have no partner
// have a result, in which the other side is nil. Kafka Streams:
// KStream.outerJoin(KStream).
func OuterJoin[K, L, R, V any](left *KStream[K, L], right *KStream[K, R], f func(left *L, right *R) V, w JoinWindows, joined *StreamJoined[K, L, R], opts ...Option) *KStream[K, V] {
	return OuterJoinWithKey(left, right, func(_ K, l *L, r *R) V { return f(l, r) }, w, joined, opts...)
}

// OuterJoinWithKey is [OuterJoin] with a function that sees the key. For a null key of a
// type without nil it sees the zero value.
func OuterJoinWithKey[K, L, R, V any](left *KStream[K, L], right *KStream[K, R], f func(key K, left *L, right *R) V, w JoinWindows, joined *StreamJoined[K, L, R], opts ...Option) *KStream[K, V] {
	return joinStreams(left, right, outer, w, joined, opts, func(_ graph.Task, k K, l *L, r *R) (V, error) { return f(k, own(l), own(r)), nil })
}

// TryOuterJoin is [OuterJoin] with a function that sees the key and can fail.
func TryOuterJoin[K, L, R, V any](left *KStream[K, L], right *KStream[K, R], f func(ctx context.Context, key K, left *L, right *R) (V, error), w JoinWindows, joined *StreamJoined[K, L, R], opts ...Option) *KStream[K, V] {
	return joinStreams(left, right, outer, w, joined, opts, func(t graph.Task, k K, l *L, r *R) (V, error) { return f(t.Context(), k, own(l), own(r)) })
}

// own is a pointer that the user may keep.
func own[V any](v *V) *V {
	if v == nil {
		return nil
	}
	c := *v
	return &c
}

// streamJoinKind says which sides have results without a partner.
type streamJoinKind int8

const (
	inner streamJoinKind = iota
	leftOuter
	outer
)

// streamJoinFunc makes a result of a pair, or of a record without a partner. What it
// points to is used again.
type streamJoinFunc[K, L, R, V any] func(t graph.Task, key K, left *L, right *R) (V, error)

// joinNames are the names of a join's nodes and stores.
type joinNames struct {
	thisWindowed, otherWindowed, this, other, merge string
	thisStore, otherStore, sharedStore              string
}

func newJoinNames(g *graph.Builder, kind streamJoinKind, given, base string, this, other store.Builder) (n joinNames) {
	// A given name burns the numbers all the same.
	name := func(generated, suffix string) string {
		if given == "" {
			return generated
		}
		return given + suffix
	}
	thisSuffix, otherSuffix, thisPrefix, otherPrefix := "-this-join", "-other-join", "KSTREAM-JOINTHIS-", "KSTREAM-JOINOTHER-"
	if kind == outer {
		thisSuffix, thisPrefix = "-outer-this-join", "KSTREAM-OUTERTHIS-"
	}
	if kind != inner {
		otherSuffix, otherPrefix = "-outer-other-join", "KSTREAM-OUTEROTHER-"
	}
	n.thisWindowed = name(g.Generate("KSTREAM-WINDOWED-"), "-this-windowed")
	n.otherWindowed = name(g.Generate("KSTREAM-WINDOWED-"), "-other-windowed")
	thisNode, otherNode := g.Generate(thisPrefix), g.Generate(otherPrefix)
	n.this, n.other = name(thisNode, thisSuffix), name(otherNode, otherSuffix)
	n.merge = name(g.Generate("KSTREAM-MERGE-"), "-merge")

	shared := map[streamJoinKind]string{leftOuter: "-left-shared-join", outer: "-outer-shared-join"}[kind]
	n.thisStore, n.otherStore, n.sharedStore = thisNode+"-store", otherNode+"-store", "KSTREAM-OUTERSHARED-"+thisNode[len(thisPrefix):]+"-store"
	if base != "" {
		n.thisStore, n.otherStore, n.sharedStore = base+thisSuffix+"-store", base+otherSuffix+"-store", base+shared+"-store"
	}
	if this != nil {
		n.thisStore, n.sharedStore = this.Name(), this.Name()+shared+"-store"
	}
	if other != nil {
		n.otherStore = other.Name()
	}
	return n
}

// joinStreams appends the join behind the repartitions that the streams need. Kafka
// Streams: KStreamImplJoin.
func joinStreams[K, L, R, V any](left *KStream[K, L], right *KStream[K, R], kind streamJoinKind, w JoinWindows, joined *StreamJoined[K, L, R], opts []Option, f streamJoinFunc[K, L, R, V]) *KStream[K, V] {
	b := left.b
	o := b.options("Join", opts, optName)
	j := joined.or(left, right)
	leftForgotten, rightForgotten := false, false
	topic := func(suffix, fallback string) string {
		if o.name == "" {
			return fallback
		}
		return o.name + suffix
	}
	if left.repartition {
		left, leftForgotten = left.repartitionForJoin(topic("-left", left.name), Serdes[K, L]{key: j.key, value: j.left})
	}
	if right.repartition {
		right, rightForgotten = right.repartitionForJoin(topic("-right", right.name), Serdes[K, R]{key: j.key, value: j.right})
	}
	if o.name != "" {
		if err := graph.CheckName(o.name); err != nil {
			b.g.Fail(err)
		}
	}
	n := newJoinNames(b.g, kind, o.name, j.storeName, j.this, j.other)
	if right.b != b {
		b.g.Failf(n.merge, "the two streams belong to different builders")
	}
	j.complete(b.g, n.merge, w)

	jn := &join[K, L, R, V]{kind: kind, windows: w, names: n, f: f, this: j.this, other: j.other}
	j.opts = append(slices.Clone(b.g.StoreOptions), j.opts...)
	jn.stores(&j)
	opThis := &graph.Op{Name: n.thisWindowed, Unlisted: leftForgotten, Write: func(t *graph.Topology, parents []string) error {
		return t.AddProcessor(&graph.Node{Name: n.thisWindowed, Parents: parents, New: newWindowedNode[K, L](n.thisStore)})
	}}
	opOther := &graph.Op{Name: n.otherWindowed, Unlisted: rightForgotten, Write: func(t *graph.Topology, parents []string) error {
		return t.AddProcessor(&graph.Node{Name: n.otherWindowed, Parents: parents, New: newWindowedNode[K, R](n.otherStore)})
	}}
	op := &graph.Op{Name: n.merge, Beside: []*graph.Op{opThis, opOther}, Unlisted: true, NullKeys: kind != inner, SelfJoin: &graph.SelfJoin{Other: opOther}}
	op.Write = func(t *graph.Topology, _ []string) error {
		t.CopartitionOp(op)
		if op.SelfJoin.Single {
			return jn.writeSelfJoin(t)
		}
		return jn.write(t)
	}
	b.g.Add(opThis, left.op)
	b.g.Add(opOther, right.op)
	b.g.Add(op, left.op, right.op)
	return &KStream[K, V]{b: b, op: op, name: n.merge, key: j.key}
}
