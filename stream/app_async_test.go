package stream_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

// async maps with a function, in -> out.
func async(b *stream.Builder, limit int, f func(ctx context.Context, r textRecord) (string, error)) {
	stream.AsyncMapValues(stream.From(b, "in", text), limit, f).To("out", text)
}

// answers is a service that takes up to d to answer, and is told when nobody waits.
func answers(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(rand.N(d)):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Calls of one key run one by one, those of several at the same time; what comes out
// has the order of each key.
func TestAsyncKeepsTheOrderOfEachKey(t *testing.T) {
	const keys, each, limit = 7, 100, 5
	c := cluster(t, topicOf("in", 1), topicOf("out", 1))
	var running, most atomic.Int32
	var busy [keys]atomic.Bool
	b := stream.NewBuilder()
	async(b, limit, func(ctx context.Context, r textRecord) (string, error) {
		n := running.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		if k := int(r.Key[0] - 'a'); busy[k].Swap(true) {
			return "", errors.New("two calls of one key")
		} else {
			defer busy[k].Store(false)
		}
		defer running.Add(-1)
		return r.Value, answers(ctx, 2*time.Millisecond)
	})
	a := start(t, built(t, b), config(t, c))
	var in []*kgo.Record
	want := map[string][]string{}
	for i := range keys * each {
		key, value := string(rune('a'+i%keys)), strconv.Itoa(i)
		in = append(in, kgo.KeyStringRecord(key, value))
		want[key] = append(want[key], value)
	}
	produce(t, c, "in", in...)
	got := map[string][]string{}
	for _, r := range takeN(t, c, "out", keys*each) {
		got[string(r.Key)] = append(got[string(r.Key)], string(r.Value))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if n := most.Load(); n < 2 || n > limit {
		t.Errorf("up to %d calls at the same time, want 2 to %d", n, limit)
	}
	a.until(t, "all committed", func(s stream.Status) bool { return lag(s, "in") == 0 })
	a.stop(t)
}

// Offsets wait for the calls: whenever Apps come and go, nothing is lost or doubled.
func TestAsyncIsExactWhileAppsJoinAndLeave(t *testing.T) {
	c := cluster(t, topicOf("in", 4), topicOf("out", 4))
	stop := feed(t, c, 8)
	join := func() *running {
		b := stream.NewBuilder()
		slow := stream.AsyncMapValues(stream.From(b, "in", text), 8, func(ctx context.Context, r textRecord) (string, error) {
			return r.Value, answers(ctx, time.Millisecond)
		})
		count(slow)
		a := start(t, built(t, b), config(t, c))
		a.runs(t)
		flowing(t, c, 100)
		return a
	}
	first, second := join(), join()
	first.stop(t)
	flowing(t, c, 100)
	third := join()
	second.stop(t)
	countedOnce(t, c, stop())
	third.stop(t)
}

func TestAsyncErrorsGoToTheHandler(t *testing.T) {
	c := cluster(t, topicOf("in", 1), topicOf("out", 1), topicOf("dead", 1))
	var again atomic.Bool
	b := stream.NewBuilder()
	async(b, 3, func(_ context.Context, r textRecord) (string, error) {
		switch {
		case r.Value == "panic":
			panic("at work")
		case r.Value == "retry" && !again.Swap(true), r.Value == "skip", r.Value == "letter":
			return "", errors.New(r.Value)
		}
		return r.Value, nil
	})
	cfg := config(t, c)
	cfg.DeadLetterTopic = "dead"
	cfg.ErrorHandler = func(_ context.Context, e *stream.ProcessingError) stream.Action {
		switch value := string(e.Value); {
		case e.Node != "KSTREAM-ASYNCMAPVALUES-0000000001" || e.Topic != "in":
			t.Errorf("%+v", e)
			return stream.Fail
		case value == "retry":
			return stream.Retry
		case value == "skip":
			return stream.Skip
		}
		return stream.DeadLetter
	}
	a := start(t, built(t, b), cfg)
	put(t, c, "in", "k", "1", "k", "skip", "k", "panic", "k", "retry", "k", "letter", "k", "2")
	var out, dead []string
	for _, r := range takeN(t, c, "out", 3) {
		out = append(out, string(r.Value))
	}
	for _, r := range takeN(t, c, "dead", 2) {
		dead = append(dead, fmt.Sprint(string(r.Key), string(r.Value), r.Headers[1].Key))
	}
	if want := []string{"1", "retry", "2"}; !slices.Equal(out, want) {
		t.Errorf("out is %v, want %v", out, want)
	}
	if d := cmp.Diff([]string{"kpanic__streams.errors.message", "kletter__streams.errors.message"}, dead); d != "" {
		t.Error(d)
	}
	a.stop(t)
}

// A call that hangs is told when the App must end, and its record is not committed.
func TestAsyncCallsAreCancelled(t *testing.T) {
	c := cluster(t, topicOf("in", 1), topicOf("out", 1))
	started := make(chan struct{})
	var calls atomic.Int32
	build := func() *topology.Topology {
		b := stream.NewBuilder()
		async(b, 2, func(ctx context.Context, r textRecord) (string, error) {
			if calls.Add(1) > 1 {
				return r.Value, nil
			}
			close(started)
			<-ctx.Done()
			return "", context.Cause(ctx)
		})
		return built(t, b)
	}
	cfg := config(t, c)
	cfg.ShutdownTimeout = 300 * time.Millisecond
	a := start(t, build(), cfg)
	put(t, c, "in", "k", "v")
	<-started
	a.cancel()
	a.wait(t)
	start(t, build(), cfg)
	takeN(t, c, "out", 1)
	if n := calls.Load(); n != 2 {
		t.Errorf("%d calls", n)
	}
}
