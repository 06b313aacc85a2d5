package streamtest_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/streamtest"
	"github.com/streamweir/streamweir/topology"
)

func TestTimesOfAnInput(t *testing.T) {
	d := run(t, streamtest.Config{Start: time.UnixMilli(1000)}, copying)
	in := input(d, "in")
	must(t, in.Pipe("a", "1"), in.Pipe("a", "2"))
	in.Advance(5 * time.Millisecond)
	must(t, in.Pipe("a", "3"), in.PipeAt(77, "a", "4"))
	in.AutoAdvance(10 * time.Millisecond)
	must(t, in.Pipe("a", "5"), in.Pipe("a", "6"), in.PipeAt(78, "a", "7"), in.Pipe("a", "8"))
	// An input that is made later begins at the wall clock; one that is there keeps its own.
	must(t, d.Advance(time.Second))
	must(t, input(d, "in").Pipe("b", "9"), in.Pipe("a", "10"))
	records, err := output(d, "out").ReadAll()
	must(t, err)
	var got []int64
	for _, r := range records {
		got = append(got, r.Timestamp)
	}
	if diff := cmp.Diff([]int64{1000, 1000, 1005, 77, 1005, 1015, 78, 1025, 2000, 1035}, got); diff != "" {
		t.Errorf("timestamps (-want +got):\n%s", diff)
	}
}

func TestPipeRecordWritesAllOfIt(t *testing.T) {
	d := run(t, streamtest.Config{}, copying)
	records := []record{
		{Key: "k", Value: "v", Timestamp: 5, Headers: topology.Headers{{Name: "h", Value: []byte("1")}, {Name: "h"}}},
		{NullKey: true, Value: "v"},
		{Key: "k", NullValue: true},
		{Key: "", Value: ""},
	}
	for _, r := range records {
		must(t, input(d, "in").PipeRecord(r))
	}
	wantRecords(t, output(d, "out"), records...)
}

func TestNilIsNull(t *testing.T) {
	d := run(t, streamtest.Config{}, copying)
	in := streamtest.NewInput(d, "in", serde.Bytes(), serde.Bytes())
	must(t, in.Pipe(nil, []byte("v")), in.Pipe([]byte("k"), nil), in.Pipe([]byte{}, []byte{}))
	wantRecords(t, output(d, "out"), record{NullKey: true, Value: "v"}, record{Key: "k", NullValue: true}, record{})
}

func TestInputOfATopicThatNobodyReads(t *testing.T) {
	d := run(t, streamtest.Config{}, func(b *stream.Builder) {
		copying(b)
		stream.FromPattern(b, regexp.MustCompile("orders-.*"), text).To("orders", nil)
	})
	err := input(d, "inn").Pipe("k", "v")
	if want := `streamtest: no source reads topic "inn"; there are in, those that match "orders-.*"`; err == nil || err.Error() != want {
		t.Errorf("Pipe: %v\nwant %s", err, want)
	}
	// That is a mistake of the test, not of the topology: the driver goes on.
	must(t, input(d, "in").Pipe("k", "v"), input(d, "orders-eu").Pipe("k", "1"), input(d, "orders-us").Pipe("k", "2"), input(d, "orders-eu").Pipe("k", "3"))
	wantRecords(t, output(d, "orders"), record{Key: "k", Value: "1"}, record{Key: "k", Value: "2"}, record{Key: "k", Value: "3"})
}

func TestOutputIsReadFromItsBeginning(t *testing.T) {
	d := run(t, streamtest.Config{}, copying)
	in, early := input(d, "in"), output(d, "out")
	if r, ok, err := early.Read(); ok || err != nil || early.Len() != 0 {
		t.Errorf("read %v, %v, %v from a topic without records", r, ok, err)
	}
	must(t, in.Pipe("a", "1"), in.Pipe("b", "2"))
	if got := early.Len(); got != 2 {
		t.Errorf("%d records left, want 2", got)
	}
	if r, ok, err := early.Read(); r.Value != "1" || !ok || err != nil || early.Len() != 1 {
		t.Errorf("read %v, %v, %v", r, ok, err)
	}
	must(t, in.Pipe("c", "3"))
	late := output(d, "out")
	wantRecords(t, early, record{Key: "b", Value: "2"}, record{Key: "c", Value: "3"})
	wantRecords(t, early)
	wantRecords(t, late, record{Key: "a", Value: "1"}, record{Key: "b", Value: "2"}, record{Key: "c", Value: "3"})
	wantRecords(t, output(d, "elsewhere"))
}

func TestRecordThatCannotBeReadIsPassedOver(t *testing.T) {
	d := run(t, streamtest.Config{}, copying)
	in := input(d, "in")
	must(t, in.Pipe("a", "12345678"), in.Pipe("a", "short"), in.Pipe("short", "12345678"), in.Pipe("a", "12345678"))
	out := streamtest.NewOutput(d, "out", serde.String(), serde.Int64())
	records, err := out.ReadAll()
	if err == nil || !strings.Contains(err.Error(), `streamtest: topic "out": value: `) || len(records) != 1 {
		t.Errorf("read %d records and %v, want one and an error that names the topic", len(records), err)
	}
	if records, err = out.ReadAll(); err != nil || len(records) != 2 {
		t.Errorf("read %d records and %v after it, want 2", len(records), err)
	}
	keys := streamtest.NewOutput(d, "out", serde.Int64(), serde.String())
	if _, _, err := keys.Read(); err == nil || !strings.Contains(err.Error(), `streamtest: topic "out": key: `) {
		t.Errorf("read a key of 1 byte as a number: %v", err)
	}
}

func TestReadTable(t *testing.T) {
	d := run(t, streamtest.Config{}, copying)
	out := output(d, "out")
	for _, r := range []record{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}, {NullKey: true, Value: "3"}, {Key: "a", Value: "4"}, {Key: "b", NullValue: true}, {Key: "c"}} {
		must(t, input(d, "in").PipeRecord(r))
	}
	got, err := streamtest.ReadTable(out)
	must(t, err)
	if diff := cmp.Diff(map[string]string{"a": "4", "c": ""}, got); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	if got, err = streamtest.ReadTable(out); len(got) != 0 || err != nil {
		t.Errorf("second table %v, %v: all records were read", got, err)
	}
}

// Internal topics have the application id in front; the records of a repartition
// are processed in the same call.
func TestInternalTopicsCanBeRead(t *testing.T) {
	d := run(t, streamtest.Config{ApplicationID: "shop"}, func(b *stream.Builder) {
		s := stream.SelectKey(stream.From(b, "in", text), func(_, v string) string { return v })
		counts := s.GroupByKeyWith(text).Count(stream.InStore("counts", serde.String(), serde.Int64()))
		counts.ToStream().To("out", stream.With(serde.String(), serde.Int64()))
	})
	must(t, input(d, "in").PipeAt(7, "a", "x"))
	one := topology.Record[string, int64]{Key: "x", Value: 1, Timestamp: 7}
	wantRecords(t, output(d, "shop-counts-repartition"), record{Key: "x", Value: "x", Timestamp: 7})
	wantRecords(t, streamtest.NewOutput(d, "shop-counts-changelog", serde.String(), serde.Int64()), one)
	wantRecords(t, streamtest.NewOutput(d, "out", serde.String(), serde.Int64()), one)
}

// An output topic that the topology reads goes back into it.
func TestOutputIsFedBack(t *testing.T) {
	d := run(t, streamtest.Config{}, func(b *stream.Builder) {
		s := stream.From(b, "loop", text)
		stream.MapValues(s, func(v string) string { return v[1:] }).Filter(func(_, v string) bool { return v != "" }).To("loop", text)
	})
	must(t, input(d, "loop").Pipe("k", "abc"))
	wantRecords(t, output(d, "loop"), record{Key: "k", Value: "abc"}, record{Key: "k", Value: "bc"}, record{Key: "k", Value: "c"})
}

var errBind = errors.New("no subject")

// unbound is a serde that cannot be bound.
type unbound struct{}

func (unbound) Bind(string, serde.Role) (serde.Codec[string], error) { return nil, errBind }

// mute is a serde that cannot encode.
type mute struct{ serde.Codec[string] }

func (mute) Bind(string, serde.Role) (serde.Codec[string], error) { return mute{}, nil }

func (mute) Append([]byte, string) ([]byte, error) { return nil, errBad }

func TestSerdesOfATestThatFail(t *testing.T) {
	d := run(t, streamtest.Config{}, copying)
	for name, in := range map[string]*streamtest.Input[string, string]{
		"key":   streamtest.NewInput[string, string](d, "in", mute{}, serde.String()),
		"value": streamtest.NewInput[string, string](d, "in", serde.String(), mute{}),
	} {
		if err := in.Pipe("k", "v"); !errors.Is(err, errBad) || !strings.Contains(err.Error(), `topic "in": `+name) {
			t.Errorf("Pipe with a mute %s serde: %v", name, err)
		}
	}
	if err := streamtest.NewInput[string, string](d, "in", unbound{}, serde.String()).Pipe("k", "v"); !errors.Is(err, errBind) {
		t.Errorf("Pipe with a serde that cannot be bound: %v", err)
	}
	out := streamtest.NewOutput[string, string](d, "out", serde.String(), unbound{})
	if _, ok, err := out.Read(); ok || !errors.Is(err, errBind) {
		t.Errorf("Read with a serde that cannot be bound: %v, %v", ok, err)
	}
	must(t, input(d, "in").Pipe("k", "v"))
	if _, _, err := out.Read(); !errors.Is(err, errBind) {
		t.Errorf("Read of a record with a serde that cannot be bound: %v", err)
	}
	wantRecords(t, output(d, "out"), record{Key: "k", Value: "v"})
}
