package task_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/internal/task"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/topology"
)

var errOdd = errors.New("odd")

// failOn fails for a value, after it has forwarded the record.
func failOn(value string) func(*proc, word) error {
	return func(p *proc, r word) error {
		if err := p.pc.Forward(r); err != nil || r.Value != value {
			return err
		}
		return errOdd
	}
}

func TestHandlerIsToldAboutTheRecord(t *testing.T) {
	headers := []serde.Header{{Name: "h", Value: []byte("1")}}
	rec := record.Record{Key: []byte("k"), Value: []byte("x"), Headers: headers, Offset: 7, Timestamp: 70}
	for name, c := range map[string]struct {
		topo  *topology.Topology
		value string
		phase graph.Phase
		node  string
		err   error
	}{
		"deserialization": {chain(nil), "bad", graph.Deserialization, "source", errBad},
		"processing":      {chainOf(failOn("x")), "x", graph.Processing, "p", errOdd},
		"production":      {chain(nil), "unspeakable", graph.Production, "sink", errBad},
	} {
		h := &handle{}
		r := newRig(t, c.topo, h.configure)
		rec := rec
		rec.Value = []byte(c.value)
		r.addRecords("in", rec)
		err := r.fails()
		if len(h.asked) != 1 {
			t.Fatalf("%s: the handler was asked %d times", name, len(h.asked))
		}
		if !errors.Is(err, c.err) || !errors.Is(err, h.asked[0]) {
			t.Errorf("%s: Process returned %v, which is not the handler's error", name, err)
		}
		want := &topology.ProcessingError{Phase: c.phase, Task: "0_0", Node: c.node, Topic: "in", Offset: 7, Timestamp: 70,
			Key: rec.Key, Value: rec.Value, Headers: headers, Err: h.asked[0].Err}
		if diff := cmp.Diff(*want, *h.asked[0], cmp.Comparer(func(a, b error) bool { return a == b })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if want := fmt.Sprintf(`task 0_0: node %q: %s of record in-0@7: `, c.node, name); !strings.HasPrefix(err.Error(), want) {
			t.Errorf("message %q, want it to begin with %q", err, want)
		}
	}
}

func TestSkipKeepsWhatWasDoneBefore(t *testing.T) {
	h := &handle{actions: []topology.Action{topology.Skip}}
	r := newRig(t, chainOf(failOn("odd")), h.configure)
	r.add("in", "a", "1", "b", "odd", "c", "3")
	r.process()
	r.wantOut("out-0 a=1 @0", "out-0 b=odd @1", "out-0 c=3 @2")
	r.wantStats(task.Stats{Records: 3, Dropped: 1})
	if at := r.Offsets()[part("in")].Offset; at != 3 {
		t.Errorf("position %d, want 3: a skipped record is committed too", at)
	}
}

// An error is handled at the node where it arose; the node's parent goes on with
// its other children.
func TestSkipGoesOnWithSiblings(t *testing.T) {
	h := &handle{actions: []topology.Action{topology.Skip}}
	topo := chainOf(nil)
	topology.AddProcessor[string, string, string, string](topo, "failing", func() *proc { return &proc{process: failOn("odd")} }, "p")
	topology.AddSink(topo, "failing-sink", topology.Sink[string, string]{Key: words{}, Value: words{}, Topic: "other"}, "failing")
	topology.AddSink(topo, "last", topology.Sink[string, string]{Key: words{}, Value: words{}, Topic: "last"}, "p")
	r := newRig(t, topo, h.configure)
	r.add("in", "a", "odd")
	r.process()
	r.wantOut("out-0 a=odd @0", "other-0 a=odd @0", "last-0 a=odd @0")
}

func TestRetryCallsTheSameAgain(t *testing.T) {
	h := &handle{actions: []topology.Action{topology.Retry, topology.Retry, topology.Skip}}
	calls := 0
	r := newRig(t, chainOf(func(p *proc, w word) error {
		if calls++; calls != 3 {
			return errOdd
		}
		return p.pc.Forward(w)
	}), h.configure)
	r.add("in", "a", "1", "b", "2")
	r.process()
	r.wantOut("out-0 a=1 @0")
	if calls != 4 {
		t.Errorf("the processor was called %d times, want 3 for the first record and 1 for the second", calls)
	}
}

func TestRetryDecodesAgain(t *testing.T) {
	h := &handle{actions: []topology.Action{topology.Retry, topology.Skip}}
	r := newRig(t, chain(nil), h.configure)
	r.add("in", "a", "bad", "b", "2")
	r.process()
	if len(h.asked) != 2 || h.asked[1].Offset != 0 {
		t.Errorf("the handler was asked %d times, want twice about the first record", len(h.asked))
	}
	r.wantOut("out-0 b=2 @1")
}

func TestRetrySendsAgain(t *testing.T) {
	calls := 0
	r := newRig(t, chain(nil), func(c *task.Config) {
		c.Handler = func(context.Context, *topology.ProcessingError) topology.Action {
			if calls++; calls == 3 {
				c.Output.(*output).err = nil
			}
			return topology.Retry
		}
	})
	r.out.err = errors.New("full")
	r.add("in", "a", "1")
	r.process()
	r.wantOut("out-0 a=1 @0")
	if calls != 3 {
		t.Errorf("the handler was asked %d times, want 3", calls)
	}
}

func TestPanicIsTheRecordsError(t *testing.T) {
	h := &handle{actions: []topology.Action{topology.Skip, topology.Fail}}
	r := newRig(t, chainOf(func(_ *proc, r word) error { panic(fmt.Errorf("index of %s", r.Value)) }), h.configure)
	r.add("in", "a", "1", "b", "2")
	err := r.fails()
	p := (*graph.PanicError)(nil)
	if !errors.As(err, &p) || !strings.Contains(string(p.Stack), "handle_test.go") || !strings.HasSuffix(err.Error(), "in-0@1: panic: index of 2") {
		t.Errorf("Process returned %v, want the panic's value and stack", err)
	}
	if len(h.asked) != 2 || h.asked[0].Node != "p" {
		t.Errorf("the handler was asked %d times, want twice, about node p", len(h.asked))
	}
}

func TestPanicOfTheHandlerFailsTheTask(t *testing.T) {
	r := newRig(t, chainOf(failOn("1")), func(c *task.Config) {
		c.Handler = func(context.Context, *topology.ProcessingError) topology.Action { panic("handler") }
	})
	r.add("in", "a", "1")
	if err := r.fails(); !errors.Is(err, errOdd) || !strings.Contains(err.Error(), "panic: handler") {
		t.Errorf("Process returned %v, want the record's error and the handler's", err)
	}
}

func TestUserCodeCannotLoseAFatalError(t *testing.T) {
	h := &handle{}
	r := newRig(t, chainOf(func(p *proc, w word) error {
		_ = p.pc.Forward(w)
		return nil
	}), h.configure)
	r.add("in", "a", "unspeakable", "b", "2")
	if err := r.fails(); !errors.Is(err, errBad) {
		t.Errorf("Process returned %v, want the sink's error", err)
	}
	if at := r.Offsets()[part("in")].Offset; at != 0 {
		t.Errorf("position %d behind a record that failed, want 0", at)
	}
	// The task stays failed until it is reset, and the handler is not asked again.
	if err := r.fails(); !errors.Is(err, errBad) || len(h.asked) != 1 {
		t.Errorf("Process returned %v and the handler was asked %d times", err, len(h.asked))
	}
	if err := r.Flush(context.Background(), 0); !errors.Is(err, errBad) {
		t.Errorf("Flush returned %v: nothing of a failed task is committed", err)
	}
}

// A processor must not be able to turn another node's fatal error into one of its
// own that the handler then skips.
func TestFatalErrorIsNotHandledTwice(t *testing.T) {
	h := &handle{actions: []topology.Action{topology.Fail, topology.Skip}}
	r := newRig(t, chainOf(func(p *proc, w word) error {
		if err := p.pc.Forward(w); err != nil {
			return fmt.Errorf("forward: %w", err)
		}
		return nil
	}), h.configure)
	r.add("in", "a", "unspeakable")
	if err := r.fails(); !errors.Is(err, errBad) || len(h.asked) != 1 {
		t.Errorf("Process returned %v and the handler was asked %d times", err, len(h.asked))
	}
}

// An encoder that asks a registry fails the step, so that the driver aborts and
// comes back later; the handler, which might skip, is not asked.
func TestRetriableErrorOfANodeIsTheDrivers(t *testing.T) {
	h := &handle{actions: []topology.Action{topology.Skip}}
	r := newRig(t, chainOf(func(*proc, word) error { return errDown }), h.configure)
	r.add("in", "a", "1")
	if err := r.fails(); !errors.Is(err, serde.ErrRetriable) || len(h.asked) != 0 {
		t.Errorf("Process returned %v and the handler was asked %d times", err, len(h.asked))
	}
}

func TestWaitingNamesTheRecord(t *testing.T) {
	down := map[string]bool{"in": true}
	topo := topology.New()
	topology.AddSource(topo, "source", topology.Source[string, string]{Key: words{down: down}, Value: words{}, Topics: []string{"in"}})
	r := newRig(t, topo)
	r.add("in", "a", "1")
	r.process()
	if err := r.Waiting(); !errors.Is(err, serde.ErrRetriable) || !strings.HasPrefix(err.Error(), "task 0_0: in-0@0: key: ") {
		t.Errorf("Waiting: %v, want the record and the reason", err)
	}
	down["in"] = false
	r.now = 50
	r.process()
	if err := r.Waiting(); err != nil {
		t.Errorf("Waiting: %v after the record was decoded", err)
	}
}
