package task_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/topology"
)

// every makes a processor that schedules f in Init.
func every(interval time.Duration, by topology.Punctuation, f func(p *proc, ts int64) error) func() *proc {
	return func() *proc {
		return &proc{init: func(p *proc) error {
			_, err := p.pc.Schedule(interval, by, func(_ context.Context, ts int64) error { return f(p, ts) })
			return err
		}}
	}
}

func tick(p *proc, ts int64) error {
	return p.pc.Forward(word{Key: "tick", Value: fmt.Sprint(ts), Timestamp: ts})
}

func TestPunctuationForwardsWithItsTime(t *testing.T) {
	r := newRig(t, chain(every(10*time.Millisecond, topology.WallClockTime, tick)))
	r.punctuate(35)
	r.wantOut("out-0 tick=35 @35")
	if needed, soon := r.CommitNeeded(); !needed || soon {
		t.Errorf("after a punctuation a commit is needed: %v, soon: %v; want true, false", needed, soon)
	}
}

func TestNextPunctuationIsTheEarliest(t *testing.T) {
	r := newRig(t, chain(func() *proc {
		return &proc{init: func(p *proc) error {
			_, err := p.pc.Schedule(70*time.Millisecond, topology.WallClockTime, func(context.Context, int64) error { return nil })
			_, err2 := p.pc.Schedule(30*time.Millisecond, topology.WallClockTime, func(context.Context, int64) error { return nil })
			_, err3 := p.pc.Schedule(time.Millisecond, topology.StreamTime, func(context.Context, int64) error { return nil })
			return errors.Join(err, err2, err3)
		}}
	}))
	for _, want := range []int64{30, 60, 70, 90} {
		at, ok := r.NextPunctuation()
		if !ok || at != want {
			t.Fatalf("next punctuation at %d, %v; want %d", at, ok, want)
		}
		r.punctuate(at)
	}
	r = newRig(t, chain(nil))
	if at, ok := r.NextPunctuation(); ok {
		t.Errorf("a task without schedules has a punctuation at %d", at)
	}
	r = newRig(t, chain(func() *proc {
		return &proc{init: func(p *proc) error {
			var cancel func()
			var err error
			cancel, err = p.pc.Schedule(time.Second, topology.WallClockTime, func(context.Context, int64) error { cancel(); return nil })
			return err
		}}
	}))
	r.punctuate(1000)
	if at, ok := r.NextPunctuation(); ok {
		t.Errorf("a schedule that was cancelled has a punctuation at %d", at)
	}
}

func TestPunctuationsThatAreDueTogetherRunInTheOrderOfTheirTimes(t *testing.T) {
	var calls []string
	r := newRig(t, chain(func() *proc {
		return &proc{init: func(p *proc) error {
			var errs []error
			for _, ms := range []int{40, 10, 30, 10} {
				_, err := p.pc.Schedule(time.Duration(ms)*time.Millisecond, topology.WallClockTime, func(_ context.Context, ts int64) error {
					calls = append(calls, fmt.Sprintf("%d@%d", ms, ts))
					return nil
				})
				errs = append(errs, err)
			}
			return errors.Join(errs...)
		}}
	}))
	r.punctuate(100)
	if want := []string{"10@100", "10@100", "30@100", "40@100"}; !slices.Equal(calls, want) {
		t.Errorf("calls %v, want %v", calls, want)
	}
}

// Stream time is first due at 0, so in a punctuation that schedules itself anew it
// would be due at once, again and again: it waits for the next record.
func TestScheduleMadeInAPunctuation(t *testing.T) {
	var calls []string
	r := newRig(t, chain(func() *proc {
		return &proc{init: func(p *proc) error {
			var cancel func()
			var err error
			cancel, err = p.pc.Schedule(10*time.Millisecond, topology.StreamTime, func(context.Context, int64) error {
				cancel()
				for name, by := range map[string]topology.Punctuation{"stream": topology.StreamTime, "wall": topology.WallClockTime} {
					if _, err := p.pc.Schedule(10*time.Millisecond, by, func(_ context.Context, ts int64) error {
						calls = append(calls, fmt.Sprintf("%s@%d", name, ts))
						return nil
					}); err != nil {
						return err
					}
				}
				return nil
			})
			return err
		}}
	}))
	r.now = 500
	r.add("in", "a", "1")
	r.process()
	if len(calls) > 0 {
		t.Errorf("calls %v with the record whose punctuation scheduled them", calls)
	}
	r.add("in", "b", "2")
	r.process()
	r.punctuate(509)
	r.punctuate(510)
	if want := []string{"stream@1", "wall@510"}; !slices.Equal(calls, want) {
		t.Errorf("calls %v, want %v", calls, want)
	}
}

func TestCancelOfAnotherScheduleThatIsDue(t *testing.T) {
	var calls []string
	r := newRig(t, chain(func() *proc {
		return &proc{init: func(p *proc) error {
			var cancel func()
			_, err := p.pc.Schedule(10*time.Millisecond, topology.WallClockTime, func(context.Context, int64) error {
				calls = append(calls, "first")
				cancel()
				return nil
			})
			var err2 error
			cancel, err2 = p.pc.Schedule(10*time.Millisecond, topology.WallClockTime, func(context.Context, int64) error {
				calls = append(calls, "second")
				return nil
			})
			return errors.Join(err, err2)
		}}
	}))
	r.punctuate(10)
	r.punctuate(20)
	if want := []string{"first", "first"}; !slices.Equal(calls, want) {
		t.Errorf("calls %v, want %v", calls, want)
	}
}

func TestErrorOfAPunctuationGoesToTheHandler(t *testing.T) {
	failing := func(p *proc, ts int64) error {
		if ts < 20 {
			return errors.New("too early")
		}
		return tick(p, ts)
	}
	h := &handle{actions: []topology.Action{topology.Skip}}
	r := newRig(t, chain(every(10*time.Millisecond, topology.WallClockTime, failing)), h.configure)
	r.punctuate(10)
	r.punctuate(20)
	r.wantOut("out-0 tick=20 @20")
	if len(h.asked) != 1 {
		t.Fatalf("the handler was asked %d times, want once", len(h.asked))
	}
	e := h.asked[0]
	if e.Phase != graph.Processing || e.Node != "p" || e.Topic != "" || e.Partition != -1 || e.Offset != -1 || e.Timestamp != 10 || e.Key != nil {
		t.Errorf("the handler was asked about %+v: want node p at time 10, without a record", e)
	}
	if got, want := e.Error(), `task 0_0: node "p": processing: too early`; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
}

func TestFailedPunctuationFailsTheTask(t *testing.T) {
	for name, f := range map[string]func(*proc, int64) error{
		"error":   func(*proc, int64) error { return errors.New("no") },
		"panic":   func(*proc, int64) error { panic("no") },
		"swallow": func(p *proc, ts int64) error { _ = p.pc.Forward(word{Key: "unspeakable", Timestamp: ts}); return nil },
	} {
		r := newRig(t, chain(every(10*time.Millisecond, topology.WallClockTime, f)))
		if err := r.Punctuate(context.Background(), 10); err == nil {
			t.Errorf("%s: Punctuate returned no error", name)
		}
		r.add("in", "a", "1")
		r.fails()
	}
}

func TestPunctuationIsRetried(t *testing.T) {
	calls := 0
	h := &handle{actions: []topology.Action{topology.Retry, topology.Retry}}
	r := newRig(t, chain(every(10*time.Millisecond, topology.StreamTime, func(p *proc, ts int64) error {
		if calls++; calls < 3 {
			return errors.New("not yet")
		}
		return tick(p, ts)
	})), h.configure)
	r.add("in", "a", "1")
	r.process()
	r.wantOut("out-0 a=1 @0", "out-0 tick=0 @0")
}

func TestIntervalBelowAMillisecondIsRefused(t *testing.T) {
	r := wireRig(t, chain(every(time.Microsecond, topology.StreamTime, tick)))
	err := r.Start(context.Background(), 0)
	if err == nil || !strings.Contains(err.Error(), `processor "p" schedules every 1µs: an interval is at least a millisecond`) {
		t.Errorf("Start: %v; want an error that names the processor and the interval", err)
	}
}

// A schedule that is made while a record is processed counts from then.
func TestScheduleMadeWithARecord(t *testing.T) {
	r := newRig(t, chainOf(func(p *proc, w word) error {
		_, err := p.pc.Schedule(10*time.Millisecond, topology.WallClockTime, func(_ context.Context, ts int64) error { return tick(p, ts) })
		return err
	}))
	r.now = 100
	r.add("in", "a", "1")
	r.process()
	r.punctuate(109)
	r.wantOut()
	r.punctuate(110)
	r.wantOut("out-0 tick=110 @110")
}
