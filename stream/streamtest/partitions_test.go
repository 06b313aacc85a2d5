package streamtest_test

import (
	"context"
	"fmt"
	"math/rand/v2"
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

// words counts the words of in by way of a repartition topic.
func words(b *stream.Builder) {
	split := stream.FlatMapValues(stream.From(b, "in", text), strings.Fields)
	counts := stream.GroupBy(split, func(_, w string) string { return w }, text, stream.Named("words")).
		Count(stream.InStore("counts", serde.String(), serde.Int64()))
	counts.ToStream().To("out", stream.With(serde.String(), serde.Int64()))
}

func counts(d *streamtest.Driver) *streamtest.Output[string, int64] {
	return streamtest.NewOutput(d, "out", serde.String(), serde.Int64())
}

// lines are records whose keys and words come again and again.
func lines(t *testing.T, d *streamtest.Driver, seed uint64, n int) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 0))
	in := input(d, "in")
	for i := range n {
		must(t, in.PipeAt(int64(i), fmt.Sprint("line-", r.IntN(10)), fmt.Sprintf("w%d w%d", r.IntN(7), r.IntN(7))))
		must(t, d.Advance(time.Duration(r.IntN(40))*time.Millisecond))
	}
	must(t, d.Commit())
}

// The final result is the same however many partitions there are, however seldom is
// committed, and whatever the record cache holds back.
func TestPartitionsCacheAndCommitsLeaveTheResultAlone(t *testing.T) {
	result := func(cfg streamtest.Config) (map[string]int64, int) {
		d := run(t, cfg, words)
		lines(t, d, 7, 200)
		n := counts(d).Len()
		table, err := streamtest.ReadTable(counts(d))
		must(t, err)
		return table, n
	}
	want, all := result(streamtest.Config{})
	if all != 400 {
		t.Fatalf("%d updates without a cache, want 400", all)
	}
	for _, cfg := range []streamtest.Config{
		{Partitions: 1}, {Partitions: 3}, {Partitions: 4, CommitInterval: 100 * time.Millisecond},
		{Partitions: 3, CommitInterval: time.Second, CacheMaxBytes: 1 << 20}, {Partitions: 3, CommitInterval: time.Second, CacheMaxBytes: 300},
	} {
		got, n := result(cfg)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", cfg, diff)
		}
		if cfg.CacheMaxBytes > 1000 && n > all/4 || cfg.CacheMaxBytes == 0 && n != all {
			t.Errorf("%+v: %d updates of %d were forwarded", cfg, n, all)
		}
	}
}

func TestRunsWithPartitionsAreTheSame(t *testing.T) {
	var runs [2][]string
	for i := range runs {
		cfg := streamtest.Config{Partitions: 5, CommitInterval: 50 * time.Millisecond, CacheMaxBytes: 500}
		cfg.Produced = func(topic string, r topology.Record[[]byte, []byte]) {
			runs[i] = append(runs[i], fmt.Sprintf("%s %s=%x@%d", topic, r.Key, r.Value, r.Timestamp))
		}
		lines(t, run(t, cfg, words), 3, 100)
	}
	if diff := cmp.Diff(runs[0], runs[1]); diff != "" {
		t.Errorf("two runs differ:\n%s", diff)
	}
}

// Keys are where Kafka's producers put them, in inputs, internal topics, stores and
// outputs.
func TestKeysAreInTheirPartitions(t *testing.T) {
	d := run(t, streamtest.Config{Partitions: 3}, words)
	lines(t, d, 1, 50)
	seen := 0
	for p := range int32(3) {
		all, err := counts(d).Partition(p).ReadAll()
		must(t, err)
		for _, r := range all {
			at, err := streamtest.PartitionOf(r.Key, serde.String(), 3)
			must(t, err)
			if at != p {
				t.Errorf("key %q is in partition %d, want %d", r.Key, p, at)
			}
			s, err := streamtest.StoreOf[store.TimestampedKeyValueStore[string, int64]](d, "counts", p)
			must(t, err)
			if _, ok, err := s.Get(r.Key); !ok || err != nil {
				t.Errorf("key %q is not in the store of partition %d: %v", r.Key, p, err)
			}
			seen++
		}
		changelog, err := streamtest.NewOutput(d, "test-counts-changelog", serde.String(), serde.Bytes()).Partition(p).ReadAll()
		must(t, err)
		if len(changelog) != len(all) {
			t.Errorf("partition %d of the changelog has %d records, want %d", p, len(changelog), len(all))
		}
	}
	if seen != 100 {
		t.Errorf("%d updates, want 100", seen)
	}
}

// What a task writes is seen by the next one, and by an Output, when it commits: a record
// takes an interval for each sub-topology.
func TestRecordsAreSeenAfterACommit(t *testing.T) {
	d := run(t, streamtest.Config{Partitions: 2, CommitInterval: time.Second}, words)
	internal := output(d, "test-words-repartition")
	must(t, input(d, "in").Pipe("k", "tea"))
	must(t, d.Advance(999*time.Millisecond))
	if internal.Len() != 0 {
		t.Error("a record is in the repartition topic before the commit")
	}
	must(t, d.Advance(time.Millisecond))
	if internal.Len() != 1 || counts(d).Len() != 0 {
		t.Errorf("after one interval %d records are in the repartition topic and %d counted, want 1 and 0", internal.Len(), counts(d).Len())
	}
	must(t, d.Advance(time.Second))
	if counts(d).Len() != 1 {
		t.Error("after two intervals the record is not counted")
	}

	must(t, input(d, "in").Pipe("k", "tea"), d.Commit())
	if counts(d).Len() != 2 {
		t.Error("Commit left something behind")
	}
}

// A jump of the clock is made in steps, so that each punctuation and each commit come at
// their time.
func TestAdvanceStopsAtPunctuationsAndCommits(t *testing.T) {
	var at []int64
	d := run(t, streamtest.Config{Partitions: 2, CommitInterval: 250 * time.Millisecond}, func(b *stream.Builder) {
		stream.Process[string, string, string, string](stream.From(b, "in", text), func() *ticker { return &ticker{at: &at} }).To("out", text)
	})
	must(t, d.Advance(time.Second))
	if diff := cmp.Diff([]int64{400, 400, 800, 800}, at); diff != "" {
		t.Errorf("punctuations of two tasks (-want +got):\n%s", diff)
	}
	if n := output(d, "out").Len(); n != 4 {
		t.Errorf("%d records are written, want 4", n)
	}
}

type ticker struct {
	at *[]int64
}

func (p *ticker) Init(pc *topology.Context[string, string]) error {
	_, err := pc.Schedule(400*time.Millisecond, topology.WallClockTime, func(_ context.Context, ts int64) error {
		*p.at = append(*p.at, ts)
		return pc.Forward(topology.Record[string, string]{Key: "k", Value: "tick", Timestamp: ts})
	})
	return err
}

func (p *ticker) Process(context.Context, topology.Record[string, string]) error { return nil }

// Records of one key meet in one task, whatever partition they came in.
func TestInputPartitionsAndRecordsWithoutKeys(t *testing.T) {
	d := run(t, streamtest.Config{Partitions: 2}, copying)
	must(t, input(d, "in").Partition(1).Pipe("k", "a"), input(d, "in").Partition(0).Pipe("k", "b"))
	for range 4 {
		must(t, input(d, "in").PipeRecord(record{NullKey: true, Value: "none"}))
	}
	for p := range int32(2) {
		if n := streamtest.NewOutput(d, "in", serde.String(), serde.String()).Partition(p).Len(); n != 3 {
			t.Errorf("partition %d has %d records, want 3", p, n)
		}
	}
	if err := input(d, "in").Partition(2).Pipe("k", "c"); err == nil || !strings.Contains(err.Error(), "2 partitions") {
		t.Errorf("a partition that is not there: %v", err)
	}
}

func TestPartitionsOfGlobalTablesAndPatterns(t *testing.T) {
	d := run(t, streamtest.Config{Partitions: 3}, func(b *stream.Builder) {
		names := stream.GlobalTable(b, "names", text, nil)
		stream.JoinGlobal(stream.From(b, "in", text), names, func(_, v string) string { return v }, func(v, name string) string { return v + "=" + name }).To("out", text)
	})
	must(t, input(d, "names").Pipe("1", "one"), input(d, "names").Pipe("2", "two"))
	for i := range 6 {
		must(t, input(d, "in").Pipe(fmt.Sprint("k", i), fmt.Sprint(1+i%2)))
	}
	all, err := output(d, "out").ReadAll()
	must(t, err)
	if len(all) != 6 || all[0].Value != "1=one" || all[5].Value != "2=two" {
		t.Errorf("got %v, want six names", all)
	}
}

func TestMistakesWithPartitions(t *testing.T) {
	b := stream.NewBuilder()
	copying(b)
	topo, err := b.Build()
	must(t, err)
	for _, cfg := range []streamtest.Config{{Partitions: -1}, {Partitions: 1, CommitInterval: -1}, {CommitInterval: 1}} {
		if _, err := streamtest.NewDriver(topo, cfg); err == nil {
			t.Errorf("%+v is accepted", cfg)
		}
	}
	d := run(t, streamtest.Config{Partitions: 2}, counting)
	if _, err := streamtest.Store[any](d, "counts"); err == nil || !strings.Contains(err.Error(), "StoreOf") {
		t.Errorf("Store: %v", err)
	}
	if _, err := streamtest.StoreOf[any](d, "counts", 2); err == nil {
		t.Error("StoreOf finds a store of a partition that is not there")
	}
	if err := input(d, "nowhere").Pipe("k", "v"); err == nil || !strings.Contains(err.Error(), "there are in") {
		t.Errorf("a topic that nobody reads: %v", err)
	}
	if _, err := streamtest.StoreOf[any](run(t, streamtest.Config{}, counting), "counts", 0); err == nil {
		t.Error("StoreOf works without partitions")
	}
}

// An error stops the driver, as an App would stop.
func TestErrorWithPartitionsStopsTheDriver(t *testing.T) {
	d := run(t, streamtest.Config{Partitions: 2}, func(b *stream.Builder) {
		stream.MapValues(stream.From(b, "in", text), func(string) string { panic("no") }).To("out", text)
	})
	for range 2 {
		if err := input(d, "in").Pipe("k", "v"); err == nil || !strings.Contains(err.Error(), "no") {
			t.Errorf("Pipe returned %v, want the panic", err)
		}
	}
	if d.Advance(time.Second) == nil || d.Commit() == nil {
		t.Error("a driver that has stopped goes on")
	}
}
