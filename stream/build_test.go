package stream_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

func yes(string, string) bool    { return true }
func firstOf(v, _ string) string { return v }
func keyOf(k, _ string) string   { return k }
func seen(name string) *stream.Materialized[string, string] {
	return stream.InStore(name, serde.String(), serde.String())
}

// Every mistake is returned by Build, with the operator that made it, and all of a
// program at once.
func TestBuildReportsMistakes(t *testing.T) {
	const noKey = `no key serde is given and none can be inferred here: pass stream.With(keySerde, valueSerde)`
	const noKeyStored = `no key serde is given and none can be inferred here: pass stream.InStore(name, keySerde, valueSerde) or stream.Stored(keySerde, valueSerde)`
	noValue, noValueStored := strings.Replace(noKey, "key serde", "value serde", 1), strings.Replace(noKeyStored, "key serde", "value serde", 1)
	numbers := stream.With(serde.String(), serde.Int64())
	for name, c := range map[string]struct {
		program func(b *stream.Builder)
		want    []string
	}{
		"no serdes of a source": {func(b *stream.Builder) {
			stream.From[string, string](b, "in", nil)
			stream.Table[string, string](b, "rows", stream.With(serde.String(), serde.Serde[string](nil)), nil, stream.Named("rows"))
		}, []string{
			`stream: operator "KSTREAM-SOURCE-0000000000": ` + noKey,
			`stream: operator "KSTREAM-SOURCE-0000000000": ` + noValue,
			`stream: operator "rows": ` + noValue,
		}},
		"no serde behind an operator that changes a type": {func(b *stream.Builder) {
			lengths := stream.MapValues(stream.From(b, "in", text), func(v string) int { return len(v) })
			lengths.To("out", nil)
			lengths.ToTable(nil, stream.Named("lengths"))
			stream.Map(lengths, func(k string, n int) (int, string) { return n, k }).Repartition(nil, stream.Named("swapped"))
		}, []string{
			`stream: operator "KSTREAM-SINK-0000000002": ` + noValue,
			`stream: operator "lengths": ` + noValueStored,
			`stream: operator "swapped": ` + noKey,
			`stream: operator "swapped": ` + noValue,
		}},
		"no serde of a store": {func(b *stream.Builder) {
			stream.Aggregate(stream.From(b, "in", text).GroupByKey(), func() int { return 0 }, func(_, _ string, n int) int { return n + 1 }, nil, stream.Named("sizes"))
		}, []string{`stream: operator "sizes": ` + noValueStored}},
		"no serde of a repartition": {func(b *stream.Builder) {
			stream.GroupBy(stream.From(b, "in", text), func(_, v string) int { return len(v) }, nil).
				Count(stream.InStore("lengths", serde.Serde[int](nil), serde.Int64()), stream.Named("count"))
		}, []string{
			`stream: operator "count": ` + noKeyStored,
			`stream: operator "lengths": ` + noKey,
		}},
		"option that does not apply": {func(b *stream.Builder) {
			s := stream.From(b, "in", text, stream.Partitions(3), stream.Stores("seen"))
			s.Filter(yes, stream.ResetTo(topology.ResetLatest))
			s.To("out", nil, stream.Partitions(1))
			s.Filter(yes, stream.ResetTo(topology.ResetLatest), stream.Named("large"))
			s.GroupByKey(stream.Partitions(1)).Count(nil)
			s.Split(stream.Named("orders-")).Branch(yes, stream.Partitions(1))
			stream.Table(b, "rows", text, nil, stream.Partitions(1)).ToStream(stream.Stores("seen"), stream.Named("changes"))
		}, []string{
			`stream: operator "KSTREAM-SOURCE-0000000000": option Partitions, Stores does not apply here`,
			`stream: operator "KSTREAM-FILTER-0000000001": option ResetTo does not apply here`,
			`stream: operator "KSTREAM-SINK-0000000002": option Partitions does not apply here`,
			`stream: operator "large": option ResetTo does not apply here`,
			`stream: operator "GroupByKey": option Partitions does not apply here`,
			`stream: operator "orders-branch": option Partitions does not apply here`,
			`stream: operator "Table": option Partitions does not apply here`,
			`stream: operator "changes": option Stores does not apply here`,
		}},
		"option without a meaning": {func(b *stream.Builder) {
			s := stream.From(b, "in", text, stream.Named(""))
			s.Repartition(nil, stream.Partitions(0), stream.Named("two"))
			stream.Process[string, string, string, string](s, func() *firsts { return &firsts{} }, stream.OwnStores(nil), stream.Named("dedupe"))
			b.AddStateStore(nil)
		}, []string{
			`stream: operator "KSTREAM-SOURCE-0000000000": Named was given an empty name`,
			`stream: operator "two": Partitions was given 0, at least 1 is needed`,
			`stream: operator "dedupe": OwnStores was given a nil store`,
			`stream: AddStateStore was called without a store`,
		}},
		"name that is no name": {func(b *stream.Builder) {
			stream.From(b, "in", text, stream.Named("my source"))
		}, []string{`the name "my source" has a character other than letters, digits, '.', '_' and '-'`}},
		"two operators of one name": {func(b *stream.Builder) {
			s := stream.From(b, "in", text)
			s.Filter(yes, stream.Named("large"))
			s.Peek(func(string, string) {}, stream.Named("large"))
		}, []string{`topology: there is already a node "large": node names are unique`}},
		"two stores of one name": {func(b *stream.Builder) {
			s := stream.From(b, "in", text).GroupByKey()
			s.Count(stream.InStore("seen", serde.String(), serde.Int64()))
			s.Reduce(firstOf, seen("seen"))
		}, []string{`topology: there is already a store "seen": store names are unique`}},
		"branch after the default": {func(b *stream.Builder) {
			split := stream.From(b, "in", text).Split(stream.Named("orders-"))
			split.Default()
			split.Branch(yes)
			split.Default(stream.Named("rest"))
		}, []string{
			`stream: operator "orders-": Branch was called after Default`,
			`stream: operator "orders-": Default was called twice`,
		}},
		"topic without a name": {func(b *stream.Builder) {
			stream.From(b, "", text)
		}, []string{`topology: source "KSTREAM-SOURCE-0000000000" has an empty topic name`}},
		"table of a topic without a name": {func(b *stream.Builder) {
			stream.Table(b, "", text, seen("rows"))
		}, []string{`topology: source "KSTREAM-SOURCE-0000000000" has an empty topic name`}},
		"no topics": {func(b *stream.Builder) {
			stream.FromTopics(b, nil, text, stream.Named("orders"))
		}, []string{`topology: source "orders" has no topic`}},
		"sink without a topic": {func(b *stream.Builder) {
			s := stream.From(b, "in", text)
			s.To("", nil)
			s.ToDynamic("nobody", nil, nil, stream.Named("chosen"))
		}, []string{
			`stream: operator "KSTREAM-SINK-0000000001": the topic has no name, and there is no function that chooses one`,
			`stream: operator "chosen": the topic has no name, and there is no function that chooses one`,
		}},
		"one topic with two types": {func(b *stream.Builder) {
			stream.From(b, "in", text)
			stream.From(b, "in", numbers, stream.Named("numbers"))
		}, []string{`stream: sources "KSTREAM-SOURCE-0000000000" and "numbers": they read the same topics with different types, ` +
			`topology.Record[string,string] and topology.Record[string,int64]`}},
		"one topic with two reset policies": {func(b *stream.Builder) {
			stream.From(b, "in", text)
			stream.From(b, "in", text, stream.ResetTo(topology.ResetLatest))
		}, []string{`stream: sources "KSTREAM-SOURCE-0000000000" and "KSTREAM-SOURCE-0000000001": they read the same topics with different reset policies`}},
		"sets of topics that overlap": {func(b *stream.Builder) {
			stream.FromTopics(b, []string{"a", "b"}, text)
			stream.FromTopics(b, []string{"b", "c"}, text)
		}, []string{`stream: sources "KSTREAM-SOURCE-0000000000" and "KSTREAM-SOURCE-0000000001": they read overlapping but not equal sets of topics: read each topic once`}},
		"topic that a pattern matches": {func(b *stream.Builder) {
			stream.From(b, "orders-eu", text)
			stream.FromPattern(b, regexp.MustCompile("orders-.*"), text)
		}, []string{`topology: source "KSTREAM-SOURCE-0000000001": pattern "orders-.*" matches topic "orders-eu", which source "KSTREAM-SOURCE-0000000000" reads`}},
		"topic as a stream and as a table": {func(b *stream.Builder) {
			stream.From(b, "in", text)
			stream.Table(b, "in", text, nil)
		}, []string{`topology: source "KSTREAM-SOURCE-0000000002": topic "in" is already read by source "KSTREAM-SOURCE-0000000000"`}},
		"store that is not there": {func(b *stream.Builder) {
			stream.Process[string, string, string, string](stream.From(b, "in", text), func() *firsts { return &firsts{} }, stream.Stores("seen"), stream.Named("dedupe"))
		}, []string{`topology: processor "dedupe": there is no store "seen": add it first`}},
		"processor without a supplier": {func(b *stream.Builder) {
			stream.Process[string, string, string, string, *firsts](stream.From(b, "in", text), nil, stream.Named("dedupe"))
		}, []string{`topology: processor "dedupe" has no supplier`}},
	} {
		t.Run(name, func(t *testing.T) {
			b := stream.NewBuilder()
			c.program(b)
			topo, err := b.Build()
			if err == nil {
				t.Fatalf("Build returned no error but\n%s", topo.Describe())
			}
			if topo != nil {
				t.Error("Build returned a topology with its error")
			}
			if diff := cmp.Diff(c.want, strings.Split(err.Error(), "\n")); diff != "" {
				t.Errorf("mistakes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBuildIsCalledOnce(t *testing.T) {
	b := stream.NewBuilder()
	stream.From(b, "in", text).To("out", nil)
	if _, err := b.Build(); err != nil {
		t.Fatal(err)
	}
	topo, err := b.Build()
	if err == nil || !strings.Contains(err.Error(), "Build was already called on this builder") || topo != nil {
		t.Errorf("second Build: %v, %v; want an error that says so", topo, err)
	}
}

func TestTwoStreamsOfATopicShareASource(t *testing.T) {
	b := stream.NewBuilder()
	stream.FromTopics(b, []string{"a", "b"}, text).To("out", nil)
	stream.SelectKey(stream.FromTopics(b, []string{"b", "a"}, text), keyOf).To("other", text)
	topo, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	want := `Topologies:
   Sub-topology: 0
    Source: KSTREAM-SOURCE-0000000000 (topics: [a, b])
      --> KSTREAM-KEY-SELECT-0000000003, KSTREAM-SINK-0000000001
    Processor: KSTREAM-KEY-SELECT-0000000003 (stores: [])
      --> KSTREAM-SINK-0000000004
      <-- KSTREAM-SOURCE-0000000000
    Sink: KSTREAM-SINK-0000000001 (topic: out)
      <-- KSTREAM-SOURCE-0000000000
    Sink: KSTREAM-SINK-0000000004 (topic: other)
      <-- KSTREAM-KEY-SELECT-0000000003

`
	if diff := cmp.Diff(want, topo.Describe()); diff != "" {
		t.Errorf("Describe (-want +got):\n%s", diff)
	}
}
