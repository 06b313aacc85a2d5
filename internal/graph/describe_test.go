package graph_test

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/internal/graph"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares text with a file in testdata. Those of Describe are what Kafka
// Streams 4.3.0 prints for the same calls of its Topology.
func golden(t *testing.T, file, got string) {
	t.Helper()
	file = "testdata/" + file
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// Nodes are listed by the size of what is below them, then by name; the successors
// of one by the sizes at the moment in which Java linked them: "leaf" before "p".
func TestDescribeOrdersNodesBySize(t *testing.T) {
	g := ladder(t)
	must(t, g.AddProcessor(below("leaf", "in-source")), g.AddSink(sinkTo("all-sink", "all", "p", "leaf")), g.AddSink(sinkTo("a-sink", "a", "in-source")))
	golden(t, "describe_order.txt", g.Describe())
}

func TestDescribeShowsEveryKindOfNode(t *testing.T) {
	g := &graph.Topology{}
	must(t, g.AddSource(source("topics", "b", "a", "orders")), g.AddSource(patterned("matching", "sales-[a-z]+")),
		g.AddProcessor(below("join", "topics", "matching")), g.AddStore(words("left"), "join"), g.AddStore(words("right"), "join"),
		g.AddSink(sinkTo("fixed", "out", "join")),
		g.AddSink(&graph.Node{Name: "chosen", Dynamic: "com.example.Extractor@1", Parents: []string{"join"}}))
	golden(t, "describe_kinds.txt", g.Describe())
}

func TestDescribeOfNothing(t *testing.T) {
	if got := (&graph.Topology{}).Describe(); got != "Topologies:\n " {
		t.Errorf("Describe of an empty topology: %q", got)
	}
}

func TestDescribeOfSubtopologies(t *testing.T) {
	g := islands(t)
	golden(t, "describe_subtopologies.txt", g.Describe())
}

// The second topology's nodes are added in turns: numbers follow the first node of
// each part.
func islands(t *testing.T) *graph.Topology {
	t.Helper()
	g := &graph.Topology{}
	must(t, g.AddSource(source("one", "in1")), g.AddSource(source("two", "in2")), g.AddSource(source("three", "in3")),
		g.AddProcessor(below("p3", "three")), g.AddProcessor(below("p1", "one")), g.AddProcessor(below("p2", "two")),
		g.AddSink(sinkTo("s2", "out2", "p2")), g.AddSink(sinkTo("s1", "out1", "p1")),
		g.AddStore(words("shared"), "p3", "p1"), g.AddStore(words("own"), "p2"))
	return g
}
