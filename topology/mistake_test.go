package topology_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream/streamtest"
	"github.com/streamweir/streamweir/topology"
)

// A mistake does not stop the rest: Validate has all of them.
func TestMistakesAreCollected(t *testing.T) {
	topo := topology.New()
	topology.AddSource(topo, "no-value-serde", topology.Source[string, string]{Key: serde.String(), Topics: []string{"a"}})
	topology.AddSource(topo, "no-topic", topology.Source[string, string]{Key: serde.String(), Value: serde.String()})
	addSource(topo, "source", "in")
	addSource(topo, "again", "in")
	topology.AddProcessor[string, string, string, string, *proc](topo, "no-supplier", nil, "source")
	topology.AddFixedKeyProcessor[string, string, string, *shout](topo, "no-fixed-supplier", nil, "source")
	addProc(topo, "orphan", proc{}, "nobody")
	topology.AddSink(topo, "no-key-serde", topology.Sink[string, string]{Value: serde.String(), Topic: "out"}, "source")
	topology.AddSink(topo, "no-target", topology.Sink[string, string]{Key: serde.String(), Value: serde.String()}, "source")
	topology.AddSink(topo, "two-targets", topology.Sink[string, string]{Key: serde.String(), Value: serde.String(), Topic: "out",
		TopicOf: func(text) string { return "out" }}, "source")
	topo.AddStateStore(nil, "source")
	topo.AddStateStore(latest("latest"), "source")
	topo.ConnectProcessorAndStateStores("orphan", "latest", "lost")
	want := []string{
		`topology: source "no-value-serde" needs a serde for its keys and one for its values`,
		`topology: source "no-topic" has no topic`,
		`topology: source "again": topic "in" is already read by source "source"`,
		`topology: processor "no-supplier" has no supplier`,
		`topology: processor "no-fixed-supplier" has no supplier`,
		`topology: node "orphan" has the parent "nobody", which does not exist: add parents first`,
		`topology: sink "no-key-serde" needs a serde for its keys and one for its values`,
		`topology: sink "no-target" needs either a topic or a function that chooses one`,
		`topology: sink "two-targets" needs either a topic or a function that chooses one`,
		`topology: AddStateStore was called without a store`,
		`topology: store "latest": "source" is not a processor: only processors use stores`,
		`topology: store "latest": there is no processor "orphan": add it first`,
		`topology: processor "orphan": there is no store "lost": add it first`,
	}
	got := strings.Split(topo.Err().Error(), "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("mistakes (-want +got):\n%s", diff)
	}
	if _, err := streamtest.NewDriver(topo, streamtest.Config{}); err == nil || !strings.HasPrefix(err.Error(), want[0]) {
		t.Errorf("NewDriver: %v, want the mistakes", err)
	}
}

// Types of nodes put together by hand are checked when a task is made.
func TestChildOfAnotherTypeIsRefused(t *testing.T) {
	numberSink := topology.Sink[string, int64]{Key: serde.String(), Value: serde.Int64(), Topic: "out"}
	for name, add := range map[string]func(topo *topology.Topology) string{
		"below a source": func(topo *topology.Topology) string {
			topology.AddSink(topo, "sink", numberSink, "source")
			return "source"
		},
		"below a processor": func(topo *topology.Topology) string {
			addProc(topo, "p", proc{}, "source")
			topology.AddSink(topo, "sink", numberSink, "p")
			return "p"
		},
	} {
		topo := topology.New()
		addSource(topo, "source", "in")
		parent := add(topo)
		_, err := streamtest.NewDriver(topo, streamtest.Config{})
		want := `node "` + parent + `" forwards topology.Record[string,string], which its child "sink" (*topology.sinkNode[string,int64]) does not receive`
		if err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s:\n got %v\nwant %s", name, err, want)
		}
	}
}
