package stream_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/streamtest"
	"github.com/streamweir/streamweir/topology"
)

func numbers[K any](key serde.Serde[K]) *stream.Serdes[K, int64] {
	return stream.With(key, serde.Int64())
}

// counted writes how many records there are of each key to a topic.
func counted(s *stream.KStream[string, string], topic string) {
	s.GroupByKeyWith(text).Count(nil).ToStream().To(topic, numbers(serde.String()))
}

// What the optimizer makes of a topology gives the same results with fewer topics,
// also where Kafka Streams gives up or gets it wrong.
func TestMergedRepartitionsGiveTheSameResults(t *testing.T) {
	value := func(_, v string) string { return v }
	long := func(_, v string) bool { return len(v) > 1 }
	for name, c := range map[string]struct {
		program       func(b *stream.Builder)
		before, after int // repartition topics
	}{
		"two groups of one filter": {func(b *stream.Builder) {
			f := stream.SelectKey(stream.From(b, "in", text), value).Filter(long)
			counted(f, "one")
			counted(f, "two")
		}, 2, 1},
		"a filter that is grouped and joined": {func(b *stream.Builder) {
			f := stream.SelectKey(stream.From(b, "in", text), value).Filter(long)
			counted(f, "one")
			stream.JoinTable(f, stream.Table(b, "table", text, nil), func(v, _ string) string { return v }, text).To("joined", text)
			counted(f, "two")
		}, 3, 1},
		"branches": {func(b *stream.Builder) {
			s := stream.SelectKey(stream.From(b, "in", text), value).Split()
			counted(s.Branch(long), "one")
			counted(s.Default(), "two")
		}, 2, 1},
		"a merge and one of its streams": {func(b *stream.Builder) {
			s := stream.SelectKey(stream.From(b, "in", text), value)
			counted(s.Merge(stream.From(b, "other", text)), "one")
			counted(s, "two")
		}, 2, 2},
		"a stream and its merge with itself": {func(b *stream.Builder) {
			s := stream.SelectKey(stream.From(b, "in", text), value)
			counted(s, "one")
			counted(s.Merge(s), "two")
		}, 2, 1},
		"two merges of a stream with itself, one behind the other": {func(b *stream.Builder) {
			s := stream.SelectKey(stream.From(b, "in", text), value)
			m := s.Merge(s)
			counted(m.Merge(m), "one")
			counted(m, "two")
		}, 2, 1},
		"a value of another type in between": {func(b *stream.Builder) {
			s := stream.SelectKey(stream.From(b, "in", text), value)
			counted(s, "one")
			lengths := stream.MapValues(s, func(v string) int64 { return int64(len(v)) })
			lengths.GroupByKeyWith(numbers(serde.String())).Count(nil).ToStream().To("two", numbers(serde.String()))
		}, 2, 2},
		"another key behind a processor": {func(b *stream.Builder) {
			s := stream.SelectKey(stream.From(b, "in", text), value)
			counted(s, "one")
			counted(stream.Process(s, func() *rekeying { return &rekeying{} }), "two")
		}, 2, 2},
	} {
		t.Run(name, func(t *testing.T) {
			run := func(topics int, opts ...stream.BuildOption) map[string][]string {
				b := stream.NewBuilder()
				c.program(b)
				topo, err := b.Build(opts...)
				if err != nil {
					t.Fatal(err)
				}
				if n := strings.Count(topo.Describe(), "-repartition)\n"); n != topics {
					t.Errorf("%d repartition topics, want %d:\n%s", n, topics, topo.Describe())
				}
				return countsOf(t, topo, "one", "two")
			}
			if diff := cmp.Diff(run(c.before), run(c.after, stream.Optimize(stream.AllOptimizations))); diff != "" {
				t.Errorf("results (-as written +optimized):\n%s", diff)
			}
		})
	}
}

// What is merged as in Kafka Streams is in front of a processor, or fails as there
// (KAFKA-21357).
func TestMergeRepartitionsExactly(t *testing.T) {
	build := func(program func(processed *stream.KStream[string, string])) (*topology.Topology, error) {
		b := stream.NewBuilder()
		s := stream.SelectKey(stream.From(b, "in", text), func(_, v string) string { return v })
		counted(s, "one")
		program(stream.Process(s, func() *rekeying { return &rekeying{} }, stream.Named("process")))
		return b.Build(stream.Optimize(stream.MergeRepartitionsExactly))
	}
	topo, err := build(func(processed *stream.KStream[string, string]) { counted(processed, "two") })
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(topo.Describe(), "-repartition)\n"); n != 1 {
		t.Errorf("%d repartition topics, want 1:\n%s", n, topo.Describe())
	}
	_, err = build(func(processed *stream.KStream[string, string]) {
		counted(processed, "two")
		counted(processed, "three")
	})
	if err == nil || !strings.Contains(err.Error(), `"KSTREAM-KEY-SELECT-0000000001": the repartition in front of KSTREAM-AGGREGATE-`) ||
		!strings.Contains(err.Error(), "was already: Kafka Streams has no such topology") {
		t.Errorf("Build returned %v, want an error that names the repartition that cannot be moved", err)
	}
}

// rekeying puts all records under one key.
type rekeying struct {
	pc *topology.Context[string, string]
}

func (p *rekeying) Init(pc *topology.Context[string, string]) error {
	p.pc = pc
	return nil
}

func (p *rekeying) Process(_ context.Context, r topology.Record[string, string]) error {
	r.Key = "all"
	return p.pc.Forward(r)
}

// countsOf runs a topology and returns what it wrote to topics of counts.
func countsOf(t *testing.T, topo *topology.Topology, topics ...string) map[string][]string {
	t.Helper()
	d, err := streamtest.NewDriver(topo, streamtest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	in := streamtest.NewInput(d, "in", serde.String(), serde.String())
	for _, v := range []string{"x", "long", "x", "long", "y"} {
		if err := in.Pipe("k", v); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string][]string{}
	for _, topic := range topics {
		records, err := streamtest.NewOutput(d, topic, serde.String(), serde.Int64()).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			got[topic] = append(got[topic], r.Key+strings.Repeat("|", int(r.Value)))
		}
	}
	return got
}

func TestOptimizationsAreParsedByTheirNamesInKafkaStreams(t *testing.T) {
	for text, want := range map[string]stream.Optimization{
		"none": stream.NoOptimization,
		"all":  stream.AllOptimizations,
		"merge.repartition.topics, reuse.ktable.source.topics": stream.MergeRepartitions | stream.ReuseTableSources,
		"single.store.self.join":                               stream.SingleStoreSelfJoin,
	} {
		if got, err := stream.ParseOptimization(text); err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "most", "all,none", "merge.repartition.topics,"} {
		if o, err := stream.ParseOptimization(text); err == nil {
			t.Errorf("%q: %v, want an error", text, o)
		}
	}
}

func TestExplicitNamesListsAllThatAreGenerated(t *testing.T) {
	b := stream.NewBuilder()
	s := stream.From(b, "in", text)
	counted(stream.SelectKey(s, keyOf), "out")
	s.ToTable(seen("named"))
	s.Repartition(nil, stream.Named("mine")).ToTable(stream.Stored(serde.String(), serde.String()).Options(store.NotLogged())).Filter(yes)
	s.Repartition(nil)
	_, err := b.Build(stream.ExplicitNames())
	const want = "stream: names are to be given, and these are generated: stores KSTREAM-AGGREGATE-STATE-STORE-0000000003; " +
		"changelog topics KSTREAM-AGGREGATE-STATE-STORE-0000000003-changelog; " +
		"repartition topics KSTREAM-AGGREGATE-STATE-STORE-0000000003-repartition, KSTREAM-REPARTITION-0000000017-repartition: " +
		"name the stores with InStore, groupings, joins and repartitions with Named"
	if err == nil || err.Error() != want {
		t.Errorf("Build: %v\nwant:  %s", err, want)
	}
}

// A table's topic is its changelog then: nothing is written to a changelog.
func TestTableSourceIsReused(t *testing.T) {
	b := stream.NewBuilder()
	stream.Table(b, "rows", text, seen("rows")).ToStream().To("out", text)
	topo, err := b.Build(stream.Optimize(stream.ReuseTableSources))
	if err != nil {
		t.Fatal(err)
	}
	d, err := streamtest.NewDriver(topo, streamtest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := streamtest.NewInput(d, "rows", serde.String(), serde.String()).Pipe("a", "1"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"out", "rows"}, d.Topics()); diff != "" {
		t.Errorf("topics that were written to (-want +got):\n%s", diff)
	}
}

func TestStoreFormat(t *testing.T) {
	build := func(format string) error {
		b := stream.NewBuilder()
		stream.From(b, "in", text).To("out", nil)
		_, err := b.Build(stream.StoreFormat(format))
		return err
	}
	if err := build("DEFAULT"); err != nil {
		t.Error(err)
	}
	if err := build("HEADERS"); err == nil || !strings.Contains(err.Error(), `dsl.store.format "HEADERS": only "default" is supported`) {
		t.Error(err)
	}
}

// All stores of operators are where the builder says, unless an operator says otherwise.
func TestDefaultStores(t *testing.T) {
	b := stream.NewBuilder(stream.DefaultStores(store.InMemory(), store.NotLogged()))
	s := stream.From(b, "in", text)
	counts := s.GroupByKey().Count(nil)
	stream.WindowedBy(s.GroupByKey(), stream.Tumbling(time.Second)).Count(nil)
	stream.SessionWindowedBy(s.GroupByKey(), stream.Sessions(time.Second)).Count(nil)
	stream.OuterJoin(s, s.Filter(func(string, string) bool { return true }), func(*string, *string) string { return "" }, stream.TimeDifference(time.Second), nil)
	counts.FilterInto(func(string, int64) bool { return true }, stream.InStore("filtered", serde.String(), serde.Int64()))
	stream.Deduplicate(s, time.Second, func(k, _ string) string { return k }, serde.String())
	s.ToTable(stream.Stored(serde.String(), serde.String()).Options(store.Persistent(nil))).FilterInto(func(string, string) bool { return true },
		stream.InStore("kept", serde.String(), serde.String()).Options(store.Persistent(nil)))
	persistent := 0
	for _, sub := range built(t, b).Graph().Subtopologies() {
		for _, spec := range sub.StoreSpecs() {
			if spec.Persistent {
				persistent++
			}
			if spec.Logged {
				t.Errorf("store %q is logged", spec.Name)
			}
		}
	}
	if persistent != 1 {
		t.Errorf("%d stores are on disk, one was asked for", persistent)
	}
}
