package stream_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/embedded"
	"github.com/streamweir/streamweir/topology"
)

// reusing keeps the topic "rows" as a table that is restored from it, and joins "in"
// with it.
func reusing(t *testing.T) *topology.Topology {
	t.Helper()
	b := stream.NewBuilder()
	rows := stream.Table(b, "rows", text, seen("rows"))
	rows.ToStream().To("changes", text)
	stream.JoinTable(stream.From(b, "in", text), rows, func(v, row string) string { return v + row }, text).To("out", text)
	topo, err := b.Build(stream.Optimize(stream.ReuseTableSources))
	if err != nil {
		t.Fatal(err)
	}
	return topo
}

// tookText reads n records of a topic.
func tookText(t *testing.T, c *embedded.Cluster, topic string, n int) []string {
	t.Helper()
	var got []string
	for _, r := range takeN(t, c, topic, n) {
		got = append(got, string(r.Key)+"="+string(r.Value))
	}
	return got
}

// A table's topic goes on behind what was processed of it: restoring ends there, and
// the rest is processed, once.
func TestTableIsRestoredFromItsTopicUpToTheCommittedOffset(t *testing.T) {
	for _, guarantee := range []stream.Guarantee{stream.AtLeastOnce, stream.ExactlyOnce} {
		t.Run(guarantee.String(), func(t *testing.T) {
			c := cluster(t, topicOf("rows", 1), topicOf("in", 1), topicOf("changes", 1), topicOf("out", 1))
			cfg := config(t, c)
			cfg.Guarantee = guarantee
			run := func(changes int, in, joined string, restored int64) {
				t.Helper()
				a := start(t, reusing(t), cfg)
				takeN(t, c, "changes", changes)
				put(t, c, "in", in, "?")
				out := tookText(t, c, "out", 1)
				for out[len(out)-1] != joined {
					out = tookText(t, c, "out", len(out)+1)
				}
				a.stop(t)
				if s := a.Status(); s.Restored != restored {
					t.Errorf("%d records were restored, want %d", s.Restored, restored)
				}
			}
			put(t, c, "rows", "a", "1", "b", "2")
			run(2, "a", "a=?1", 0)
			old := copyDir(t, cfg.StateDir)

			// Another process takes over, without state; meanwhile the topic went on.
			put(t, c, "rows", "a", "3", "c", "4")
			cfg.StateDir = t.TempDir()
			run(4, "b", "b=?2", 2)
			// It comes back with its state: nothing is restored.
			put(t, c, "rows", "a", "5")
			run(5, "a", "a=?5", 0)
			// The first one comes back with what it had: the three in between are restored.
			cfg.StateDir = old
			put(t, c, "rows", "b", "6")
			run(6, "b", "b=?6", 3)

			if diff := cmp.Diff([]string{"a=1", "b=2", "a=3", "c=4", "a=5", "b=6"}, tookText(t, c, "changes", 6)); diff != "" {
				t.Errorf("changes of the table (-want +got):\n%s", diff)
			}
			internal := slices.DeleteFunc(slices.Sorted(maps.Keys(topics(t, c))), func(name string) bool { return len(name) < 4 || name[:4] != "app-" })
			if len(internal) > 0 {
				t.Errorf("internal topics %v, want none", internal)
			}
		})
	}
}

// What was processed of a topic may have been compacted away, or the topic been cut:
// the store then has what is left up to the committed offset.
func TestTableIsRestoredFromWhatIsLeftOfItsTopic(t *testing.T) {
	c := cluster(t, topicOf("rows", 1), topicOf("in", 1), topicOf("changes", 1), topicOf("out", 1))
	cfg := config(t, c)
	put(t, c, "rows", "a", "1", "b", "2", "c", "3")
	a := start(t, reusing(t), cfg)
	takeN(t, c, "changes", 3)
	a.stop(t)
	deleteBefore(t, c, "rows", 2)
	cfg.StateDir = t.TempDir()
	a = start(t, reusing(t), cfg)
	put(t, c, "in", "a", "?", "c", "?")
	if diff := cmp.Diff([]string{"c=?3"}, tookText(t, c, "out", 1)); diff != "" {
		t.Errorf("joined (-want +got):\n%s", diff)
	}
	a.stop(t)
	if s := a.Status(); s.Restored != 1 {
		t.Errorf("%d records were restored, want 1", s.Restored)
	}
}
