package topology_test

import (
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/topology"
)

func TestDescriptionIsWhatDescribePrints(t *testing.T) {
	topo := chain(proc{})
	topo.AddStateStore(latest("seen"), "p")
	addGlobal(topo, "g", "glob")
	topology.AddSource(topo, "all", textSource{Key: serde.String(), Value: serde.String(), Pattern: regexp.MustCompile("x-.*")})
	topology.AddSink(topo, "any", textSink{Key: serde.String(), Value: serde.String(), TopicOf: func(text) string { return "y" }, Extractor: "y"}, "all")
	want := topology.Description{Subtopologies: []topology.SubtopologyDescription{
		{Nodes: []topology.NodeDescription{
			{Name: "source", Kind: "source", Topics: []string{"in"}, Successors: []string{"p"}},
			{Name: "p", Kind: "processor", Stores: []string{"seen"}, Predecessors: []string{"source"}, Successors: []string{"sink"}},
			{Name: "sink", Kind: "sink", Topics: []string{"out"}, Predecessors: []string{"p"}},
		}},
		{ID: 1, Global: true, Nodes: []topology.NodeDescription{
			{Name: "g-source", Kind: "source", Topics: []string{"glob"}, Successors: []string{"g-keeper"}},
			{Name: "g-keeper", Kind: "processor", Stores: []string{"g"}, Predecessors: []string{"g-source"}},
		}},
		{ID: 2, Nodes: []topology.NodeDescription{
			{Name: "all", Kind: "source", Pattern: "x-.*", Successors: []string{"any"}},
			{Name: "any", Kind: "sink", Predecessors: []string{"all"}},
		}},
	}}
	if diff := cmp.Diff(want, topo.Description()); diff != "" {
		t.Errorf("description (-want +got):\n%s", diff)
	}
}
