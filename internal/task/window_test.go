package task_test

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/internal/task"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

// counted counts the records of "in" by tumbling windows of 10 ms, and sends the results
// to "out" as "a@start=count".
func counted(t *testing.T, emit stream.EmitStrategy) *topology.Topology {
	b := stream.NewBuilder()
	in := stream.From(b, "in", stream.With(serde.String(), serde.String()))
	concat := func(_, v, sofar string) string { return sofar + v }
	s := stream.WindowedBy(in.GroupByKey(), stream.Tumbling(10*time.Millisecond).Grace(5*time.Millisecond)).EmitStrategy(emit)
	table := stream.AggregateWindows(s, func() string { return "" }, concat, stream.InStore("st", serde.String(), serde.String()))
	stream.SelectKey(table.ToStream(), func(k stream.Windowed[string], _ string) string { return k.String() }).
		To("out", stream.With(serde.String(), serde.String()))
	return built(t, b)
}

// addClick queues one record.
func (r *rig) addClick(offset, timestamp int64, key, value string) {
	r.addRecords("in", record.Record{Key: []byte(key), Value: []byte(value), Offset: offset, Timestamp: timestamp})
}

// logged is the changelog of store st: what of the output has its keys.
func (r *rig) logged() (changelog []record.Record) {
	for _, rec := range r.out.records {
		if n := len(rec.Key); n == 1+8+4 { // a letter, the start and the sequence
			rec.Offset = int64(len(changelog))
			changelog = append(changelog, rec)
		}
	}
	return changelog
}

// An abort takes back what a record did to its windows, and the window that was emitted
// is emitted again when the record comes again.
func TestAbortTakesWindowsBack(t *testing.T) {
	r := newRig(t, counted(t, stream.OnWindowClose))
	r.addClick(0, 1, "a", "A")
	r.addClick(1, 12, "a", "B")
	r.process()
	r.commit()
	committed := r.Offsets()[part("in")]
	r.out.take()
	r.addClick(2, 16, "a", "C")
	r.addClick(3, 9, "b", "late")
	r.process()
	emitted := r.out.take()
	if n := len(emitted); n != 2 { // the changelog record of C, and the result
		t.Fatalf("%d records sent: %q", n, emitted)
	}
	if err := r.Reset([]task.Input{{Partition: part("in"), Offset: committed.Offset, Time: committed.Time, Kept: committed.Kept}}); err != nil {
		t.Fatal(err)
	}
	r.start()
	r.addClick(2, 16, "a", "C")
	r.addClick(3, 9, "b", "late")
	r.process()
	r.wantOut(emitted...)
}

// A task that goes on elsewhere has the windows of the changelog, and emits none that
// was emitted: that is committed with the offsets.
func TestEmissionGoesOnInAnotherTask(t *testing.T) {
	r := newRig(t, counted(t, stream.OnWindowClose))
	for i, ts := range []int64{1, 12, 16, 23} {
		r.addClick(int64(i), ts, "a", string(rune('A'+i)))
	}
	r.process()
	r.commit()
	if got := r.out.take(); len(got) != 5 || got[3] != "out-0 [a@0/10]=A @1" {
		t.Fatalf("sent %q", got)
	}
	position, changelog := r.Offsets()[part("in")], r.logged()

	elsewhere := wireRig(t, counted(t, stream.OnWindowClose), func(c *task.Config) {
		if err := c.Stores.Restore("st", changelog, int64(len(changelog))); err != nil {
			t.Fatal(err)
		}
		// As the broker has it.
		at, kept := task.DecodeMetadata(position.Metadata())
		c.Inputs[0].Offset, c.Inputs[0].Time, c.Inputs[0].Kept = position.Offset, at, kept
	})
	elsewhere.start()
	elsewhere.addClick(4, 17, "a", "e")
	elsewhere.addClick(5, 40, "b", "F")
	elsewhere.process()
	// Window 10 and 20 come before the record whose window makes the store forget them.
	elsewhere.wantOut("app-st-changelog-0 61000000000000000a00000000=BCe @17", "out-0 [a@10/20]=BCe @17", "out-0 [a@20/30]=D @23",
		"app-st-changelog-0 62000000000000002800000000=F @40")
}

// The windows of a task that is idle close too, if that is asked for.
func TestWindowsOfAnIdleTaskClose(t *testing.T) {
	r := newRig(t, counted(t, stream.OnWindowClose), func(c *task.Config) { c.IdleAfter = 100 })
	r.addClick(0, 1, "a", "A")
	r.process()
	r.commit()
	r.out.take()
	r.punctuate(113) // stream time is 14
	r.wantOut()
	r.punctuate(114)
	r.wantOut("out-0 [a@0/10]=A @1")
	if needed, _ := r.CommitNeeded(); !needed {
		t.Error("a result was sent, but no commit is needed")
	}
	r.punctuate(200)
	r.wantOut()
}

// The same with each update: a window goes on where it stood.
func TestWindowsAreRestored(t *testing.T) {
	r := newRig(t, counted(t, stream.OnWindowUpdate))
	r.addClick(0, 1, "a", "A")
	r.addClick(1, 12, "a", "B")
	r.process()
	changelog := r.logged()
	elsewhere := wireRig(t, counted(t, stream.OnWindowUpdate), func(c *task.Config) {
		if err := c.Stores.Restore("st", changelog, int64(len(changelog))); err != nil {
			t.Fatal(err)
		}
	})
	elsewhere.start()
	elsewhere.addClick(2, 13, "a", "C")
	elsewhere.process()
	if got := elsewhere.out.take(); len(got) != 2 || got[1] != "out-0 [a@10/20]=BC @13" {
		t.Errorf("sent %q", got)
	}
}

func TestWindowedChangelogOfAnotherStoreIsRefused(t *testing.T) {
	r := newRig(t, counted(t, stream.OnWindowUpdate))
	if err := r.cfg.Stores.Restore("st", []record.Record{{Key: []byte("short"), Value: []byte("x")}}, 1); err == nil {
		t.Error("a key that has no window was restored")
	}
}

// All windows of a key are in one partition, that of the key.
func TestWindowedKeysGoWhereTheirKeyGoes(t *testing.T) {
	b := stream.NewBuilder()
	in := stream.From(b, "in", stream.With(serde.String(), serde.String()))
	in.To("plain", nil)
	stream.WindowedBy(in.GroupByKey(), stream.Tumbling(time.Millisecond)).Count(nil).ToStream().To("windows", nil)
	stream.SessionWindowedBy(in.GroupByKey(), stream.Sessions(time.Millisecond)).Count(nil).ToStream().To("sessions", nil)
	r := newRig(t, built(t, b))
	r.out.partitions = 8
	for i, key := range []string{"a", "b", "c"} {
		for n := range 5 {
			r.addClick(int64(5*i+n), int64(100*i+7*n), key, "v")
		}
	}
	r.process()
	partitions := map[string]map[string]bool{}
	for _, line := range r.out.take() {
		topic, rest, _ := strings.Cut(line, "-")
		if topic == "app" {
			continue // a changelog
		}
		partition, key, _ := strings.Cut(rest, " ")
		if key[0] != 'a' && key[0] != 'b' && key[0] != 'c' {
			key = string(mustHex(t, key[:2])) // windowed keys are printed in hex
		}
		if partitions[key[:1]] == nil {
			partitions[key[:1]] = map[string]bool{}
		}
		partitions[key[:1]][partition] = true
	}
	if len(partitions) != 3 {
		t.Fatalf("keys %v", partitions)
	}
	for key, p := range partitions {
		if len(p) != 1 {
			t.Errorf("records of %s went to the partitions %v", key, p)
		}
	}
}

func mustHex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A window that is there costs nothing, as in TestCountOfKnownKeysDoesNotAllocate.
func TestCountInKnownWindowsDoesNotAllocate(t *testing.T) {
	wantNoCost(t, func() *topology.Topology {
		b := stream.NewBuilder()
		counts := stream.WindowedBy(stream.From(b, "in", numbers()).GroupByKey(), stream.Tumbling(time.Hour)).
			Count(stream.InStore("counts", serde.Int64(), serde.Int64()).Options(store.InMemory()))
		stream.SelectKey(counts.ToStream(), func(k stream.Windowed[int64], _ int64) int64 { return k.Key }).To("out", numbers())
		return built(t, b)
	})
}
