package stream_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/streamweir/streamweir/internal/assign"
	"github.com/streamweir/streamweir/internal/kafka"
	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/embedded"
	"github.com/streamweir/streamweir/topology"
)

// offsetsInTransaction commits an offset of in-0 for the group "app" in the
// client's transaction, without being a member.
func offsetsInTransaction(t *testing.T, client *kgo.Client, id string, next int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	pid, epoch, err := client.ProducerID(ctx)
	if err != nil {
		t.Fatal(err)
	}
	add := kmsg.NewPtrAddOffsetsToTxnRequest()
	add.TransactionalID, add.ProducerID, add.ProducerEpoch, add.Group = id, pid, epoch, "app"
	added, err := add.RequestWith(ctx, client)
	if err == nil {
		err = kerr.ErrorForCode(added.ErrorCode)
	}
	if err != nil {
		t.Fatal(err)
	}
	commit := kmsg.NewPtrTxnOffsetCommitRequest()
	commit.TransactionalID, commit.ProducerID, commit.ProducerEpoch, commit.Group, commit.Generation = id, pid, epoch, "app", -1
	commit.Topics = []kmsg.TxnOffsetCommitRequestTopic{{Topic: "in", Partitions: []kmsg.TxnOffsetCommitRequestTopicPartition{{Offset: next, LeaderEpoch: -1}}}}
	committed, err := commit.RequestWith(ctx, client)
	if err == nil {
		err = kerr.ErrorForCode(committed.Topics[0].Partitions[0].ErrorCode)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// The owner before has committed its offsets into a transaction and still sends its
// changelog records when the task is taken over. Whoever looks for the changelog's
// end before that transaction is over misses them.
func TestTakingOverWaitsForTheTransactionOfTheOwnerBefore(t *testing.T) {
	c := cluster(t, topicOf("in", 1), topicOf("out", 1), topicOf(changelog, 1))
	same(t, c, 5)
	owner := open(t, c, kgo.TransactionalID("owner"), kgo.DefaultProduceTopic(changelog), kgo.MaxVersions(kversion.V3_0_0()))
	defer owner.Close()
	if err := owner.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	offsetsInTransaction(t, owner, "owner", 5)
	asked := c.Fault(embedded.Fault{Requests: []embedded.Request{embedded.OffsetFetch}, Code: 14, Times: 5}) // COORDINATOR_LOAD_IN_PROGRESS
	a := start(t, counting(t), config(t, c))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := asked.Wait(ctx, 5); err != nil { // the App is about to find out where it stands
		t.Fatal(err)
	}
	count := append(make([]byte, 15), 5) // a timestamp is not part of it
	if err := owner.ProduceSync(ctx, &kgo.Record{Key: []byte("k"), Value: count[8:]}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := owner.EndTransaction(ctx, kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	a.runs(t)
	same(t, c, 1)
	if n := number(takeN(t, c, "out", 1)[0].Value); n != 6 {
		t.Errorf("the next count is %d, want 6: what the owner before counted is lost", n)
	}
	a.stop(t)
}

// leading is a member of an App's group that leads it and assigns what the test
// says, but runs nothing itself, and makes no internal topics.
type leading struct {
	group  *kafka.Group
	client *kafka.Client
	plan   atomic.Pointer[assign.Assignment] // of all others
	joins  atomic.Int32
	again  chan struct{}
	stop   context.CancelFunc
	done   chan struct{}
}

func lead(t *testing.T, c *embedded.Cluster, active ...assign.Task) *leading {
	t.Helper()
	client, err := kafka.NewClient(kafka.Config{Brokers: c.Brokers()})
	if err != nil {
		t.Fatal(err)
	}
	l := &leading{client: client, again: make(chan struct{}, 1), done: make(chan struct{})}
	l.plan.Store(&assign.Assignment{Active: active})
	l.group = kafka.NewGroup(client, kafka.GroupConfig{ID: "app", InstanceID: "leader", Protocol: "streamweir", HeartbeatInterval: 50 * time.Millisecond})
	ctx, cancel := context.WithCancel(context.Background())
	l.stop = cancel
	led := make(chan struct{})
	go l.run(ctx, t, led) // the cleanup waits for it
	t.Cleanup(func() {
		cancel()
		<-l.done
		bounded, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := l.group.Close(bounded, true); err != nil {
			t.Error(err)
		}
		client.Close()
	})
	<-led
	return l
}

func (l *leading) run(ctx context.Context, t *testing.T, led chan struct{}) {
	defer close(l.done)
	mine := assign.Subscription{ProcessID: "leader", Workers: 1, Generation: -1}
	for {
		_, err := l.group.Join(ctx, mine.Append(nil), func(members []kafka.Member) (map[string]kafka.Assignment, error) {
			out := map[string]kafka.Assignment{}
			for _, m := range members {
				if a := l.plan.Load(); m.InstanceID != "leader" {
					out[m.ID] = kafka.Assignment{UserData: a.Append(nil), Partitions: []record.Partition{{Topic: "in", ID: 0}}}
				}
			}
			return out, nil
		})
		if err != nil && ctx.Err() == nil {
			t.Error("the leader:", err)
		}
		if l.joins.Add(1) == 1 {
			close(led)
		}
		select {
		case <-ctx.Done():
			return
		case <-l.group.Rebalance():
		case <-l.again:
		}
	}
}

// assign makes the others get another assignment.
func (l *leading) assign(a assign.Assignment) {
	l.plan.Store(&a)
	l.again <- struct{}{}
}

func has(tasks ...string) func(stream.Status) bool {
	return func(s stream.Status) bool {
		var ids []string
		for _, task := range s.Tasks {
			ids = append(ids, task.ID)
		}
		slices.Sort(ids)
		return s.State == stream.Running && slices.Equal(ids, tasks)
	}
}

// One task is revoked and another one assigned by the same answer, back and forth.
// What was fetched of the first and not processed is not processed any more, also
// when it comes back.
func TestRevokeAndAssignArriveTogether(t *testing.T) {
	c := cluster(t, topicOf("in", 2), topicOf("out", 2), topicOf(changelog, 2))
	first, second := assign.Task{Partition: 0}, assign.Task{Partition: 1}
	stop := feed(t, c, 8)
	l := lead(t, c, first)
	a := start(t, counting(t), config(t, c))
	for range 3 {
		l.assign(assign.Assignment{Active: []assign.Task{first}})
		a.until(t, "the first task", has("0_0"))
		flowing(t, c, 50)
		l.assign(assign.Assignment{Active: []assign.Task{second}})
		a.until(t, "the second task", has("0_1"))
		flowing(t, c, 50)
	}
	l.assign(assign.Assignment{Active: []assign.Task{first, second}})
	countedOnce(t, c, stop())
	a.stop(t)
}

// A process that was killed while it had to give up a task takes its seat again
// and has nothing to give up: others wait until it says so.
func TestMemberThatIsToGiveUpWhatItDoesNotHaveJoinsAgain(t *testing.T) {
	c := cluster(t, topicOf("in", 2), topicOf("out", 2), topicOf(changelog, 2))
	l := lead(t, c)
	l.plan.Store(&assign.Assignment{Active: []assign.Task{{Partition: 0}}, Revoked: []assign.Task{{Partition: 1}}})
	a := start(t, counting(t), config(t, c))
	eventually(t, "more joins", func() bool { return l.joins.Load() > 5 })
	l.plan.Store(&assign.Assignment{Active: []assign.Task{{Partition: 0}}})
	a.until(t, "its task", has("0_0"))
	a.stop(t)
}

// The same, whole: nobody may be left waiting for the task.
func TestTaskOfAProcessThatWasKilledWhileGivingItUpIsTakenOver(t *testing.T) {
	c := cluster(t, topicOf("in", 2), topicOf("out", 2))
	stop := feed(t, c, 4)
	dir := t.TempDir()
	p := fork(t, childSpec{Brokers: c.Brokers(), StateDir: dir, Workers: 1, Session: time.Minute, StuckInClose: true})
	flowing(t, c, 100)
	other := start(t, closed(t), config(t, c))
	// It is in the generation in which the task is to be given up, and has nothing.
	other.until(t, "a seat", func(s stream.Status) bool { return s.State == stream.Running && len(s.Tasks) == 0 })
	p.kill()
	cfg := config(t, c)
	cfg.StateDir = dir
	a := start(t, closed(t), cfg)
	a.runs(t)
	other.until(t, "its task", func(s stream.Status) bool { return s.State == stream.Running && len(s.Tasks) == 1 })
	countedOnce(t, c, stop())
	a.stop(t)
	other.stop(t)
}

// closed is the topology of a child that is StuckInClose, without that.
func closed(t *testing.T) *topology.Topology {
	t.Helper()
	b := stream.NewBuilder()
	count(closing(stream.From(b, "in", text), func() error { return nil }))
	return built(t, b)
}

// Where a restart finds committed offsets, the lag is known from the start.
func TestLagIsKnownBeforeTheFirstCommit(t *testing.T) {
	c := cluster(t, topicOf("in", 1), topicOf("out", 1))
	cfg := config(t, c)
	same(t, c, 7)
	once(t, c, cfg, 7)
	a := start(t, counting(t), cfg)
	a.runs(t)
	want := []stream.PartitionStatus{{Topic: "in", Committed: 7, End: 7}}
	if diff := cmp.Diff(want, a.Status().Partitions); diff != "" {
		t.Error(diff)
	}
	a.stop(t)
}

// What is said of a worker that had to do work again is forgotten with its tasks.
func TestWaitingEndsWhenTheTasksHaveGone(t *testing.T) {
	c := cluster(t, topicOf("in", 1), topicOf("out", 1), topicOf(changelog, 1))
	l := lead(t, c, assign.Task{})
	a := start(t, counting(t), config(t, c))
	a.until(t, "its task", has("0_0"))
	c.Fault(embedded.Fault{Requests: []embedded.Request{embedded.TxnOffsetCommit}, Code: 27, Times: -1}) // REBALANCE_IN_PROGRESS
	same(t, c, 1)
	a.until(t, "waiting", func(s stream.Status) bool { return s.Waiting != nil })
	l.assign(assign.Assignment{})
	a.until(t, "no task", has())
	a.until(t, "waiting no longer", func(s stream.Status) bool { return s.Waiting == nil })
	a.stop(t)
}

// A panic in the user's code ends the App with an error also where no record is
// processed: when a task is given up, and when one is taken over. Another member
// goes on with all tasks.
func TestPanicDuringARebalanceFailsTheApp(t *testing.T) {
	t.Run("giving up", func(t *testing.T) {
		c := cluster(t, topicOf("in", 2), topicOf("out", 2))
		stop := feed(t, c, 4)
		b := stream.NewBuilder()
		count(closing(stream.From(b, "in", text), func() error { panic("out of my mind") }))
		a := start(t, built(t, b), config(t, c))
		flowing(t, c, 50)
		other := start(t, closed(t), config(t, c))
		a.fails(t, "out of my mind", "0_")
		other.until(t, "all tasks", has("0_0", "0_1"))
		countedOnce(t, c, stop())
		other.stop(t)
	})
	t.Run("taking over", func(t *testing.T) {
		c := cluster(t, topicOf("in", 2), topicOf("out", 2))
		stop := feed(t, c, 4)
		topo := func(init func() error) *topology.Topology {
			b := stream.NewBuilder()
			s := stream.Process(stream.From(b, "in", text), func() *starting { return &starting{init: init} })
			s.Filter(func(string, string) bool { return false }).To("out", text)
			count(stream.From(b, "in", text))
			return built(t, b)
		}
		a := start(t, topo(func() error { return nil }), config(t, c))
		flowing(t, c, 50)
		other := start(t, topo(func() error { panic("out of my mind") }), config(t, c))
		other.fails(t, "out of my mind", "0_")
		a.until(t, "all tasks", has("0_0", "0_1"))
		countedOnce(t, c, stop())
		a.stop(t)
	})
}
