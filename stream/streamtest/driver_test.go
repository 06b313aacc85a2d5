package streamtest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/store/badger"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/streamtest"
	"github.com/streamweir/streamweir/topology"
)

func TestDriverNeedsATopologyWithoutMistakes(t *testing.T) {
	if _, err := streamtest.NewDriver(nil, streamtest.Config{}); err == nil || !strings.Contains(err.Error(), "did Build return an error?") {
		t.Errorf("NewDriver without a topology: %v", err)
	}
	topo := topology.New()
	topology.AddSource(topo, "source", topology.Source[string, string]{Key: serde.String(), Value: serde.String()})
	if _, err := streamtest.NewDriver(topo, streamtest.Config{}); err == nil || !strings.Contains(err.Error(), `source "source" has no topic`) {
		t.Errorf("NewDriver with a mistake: %v", err)
	}
}

// failing is a processor whose Init, Close or punctuation fails.
type failing struct{ init, close, tick error }

func (f failing) Init(pc *topology.Context[string, string]) error {
	_, err := pc.Schedule(time.Second, topology.WallClockTime, func(context.Context, int64) error { return f.tick })
	return errors.Join(f.init, err)
}

func (f failing) Process(context.Context, record) error { return nil }

func (f failing) Close() error { return f.close }

func (f failing) program(b *stream.Builder) {
	stream.Process[string, string, string, string](stream.From(b, "in", text), func() failing { return f })
}

func TestErrorsOfInitAndClose(t *testing.T) {
	errInit, errClose := errors.New("no start"), errors.New("no end")
	b := stream.NewBuilder()
	failing{init: errInit}.program(b)
	topo, err := b.Build()
	must(t, err)
	if _, err := streamtest.NewDriver(topo, streamtest.Config{}); !errors.Is(err, errInit) {
		t.Errorf("NewDriver: %v, want the error of Init", err)
	}

	b = stream.NewBuilder()
	failing{close: errClose}.program(b)
	topo, err = b.Build()
	must(t, err)
	d, err := streamtest.NewDriver(topo, streamtest.Config{})
	must(t, err)
	if err := d.Close(); !errors.Is(err, errClose) {
		t.Errorf("Close: %v, want the processor's", err)
	}
	if err := d.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// As an App would have stopped, the driver does: the first error stays.
func TestErrorEndsTheDriver(t *testing.T) {
	down := false
	d := run(t, streamtest.Config{}, frailly(&down))
	in := input(d, "in")
	must(t, in.Pipe("a", "1"))
	first := in.Pipe("a", "bad")
	e := (*topology.ProcessingError)(nil)
	if !errors.Is(first, errBad) || !errors.As(first, &e) || e.Offset != 1 {
		t.Fatalf("Pipe: %v, want an error of record 1", first)
	}
	for name, err := range map[string]error{"Pipe": in.Pipe("a", "2"), "Advance": d.Advance(time.Second)} {
		if !errors.Is(err, first) {
			t.Errorf("%s after an error: %v", name, err)
		}
	}
	if !d.Now().Equal(time.UnixMilli(0)) {
		t.Errorf("the clock of a driver that has ended goes on: %v", d.Now())
	}
	wantRecords(t, output(d, "out"), record{Key: "a", Value: "1"})
}

func TestErrorOfAPunctuationEndsTheDriver(t *testing.T) {
	errTick := errors.New("no time")
	d := run(t, streamtest.Config{}, failing{tick: errTick}.program)
	if err := d.Advance(time.Second); !errors.Is(err, errTick) {
		t.Errorf("Advance: %v, want the punctuation's error", err)
	}
	if err := input(d, "in").Pipe("a", "1"); !errors.Is(err, errTick) {
		t.Errorf("Pipe after it: %v", err)
	}
}

func TestClosedDriver(t *testing.T) {
	d := run(t, streamtest.Config{}, counting)
	must(t, input(d, "in").Pipe("a", "1"), d.Close())
	_, storeErr := streamtest.Store[store.TimestampedKeyValueStore[string, int64]](d, "counts")
	for name, err := range map[string]error{"Pipe": input(d, "in").Pipe("a", "2"), "Advance": d.Advance(time.Second), "Store": storeErr} {
		if err == nil || !strings.Contains(err.Error(), "the driver is closed") {
			t.Errorf("%s of a closed driver: %v", name, err)
		}
	}
	if d.Dropped() != 0 {
		t.Error("a closed driver has dropped records")
	}
	// What was produced can still be read.
	wantRecords(t, streamtest.NewOutput(d, "out", serde.String(), serde.Int64()), topology.Record[string, int64]{Key: "a", Value: 1})
}

func TestDroppedAndTheErrorHandler(t *testing.T) {
	down := false
	d := run(t, streamtest.Config{ErrorHandler: skip}, frailly(&down))
	in := input(d, "in")
	must(t, in.Pipe("a", "bad"), in.Pipe("a", "1"), in.Pipe("a", "bad"))
	wantRecords(t, output(d, "out"), record{Key: "a", Value: "1"})
	if got := d.Dropped(); got != 2 {
		t.Errorf("%d records dropped, want 2", got)
	}
}

// Dead letters are output like another, also for a source of the same topology.
func TestDeadLettersAreFedBack(t *testing.T) {
	down := false
	d := run(t, streamtest.Config{DeadLetterTopic: "dead", ErrorHandler: func(context.Context, *topology.ProcessingError) topology.Action {
		return topology.DeadLetter
	}}, func(b *stream.Builder) {
		frailly(&down)(b)
		stream.From(b, "dead", text).To("buried", nil)
	})
	must(t, input(d, "in").PipeAt(7, "a", "bad"))
	records, err := output(d, "buried").ReadAll()
	must(t, err)
	if len(records) != 1 || records[0].Value != "bad" || records[0].Timestamp != 7 {
		t.Fatalf("buried %v, want the dead letter", records)
	}
	if topic, _ := records[0].Headers.Last("__streams.errors.topic"); string(topic) != "in" {
		t.Errorf("the dead letter is from %q", topic)
	}
}

func TestWallClockStandsStillUntilAdvance(t *testing.T) {
	start := time.UnixMilli(1_700_000_000_000)
	var calls []int64
	d := run(t, streamtest.Config{Start: start}, func(b *stream.Builder) {
		stream.Process[string, string, string, string](stream.From(b, "in", text), func() ticking { return ticking{&calls} }).To("ticks", text)
	})
	if !d.Now().Equal(start) {
		t.Errorf("the clock begins at %v, want %v", d.Now(), start)
	}
	in := input(d, "in")
	must(t, in.Pipe("a", "1"))
	must(t, d.Advance(999*time.Millisecond), d.Advance(time.Millisecond), d.Advance(5500*time.Millisecond), d.Advance(500*time.Millisecond))
	// Calls that were missed are made once, and what they forward is in the output.
	if want := []int64{1000, 6500, 7000}; !slices.Equal(calls, want) {
		t.Errorf("punctuations at %v, want %v", calls, want)
	}
	if got := output(d, "ticks").Len(); got != 3 {
		t.Errorf("%d records from punctuations, want 3", got)
	}
	if got := d.Now().Sub(start); got != 7*time.Second {
		t.Errorf("the clock went on by %v, want 7s", got)
	}
}

// ticking forwards the time since the start of its test, every second.
type ticking struct{ calls *[]int64 }

func (k ticking) Init(pc *topology.Context[string, string]) error {
	begin := pc.WallClock()
	_, err := pc.Schedule(time.Second, topology.WallClockTime, func(_ context.Context, ts int64) error {
		*k.calls = append(*k.calls, ts-begin)
		return pc.Forward(record{Key: "tick", Timestamp: ts})
	})
	return err
}

func (k ticking) Process(context.Context, record) error { return nil }

func TestClockBeginsIn1970(t *testing.T) {
	d := run(t, streamtest.Config{}, copying)
	if !d.Now().Equal(time.UnixMilli(0)) {
		t.Errorf("the clock begins at %v", d.Now())
	}
}

func TestRetriableErrorWaitsForAdvance(t *testing.T) {
	down := true
	d := run(t, streamtest.Config{ErrorHandler: skip}, frailly(&down))
	in := input(d, "in")
	if err := in.Pipe("a", "1"); !errors.Is(err, serde.ErrRetriable) {
		t.Fatalf("Pipe: %v, want a retriable error", err)
	}
	down = false
	if err := in.Pipe("a", "2"); !errors.Is(err, serde.ErrRetriable) {
		t.Fatalf("Pipe: %v; nothing overtakes a record that waits", err)
	}
	wantRecords(t, output(d, "out"))
	must(t, d.Advance(time.Second))
	wantRecords(t, output(d, "out"), record{Key: "a", Value: "1"}, record{Key: "a", Value: "2"})
	must(t, in.Pipe("a", "3"))
}

func TestRecordThatWaitsDoesNotHoldUpOtherInputs(t *testing.T) {
	down := true
	d := run(t, streamtest.Config{}, func(b *stream.Builder) {
		frailly(&down)(b)
		stream.From(b, "other", text).To("other-out", nil)
	})
	if err := input(d, "in").Pipe("a", "1"); !errors.Is(err, serde.ErrRetriable) {
		t.Fatalf("Pipe: %v, want a retriable error", err)
	}
	must(t, input(d, "other").Pipe("b", "2"))
	wantRecords(t, output(d, "other-out"), record{Key: "b", Value: "2"})
}

func TestMaxTaskIdleHoldsRecordsBack(t *testing.T) {
	merging := func(b *stream.Builder) {
		stream.From(b, "left", text).Merge(stream.From(b, "right", text)).To("out", text)
	}
	d := run(t, streamtest.Config{MaxTaskIdle: time.Second}, merging)
	left, right := input(d, "left"), input(d, "right")
	out := output(d, "out")
	must(t, left.PipeAt(10, "l", "1"))
	wantRecords(t, out)
	must(t, right.PipeAt(5, "r", "1"))
	wantRecords(t, out, record{Key: "r", Value: "1", Timestamp: 5})
	must(t, d.Advance(999*time.Millisecond))
	wantRecords(t, out)
	must(t, d.Advance(time.Millisecond))
	wantRecords(t, out, record{Key: "l", Value: "1", Timestamp: 10})

	// By default an input without records is not waited for.
	d = run(t, streamtest.Config{}, merging)
	must(t, input(d, "left").PipeAt(10, "l", "1"))
	wantRecords(t, output(d, "out"), record{Key: "l", Value: "1", Timestamp: 10})
}

// With the record cache a key is forwarded when the record is committed, so once
// for each.
func TestCacheIsFlushedAfterEachRecord(t *testing.T) {
	d := run(t, streamtest.Config{CacheMaxBytes: 1 << 20}, func(b *stream.Builder) {
		twice := stream.FlatMapValues(stream.From(b, "in", text), func(v string) []string { return []string{v, v} })
		counts := twice.GroupByKeyWith(text).Count(stream.InStore("counts", serde.String(), serde.Int64()))
		counts.ToStream().To("out", stream.With(serde.String(), serde.Int64()))
	})
	in := input(d, "in")
	must(t, in.Pipe("a", "x"), in.Pipe("a", "y"))
	table := streamtest.NewOutput(d, "out", serde.String(), serde.Int64())
	wantRecords(t, table, topology.Record[string, int64]{Key: "a", Value: 2}, topology.Record[string, int64]{Key: "a", Value: 4})
}

func TestEngineOnDiskLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	d := run(t, streamtest.Config{Engine: badger.Open}, counting)
	must(t, input(d, "in").Pipe("a", "1"), input(d, "in").Pipe("a", "2"))
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("%d folders while the driver runs, %v; want one", len(left), err)
	}
	s, err := streamtest.Store[store.TimestampedKeyValueStore[string, int64]](d, "counts")
	must(t, err)
	if v, ok, err := s.Get("a"); v.Value != 2 || !ok || err != nil {
		t.Errorf("the store has %v, %v, %v; want 2", v, ok, err)
	}
	must(t, d.Close())
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// An engine that does not open leaves nothing either.
func TestEngineThatDoesNotOpen(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	errOpen := errors.New("the disk is full")
	b := stream.NewBuilder()
	counting(b)
	topo, err := b.Build()
	must(t, err)
	if _, err := streamtest.NewDriver(topo, streamtest.Config{Engine: func(string) (store.Engine, error) { return nil, errOpen }}); !errors.Is(err, errOpen) {
		t.Errorf("NewDriver: %v, want the engine's error", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestTopicsAreThoseWithRecords(t *testing.T) {
	d := run(t, streamtest.Config{ApplicationID: "shop"}, func(b *stream.Builder) {
		s := stream.SelectKey(stream.From(b, "in", text), func(_, v string) string { return v })
		s.GroupByKeyWith(text).Count(stream.InStore("counts", serde.String(), serde.Int64())).ToStream().To("out", nil)
		stream.From(b, "unused", text).To("nowhere", nil)
	})
	if got := d.Topics(); len(got) != 0 {
		t.Errorf("topics %v before the first record", got)
	}
	must(t, input(d, "in").Pipe("a", "x"))
	want := []string{"in", "out", "shop-counts-changelog", "shop-counts-repartition"}
	if diff := cmp.Diff(want, d.Topics()); diff != "" {
		t.Errorf("topics (-want +got):\n%s", diff)
	}
}

// The stores of a topology can be looked at, and filled before the first record.
func TestStoreCanBeReadAndFilled(t *testing.T) {
	d := run(t, streamtest.Config{}, counting)
	counts, err := streamtest.Store[store.TimestampedKeyValueStore[string, int64]](d, "counts")
	must(t, err)
	must(t, counts.Put("a", store.ValueAndTimestamp[int64]{Value: 41, Timestamp: 5}))
	must(t, input(d, "in").PipeAt(9, "a", "x"))
	wantRecords(t, streamtest.NewOutput(d, "out", serde.String(), serde.Int64()), topology.Record[string, int64]{Key: "a", Value: 42, Timestamp: 9})
	if v, ok, err := counts.Get("a"); v != (store.ValueAndTimestamp[int64]{Value: 42, Timestamp: 9}) || !ok || err != nil {
		t.Errorf("the store has %v, %v, %v", v, ok, err)
	}
	if _, err := streamtest.Store[store.KeyValueStore[string, string]](d, "counts"); err == nil || !strings.Contains(err.Error(), `store "counts" is a `) {
		t.Errorf("Store of another type: %v", err)
	}
	if _, err := streamtest.Store[store.KeyValueStore[string, string]](d, "amounts"); err == nil || !strings.Contains(err.Error(), `no store "amounts"`) {
		t.Errorf("Store of another name: %v", err)
	}
}

// Two drivers of one topology have nothing in common.
func TestTopologyIsSharedByDrivers(t *testing.T) {
	b := stream.NewBuilder()
	counting(b)
	topo, err := b.Build()
	must(t, err)
	for i := range 2 {
		d, err := streamtest.NewDriver(topo, streamtest.Config{ApplicationID: fmt.Sprint("app", i)})
		must(t, err)
		must(t, input(d, "in").Pipe("a", "x"))
		wantRecords(t, streamtest.NewOutput(d, fmt.Sprint("app", i, "-counts-changelog"), serde.String(), serde.Int64()),
			topology.Record[string, int64]{Key: "a", Value: 1})
		must(t, d.Close())
	}
}
