package runtime

import (
	"context"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/streamweir/streamweir/internal/assign"
	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/kafka"
	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
)

// part is a sub-topology: what it reads, joined if there are several topics, and
// what it writes to. A topic that begins with "re-" is a repartition topic, with a
// fixed number of partitions behind a colon if it has one.
type part struct {
	from, to []string
	pattern  string
	store    string
	loose    bool // what it reads is not joined
}

func runnerOf(t *testing.T, parts ...part) *Runner {
	t.Helper()
	var g graph.Topology
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	known := map[string]bool{}
	name := func(topic string) string {
		topic, fixed, _ := strings.Cut(topic, ":")
		if strings.HasPrefix(topic, "re-") && !known[topic] {
			known[topic] = true
			r := graph.RepartitionTopic{Name: topic}
			if fixed != "" {
				r.Partitions = int32(fixed[0] - '0')
			}
			must(g.AddRepartitionTopic(r))
		}
		return topic
	}
	for _, p := range parts {
		var sources []string
		for _, topic := range p.from {
			topic = name(topic)
			must(g.AddSource(&graph.Node{Name: "source " + topic, Topics: []string{topic}}))
			sources = append(sources, "source "+topic)
		}
		if p.pattern != "" {
			must(g.AddSource(&graph.Node{Name: "source " + p.pattern, Pattern: regexp.MustCompile(p.pattern)}))
			sources = append(sources, "source "+p.pattern)
		}
		node := "process " + sources[0]
		must(g.AddProcessor(&graph.Node{Name: node, Parents: sources}))
		if len(sources) > 1 && !p.loose {
			g.Copartition(sources...)
		}
		for _, topic := range p.to {
			topic = name(topic)
			must(g.AddSink(&graph.Node{Name: node + " sink " + topic, Topic: topic, Parents: []string{node}}))
		}
		if p.store != "" {
			must(g.AddStore(store.KeyValue(p.store, serde.String(), serde.String()), node))
		}
	}
	return New(Config{ApplicationID: "app", Topology: &g, Log: slog.New(slog.DiscardHandler)})
}

func TestPartitionCountsOfRepartitionTopics(t *testing.T) {
	for name, tt := range map[string]struct {
		parts []part
		given map[string]int32
		want  map[string]int32 // of the repartition topics
	}{
		"as many as upstream": {
			parts: []part{{from: []string{"a"}, to: []string{"re-x"}}, {from: []string{"re-x"}}},
			given: map[string]int32{"a": 4}, want: map[string]int32{"re-x": 4},
		},
		"as many as the largest topic upstream": {
			parts: []part{{from: []string{"a", "b"}, loose: true, to: []string{"re-x"}}, {from: []string{"c"}, to: []string{"re-x"}}, {from: []string{"re-x"}}},
			given: map[string]int32{"a": 4, "b": 6, "c": 5}, want: map[string]int32{"re-x": 6},
		},
		"through others": {
			parts: []part{{from: []string{"re-z"}}, {from: []string{"re-y"}, to: []string{"re-z"}}, {from: []string{"re-x"}, to: []string{"re-y"}}, {from: []string{"a"}, to: []string{"re-x"}}},
			given: map[string]int32{"a": 3}, want: map[string]int32{"re-x": 3, "re-y": 3, "re-z": 3},
		},
		"fixed": {
			parts: []part{{from: []string{"a"}, to: []string{"re-x:2"}}, {from: []string{"re-x"}, to: []string{"re-y"}}, {from: []string{"re-y"}}},
			given: map[string]int32{"a": 4}, want: map[string]int32{"re-x": 2, "re-y": 2},
		},
		"joined with a larger topic": {
			parts: []part{{from: []string{"a"}, to: []string{"re-x"}}, {from: []string{"re-x", "t"}, to: []string{"re-y"}}, {from: []string{"re-y"}}},
			given: map[string]int32{"a": 2, "t": 5}, want: map[string]int32{"re-x": 5, "re-y": 5},
		},
		"joined with a smaller topic": {
			parts: []part{{from: []string{"a"}, to: []string{"re-x"}}, {from: []string{"re-x", "t"}, to: []string{"re-y"}}, {from: []string{"re-y"}}},
			given: map[string]int32{"a": 5, "t": 2}, want: map[string]int32{"re-x": 2, "re-y": 2},
		},
		"joined with each other": {
			parts: []part{{from: []string{"a"}, to: []string{"re-x"}}, {from: []string{"b"}, to: []string{"re-y"}}, {from: []string{"re-x", "re-y"}}},
			given: map[string]int32{"a": 2, "b": 3}, want: map[string]int32{"re-x": 3, "re-y": 3},
		},
		"joined with a fixed one": {
			parts: []part{{from: []string{"a"}, to: []string{"re-x"}}, {from: []string{"b"}, to: []string{"re-y:2"}}, {from: []string{"re-x", "re-y"}}},
			given: map[string]int32{"a": 4, "b": 3}, want: map[string]int32{"re-x": 2, "re-y": 2},
		},
		"nothing upstream yet": {
			parts: []part{{pattern: "orders-.*", to: []string{"re-x"}}, {from: []string{"re-x"}}},
			given: map[string]int32{"other": 3}, want: map[string]int32{"re-x": 0},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := runnerOf(t, tt.parts...)
			counts := map[string]int32{}
			for topic, n := range tt.given {
				counts[topic] = n
			}
			if err := r.countRepartitions(counts); err != nil {
				t.Fatal(err)
			}
			got := map[string]int32{}
			for topic := range tt.want {
				got[topic] = counts["app-"+topic]
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if err := r.checkCopartition(counts); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTopicsThatAreJoinedMustHaveTheSameNumberOfPartitions(t *testing.T) {
	r := runnerOf(t, part{from: []string{"a", "b"}}, part{from: []string{"c", "d"}}, part{from: []string{"e"}, to: []string{"re-x:2"}}, part{from: []string{"re-x", "f"}})
	counts := map[string]int32{"a": 1, "b": 2, "c": 3, "d": 3, "e": 3, "f": 4}
	if err := r.countRepartitions(counts); err != nil {
		t.Fatal(err)
	}
	err := r.checkCopartition(counts)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{`"a" (1 partitions) and "b" (2)`, `"app-re-x" (2 partitions) and "f" (4)`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q has no %q", err, want)
		}
	}
	if strings.Contains(err.Error(), `"c"`) {
		t.Errorf("%q names topics that fit", err)
	}
}

func TestInternalTopicsHaveThePartitionsOfTheirTasks(t *testing.T) {
	r := runnerOf(t, part{from: []string{"a", "b"}, loose: true, to: []string{"re-x:7"}, store: "s"}, part{from: []string{"re-x"}, store: "t"},
		part{pattern: "none-.*", store: "nothing", to: []string{"re-none"}}, part{from: []string{"re-none"}, store: "after-nothing"})
	counts := map[string]int32{"a": 2, "b": 3}
	if err := r.countRepartitions(counts); err != nil {
		t.Fatal(err)
	}
	got := map[string]int32{}
	for _, spec := range r.internalTopics(counts) {
		got[spec.Name] = spec.Partitions
	}
	if diff := cmp.Diff(map[string]int32{"app-re-x": 7, "app-s-changelog": 3, "app-t-changelog": 7}, got); diff != "" {
		t.Error(diff)
	}
	// A task has only the partitions that there are.
	want := []record.Partition{{Topic: "b", ID: 2}, {Topic: "app-re-x", ID: 2}}
	if diff := cmp.Diff(want, r.partitionsOf([]assign.Task{{Subtopology: 0, Partition: 2}, {Subtopology: 1, Partition: 2}}, counts)); diff != "" {
		t.Error(diff)
	}
}

// broker starts one with topics of two partitions, which the runner talks to.
func (r *Runner) broker(t *testing.T, topics ...string) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, topics...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if r.client, err = kafka.NewClient(kafka.Config{Brokers: c.ListenAddrs()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.client.Close() })
	return c
}

func TestChangeOfAnInputTopicIsNoticed(t *testing.T) {
	for name, tt := range map[string]struct {
		counts map[string]int32
		want   bool
	}{
		"none":               {map[string]int32{"in": 2, "orders-1": 2}, false},
		"more partitions":    {map[string]int32{"in": 1, "orders-1": 2}, true},
		"one more that fits": {map[string]int32{"in": 2}, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := runnerOf(t, part{from: []string{"in"}}, part{pattern: "orders-[0-9]"})
			r.broker(t, "in", "orders-1", "orders-other")
			r.counts = tt.counts
			if got, err := r.topicsChanged(t.Context()); err != nil || got != tt.want {
				t.Errorf("got %v, %v; want %v", got, err, tt.want)
			}
		})
	}
}

// A look that takes too long is no error: the next one will tell.
func TestLookAtTopicsWithoutABroker(t *testing.T) {
	r := runnerOf(t, part{from: []string{"in"}})
	r.broker(t, "in").Close()
	ctx, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	if changed, err := r.topicsChanged(ctx); err != nil || changed {
		t.Errorf("got %v, %v", changed, err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	if _, err := r.topicsChanged(ctx); err == nil {
		t.Error("the end of Run was not reported")
	}
}

func TestMissingTopicIsLookedForAndThenNamed(t *testing.T) {
	r := runnerOf(t, part{from: []string{"in"}, to: []string{"out", "re-x"}}, part{from: []string{"re-x", "gone"}})
	r.cfg.DeadLetterTopic = "dead"
	r.broker(t, "in")
	began := time.Now()
	err := r.checkTopics(t.Context())
	if err == nil || !strings.Contains(err.Error(), "do not exist: gone, out, dead:") {
		t.Errorf("got %v", err)
	}
	if time.Since(began) < grace {
		t.Error("it was not looked for again")
	}
}
