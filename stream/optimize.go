package stream

import (
	"fmt"
	"strings"

	"github.com/streamweir/streamweir/internal/graph"
)

// A BuildOption is an option of [Builder.Build].
type BuildOption func(*graph.Builder)

// Optimization is a set of rewritings of a topology: it does the same with fewer
// topics and stores. Kafka Streams: topology.optimization. An application that runs
// already must keep the optimization it was first built with, or be reset: topics and
// state are not the same with another.
type Optimization = graph.Optimization

// The optimizations.
const (
	// NoOptimization is the default.
	NoOptimization Optimization = 0
	// ReuseTableSources restores the store of a [Table] from the table's topic, which
	// then must be compacted, or keep what the table is to have; the store has no
	// changelog of its own. Kafka Streams: reuse.ktable.source.topics.
	ReuseTableSources = graph.ReuseTableSources
	// MergeRepartitions makes one repartition topic of those that follow one operator
	// that changes keys, if values keep their type in between. It has the first one's
	// name and serdes. Kafka Streams: merge.repartition.topics.
	MergeRepartitions = graph.MergeRepartitions
	// MergeRepartitionsExactly is MergeRepartitions as Kafka Streams has it, also where it
	// is wrong, to take over an application that runs there with the same topics. It moves
	// a repartition in front of a processor, which may change the keys again (KAFKA-19668),
	// and into one of several streams that are merged, whatever number of partitions the
	// others have: then records of one key are in several partitions. Use it only where
	// processors keep keys, and streams that are merged have equally many partitions.
	// Two repartitions behind an operator that is not the one to change keys are an error
	// of Build, as in Kafka Streams.
	MergeRepartitionsExactly = graph.MergeRepartitions | graph.Exactly
	// SingleStoreSelfJoin keeps the records of a stream that is joined with itself in
	// one store instead of two. Kafka Streams: single.store.self.join.
	SingleStoreSelfJoin = graph.SingleStoreSelfJoin
	// AllOptimizations is what Kafka Streams calls "all", without MergeRepartitionsExactly.
	AllOptimizations = ReuseTableSources | MergeRepartitions | SingleStoreSelfJoin
)

// Optimize makes Build rewrite the topology.
func Optimize(o Optimization) BuildOption { return func(b *graph.Builder) { b.Optimize = o } }

// ParseOptimization reads Kafka Streams' value of topology.optimization: "none",
// "all", or a list of names separated by commas.
func ParseOptimization(s string) (Optimization, error) {
	names := map[string]Optimization{
		"reuse.ktable.source.topics": ReuseTableSources,
		"merge.repartition.topics":   MergeRepartitions,
		"single.store.self.join":     SingleStoreSelfJoin,
	}
	switch s {
	case "none":
		return NoOptimization, nil
	case "all":
		return AllOptimizations, nil
	}
	var o Optimization
	for name := range strings.SplitSeq(s, ",") {
		one, ok := names[strings.TrimSpace(name)]
		if !ok {
			return 0, fmt.Errorf("stream: optimization %q is not known: use none, all, or a list of reuse.ktable.source.topics, merge.repartition.topics and single.store.self.join",
				strings.TrimSpace(name))
		}
		o |= one
	}
	return o, nil
}

// StoreFormat names the format of operators' stores. There is "default"; Kafka Streams'
// "HEADERS", which keeps the headers of the last record with each value, is refused by
// Build. Kafka Streams: dsl.store.format.
func StoreFormat(name string) BuildOption {
	return func(b *graph.Builder) {
		if !strings.EqualFold(name, "default") {
			b.Fail(fmt.Errorf("stream: dsl.store.format %q: only \"default\" is supported: values are kept without headers", name))
		}
	}
}

// ExplicitNames makes it an error of Build if a store or an internal topic has a
// generated name: an operator that is added later in front of it would change the
// name, and the application would begin with empty state. All of them are in one
// error. Kafka Streams: ensure.explicit.internal.resource.naming.
func ExplicitNames() BuildOption { return func(b *graph.Builder) { b.ExplicitNames = true } }
