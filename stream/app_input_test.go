package stream_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/embedded"
	"github.com/streamweir/streamweir/topology"
)

// copying copies "in" to "out".
func copying(t *testing.T, opts ...stream.Option) *topology.Topology {
	t.Helper()
	b := stream.NewBuilder()
	stream.From(b, "in", text, opts...).To("out", nil)
	return built(t, b)
}

func TestInputsBeginWhereTheResetPolicySays(t *testing.T) {
	for name, tt := range map[string]struct {
		app  topology.Reset
		opts []stream.Option
		want []string
	}{
		"default":               {want: []string{"old", "new"}},
		"latest":                {app: topology.ResetLatest, want: []string{"new"}},
		"the source's own wins": {app: topology.ResetNone, opts: []stream.Option{stream.ResetTo(topology.ResetLatest)}, want: []string{"new"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := cluster(t, topicOf("in", 1), topicOf("out", 1))
			put(t, c, "in", "k", "old")
			cfg := config(t, c)
			cfg.Reset = tt.app
			a := start(t, copying(t, tt.opts...), cfg)
			a.runs(t)
			put(t, c, "in", "k", "new")
			if diff := cmp.Diff(tt.want, valuesOf(takeN(t, c, "out", len(tt.want)))); diff != "" {
				t.Error(diff)
			}
			a.stop(t)
		})
	}
}

// Where a source begins with the records that are not older than a duration, what is
// older is not read, and without such records what comes next is.
func TestResetByDuration(t *testing.T) {
	for name, tt := range map[string]struct {
		ago  time.Duration
		want []string
	}{
		"a part":  {time.Hour, []string{"young", "new"}},
		"all":     {48 * time.Hour, []string{"old", "young", "new"}},
		"nothing": {time.Second, []string{"new"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := cluster(t, topicOf("in", 1), topicOf("out", 1))
			produce(t, c, "in", &kgo.Record{Value: []byte("old"), Timestamp: time.Now().Add(-24 * time.Hour)})
			produce(t, c, "in", &kgo.Record{Value: []byte("young"), Timestamp: time.Now().Add(-time.Minute)})
			a := start(t, copying(t, stream.ResetTo(topology.ResetByDuration(tt.ago))), config(t, c))
			a.runs(t)
			put(t, c, "in", "k", "new")
			if diff := cmp.Diff(tt.want, valuesOf(takeN(t, c, "out", len(tt.want)))); diff != "" {
				t.Error(diff)
			}
			a.stop(t)
		})
	}
}

func TestResetPolicyNoneFailsWithTheOffsets(t *testing.T) {
	c := cluster(t, topicOf("in", 1), topicOf("out", 1))
	put(t, c, "in", "k", "old")
	cfg := config(t, c)
	cfg.Reset = topology.ResetNone
	start(t, copying(t), cfg).fails(t, "in-0", "offsets 0 to 1", "no committed offset", `"app"`)
}

func TestInputOffsetIsNotOnTheBrokerAnyMore(t *testing.T) {
	for name, tt := range map[string]struct {
		reset topology.Reset
		want  []string
	}{
		"earliest": {topology.ResetEarliest, []string{"0", "4", "5"}},
		"latest":   {topology.ResetLatest, []string{"0", "5"}},
		"none":     {reset: topology.ResetNone},
	} {
		t.Run(name, func(t *testing.T) {
			c := cluster(t, topicOf("in", 1), topicOf("out", 1))
			put(t, c, "in", "k", "0")
			cfg := config(t, c)
			a := start(t, copying(t), cfg)
			takeN(t, c, "out", 1)
			a.stop(t)
			put(t, c, "in", "k", "1", "k", "2", "k", "3", "k", "4")
			deleteBefore(t, c, "in", 4)
			var log logged
			cfg.Reset, cfg.Log = tt.reset, log.to()
			a = start(t, copying(t), cfg)
			if tt.want == nil {
				a.fails(t, "in-0", "offsets 4 to 5", "reset policy is none")
				return
			}
			eventually(t, "a warning", func() bool { return log.has("the reset policy applies") })
			put(t, c, "in", "k", "5")
			if diff := cmp.Diff(tt.want, valuesOf(takeN(t, c, "out", len(tt.want)))); diff != "" {
				t.Error(diff)
			}
			a.stop(t)
		})
	}
}

// Where the offset was reset to the end of an input without records, the others
// must not wait for records that are gone.
func TestResetToTheEndDoesNotHoldUpOtherInputs(t *testing.T) {
	c := cluster(t, topicOf("in", 1), topicOf("in2", 1), topicOf("out", 1))
	merged := func() *topology.Topology {
		b := stream.NewBuilder()
		stream.From(b, "in", text).Merge(stream.From(b, "in2", text)).To("out", text)
		return built(t, b)
	}
	put(t, c, "in2", "k", "0")
	cfg := config(t, c)
	a := start(t, merged(), cfg)
	takeN(t, c, "out", 1)
	a.stop(t)
	put(t, c, "in2", "k", "1", "k", "2")
	deleteBefore(t, c, "in2", 3)
	put(t, c, "in", "k", "x")
	a = start(t, merged(), cfg)
	if diff := cmp.Diff([]string{"0", "x"}, valuesOf(takeN(t, c, "out", 2))); diff != "" {
		t.Error(diff)
	}
	a.until(t, "the new offset to be committed", func(s stream.Status) bool { return lag(s, "in2") == 0 })
	a.stop(t)
}

func TestMissingTopicsAreNamed(t *testing.T) {
	c := cluster(t, topicOf("out", 1))
	b := stream.NewBuilder()
	in := stream.From(b, "in", text)
	in.Merge(stream.From(b, "in2", text)).To("out", text)
	in.To("out2", nil)
	cfg := config(t, c)
	cfg.DeadLetterTopic = "dead"
	a := start(t, built(t, b), cfg)
	a.fails(t, "do not exist", "in, in2, out2, dead")
	if strings.Contains(a.err.Error(), " out,") {
		t.Errorf("error %q names a topic that exists", a.err)
	}
}

func TestTopicThatAppearsInTimeIsNotMissing(t *testing.T) {
	c := cluster(t, topicOf("in", 1))
	a := start(t, copying(t), config(t, c))
	if err := c.CreateTopics(context.Background(), topicOf("out", 1)); err != nil {
		t.Fatal(err)
	}
	put(t, c, "in", "k", "v")
	takeN(t, c, "out", 1)
	a.stop(t)
}

func TestInternalTopicWithAnotherPartitionCountFailsTheApp(t *testing.T) {
	c := cluster(t, topicOf("in", 2), topicOf("out", 1), topicOf(changelog, 3))
	start(t, counting(t), config(t, c)).fails(t, changelog, "has 3 partitions", "need 2", "reset the application")
}

func TestRecordsOfRepartitionTopicsArePurged(t *testing.T) {
	c := cluster(t, topicOf("in", 2), topicOf("out", 1))
	b := stream.NewBuilder()
	stream.GroupBy(stream.From(b, "in", text), func(_, v string) string { return v }, text).
		Count(stream.InStore("counts", serde.String(), serde.Int64())).ToStream().To("out", stream.With(serde.String(), serde.Int64()))
	cfg := config(t, c)
	cfg.RepartitionPurgeInterval = 50 * time.Millisecond
	a := start(t, built(t, b), cfg)
	var kv []string
	for range 50 {
		kv = append(kv, "x", "k", "y", "k")
	}
	put(t, c, "in", kv...)
	countedOnce(t, c, map[string]int64{"k": 100})
	var repartition, partition = "", int32(0)
	for _, p := range a.Status().Partitions {
		if strings.HasSuffix(p.Topic, "-repartition") && p.End > 100 {
			repartition, partition = p.Topic, p.Partition
		}
	}
	if repartition == "" {
		t.Fatalf("no repartition topic in %+v", a.Status().Partitions)
	}
	eventually(t, "the purge", func() bool { return len(left(t, c, repartition, partition)) == 0 })
	put(t, c, "in", kv...)
	countedOnce(t, c, map[string]int64{"k": 200})
	a.stop(t)
}

// left are the records that a partition still has.
func left(t *testing.T, c *embedded.Cluster, topic string, partition int32) []*kgo.Record {
	t.Helper()
	client := open(t, c, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().AtStart()}}), kgo.FetchMaxWait(10*time.Millisecond))
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	return client.PollFetches(ctx).Records()
}

func TestInputTopicGrows(t *testing.T) {
	c := cluster(t, topicOf("in", 1), topicOf("out", 1))
	put(t, c, "in", "k", "v")
	a := start(t, counting(t), config(t, c))
	takeN(t, c, "out", 1)
	a.stop(t)
	grow(t, c, "in", 2)
	start(t, counting(t), config(t, c)).fails(t, changelog, "has 1 partitions", "need 2")
}
