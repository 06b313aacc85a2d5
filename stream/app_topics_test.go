package stream_test

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/embedded"
	"github.com/streamweir/streamweir/topology"
)

// topics are all topics with their numbers of partitions.
func topics(t *testing.T, c *embedded.Cluster) map[string]int32 {
	t.Helper()
	counts := map[string]int32{}
	for _, topic := range request(t, c, kmsg.NewPtrMetadataRequest()).(*kmsg.MetadataResponse).Topics {
		counts[*topic.Topic] = int32(len(topic.Partitions))
	}
	return counts
}

func deleteTopic(t *testing.T, c *embedded.Cluster, topic string) {
	t.Helper()
	r := kmsg.NewPtrDeleteTopicsRequest()
	r.TopicNames = []string{topic}
	r.Topics = []kmsg.DeleteTopicsRequestTopic{{Topic: kmsg.StringPtr(topic)}}
	request(t, c, r)
}

func create(t *testing.T, c *embedded.Cluster, topics ...embedded.Topic) {
	t.Helper()
	if err := c.CreateTopics(context.Background(), topics...); err != nil {
		t.Fatal(err)
	}
}

// A broker that was just started may know no topic for a moment.
func TestBrokerThatForgetsATopicForAMomentIsAskedAgain(t *testing.T) {
	const unknownTopic, rebalanceInProgress = 3, 27
	c := cluster(t, topicOf("in", 2), topicOf("out", 2))
	stop := feed(t, c, 4)
	a := start(t, counting(t), config(t, c))
	a.runs(t)
	before := a.Status().Rebalances
	forgets := c.Fault(embedded.Fault{Requests: []embedded.Request{embedded.Metadata}, Topic: "in", Code: unknownTopic, Times: 3})
	c.Fault(embedded.Fault{Requests: []embedded.Request{embedded.TxnOffsetCommit}, Code: rebalanceInProgress})
	a.until(t, "another rebalance", func(s stream.Status) bool {
		return s.State == stream.Running && s.Rebalances > before && forgets.Hits() == 3
	})
	countedOnce(t, c, stop())
	a.stop(t)
}

// joined declares that all sources of a topology are joined with each other.
func joined(topo *topology.Topology) *topology.Topology {
	var sources []string
	for _, sub := range topo.Graph().Subtopologies()[1:] {
		for _, n := range sub.Nodes {
			if n.Kind == graph.SourceKind {
				sources = append(sources, n.Name)
			}
		}
	}
	topo.Graph().Copartition(sources...)
	return topo
}

// A repartition topic has as many partitions as the topics have that it is joined
// with, not as the topics that it comes from.
func TestRepartitionTopicFitsWhatItIsJoinedWith(t *testing.T) {
	for name, counts := range map[string][2]int32{"more": {1, 3}, "fewer": {3, 1}} {
		t.Run(name, func(t *testing.T) {
			c := cluster(t, topicOf("in", counts[0]), topicOf("table", counts[1]), topicOf("out", 1))
			b := stream.NewBuilder()
			again := stream.From(b, "in", text).Repartition(text, stream.Named("again"))
			again.Merge(stream.From(b, "table", text)).To("out", text)
			a := start(t, joined(built(t, b)), config(t, c))
			a.until(t, "all tasks", func(s stream.Status) bool { return s.State == stream.Running && len(s.Tasks) == 4 })
			if n := topics(t, c)["app-again-repartition"]; n != counts[1] {
				t.Errorf("the repartition topic has %d partitions, want %d", n, counts[1])
			}
			put(t, c, "in", "k", "a", "k", "b")
			takeN(t, c, "out", 2)
			a.stop(t)
		})
	}
}

// Topics that do not fit are reported before anything is created, or the topics
// made for the wrong numbers would be in the way of the right ones.
func TestTopicsThatCannotBeJoinedFailTheAppAndLeaveNothing(t *testing.T) {
	c := cluster(t, topicOf("first", 1), topicOf("in", 2), topicOf("table", 3), topicOf("out", 1))
	before := topics(t, c)
	b := stream.NewBuilder()
	stream.From(b, "first", text).To("out", text)
	count(stream.From(b, "in", text).Merge(stream.From(b, "table", text)))
	start(t, joined(built(t, b)), config(t, c)).fails(t, `"in" (2 partitions)`, `"table" (3)`, "same number of partitions")
	if diff := cmp.Diff(before, topics(t, c)); diff != "" {
		t.Error(diff)
	}
}

// While a pattern matches nothing there is nothing to do for it, and no topic to be
// made for its stores.
func TestPatternThatMatchesNothingYet(t *testing.T) {
	c := cluster(t, topicOf("in", 1), topicOf("out", 1))
	patterned := func() *topology.Topology {
		b := stream.NewBuilder()
		count(stream.FromPattern(b, regexp.MustCompile(`orders-[a-z]+`), text))
		stream.From(b, "in", text).To("out", text)
		return built(t, b)
	}
	a := start(t, patterned(), config(t, c))
	put(t, c, "in", "k", "v")
	takeN(t, c, "out", 1)
	a.until(t, "the other task", has("1_0"))
	a.stop(t)
	create(t, c, topicOf("orders-new", 2))
	put(t, c, "orders-new", "k", "v")
	a = start(t, patterned(), config(t, c))
	takeN(t, c, "out", 2)
	a.until(t, "all tasks", has("0_0", "0_1", "1_0"))
	a.stop(t)
}

// Where a topic was made anew under a running App, nothing may be held up by what
// was known of the old one.
func TestInputTopicIsMadeAnewWhileTheAppRuns(t *testing.T) {
	c := cluster(t, topicOf("in", 1), topicOf("in2", 1), topicOf("out", 1))
	b := stream.NewBuilder()
	stream.From(b, "in", text).Merge(stream.From(b, "in2", text)).To("out", text)
	var log logged
	cfg := config(t, c)
	cfg.Log = log.to()
	a := start(t, built(t, b), cfg)
	put(t, c, "in2", "k", "1", "k", "2", "k", "3")
	takeN(t, c, "out", 3)
	deleteTopic(t, c, "in2")
	create(t, c, topicOf("in2", 1))
	eventually(t, "a warning", func() bool { return log.has("made anew") })
	put(t, c, "in2", "k", "4")
	takeN(t, c, "out", 4)
	put(t, c, "in", "k", "x")
	if diff := cmp.Diff([]string{"1", "2", "3", "4", "x"}, valuesOf(takeN(t, c, "out", 5))); diff != "" {
		t.Error(diff)
	}
	a.stop(t)
}

// The number of input partitions may change where there is no state; where there
// is, whoever assigns the tasks says that it must not.
func TestPartitionCountChangesUnderWay(t *testing.T) {
	t.Run("stateless", func(t *testing.T) {
		c := cluster(t, topicOf("in", 1), topicOf("out", 1))
		a := start(t, copying(t), config(t, c))
		put(t, c, "in", "k", "1")
		takeN(t, c, "out", 1)
		grow(t, c, "in", 3)
		other := start(t, copying(t), config(t, c))
		three := func(stream.Status) bool {
			return a.Status().State == stream.Running && len(a.Status().Tasks)+len(other.Status().Tasks) == 3
		}
		other.until(t, "three tasks", three)
		for p := range int32(3) {
			toPartition(t, c, "in", p, "k", "2")
		}
		takeN(t, c, "out", 4)
		a.stop(t)
		other.stop(t)
	})
	t.Run("stateful", func(t *testing.T) {
		const rebalanceInProgress = 27
		c := cluster(t, topicOf("in", 1), topicOf("out", 1))
		a := start(t, counting(t), config(t, c))
		put(t, c, "in", "k", "1")
		takeN(t, c, "out", 1)
		grow(t, c, "in", 3)
		c.Fault(embedded.Fault{Requests: []embedded.Request{embedded.TxnOffsetCommit}, Code: rebalanceInProgress})
		put(t, c, "in", "k", "1", "l", "1", "m", "1", "n", "1")
		a.fails(t, changelog, "has 1 partitions", "need 3")
	})
}

// Each store is logged to the partition with the number of its task, whatever the
// keys in it are.
func TestChangelogPartitionIsThatOfTheTask(t *testing.T) {
	const partitions = 3
	c := cluster(t, topicOf("in", partitions), topicOf("out", 1))
	a := start(t, counting(t), config(t, c))
	for p := range int32(partitions) {
		toPartition(t, c, "in", p, "same", "v", string(rune('a'+p)), "v")
	}
	for _, r := range takeN(t, c, changelog, 2*partitions) {
		if key := string(r.Key); key != "same" && key != string(rune('a'+r.Partition)) {
			t.Errorf("key %q is in partition %d of the changelog", key, r.Partition)
		}
	}
	a.stop(t)
}

// An output that is not acknowledged holds up the commit, though others were
// acknowledged long since.
func TestNothingIsCommittedPastAnOutputThatIsNotAcknowledged(t *testing.T) {
	for _, guarantee := range []stream.Guarantee{stream.AtLeastOnce, stream.ExactlyOnce} {
		t.Run(guarantee.String(), func(t *testing.T) {
			c := cluster(t, topicOf("in", 1), topicOf("fast", 1), topicOf("slow", 1))
			b := stream.NewBuilder()
			in := stream.From(b, "in", text)
			in.Filter(func(_, v string) bool { return v == "slow" }).To("slow", text)
			in.Filter(func(_, v string) bool { return v == "fast" }).To("fast", text)
			cfg := config(t, c)
			cfg.Guarantee, cfg.BatchBytes = guarantee, 1024
			a := start(t, built(t, b), cfg)
			put(t, c, "in", "k", "slow")
			takeN(t, c, "slow", 1)
			a.until(t, "a commit", func(s stream.Status) bool { return lag(s, "in") == 0 })
			refused := c.Fault(embedded.Fault{Requests: []embedded.Request{embedded.Produce}, Topic: "slow", Code: notLeader, Times: -1})
			put(t, c, "in", append([]string{"k", "slow"}, strings.Split(strings.Repeat("k,fast,", 200)+"k,fast", ",")...)...)
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			if err := refused.Wait(ctx, 5); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the fast output", func() bool { return len(left(t, c, "fast", 0)) > 0 || guarantee == stream.ExactlyOnce })
			if p := a.Status().Partitions[0]; p.Committed != 1 {
				t.Errorf("offset %d was committed", p.Committed)
			}
			refused.Remove()
			takeN(t, c, "slow", 2)
			a.until(t, "a commit", func(s stream.Status) bool { return lag(s, "in") == 0 })
			a.stop(t)
		})
	}
}

// A record that cannot be read may be the last of its batch.
func TestPoisonRecordAtTheEndOfABatch(t *testing.T) {
	c := cluster(t, topicOf("in", 1), topicOf("out", 1))
	var values flaky
	values.set("poison", errFlaky)
	b := stream.NewBuilder()
	count(stream.From(b, "in", stream.With(serde.String(), &values)))
	cfg := config(t, c)
	cfg.ErrorHandler = func(context.Context, *stream.ProcessingError) stream.Action { return stream.Skip }
	topo := built(t, b)
	a := start(t, topo, cfg)
	put(t, c, "in", "k", "a", "k", "poison")
	a.until(t, "the end", func(s stream.Status) bool { return lag(s, "in") == 0 && s.RecordsIn > 0 })
	put(t, c, "in", "k", "poison")
	a.until(t, "the end", func(s stream.Status) bool { return s.Partitions[0].Committed == 3 })
	a.stop(t)
	if s := a.Status(); s.Dropped != 2 {
		t.Errorf("%d records were dropped", s.Dropped)
	}
	put(t, c, "in", "k", "b")
	a = start(t, topo, cfg)
	countedOnce(t, c, map[string]int64{"k": 2})
	a.stop(t)
}

// Internal topics can have the prefix that another application has given them.
func TestInternalTopicsHaveThePrefixThatIsSet(t *testing.T) {
	c := cluster(t, topicOf("in", 1), topicOf("out", 1))
	b := stream.NewBuilder()
	count(stream.From(b, "in", text).Repartition(nil, stream.Named("again")))
	cfg := config(t, c)
	cfg.InternalTopicPrefix = "old"
	a := start(t, built(t, b), cfg)
	put(t, c, "in", "k", "v")
	takeN(t, c, "out", 1)
	a.stop(t)
	for _, name := range []string{"old-again-repartition", "old-counts-changelog"} {
		if topics(t, c)[name] != 1 {
			t.Errorf("there is no topic %q: %v", name, topics(t, c))
		}
	}
}
