package stream_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/streamtest"
)

// feedSides pipes records written as "topic key value timestamp", separated by commas;
// "-" is null.
func feedSides(t testing.TB, d *streamtest.Driver, input string) {
	t.Helper()
	for step := range strings.SplitSeq(input, ",") {
		topic, record, _ := strings.Cut(strings.TrimSpace(step), " ")
		pipeText(t, d, topic, record)
	}
}

// pipeText pipes a record written as "key value timestamp".
func pipeText(t testing.TB, d *streamtest.Driver, topic, record string) {
	t.Helper()
	var r textRecord
	if _, err := fmt.Sscan(record, &r.Key, &r.Value, &r.Timestamp); err != nil {
		t.Fatal(record, err)
	}
	r.NullKey, r.NullValue = r.Key == "-", r.Value == "-"
	if err := streamtest.NewInput(d, topic, serde.String(), serde.String()).PipeRecord(r); err != nil {
		t.Fatal(err)
	}
}

// wantResults compares what was written to "out", as "key=value@timestamp", and how much
// was dropped.
func wantResults(t testing.TB, d *streamtest.Driver, want string, dropped int64) {
	t.Helper()
	all, err := streamtest.NewOutput(d, "out", serde.String(), serde.String()).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, r := range all {
		if r.NullKey {
			r.Key = "-"
		}
		got = append(got, fmt.Sprintf("%s=%s@%d", r.Key, r.Value, r.Timestamp))
	}
	if diff := cmp.Diff(strings.Fields(want), got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	if n := d.Dropped(); n != dropped {
		t.Errorf("%d dropped, want %d", n, dropped)
	}
}

// Joins of the streams l and r, in the order in which results come.
func TestJoinsInWindows(t *testing.T) {
	ten := stream.TimeDifference(10 * milli)
	for name, c := range map[string]struct {
		kind    string
		windows stream.JoinWindows
		input   string
		want    string
		dropped int64
	}{
		"inner: both bounds are in, more is not": {"inner", ten.Grace(50 * milli), "l a 1 100, r a v 90, r a w 110, r a x 89, r a y 111",
			"a=1,v@100 a=1,w@110", 0},
		"inner: a partner may come first": {"inner", ten, "r a x 95, l a 1 100", "a=1,x@100", 0},
		"inner: each pair once":           {"inner", ten, "l a 1 100, l a 2 101, r a x 102, r a y 103", "a=1,x@102 a=2,x@102 a=1,y@103 a=2,y@103", 0},
		"inner: one timestamp, two values": {"inner", ten, "l a 1 100, l a 2 100, r a x 100",
			"a=1,x@100 a=2,x@100", 0},
		"inner: keys apart":          {"inner", ten, "l a 1 100, r b x 100", "", 0},
		"inner: nulls are dropped":   {"inner", ten, "l - 1 100, r - x 100, l a - 100, r a x 100, l a 2 100, r a - 100", "a=2,x@100", 4},
		"inner: earlier only":        {"inner", ten.After(0), "l a 1 100, r a x 90, r a y 101", "a=1,x@100", 0},
		"inner: later only":          {"inner", ten.Before(-1 * milli), "l a 1 100, r a x 100, r a y 101, r a z 110", "a=1,y@101 a=1,z@110", 0},
		"inner: no longer kept":      {"inner", ten, "l a 1 200, l a 2 150, r a x 150", "", 0},
		"inner: kept for the grace":  {"inner", ten.Grace(50 * milli), "l a 1 200, l a 2 150, r a x 150", "a=2,x@150", 0},
		"inner: late, joins the old": {"inner", ten, "l a 1 100, l b 2 119, r c x 300, r a y 100", "a=1,y@100", 0},

		"left: alone once the windows and the grace have ended": {"left", ten.Grace(5 * milli), "l a 1 100, r b x 115, r b y 116",
			"a=1,none@100", 0},
		"left: the right side alone has none": {"left", ten, "r a x 100, l b 1 300", "", 0},
		"left: a partner ends the wait":       {"left", ten, "l a 1 100, r a x 110, r b y 300", "a=1,x@110", 0},
		"left: a partner came first":          {"left", ten, "r a x 90, l a 1 100, r b y 300", "a=1,x@100", 0},
		"left: a late partner gives a second result": {"left", ten, "l a 1 100, r b y 111, r a x 105",
			"a=1,none@100 a=1,x@105", 0},
		"left: late itself, alone at once":         {"left", ten, "r b y 200, l a 1 100", "a=1,none@100", 0},
		"left: late, and joined by the grace":      {"left", ten.Grace(500 * milli), "r b y 200, l a 1 100, r a x 100", "a=1,none@100 a=1,x@100", 0},
		"left: each waits for its own":             {"left", ten.Grace(5 * milli), "l a 1 100, l b 2 103, r c x 116", "a=1,none@100", 0},
		"left: only the largest time ends windows": {"left", ten, "l a 1 100, l - 9 200, l c 2 195", "-=9,none@200", 0},
		"left: a null key is alone at once":        {"left", ten, "l - 1 100, r - x 100, l a - 100", "-=1,none@100", 2},

		"outer: both sides, by time":          {"outer", ten, "r b x 101, l a 1 102, l c 2 200", "b=none,x@101 a=1,none@102", 0},
		"outer: a partner ends the wait":      {"outer", ten, "r a x 100, l a 1 110, l c 2 300", "a=1,x@110", 0},
		"outer: late, alone at once":          {"outer", ten, "l a 1 200, r b x 100", "b=none,x@100", 0},
		"outer: null keys are alone at once":  {"outer", ten, "l - 1 100, r - x 101, r a - 101", "-=1,none@100 -=none,x@101", 1},
		"outer: each side has its own bounds": {"outer", stream.TimeDifference(0).Before(5 * milli), "l a 1 100, r b x 100, l c 2 103, l c 3 106", "a=1,none@100 b=none,x@100 c=2,none@103", 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := stream.NewBuilder()
			joins[c.kind](stream.From(b, "l", text), stream.From(b, "r", text), c.windows, nil).To("out", text)
			d := driverOf(t, b, streamtest.Config{})
			feedSides(t, d, c.input)
			wantResults(t, d, c.want, c.dropped)
		})
	}
}

// A stream that is joined with itself: each record has itself for a partner, over one
// store as over two.
func TestSelfJoinInWindows(t *testing.T) {
	for name, c := range map[string]struct {
		kind    string
		windows stream.JoinWindows
		input   string
		want    string
	}{
		"both ways": {"inner", stream.TimeDifference(10 * milli), "in a 1 100, in a 2 105",
			"a=1,1@100 a=2,1@105 a=1,2@105 a=2,2@105"},
		"the bound is in, more is not": {"inner", stream.TimeDifference(10 * milli), "in a 1 100, in a 2 110, in a 3 121",
			"a=1,1@100 a=2,1@110 a=1,2@110 a=2,2@110 a=3,3@121"},
		"keys apart": {"inner", stream.TimeDifference(10 * milli), "in a 1 100, in b 2 100", "a=1,1@100 b=2,2@100"},
		"out of order": {"inner", stream.TimeDifference(10 * milli).Grace(50 * milli), "in a 1 108, in a 2 100",
			"a=1,1@108 a=2,1@108 a=2,2@100 a=1,2@108"},
		"too late to be kept":   {"inner", stream.TimeDifference(10 * milli), "in a 1 200, in a 2 150", "a=1,1@200"},
		"in the time of grace":  {"inner", stream.TimeDifference(10 * milli).Grace(50 * milli), "in a 1 200, in a 2 150", "a=1,1@200 a=2,2@150"},
		"null":                  {"inner", stream.TimeDifference(10 * milli), "in - 1 100, in a - 100, in a 2 100", "a=2,2@100"},
		"nobody is left alone":  {"left", stream.TimeDifference(10 * milli), "in a 1 100, in b 2 300", "a=1,1@100 b=2,2@300"},
		"nor on the other side": {"outer", stream.TimeDifference(10 * milli), "in a 1 100, in b 2 300", "a=1,1@100 b=2,2@300"},
	} {
		for stores, o := range map[string]stream.Optimization{"two stores": stream.NoOptimization, "one store": stream.SingleStoreSelfJoin} {
			t.Run(name+" "+stores, func(t *testing.T) {
				b := stream.NewBuilder()
				in := stream.From(b, "in", text)
				joins[c.kind](in, in, c.windows, nil).To("out", text)
				topo, err := b.Build(stream.Optimize(o))
				if err != nil {
					t.Fatal(err)
				}
				d, err := streamtest.NewDriver(topo, streamtest.Config{})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { d.Close() })
				feedSides(t, d, c.input)
				wantResults(t, d, c.want, d.Dropped()) // each side drops for itself
			})
		}
	}
}
