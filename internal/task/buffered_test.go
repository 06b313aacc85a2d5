package task_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/internal/task"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

// suppressed is a topic as a table that is passed on 10 ms late.
func suppressed(t *testing.T, b stream.BufferConfig) *topology.Topology {
	t.Helper()
	builder := stream.NewBuilder()
	rows := stream.Table(builder, "in", pair, stream.InStore[string, string]("rows", words{}, words{}))
	rows.Suppress(stream.UntilTimeLimit(10*time.Millisecond, b), stream.Named("late")).ToStream().To("out", pair)
	return built(t, builder)
}

func (r *rig) addAt(at int64, key, value string) {
	r.t.Helper()
	rec := record.Record{Key: []byte(key), Value: []byte(value), Timestamp: at, Offset: r.Offsets()[part("in")].Offset}
	r.addRecords("in", rec)
	r.process()
}

// withTopic leaves the lines of one topic.
func withTopic(lines []string, topic string) []string {
	var of []string
	for _, l := range lines {
		if strings.HasPrefix(l, topic+"-0 ") {
			of = append(of, l)
		}
	}
	return of
}

func (r *rig) wantOutOf(topic string, want ...string) {
	r.t.Helper()
	if got := withTopic(r.out.take(), topic); strings.Join(got, ", ") != strings.Join(want, ", ") {
		r.t.Errorf("%s: got %q, want %q", topic, got, want)
	}
}

// A key is logged once for each commit, with a tombstone when it has gone, by the
// clock of the driver.
func TestBufferIsLoggedAtCommit(t *testing.T) {
	r := newRig(t, suppressed(t, stream.BufferUnbounded()))
	r.now = 99
	r.addAt(0, "a", "1")
	r.addAt(5, "a", "2")
	r.wantOutOf("app-late-store-changelog")
	r.commit()
	lines := withTopic(r.out.take(), "app-late-store-changelog")
	if len(lines) != 1 || !strings.Contains(lines[0], " a=") || !strings.Contains(lines[0], "@99 v:\x03") {
		t.Errorf("changelog %q, want one record of key a of time 99 and version 3", lines)
	}
	r.addAt(10, "b", "3")
	r.wantOutOf("out", "out-0 a=2 @5")
	r.addAt(10, "b", "4")
	r.addAt(20, "c", "5")
	r.commit()
	lines = withTopic(r.out.take(), "app-late-store-changelog")
	if len(lines) != 3 || lines[0] != "app-late-store-changelog-0 a=null @99" || lines[1] != "app-late-store-changelog-0 b=null @99" {
		t.Errorf("changelog %q, want tombstones of a and b, and c", lines)
	}
	r.commit()
	r.wantOut()
}

func TestBufferThatIsNotLogged(t *testing.T) {
	r := newRig(t, suppressed(t, stream.BufferUnbounded().NotLogged()))
	r.addAt(0, "a", "1")
	r.addAt(10, "b", "2")
	r.commit()
	r.wantOut("app-rows-changelog-0 a=1 @0", "app-rows-changelog-0 b=2 @10", "out-0 a=1 @0")
}

// What was held back, and let go, since the last commit did not happen.
func TestResetOfABuffer(t *testing.T) {
	r := newRig(t, suppressed(t, stream.BufferUnbounded()))
	r.addAt(0, "a", "1")
	r.commit()
	r.addAt(5, "a", "2")
	r.addAt(5, "b", "3")
	r.addAt(30, "c", "4")
	r.wantOutOf("out", "out-0 a=2 @5", "out-0 b=3 @5")
	r.reset(1)
	r.commit()
	r.wantOut()
	r.addAt(10, "d", "5")
	r.wantOutOf("out", "out-0 a=1 @0")
	r.addAt(20, "e", "6")
	r.wantOutOf("out", "out-0 d=5 @10")
}

// After a crash the buffer is made of its changelog: keys, their order and what they
// were before, headers, and the place of the record that caused them.
func TestBufferIsRestored(t *testing.T) {
	topo := suppressed(t, stream.BufferUnbounded())
	first := newRig(t, topo)
	var changelog []record.Record
	keep := func() {
		first.commit()
		for i, l := range first.out.lines {
			if strings.HasPrefix(l, "app-late-store-changelog-0 ") {
				rec := first.out.records[len(first.out.records)-len(first.out.lines)+i]
				rec.Offset = int64(len(changelog))
				changelog = append(changelog, rec)
			}
		}
		first.out.lines = nil
	}
	first.addAt(3, "z", "1")
	first.addAt(2, "b", "2")
	first.addAt(2, "a", "3")
	keep()
	first.addAt(4, "b", "4")
	first.addAt(12, "c", "5") // b, a go
	keep()

	second := wireRig(t, topo)
	if err := second.cfg.Stores.Restore("late-store", changelog, int64(len(changelog))); err != nil {
		t.Fatal(err)
	}
	second.start()
	second.addAt(30, "d", "6")
	second.wantOutOf("out", "out-0 z=1 @3", "out-0 c=5 @12")
}

func TestChangelogOfABufferInAnotherFormatIsRefused(t *testing.T) {
	r := wireRig(t, suppressed(t, stream.BufferUnbounded()))
	err := r.cfg.Stores.Restore("late-store", []record.Record{{Key: []byte("a"), Value: []byte("x"), Offset: 7}}, 8)
	if err == nil || !strings.Contains(err.Error(), "late-store") || !strings.Contains(err.Error(), "offset 7") {
		t.Errorf("Restore returned %v, want an error with the store and the offset", err)
	}
	if err := r.cfg.Stores.Restore("late-store", []record.Record{{Key: []byte("a"), Offset: 7}}, 8); err != nil {
		t.Errorf("a tombstone has no version, but Restore returned %v", err)
	}
}

// A row that is not a row is an error when the task starts, not a panic.
func TestBufferWithGarbage(t *testing.T) {
	r := wireRig(t, suppressed(t, stream.BufferUnbounded()))
	garbage := record.Record{Key: []byte("a"), Value: bytes.Repeat([]byte{1}, 40), Headers: []topology.Header{{Name: "v", Value: []byte{3}}}}
	if err := r.cfg.Stores.Restore("late-store", []record.Record{garbage}, 1); err != nil {
		t.Fatal(err)
	}
	if err := r.Start(context.Background(), 0); err == nil || !strings.Contains(err.Error(), "late-store") {
		t.Errorf("Start returned %v, want an error with the store", err)
	}
}

// A full buffer is the error handler's affair; what is in it stays.
func TestFullBuffer(t *testing.T) {
	h := &handle{actions: []topology.Action{topology.Skip}}
	r := newRig(t, suppressed(t, stream.BufferMaxRecords(1).ShutDownWhenFull()), h.configure)
	r.addAt(0, "a", "1")
	r.addAt(1, "b", "2")
	if len(h.asked) != 1 || h.asked[0].Node != "late" || h.asked[0].Offset != 1 {
		t.Fatalf("the handler was asked about %v, want the second record at node late", h.asked)
	}
	r.wantOutOf("out")
	r.addAt(20, "a", "3")
	r.wantOutOf("out", "out-0 a=3 @20", "out-0 b=2 @1")
}

// Holding back a change of a key that is held, or many keys more, costs no more.
func TestCostOfABufferDoesNotGrow(t *testing.T) {
	cost := func(held int64) float64 {
		r := newRig(t, suppressed(t, stream.BufferUnbounded().NotLogged()), func(c *task.Config) { c.Output = &sink{} })
		for i := range held {
			r.addAt(0, "key"+string(rune('A'+i)), "1")
		}
		return testing.AllocsPerRun(100, func() { r.addAt(1, "keyA", "2") })
	}
	if few, many := cost(1), cost(2000); many != few {
		t.Errorf("a change costs %v allocations with 2,000 keys held, %v with one", many, few)
	}
}
