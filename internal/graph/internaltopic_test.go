package graph_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
)

// The configurations are those of Kafka Streams' RepartitionTopicConfig and
// UnwindowedUnversionedChangelogTopicConfig.
func TestInternalTopics(t *testing.T) {
	g := repartitioned(t)
	must(t, g.AddStore(words("counts"), "count"), g.AddStore(words("scratch", store.NotLogged()), "count"),
		g.AddStore(words("sums", store.Logged(map[string]string{"cleanup.policy": "compact,delete", "retention.ms": "9"})), "sum"))
	repartition := map[string]string{"cleanup.policy": "delete", "retention.ms": "-1", "segment.bytes": "52428800", "message.timestamp.type": "CreateTime"}
	want := []graph.InternalTopic{
		{Name: "app-by-customer-repartition", Kind: graph.Repartition, Subtopology: 1, Partitions: 6, Config: repartition},
		{Name: "app-by-day-repartition", Kind: graph.Repartition, Subtopology: 2, Config: repartition},
		{Name: "app-counts-changelog", Kind: graph.Changelog, Subtopology: 1,
			Config: map[string]string{"cleanup.policy": "compact", "message.timestamp.type": "CreateTime"}},
		{Name: "app-sums-changelog", Kind: graph.Changelog, Subtopology: 2,
			Config: map[string]string{"cleanup.policy": "compact,delete", "retention.ms": "9", "message.timestamp.type": "CreateTime"}},
	}
	if diff := cmp.Diff(want, g.InternalTopics("app")); diff != "" {
		t.Errorf("internal topics (-want +got):\n%s", diff)
	}
}

func TestChangelogsOfStoresThatForget(t *testing.T) {
	text := serde.String()
	for _, tt := range []struct {
		s    store.Builder
		want map[string]string
	}{
		{store.Windows("s", text, text, time.Minute, time.Second), map[string]string{"cleanup.policy": "compact,delete", "retention.ms": "3660000"}},
		{store.Windows("s", text, text, time.Minute, time.Second, store.RetainDuplicates()), map[string]string{"cleanup.policy": "delete", "retention.ms": "3660000"}},
		{store.TimestampedWindows("s", text, text, store.Forever, time.Second), map[string]string{"cleanup.policy": "compact,delete", "retention.ms": "9223372036854775807"}},
		{store.Sessions("s", text, text, time.Minute, store.Logged(map[string]string{"retention.ms": "7"})), map[string]string{"cleanup.policy": "compact,delete", "retention.ms": "7"}},
		{store.VersionedKeyValue("s", text, text, time.Minute), map[string]string{"cleanup.policy": "compact", "min.compaction.lag.ms": "86460000"}},
	} {
		g := repartitioned(t)
		must(t, g.AddStore(tt.s, "count"))
		tt.want["message.timestamp.type"] = "CreateTime"
		for _, topic := range g.InternalTopicsKeeping("app", time.Hour) {
			if topic.Name != "app-s-changelog" {
				continue
			}
			if diff := cmp.Diff(tt.want, topic.Config); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.s.Spec().Kind, diff)
			}
			tt.want = nil
		}
		if tt.want != nil {
			t.Errorf("%s: no changelog", tt.s.Spec().Kind)
		}
	}
}

// A table that is read from a topic needs no changelog of its own: the topic is one.
func TestSourceTopicThatServesAsChangelog(t *testing.T) {
	g := ladder(t)
	s := g.Store("seen")
	names := g.Topics("app")
	if got := names.Changelog(s); got != "app-seen-changelog" || !names.Logged(s) {
		t.Errorf("changelog %q, logged %v", got, names.Logged(s))
	}
	s.SourceTopic = "in"
	if got := names.Changelog(s); got != "in" || names.Logged(s) {
		t.Errorf("changelog %q, logged %v; want in, which no write of the store goes to", got, names.Logged(s))
	}
	if topics := g.InternalTopics("app"); topics != nil {
		t.Errorf("internal topics %v, want none", topics)
	}
}
