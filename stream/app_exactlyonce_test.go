package stream_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/embedded"
)

// flowing waits until n more records have come out than before.
func flowing(t *testing.T, c *embedded.Cluster, n int) {
	t.Helper()
	before := -1
	took(t, c, "out", func(r []*kgo.Record) bool {
		if before < 0 && len(r) > 0 {
			before = len(r)
		}
		return before >= 0 && len(r) >= before+n
	})
}

func TestCountsAreExactWhileAppsJoinAndLeave(t *testing.T) {
	c := cluster(t, topicOf("in", 4), topicOf("out", 4))
	stop := feed(t, c, 8)
	apps := []*running{}
	join := func(workers int) {
		cfg := config(t, c)
		cfg.Workers = workers
		apps = append(apps, start(t, counting(t), cfg))
	}
	busy := func(n int) { // all have tasks
		t.Helper()
		for _, a := range apps[len(apps)-n:] {
			a.runs(t)
		}
		flowing(t, c, 100)
	}
	join(1)
	busy(1)
	join(2)
	busy(2)
	join(3)
	busy(3)
	apps[0].stop(t)
	busy(2)
	apps[1].stop(t)
	busy(1)
	countedOnce(t, c, stop())
	tasks := map[string]bool{}
	for _, s := range apps[2].Status().Tasks {
		tasks[s.ID] = true
	}
	if len(tasks) != 4 {
		t.Errorf("the last App has tasks %v", tasks)
	}
}

func TestCountsAreExactAfterKill(t *testing.T) {
	c := cluster(t, topicOf("in", 2), topicOf("out", 2))
	stop := feed(t, c, 4)
	dir := t.TempDir()
	spec := childSpec{Brokers: c.Brokers(), StateDir: dir, Workers: 2, Session: time.Minute}
	for range 3 { // takes its own seat back each time: nobody waits for the session timeout
		p := fork(t, spec)
		flowing(t, c, 200)
		p.kill()
	}
	cfg := config(t, c)
	cfg.StateDir = dir
	a := start(t, counting(t), cfg)
	flowing(t, c, 100)
	countedOnce(t, c, stop())
	a.stop(t)
}

// A process that was frozen finds, when it goes on, that others own its tasks.
func TestZombieIsFenced(t *testing.T) {
	c := cluster(t, topicOf("in", 2), topicOf("out", 2))
	stop := feed(t, c, 4)
	p := fork(t, childSpec{Brokers: c.Brokers(), StateDir: t.TempDir(), Workers: 1, Session: 500 * time.Millisecond})
	flowing(t, c, 100)
	if err := p.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	a := start(t, counting(t), config(t, c))
	a.until(t, "both tasks", func(s stream.Status) bool { return s.State == stream.Running && len(s.Tasks) == 2 })
	flowing(t, c, 100)
	if err := p.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	a.until(t, "the zombie to come back", func(s stream.Status) bool { return s.State == stream.Running && len(s.Tasks) == 1 })
	flowing(t, c, 100)
	countedOnce(t, c, stop())
}

func TestAnswersOfCommitsThatAreLost(t *testing.T) {
	c := cluster(t, topicOf("in", 2), topicOf("out", 2))
	stop := feed(t, c, 4)
	a := start(t, counting(t), config(t, c))
	flowing(t, c, 50)
	for _, r := range []embedded.Request{embedded.EndTxn, embedded.TxnOffsetCommit, embedded.AddPartitionsToTxn, embedded.AddOffsetsToTxn, embedded.Produce, embedded.Heartbeat, embedded.Fetch} {
		c.LoseAnswers(r, 3)
		flowing(t, c, 100)
	}
	countedOnce(t, c, stop())
	a.stop(t)
}

// unknownOutcomes make the broker never say how the next transaction ended.
var unknownOutcomes = map[string]func(*embedded.Cluster){
	"committed": func(c *embedded.Cluster) { // and the coordinator, whom it would ask again, is not told
		c.Fault(embedded.Fault{Requests: []embedded.Request{embedded.FindCoordinator}, Code: 53})
		c.LoseAnswers(embedded.EndTxn, 1)
	},
	"not committed": func(c *embedded.Cluster) {
		for _, code := range []int16{7, 48} { // REQUEST_TIMED_OUT: it may have been carried out; INVALID_TXN_STATE: asking again does not tell
			c.Fault(embedded.Fault{Requests: []embedded.Request{embedded.EndTxn}, Code: code})
		}
	},
}

// The broker never says how a transaction ended: the committed offsets tell.
func TestUnknownOutcomeOfACommit(t *testing.T) {
	for name, provoke := range unknownOutcomes {
		t.Run(name, func(t *testing.T) {
			c := cluster(t, topicOf("in", 1), topicOf("out", 1))
			var log logged
			cfg := config(t, c)
			cfg.Log = log.to()
			a := start(t, counting(t), cfg)
			put(t, c, "in", "k", "v")
			takeN(t, c, "out", 1)
			provoke(c)
			put(t, c, "in", "k", "v", "k", "v")
			countedOnce(t, c, map[string]int64{"k": 3})
			a.stop(t)
			if !log.has("outcome of a commit is unknown") {
				t.Error("the outcome was known")
			}
		})
	}
}

func TestRefusedCommitsAreDoneAgain(t *testing.T) {
	codes := map[string]int16{"illegal generation": 22, "unknown member": 25, "rebalance in progress": 27, "invalid producer epoch": 47, "producer fenced": 90}
	for name, code := range codes {
		t.Run(name, func(t *testing.T) {
			c := cluster(t, topicOf("in", 2), topicOf("out", 2))
			stop := feed(t, c, 4)
			a := start(t, counting(t), config(t, c))
			flowing(t, c, 20)
			for _, r := range []embedded.Request{embedded.TxnOffsetCommit, embedded.EndTxn} {
				if r == embedded.EndTxn && code < 40 {
					continue
				}
				f := c.Fault(embedded.Fault{Requests: []embedded.Request{r}, Code: code})
				eventually(t, "the fault", func() bool { return f.Hits() == 1 })
				flowing(t, c, 20)
			}
			countedOnce(t, c, stop())
			a.until(t, "waiting no longer", func(s stream.Status) bool { return s.Waiting == nil })
			a.stop(t)
		})
	}
}

func TestAtLeastOnceLosesNothing(t *testing.T) {
	c := cluster(t, topicOf("in", 3), topicOf("out", 3))
	stop := feed(t, c, 6)
	cfg := config(t, c)
	cfg.Guarantee, cfg.Workers = stream.AtLeastOnce, 2
	a := start(t, counting(t), cfg)
	flowing(t, c, 50)
	cfg.StateDir = t.TempDir()
	b := start(t, counting(t), cfg)
	b.runs(t)
	a.stop(t)
	flowing(t, c, 50)
	if err := c.StopBrokers(); err != nil {
		t.Fatal(err)
	}
	b.until(t, "waiting", func(s stream.Status) bool { return s.Waiting != nil })
	if err := c.StartBrokers(); err != nil {
		t.Fatal(err)
	}
	sent := stop()
	last := map[string]int64{}
	took(t, c, "out", func(r []*kgo.Record) bool {
		for _, rec := range r {
			last[string(rec.Key)] = number(rec.Value)
		}
		for key, n := range sent {
			if last[key] < n {
				return false
			}
		}
		return true
	})
	b.stop(t)
}
