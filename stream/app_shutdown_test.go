package stream_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/embedded"
)

// grow gives a topic more partitions.
func grow(t *testing.T, c *embedded.Cluster, topic string, partitions int32) {
	t.Helper()
	r := kmsg.NewPtrCreatePartitionsRequest()
	rt := kmsg.NewCreatePartitionsRequestTopic()
	rt.Topic, rt.Count = topic, partitions
	r.Topics = append(r.Topics, rt)
	request(t, c, r)
}

func TestTwoAppsWithOneInstanceID(t *testing.T) {
	c := cluster(t, topicOf("in", 2), topicOf("out", 2))
	stop := feed(t, c, 4)
	cfg := config(t, c)
	cfg.InstanceID = "pod-0"
	older := start(t, counting(t), cfg)
	flowing(t, c, 50)
	cfg.StateDir = t.TempDir()
	newer := start(t, counting(t), cfg)
	older.fails(t, "pod-0", "same instance id")
	newer.runs(t)
	flowing(t, c, 50)
	countedOnce(t, c, stop())
	newer.stop(t)
}

func TestStateDirectoryIsInUse(t *testing.T) {
	c := cluster(t, topicOf("in", 1), topicOf("out", 1))
	cfg := config(t, c)
	a := start(t, counting(t), cfg)
	a.runs(t)
	start(t, counting(t), cfg).fails(t, "in use by another process", cfg.StateDir)
	a.stop(t)
}

func TestShutdownBeforeTheBrokerIsThere(t *testing.T) {
	c := cluster(t, topicOf("in", 1), topicOf("out", 1))
	down(t, c)
	a := start(t, counting(t), config(t, c))
	a.until(t, "waiting", waits)
	a.stop(t)
	if err := a.Run(context.Background()); err == nil {
		t.Error("an App ran twice")
	}
}

// Whoever shuts down while the group decides leaves it in peace, and returns nil.
func TestShutdownDuringARebalance(t *testing.T) {
	c := cluster(t, topicOf("in", 4), topicOf("out", 4))
	stop := feed(t, c, 8)
	first := start(t, counting(t), config(t, c))
	flowing(t, c, 50)
	joined := func() func(stream.Status) bool { // the state alone may change and change back unseen
		before := first.Status().Rebalances
		return func(s stream.Status) bool { return s.State != stream.Running || s.Rebalances > before }
	}
	for range 5 {
		rebalancing := joined()
		a := start(t, counting(t), config(t, c))
		a.until(t, "joining", func(s stream.Status) bool { return s.State == stream.Rebalancing || s.Rebalances > 0 })
		first.until(t, "rebalancing", rebalancing)
		a.stop(t)
	}
	rebalancing := joined()
	second := start(t, counting(t), config(t, c))
	first.until(t, "rebalancing", rebalancing)
	first.stop(t)
	flowing(t, c, 50)
	countedOnce(t, c, stop())
	second.stop(t)
}

// The user's code has its context, which ends when the time for a shutdown is up.
func TestShutdownEndsCodeThatWaits(t *testing.T) {
	c := cluster(t, topicOf("in", 1), topicOf("out", 1))
	entered := make(chan struct{}, 10)
	b := stream.NewBuilder()
	count(stream.TryMapValues(stream.From(b, "in", text), func(ctx context.Context, r textRecord) (string, error) {
		if r.Value == "stuck" {
			entered <- struct{}{}
			<-ctx.Done()
			return "", context.Cause(ctx)
		}
		return r.Value, nil
	}))
	cfg := config(t, c)
	cfg.ShutdownTimeout = 100 * time.Millisecond
	a := start(t, built(t, b), cfg)
	put(t, c, "in", "k", "a", "k", "stuck")
	<-entered
	a.cancel()
	a.wait(t)
	if !errors.Is(a.err, context.DeadlineExceeded) {
		t.Errorf("Run returned %v, want that the shutdown took too long", a.err)
	}
	next := start(t, counting(t), cfg)
	countedOnce(t, c, map[string]int64{"k": 2})
	next.stop(t)
}

// A rolling restart: the seat is kept, and nobody takes the tasks meanwhile.
func TestSeatIsKept(t *testing.T) {
	c := cluster(t, topicOf("in", 2), topicOf("out", 2))
	stop := feed(t, c, 4)
	cfg := config(t, c)
	cfg.KeepSeat = true
	other := start(t, counting(t), config(t, c))
	a := start(t, counting(t), cfg)
	one := func(s stream.Status) bool { return s.State == stream.Running && len(s.Tasks) == 1 }
	a.until(t, "a task", one)
	other.until(t, "a task", one)
	before := other.Status().Rebalances
	a.stop(t)
	flowing(t, c, 50) // of the other one's task
	if s := other.Status(); !one(s) || s.Rebalances != before {
		t.Errorf("the other App has seen %d rebalances, not %d", s.Rebalances, before)
	}
	a = start(t, counting(t), cfg)
	a.until(t, "a task", one)
	countedOnce(t, c, stop())
	a.stop(t)
	other.stop(t)
}
