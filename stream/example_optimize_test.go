package stream_test

import (
	"fmt"
	"strings"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
)

func byWord(opts ...stream.BuildOption) {
	b := stream.NewBuilder()
	words := stream.SelectKey(stream.From(b, "words", stream.With(serde.String(), serde.String())), func(_, word string) string { return word })
	words.GroupByKeyWith(stream.With(serde.String(), serde.String())).Count(nil)
	words.GroupByKeyWith(stream.With(serde.String(), serde.String())).Reduce(func(a, b string) string { return a + b }, nil)
	topo, err := b.Build(opts...)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("repartition topics:", strings.Count(topo.Describe(), "-repartition)\n"))
}

// One operator changes the keys, and two aggregations follow.
func ExampleOptimize() {
	byWord()
	byWord(stream.Optimize(stream.AllOptimizations))
	// Output:
	// repartition topics: 2
	// repartition topics: 1
}

// A store that has no name of its own loses its content when an operator is put in
// front of it.
func ExampleExplicitNames() {
	b := stream.NewBuilder()
	stream.From(b, "words", stream.With(serde.String(), serde.String())).GroupByKey().Count(nil)
	_, err := b.Build(stream.ExplicitNames())
	fmt.Println(err)
	// Output:
	// stream: names are to be given, and these are generated: stores KSTREAM-AGGREGATE-STATE-STORE-0000000002; changelog topics KSTREAM-AGGREGATE-STATE-STORE-0000000002-changelog: name the stores with InStore, groupings, joins and repartitions with Named
}

// A configuration of Kafka Streams is refused where it means what there is not.
func ExampleStoreFormat() {
	b := stream.NewBuilder()
	stream.From(b, "in", text).To("out", nil)
	_, err := b.Build(stream.StoreFormat("HEADERS"))
	fmt.Println(err)
	// Output:
	// stream: dsl.store.format "HEADERS": only "default" is supported: values are kept without headers
}
