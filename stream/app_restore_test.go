package stream_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/embedded"
)

// changelog is that of the store of counting.
const changelog = "app-counts-changelog"

// logged collects what an App logs.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write is part of io.Writer.
func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.b.String(), text)
}

func (l *logged) to() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// same puts n records with one key to "in".
func same(t *testing.T, c *embedded.Cluster, n int) {
	t.Helper()
	put(t, c, "in", repeated(n)...)
}

func repeated(n int) []string {
	var kv []string
	for range n {
		kv = append(kv, "k", "v")
	}
	return kv
}

// once runs an App until it has made total counts, and stops it.
func once(t *testing.T, c *embedded.Cluster, cfg stream.Config, total int) stream.Status {
	t.Helper()
	a := start(t, counting(t), cfg)
	takeN(t, c, "out", total)
	a.runs(t)
	a.stop(t)
	return a.Status()
}

func copyDir(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

func TestStateIsUsedFromWhereItStands(t *testing.T) {
	c := cluster(t, topicOf("in", 1), topicOf("out", 1))
	cfg := config(t, c)
	same(t, c, 50)
	once(t, c, cfg, 50)
	old := copyDir(t, cfg.StateDir)

	same(t, c, 30)
	if s := once(t, c, cfg, 80); s.Restored != 0 {
		t.Errorf("%d records were restored after a graceful stop", s.Restored)
	}
	cfg.StateDir = old
	same(t, c, 10)
	if s := once(t, c, cfg, 90); s.Restored != 30 {
		t.Errorf("%d records were restored over the old state, want 30", s.Restored)
	}
	cfg.StateDir = t.TempDir()
	same(t, c, 10)
	if s := once(t, c, cfg, 100); s.Restored != 90 || s.RestoreRemaining != 0 {
		t.Errorf("%d records were restored without state, want 90, and %d are left", s.Restored, s.RestoreRemaining)
	}
	countedOnce(t, c, map[string]int64{"k": 100})
}

func TestStoreThatDoesNotFitItsChangelogIsRebuilt(t *testing.T) {
	for name, damage := range map[string]func(*testing.T, *embedded.Cluster){
		"changelog made anew": func(t *testing.T, c *embedded.Cluster) { deleteTopic(t, c, changelog) },
		"changelog cut off": func(t *testing.T, c *embedded.Cluster) {
			end := edge(t, c, changelog, latest)
			deleteBefore(t, c, changelog, end)
			produce(t, c, changelog, &kgo.Record{Key: []byte("other"), Value: make([]byte, 16)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := cluster(t, topicOf("in", 1), topicOf("out", 1))
			cfg := config(t, c)
			same(t, c, 10)
			once(t, c, cfg, 10)
			old := copyDir(t, cfg.StateDir)
			same(t, c, 10)
			once(t, c, cfg, 20)
			damage(t, c)
			var log logged
			cfg.Log, cfg.StateDir = log.to(), old
			same(t, c, 5)
			once(t, c, cfg, 25)
			if !log.has("rebuilt from the beginning") {
				t.Error("no warning")
			}
			got := takeN(t, c, "out", 25)
			for i, r := range got[20:] { // what the changelog does not have is gone
				if number(r.Value) != int64(i+1) {
					t.Errorf("count %d is %d, want %d", 20+i, number(r.Value), i+1)
				}
			}
		})
	}
}

// A rebalance must neither lose nor repeat what was restored before it.
func TestRebalanceWhileRestoring(t *testing.T) {
	c := clusterOf(t, embedded.Config{Brokers: 2, Topics: []embedded.Topic{topicOf("in", 4), topicOf("out", 4)}})
	stop := feed(t, c, 8)
	cfg := config(t, c)
	a := start(t, counting(t), cfg)
	flowing(t, c, 200)
	a.stop(t)
	for p := range int32(4) { // a refused request is refused for all partitions in it
		if err := c.MoveLeader(changelog, p, int(p)/2); err != nil {
			t.Fatal(err)
		}
	}
	stuck := c.Fault(embedded.Fault{Requests: []embedded.Request{embedded.Fetch}, Topic: changelog, Partitions: []int32{0, 1}, Code: notLeader, Times: -1})
	cfg.StateDir = t.TempDir()
	first := start(t, counting(t), cfg)
	restoring := func(s stream.Status) bool { return s.State == stream.Restoring && s.RestoreRemaining > 0 }
	first.until(t, "restoring", func(s stream.Status) bool { return restoring(s) && s.Restored > 0 })
	cfg.StateDir = t.TempDir()
	second := start(t, counting(t), cfg)
	tasks := func(n int) func(stream.Status) bool {
		return func(s stream.Status) bool { return len(s.Tasks) == n }
	}
	second.until(t, "tasks of the second App", tasks(2))
	first.until(t, "tasks of the first App", tasks(2))
	stuck.Remove()
	first.runs(t)
	second.runs(t)
	flowing(t, c, 50)
	first.stop(t)
	second.until(t, "all tasks", tasks(4))
	second.runs(t)
	countedOnce(t, c, stop())
	if s := second.Status(); s.RestoreRemaining != 0 {
		t.Errorf("%d records are said to be left to restore", s.RestoreRemaining)
	}
}

func TestShutdownWhileRestoringIsPrompt(t *testing.T) {
	c := cluster(t, topicOf("in", 1), topicOf("out", 1))
	cfg := config(t, c)
	same(t, c, 10)
	once(t, c, cfg, 10)
	c.Fault(embedded.Fault{Requests: []embedded.Request{embedded.Fetch}, Topic: changelog, Code: notLeader, Times: -1})
	cfg.StateDir = t.TempDir()
	a := start(t, counting(t), cfg)
	a.until(t, "restoring", func(s stream.Status) bool { return s.State == stream.Restoring && len(s.Tasks) == 1 })
	began := time.Now()
	a.stop(t)
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
}

// The changelog may change under a store that is restored from it. The store then
// ends where the changelog does now, not where it did.
func TestOffsetIsOutOfRangeWhileRestoring(t *testing.T) {
	for name, change := range map[string]func(*testing.T, *embedded.Cluster){
		"cut off":   func(t *testing.T, c *embedded.Cluster) { deleteBefore(t, c, changelog, edge(t, c, changelog, latest)) },
		"shortened": func(t *testing.T, c *embedded.Cluster) { deleteBefore(t, c, changelog, 8) },
		"made anew": func(t *testing.T, c *embedded.Cluster) {
			deleteTopic(t, c, changelog)
			create(t, c, topicOf(changelog, 1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := cluster(t, topicOf("in", 1), topicOf("out", 1))
			cfg := config(t, c)
			same(t, c, 5)
			once(t, c, cfg, 5)
			old := copyDir(t, cfg.StateDir)
			same(t, c, 5)
			once(t, c, cfg, 10)
			stuck := c.Fault(embedded.Fault{Requests: []embedded.Request{embedded.Fetch}, Topic: changelog, Code: notLeader, Times: -1})
			cfg.StateDir = old
			a := start(t, counting(t), cfg)
			a.until(t, "restoring", func(s stream.Status) bool { return s.State == stream.Restoring && s.RestoreRemaining > 0 })
			change(t, c)
			stuck.Remove()
			a.runs(t)
			if s := a.Status(); s.RestoreRemaining != 0 {
				t.Errorf("%d records are said to be left to restore", s.RestoreRemaining)
			}
			same(t, c, 1)
			want := int64(11)
			if name != "shortened" {
				want = 1
			}
			if got := number(takeN(t, c, "out", 11)[10].Value); got != want {
				t.Errorf("the next count is %d, want %d", got, want)
			}
			a.stop(t)
		})
	}
}

// What a store without local state makes of a changelog. The last offset of each is
// a transaction's marker, or there is no last record at all.
func TestStoreIsRestoredFromAnyChangelog(t *testing.T) {
	for name, tt := range map[string]struct {
		change   func(*testing.T, *embedded.Cluster)
		restored int64
		next     int64
	}{
		"ends with a marker": {func(*testing.T, *embedded.Cluster) {}, 3, 4},
		"compacted":          {func(_ *testing.T, c *embedded.Cluster) { c.Compact() }, 1, 4},
		"truncated": {func(t *testing.T, c *embedded.Cluster) {
			deleteBefore(t, c, changelog, edge(t, c, changelog, latest)-2)
		}, 1, 4},
		"empty": {func(t *testing.T, c *embedded.Cluster) { deleteBefore(t, c, changelog, edge(t, c, changelog, latest)) }, 0, 1},
		"of another, behind an aborted transaction": {abortedTransaction, 3, 4},
	} {
		t.Run(name, func(t *testing.T) {
			c := cluster(t, topicOf("in", 1), topicOf("out", 1))
			cfg := config(t, c)
			for i := range 3 { // a transaction, and with it a marker, for each
				same(t, c, 1)
				once(t, c, cfg, i+1)
			}
			tt.change(t, c)
			cfg.StateDir = t.TempDir()
			same(t, c, 1)
			if s := once(t, c, cfg, 4); s.Restored != tt.restored || s.RestoreRemaining != 0 {
				t.Errorf("%d records were restored, want %d; %d are left", s.Restored, tt.restored, s.RestoreRemaining)
			}
			if got := number(takeN(t, c, "out", 4)[3].Value); got != tt.next {
				t.Errorf("the next count is %d, want %d", got, tt.next)
			}
			same(t, c, 1)
			if s := once(t, c, cfg, 5); s.Restored != 0 {
				t.Errorf("%d records were restored into a store that was in sync", s.Restored)
			}
		})
	}
}

// abortedTransaction leaves records at the end of the changelog that count for
// nothing.
func abortedTransaction(t *testing.T, c *embedded.Cluster) {
	t.Helper()
	client := open(t, c, kgo.TransactionalID("other"), kgo.DefaultProduceTopic(changelog))
	defer client.Close()
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := client.ProduceSync(ctx, &kgo.Record{Key: []byte("k"), Value: make([]byte, 8)}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := client.EndTransaction(ctx, kgo.TryAbort); err != nil {
		t.Fatal(err)
	}
}

// A store may take longer to restore than the group waits for a sign of life.
func TestRestoringForLongerThanTheSessionTimeout(t *testing.T) {
	c := cluster(t, topicOf("in", 2), topicOf("out", 2))
	cfg := config(t, c)
	same(t, c, 10)
	once(t, c, cfg, 10)
	stuck := c.Fault(embedded.Fault{Requests: []embedded.Request{embedded.Fetch}, Topic: changelog, Code: notLeader, Times: -1})
	cfg.StateDir, cfg.SessionTimeout = t.TempDir(), 200*time.Millisecond
	a := start(t, counting(t), cfg)
	a.until(t, "restoring", func(s stream.Status) bool { return s.State == stream.Restoring && s.RestoreRemaining > 0 })
	began := time.Now()
	a.until(t, "three sessions to pass", func(stream.Status) bool { return time.Since(began) > 3*cfg.SessionTimeout })
	stuck.Remove()
	a.runs(t)
	same(t, c, 1)
	countedOnce(t, c, map[string]int64{"k": 11})
	if s := a.Status(); s.Rebalances != 1 {
		t.Errorf("the group has rebalanced %d times", s.Rebalances)
	}
	a.stop(t)
}

const (
	latest   = -1
	earliest = -2
)

// edge is the offset at an end of partition 0 of a topic.
func edge(t *testing.T, c *embedded.Cluster, topic string, at int64) int64 {
	t.Helper()
	r := kmsg.NewPtrListOffsetsRequest()
	rt := kmsg.NewListOffsetsRequestTopic()
	rt.Topic = topic
	rp := kmsg.NewListOffsetsRequestTopicPartition()
	rp.Timestamp = at
	rt.Partitions = append(rt.Partitions, rp)
	r.Topics = append(r.Topics, rt)
	return request(t, c, r).(*kmsg.ListOffsetsResponse).Topics[0].Partitions[0].Offset
}

func deleteBefore(t *testing.T, c *embedded.Cluster, topic string, offset int64) {
	t.Helper()
	r := kmsg.NewPtrDeleteRecordsRequest()
	rt := kmsg.NewDeleteRecordsRequestTopic()
	rt.Topic = topic
	rp := kmsg.NewDeleteRecordsRequestTopicPartition()
	rp.Offset = offset
	rt.Partitions = append(rt.Partitions, rp)
	r.Topics = append(r.Topics, rt)
	request(t, c, r)
	if start := edge(t, c, topic, earliest); start != offset {
		t.Fatalf("%s begins at %d, want %d", topic, start, offset)
	}
}

func request(t *testing.T, c *embedded.Cluster, r kmsg.Request) kmsg.Response {
	t.Helper()
	client := open(t, c)
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	resp, err := client.Request(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}
