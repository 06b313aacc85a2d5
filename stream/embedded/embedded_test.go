package embedded

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	runHelperProcess()
	goleak.VerifyTestMain(m)
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func start(t *testing.T, config Config) *Cluster {
	t.Helper()
	c, err := Start(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func client(t *testing.T, c *Cluster, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	options = append([]kgo.Opt{
		kgo.SeedBrokers(c.Brokers()...),
		kgo.MetadataMinAge(10 * time.Millisecond),
		kgo.RetryBackoffFn(func(int) time.Duration { return 10 * time.Millisecond }),
	}, options...)
	k, err := kgo.NewClient(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

func produce(t *testing.T, k *kgo.Client, topic string, values ...string) {
	t.Helper()
	for _, v := range values {
		r := &kgo.Record{Topic: topic, Value: []byte(v), Timestamp: time.UnixMilli(1)}
		if err := k.ProduceSync(testContext(t), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// values reads the first n committed records of partition 0.
func values(t *testing.T, c *Cluster, topic string, n int) []string {
	t.Helper()
	k := client(t, c, kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{
		topic: {0: kgo.NewOffset().AtStart()},
	}))
	var got []string
	for len(got) < n {
		fetches := k.PollFetches(testContext(t))
		if err := fetches.Err(); err != nil {
			t.Fatalf("after %q: %v", got, err)
		}
		fetches.EachRecord(func(r *kgo.Record) { got = append(got, string(r.Value)) })
	}
	return got
}

func TestClusterServesRecords(t *testing.T) {
	c := start(t, Config{Topics: []Topic{{Name: "lines"}}})
	produce(t, client(t, c), "lines", "a", "b")
	if diff := cmp.Diff([]string{"a", "b"}, values(t, c, "lines", 2)); diff != "" {
		t.Error(diff)
	}
}

func TestTopicsAreNotCreatedOnDemand(t *testing.T) {
	c := start(t, Config{})
	k := client(t, c, kgo.AllowAutoTopicCreation(), kgo.UnknownTopicRetries(0))
	err := k.ProduceSync(testContext(t), &kgo.Record{Topic: "nowhere", Value: []byte("x")}).FirstErr()
	if !errors.Is(err, kerr.UnknownTopicOrPartition) {
		t.Errorf("produced to a topic that nobody created: %v", err)
	}
}

func TestCreateTopicsLeavesExistingOnesAlone(t *testing.T) {
	c := start(t, Config{Topics: []Topic{{Name: "a", Partitions: 3}}})
	if err := c.CreateTopics(testContext(t), Topic{Name: "a", Partitions: 5}, Topic{Name: "b", Partitions: 2}); err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	answer, err := kmsg.NewPtrMetadataRequest().RequestWith(testContext(t), client(t, c))
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range answer.Topics {
		got[*topic.Topic] = len(topic.Partitions)
	}
	if diff := cmp.Diff(map[string]int{"a": 3, "b": 2}, got); diff != "" {
		t.Error(diff)
	}
}

func TestCreateTopicsTellsWhichTopicIsRefused(t *testing.T) {
	c := start(t, Config{Topics: []Topic{{Name: "a.b"}}})
	err := c.CreateTopics(testContext(t), Topic{Name: "good"}, Topic{Name: "a_b"})
	if !errors.Is(err, kerr.InvalidTopicException) || !strings.Contains(err.Error(), `"a_b"`) {
		t.Errorf("got %v", err)
	}
}

func TestRecordsOfThePastAreKept(t *testing.T) {
	c := start(t, Config{Topics: []Topic{{Name: "a"}}})
	k := client(t, c)
	produce(t, k, "a", "1970")
	c.kafka.ApplyRetention()
	produce(t, k, "a", "1970 too")
	if diff := cmp.Diff([]string{"1970", "1970 too"}, values(t, c, "a", 2)); diff != "" {
		t.Error(diff)
	}
}

func TestStartRefusesAddressesClientsCannotUse(t *testing.T) {
	for _, addr := range []string{":9092", "0.0.0.0:9092", "[::]:0", "nonsense"} {
		if c, err := Start(Config{Addr: addr}); err == nil {
			t.Errorf("%q was accepted as %v", addr, c.Brokers())
			_ = c.Close()
		}
	}
}

func TestStartTellsThatAPortIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	addr := taken.Addr().String()
	for name, config := range map[string]Config{"broker": {Addr: addr}, "registry": {RegistryAddr: addr}} {
		if c, err := Start(config); err == nil {
			t.Errorf("%s: started at a port that is taken", name)
			_ = c.Close()
		}
	}
}

func TestCloseTwice(t *testing.T) {
	c := start(t, Config{DataDir: t.TempDir()})
	for range 2 {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestBrokersHaveDistinctAddresses(t *testing.T) {
	c := start(t, Config{Brokers: 3, Topics: []Topic{{Name: "a", Partitions: 6}}})
	brokers := c.Brokers()
	if len(brokers) != 3 || brokers[0] == brokers[1] || brokers[1] == brokers[2] || brokers[0] == brokers[2] {
		t.Errorf("brokers %v", brokers)
	}
}
