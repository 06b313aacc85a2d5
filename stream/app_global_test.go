package stream_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/embedded"
	"github.com/streamweir/streamweir/topology"
)

// globally joins "in" with the global table of "glob", by the value.
func globally(t *testing.T, with *stream.Serdes[string, string]) *topology.Topology {
	t.Helper()
	b := stream.NewBuilder()
	g := stream.GlobalTable(b, "glob", with, stream.InStore("global", serde.String(), serde.String()))
	stream.LeftJoinGlobal(stream.From(b, "in", text), g, func(_, v string) string { return v }, func(v string, g *string) string {
		if g == nil {
			return v + "=nothing"
		}
		return v + "=" + *g
	}).To("out", text)
	return built(t, b)
}

// names are n keys with values.
func names(n int) []string {
	var kv []string
	for i := range n {
		kv = append(kv, fmt.Sprint("k", i), fmt.Sprint("v", i))
	}
	return kv
}

// asks puts a record to "in" that asks for a key of the global table, until the answer
// is as it should be.
func asks(t *testing.T, c *embedded.Cluster, key, want string) {
	t.Helper()
	client := open(t, c, kgo.ConsumeTopics("out"), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(20*time.Millisecond))
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for n := 0; ; n++ {
		asked := fmt.Sprint(n)
		put(t, c, "in", asked, key)
		for got := ""; got == ""; {
			for _, r := range client.PollFetches(ctx).Records() {
				if string(r.Key) == asked {
					got = string(r.Value)
				}
			}
			if ctx.Err() != nil {
				t.Fatalf("waited in vain for %q", want)
			}
			if got == key+"="+want {
				return
			}
		}
	}
}

// Every instance has all partitions before its tasks process the first record, and
// what comes later too. Several workers read while the table is written.
func TestGlobalTableIsThereAsAWholeBeforeTasksStart(t *testing.T) {
	const keys = 500
	c := cluster(t, topicOf("in", 2), topicOf("glob", 3), topicOf("out", 1))
	put(t, c, "glob", names(keys)...)
	var questions []string
	for i := range keys {
		questions = append(questions, fmt.Sprint(i), fmt.Sprint("k", i))
	}
	put(t, c, "in", questions...)
	cfg := config(t, c)
	cfg.Workers = 2
	first := start(t, globally(t, text), cfg)
	second := cfg
	second.StateDir = t.TempDir()
	other := start(t, globally(t, text), second)
	for i, r := range takeN(t, c, "out", keys) {
		if want := fmt.Sprintf("k%s=v%s", r.Key, r.Key); string(r.Value) != want {
			t.Fatalf("record %d is %q, want %q", i, r.Value, want)
		}
	}
	for i := range 20 {
		put(t, c, "glob", "k7", fmt.Sprint("new", i))
	}
	asks(t, c, "k7", "new19")
	asks(t, c, "k8", "v8")
	for _, a := range []*running{first, other} {
		a.until(t, "all records of the global topic", func(s stream.Status) bool { return s.Global.Ready && s.Global.Records == keys+20 })
		a.stop(t)
	}
}

func TestGlobalStoreGoesOnFromWhatIsOnDisk(t *testing.T) {
	c := cluster(t, topicOf("in", 1), topicOf("glob", 2), topicOf("out", 1))
	cfg := config(t, c)
	run := func(key, value string, records int64) {
		t.Helper()
		a := start(t, globally(t, text), cfg)
		asks(t, c, key, value)
		a.until(t, "no records left", func(s stream.Status) bool { return s.RestoreRemaining == 0 })
		a.stop(t)
		if s := a.Status(); s.Global.Records != records {
			t.Errorf("%d records of the global topic were read, want %d", s.Global.Records, records)
		}
	}
	put(t, c, "glob", names(100)...)
	run("k5", "v5", 100)
	old := copyDir(t, cfg.StateDir)
	run("k5", "v5", 0)
	put(t, c, "glob", "k5", "new", "k6", "newer")
	run("k5", "new", 2)
	run("k6", "newer", 0)
	// As after a crash: what was not on disk is read again, and no more.
	cfg.StateDir = old
	run("k5", "new", 2)
	run("k99", "v99", 0)
}

// A topic that does not go on from where the store stands: the store is made anew.
func TestGlobalStoreThatDoesNotFitItsTopicIsRebuilt(t *testing.T) {
	for name, damage := range map[string]func(*embedded.Cluster){
		"cut off": func(c *embedded.Cluster) {
			put(t, c, "glob", "gone", "3", "x", "y", "stays", "4")
			deleteBefore(t, c, "glob", 4)
		},
		"made anew": func(c *embedded.Cluster) {
			deleteTopic(t, c, "glob")
			create(t, c, topicOf("glob", 1))
			put(t, c, "glob", "stays", "4")
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := cluster(t, topicOf("in", 1), topicOf("glob", 1), topicOf("out", 1))
			cfg := config(t, c)
			put(t, c, "glob", "gone", "1", "stays", "2")
			a := start(t, globally(t, text), cfg)
			asks(t, c, "gone", "1")
			a.stop(t)
			damage(c)
			var log logged
			cfg.Log = log.to()
			a = start(t, globally(t, text), cfg)
			asks(t, c, "stays", "4")
			asks(t, c, "gone", "nothing")
			a.stop(t)
			if !log.has("global store does not fit its topic") {
				t.Error("the log does not say that the store was rebuilt")
			}
		})
	}
}

// While a store is made anew under a running App, tasks wait for it: what they are
// asked meanwhile is answered with what the topic has now.
func TestTasksWaitForAGlobalStoreThatIsRebuilt(t *testing.T) {
	c := cluster(t, topicOf("in", 1), topicOf("glob", 1), topicOf("out", 1))
	codec := &flaky{}
	put(t, c, "glob", names(50)...)
	a := start(t, globally(t, stream.With[string, string](serde.String(), codec)), config(t, c))
	asks(t, c, "k3", "v3")
	codec.set("again", fmt.Errorf("%w: %w", serde.ErrRetriable, errFlaky))
	deleteTopic(t, c, "glob")
	create(t, c, topicOf("glob", 1))
	put(t, c, "glob", "k3", "again")
	a.until(t, "the store to be rebuilt", func(s stream.Status) bool {
		return !s.Global.Ready && s.Global.Waiting != nil && s.State == stream.Restoring
	})
	put(t, c, "in", "meanwhile", "k3")
	a.until(t, "the question", func(s stream.Status) bool {
		return slices.ContainsFunc(s.Partitions, func(p stream.PartitionStatus) bool { return p.Topic == "in" && p.Lag() > 0 })
	})
	codec.set("again", nil)
	answers := took(t, c, "out", func(r []*kgo.Record) bool { return len(r) > 0 && string(r[len(r)-1].Key) == "meanwhile" })
	if got := string(answers[len(answers)-1].Value); got != "k3=again" {
		t.Errorf("the answer is %q, want k3=again", got)
	}
	asks(t, c, "k4", "nothing")
	a.until(t, "running again", func(s stream.Status) bool { return s.Global.Ready && s.State == stream.Running })
	a.stop(t)
}

// A topic that gets more partitions is read on. Topics are looked at every ten seconds.
func TestGlobalTopicGetsMorePartitions(t *testing.T) {
	c := cluster(t, topicOf("in", 1), topicOf("glob", 1), topicOf("out", 1))
	cfg := config(t, c)
	put(t, c, "glob", "a", "1")
	a := start(t, globally(t, text), cfg)
	asks(t, c, "a", "1")
	grow(t, c, "glob", 3)
	toPartition(t, c, "glob", 2, "b", "2")
	a.until(t, "the record of the new partition", func(s stream.Status) bool { return s.Global.Records == 2 })
	asks(t, c, "b", "2")
	a.stop(t)
	a = start(t, globally(t, text), cfg)
	asks(t, c, "b", "2")
	if n := a.Status().Global.Records; n != 0 {
		t.Errorf("%d records were read again", n)
	}
	a.stop(t)
}

func TestGlobalTopicThatDoesNotExistIsReported(t *testing.T) {
	c := cluster(t, topicOf("in", 1), topicOf("out", 1))
	start(t, globally(t, text), config(t, c)).fails(t, "glob", "do not exist")
}

func TestGlobalStoresWaitForBrokers(t *testing.T) {
	c := cluster(t, topicOf("in", 1), topicOf("glob", 1), topicOf("out", 1))
	put(t, c, "glob", "a", "1")
	down(t, c)
	a := start(t, globally(t, text), config(t, c))
	a.until(t, "waiting at the start", waits)
	up(t, c)
	asks(t, c, "a", "1")
	down(t, c)
	a.until(t, "waiting", waits)
	up(t, c)
	put(t, c, "glob", "a", "2")
	asks(t, c, "a", "2")
	a.until(t, "no wait", func(s stream.Status) bool { return s.Waiting == nil })
	a.stop(t)
}

// An App that is stopped while its global stores are still being filled.
func TestShutdownWhileGlobalStoresWait(t *testing.T) {
	c := cluster(t, topicOf("in", 1), topicOf("glob", 1), topicOf("out", 1))
	put(t, c, "glob", "a", "wait")
	codec := &flaky{}
	codec.set("wait", fmt.Errorf("%w: %w", serde.ErrRetriable, errFlaky))
	a := start(t, globally(t, stream.With[string, string](serde.String(), codec)), config(t, c))
	a.until(t, "waiting", func(s stream.Status) bool {
		return s.Waiting != nil && s.Global != nil && !s.Global.Ready && s.State == stream.Restoring
	})
	a.stop(t)
}

// A record that cannot be decoded for now is waited for; one that never can is the
// error handler's, at the start as well as later.
func TestErrorsOfGlobalRecords(t *testing.T) {
	c := cluster(t, topicOf("in", 1), topicOf("glob", 1), topicOf("out", 1), topicOf("dead", 1))
	codec := &flaky{}
	codec.set("bad", errFlaky)
	codec.set("later", fmt.Errorf("%w: %w", serde.ErrRetriable, errFlaky))
	put(t, c, "glob", "a", "bad", "b", "1", "c", "later", "d", "2")
	topo := func() *topology.Topology { return globally(t, stream.With[string, string](serde.String(), codec)) }
	start(t, topo(), config(t, c)).fails(t, "deserialization of record glob-0@0", errFlaky.Error())

	cfg := config(t, c)
	cfg.DeadLetterTopic = "dead"
	cfg.ErrorHandler = func(context.Context, *stream.ProcessingError) stream.Action { return stream.DeadLetter }
	a := start(t, topo(), cfg)
	a.until(t, "waiting", func(s stream.Status) bool { return s.Waiting != nil && strings.Contains(s.Waiting.Error(), "glob-0@2") })
	codec.set("later", nil)
	asks(t, c, "c", "later")
	asks(t, c, "a", "nothing")
	put(t, c, "glob", "b", "bad", "d", "3")
	asks(t, c, "d", "3")
	asks(t, c, "b", "1")
	if diff := cmp.Diff([]string{"a=bad", "b=bad"}, tookText(t, c, "dead", 2)); diff != "" {
		t.Errorf("dead letters (-want +got):\n%s", diff)
	}
	a.until(t, "counted dead letters", func(s stream.Status) bool { return s.DeadLetters == 2 })
	a.stop(t)
}

// Records of transactions that were aborted are no part of the table, and one that is
// open does not keep the tasks from starting.
func TestGlobalTableReadsWhatIsCommitted(t *testing.T) {
	c := cluster(t, topicOf("in", 1), topicOf("glob", 1), topicOf("out", 1))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client := open(t, c, kgo.DefaultProduceTopic("glob"), kgo.TransactionalID("upstream"), kgo.TransactionTimeout(patience))
	defer client.Close()
	write := func(value string) {
		t.Helper()
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := client.ProduceSync(ctx, kgo.KeyStringRecord("a", value)).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	end := func(how kgo.TransactionEndTry) {
		t.Helper()
		if err := client.EndTransaction(ctx, how); err != nil {
			t.Fatal(err)
		}
	}
	put(t, c, "glob", "a", "0")
	write("aborted")
	end(kgo.TryAbort)
	write("open")
	a := start(t, globally(t, text), config(t, c))
	asks(t, c, "a", "0")
	end(kgo.TryCommit)
	asks(t, c, "a", "open")
	a.stop(t)
}

// upperStore fills a store with what it reads in capitals.
type upperStore struct {
	store store.KeyValueStore[string, string]
}

func (u *upperStore) Init(pc *topology.Context[topology.Void, topology.Void]) (err error) {
	u.store, err = topology.Store[store.KeyValueStore[string, string]](pc, "upper")
	return err
}

func (u *upperStore) Process(_ context.Context, r topology.Record[string, string]) error {
	return u.store.Put(r.Key, strings.ToUpper(r.Value))
}

// lookup asks a global store for the value of each record.
type lookup struct {
	store store.ReadOnlyKeyValueStore[string, string]
	pc    *topology.Context[string, string]
}

func (l *lookup) Init(pc *topology.Context[string, string]) (err error) {
	l.pc = pc
	l.store, err = topology.Store[store.ReadOnlyKeyValueStore[string, string]](pc, "upper")
	return err
}

func (l *lookup) Process(_ context.Context, r topology.Record[string, string]) error {
	found, ok, err := l.store.Get(r.Value)
	if err != nil {
		return err
	}
	if !ok {
		found = "nothing"
	}
	return l.pc.Forward(topology.WithValue(r, r.Value+"="+found))
}

// A processor that fills a global store is run again when the store is lost, on disk
// or in memory.
func TestGlobalStoreIsFilledByItsProcessor(t *testing.T) {
	for name, opts := range map[string][]store.Option{"on disk": nil, "in memory": {store.InMemory()}} {
		t.Run(name, func(t *testing.T) {
			c := cluster(t, topicOf("in", 1), topicOf("glob", 2), topicOf("out", 1))
			topo := func() *topology.Topology {
				b := stream.NewBuilder()
				stream.AddGlobalStore(b, store.KeyValue("upper", serde.String(), serde.String(), opts...), "glob", text, func() *upperStore { return &upperStore{} })
				stream.Process(stream.From(b, "in", text), func() *lookup { return &lookup{} }).To("out", text)
				return built(t, b)
			}
			cfg := config(t, c)
			put(t, c, "glob", "a", "one", "b", "two")
			for i := range 3 {
				a := start(t, topo(), cfg)
				asks(t, c, "a", "ONE")
				asks(t, c, "b", "TWO")
				a.stop(t)
				if want := int64(2); (i == 0 || opts != nil) && a.Status().Global.Records != want {
					t.Errorf("run %d: %d records were read, want %d", i, a.Status().Global.Records, want)
				}
			}
		})
	}
}
