package graph_test

import (
	"fmt"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/internal/graph"
)

func names(nodes []*graph.Node) []string {
	var names []string
	for _, n := range nodes {
		names = append(names, n.Name)
	}
	return names
}

func storeNames(s *graph.Sub) []string {
	var names []string
	for _, st := range s.Stores {
		names = append(names, st.Builder.Name())
	}
	return names
}

// Nodes that an edge or a shared store connects are together; numbers follow the
// order in which first nodes were added.
func TestSubtopologies(t *testing.T) {
	var got []string
	for _, s := range islands(t).Subtopologies() {
		got = append(got, fmt.Sprint(s, names(s.Nodes), storeNames(s), s.Sinks()))
	}
	want := []string{
		"sub-topology 0 (in1, in3) [one three p3 p1 s1] [shared] [out1]",
		"sub-topology 1 (in2) [two p2 s2] [own] [out2]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sub-topologies (-want +got):\n%s", diff)
	}
}

// A parent that is added later than a child's other parent joins what were two.
func TestNodeJoinsTheSubtopologiesOfItsParents(t *testing.T) {
	g := &graph.Topology{}
	must(t, g.AddSource(source("a", "ta")), g.AddSource(source("b", "tb")), g.AddSource(source("c", "tc")), g.AddProcessor(below("bc", "c", "b")))
	var got []string
	for _, s := range g.Subtopologies() {
		got = append(got, s.String())
	}
	if diff := cmp.Diff([]string{"sub-topology 0 (ta)", "sub-topology 1 (tb, tc)"}, got); diff != "" {
		t.Errorf("sub-topologies (-want +got):\n%s", diff)
	}
}

// A repartition topic is written by one sub-topology and read by another.
func repartitioned(t *testing.T) *graph.Topology {
	t.Helper()
	g := &graph.Topology{}
	must(t, g.AddSource(source("orders", "orders")), g.AddRepartitionTopic(graph.RepartitionTopic{Name: "by-customer-repartition", Partitions: 6}),
		g.AddRepartitionTopic(graph.RepartitionTopic{Name: "by-day-repartition"}),
		g.AddSink(sinkTo("to-day", "by-day-repartition", "orders")), g.AddSink(sinkTo("to-customer", "by-customer-repartition", "orders")),
		g.AddSource(source("customers", "by-customer-repartition")), g.AddSource(source("days", "by-day-repartition")),
		g.AddProcessor(below("count", "customers")), g.AddProcessor(below("sum", "days")))
	return g
}

func TestRepartitionDividesTheTopology(t *testing.T) {
	g := repartitioned(t)
	subs := g.Subtopologies()
	if len(subs) != 3 {
		t.Fatalf("%d sub-topologies, want 3", len(subs))
	}
	names := g.Topics("app")
	if got := names.Name("by-customer-repartition"); got != "app-by-customer-repartition" {
		t.Errorf("the repartition topic is called %q", got)
	}
	if got := names.Name("orders"); got != "orders" {
		t.Errorf("a topic of the user is called %q", got)
	}
	for i, want := range []string{"orders", "customers", "days"} {
		topic := names.Name(subs[i].Sources(nil)[0])
		if n := subs[i].Source(names, topic); n == nil || n.Name != want {
			t.Errorf("sub-topology %d has no source %q of %q", i, want, topic)
		}
		if n := subs[i].Source(names, "elsewhere"); n != nil {
			t.Errorf("sub-topology %d reads topic elsewhere with %q", i, n.Name)
		}
	}
	if diff := cmp.Diff([]string{"by-day-repartition", "by-customer-repartition"}, subs[0].Sinks()); diff != "" {
		t.Errorf("sinks (-want +got):\n%s", diff)
	}
}

func TestRepartitionTopicMayBeDeclaredAgain(t *testing.T) {
	g := repartitioned(t)
	must(t, g.AddRepartitionTopic(graph.RepartitionTopic{Name: "by-customer-repartition", Partitions: 9}))
	if got := g.Repartition("by-customer-repartition").Partitions; got != 6 {
		t.Errorf("%d partitions, want those of the first declaration, 6", got)
	}
	if got := len(g.InternalTopics("app")); got != 2 {
		t.Errorf("%d internal topics, want 2", got)
	}
}

func TestPatternSourcesFindTheirTopics(t *testing.T) {
	g := &graph.Topology{}
	must(t, g.AddSource(source("fixed", "all")), g.AddSource(&graph.Node{Name: "matching", Pattern: regexp.MustCompile("orders-[a-z]+")}),
		g.AddSource(patterned("european", "orders-eu")), g.AddProcessor(below("p", "fixed", "matching", "european")))
	s := g.Subtopologies()[0]
	if !s.Patterned() {
		t.Error("the sub-topology has no pattern")
	}
	if diff := cmp.Diff([]string{"all", "orders-eu", "orders-us"}, s.Sources([]string{"orders-eu", "orders-1", "my-orders-eu", "orders-us", "all"})); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
	if n := s.Source(g.Topics("app"), "orders-eu"); n == nil || n.Name != "matching" {
		t.Errorf("orders-eu is read by %v, want matching", n)
	}
	if islands(t).Subtopologies()[0].Patterned() {
		t.Error("a sub-topology without a pattern has one")
	}
}

// The test driver runs the whole topology in one task.
func TestWholeIsOneSubtopology(t *testing.T) {
	g := islands(t)
	s := g.Whole()
	if got := storeNames(s); !slices.Equal(got, []string{"shared", "own"}) || len(s.Nodes) != 8 || s.ID != 0 {
		t.Errorf("the whole is sub-topology %d of %d nodes with stores %v", s.ID, len(s.Nodes), got)
	}
	if got := s.Sources(nil); !slices.Equal(got, []string{"in1", "in2", "in3"}) {
		t.Errorf("sources %v", got)
	}
	if specs := s.StoreSpecs(); len(specs) != 2 || specs[1].Name != "own" {
		t.Errorf("stores %v", specs)
	}
}

func TestCopartitionedTopics(t *testing.T) {
	g := islands(t)
	g.Copartition("one", "three")
	g.Copartition("two")
	if diff := cmp.Diff([][]string{{"in1", "in3"}, {"in2"}}, g.Copartitioned(nil)); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
}
