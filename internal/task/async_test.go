package task_test

import (
	"context"
	"testing"
	"time"

	"github.com/streamweir/streamweir/internal/task"
	"github.com/streamweir/streamweir/stream"
)

// held is an executor whose calls end when the test says so.
type held struct{ calls []func() }

func (h *held) Run(f func()) { h.calls = append(h.calls, f) }

func (h *held) Wait(ctx context.Context) error {
	if len(h.calls) == 0 {
		return context.Canceled
	}
	h.end(0)
	return nil
}

// end ends a call.
func (h *held) end(i int) {
	f := h.calls[i]
	h.calls = append(h.calls[:i], h.calls[i+1:]...)
	f()
}

func mapping(t *testing.T, h *held, configure ...func(*task.Config)) *rig {
	t.Helper()
	b := stream.NewBuilder()
	stream.AsyncMapValues(stream.From(b, "in", pair), 3, func(_ context.Context, r word) (string, error) {
		return r.Value + "!", nil
	}).To("out", pair)
	return newRig(t, built(t, b), append(configure, func(c *task.Config) { c.Executor = h })...)
}

func TestCallsEndInAnyOrderButForTheirKey(t *testing.T) {
	h := &held{}
	r := mapping(t, h)
	r.add("in", "a", "1", "a", "2", "b", "3")
	r.process()
	if len(h.calls) != 2 {
		t.Fatalf("%d calls are under way, one for each key wanted", len(h.calls))
	}
	h.end(1)
	r.process()
	r.wantOut("out-0 b=3! @2")
	r.flush() // waits for the others
	r.wantOut("out-0 a=1! @0", "out-0 a=2! @1")
}

func TestResetForgetsCalls(t *testing.T) {
	h := &held{}
	r := mapping(t, h)
	r.add("in", "a", "1")
	r.process()
	r.reset(0)
	h.end(0) // of before
	r.add("in", "a", "1")
	r.process()
	r.commit()
	r.wantOut("out-0 a=1! @0")
}

// A record that is still with a call is not behind the stream time of an idle task.
func TestTaskWithCallsIsNotIdle(t *testing.T) {
	h := &held{}
	r := mapping(t, h, func(c *task.Config) { c.IdleAfter = 100 })
	r.add("in", "a", "1")
	r.process()
	r.punctuate(10_000)
	if at := r.StreamTime(); at != 0 {
		t.Errorf("stream time is %d while a call is under way", at)
	}
	h.end(0)
	r.process()
	r.punctuate(10_100)
	r.punctuate(10_150)
	if at := r.StreamTime(); at != 50 {
		t.Errorf("stream time is %d, want 50", at)
	}
}

// After a restart a record that is too late to be told from another is still dropped.
func TestDeduplicateKnowsItsTimeAfterARestart(t *testing.T) {
	b := stream.NewBuilder()
	stream.Deduplicate(stream.From(b, "in", pair), 10*time.Millisecond, func(_, v string) string { return v }, words{}, stream.Named("once")).To("out", pair)
	r := newRig(t, built(t, b))
	r.addTo("in", 5, "k", "x")
	r.addTo("in", 100, "k", "y")
	r.commit()
	r.wantOutOf("out", "out-0 k=x @5", "out-0 k=y @100")
	at := r.Offsets()[part("in")]
	if err := r.Reset([]task.Input{{Partition: part("in"), Offset: at.Offset, Time: at.Time, Kept: at.Kept}}); err != nil {
		t.Fatal(err)
	}
	r.start()
	r.addTo("in", 5, "k", "x") // x came already, but is not remembered any more
	r.wantOutOf("out")
}
