package stream_test

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/streamtest"
)

const milli = time.Millisecond

// collect makes a table of the values of each key and window, in the order in which
// they came. windows are stream.Windows or stream.SessionWindows.
func collect(b *stream.Builder, windows any, emit stream.EmitStrategy, m *stream.Materialized[string, string]) *stream.KTable[stream.Windowed[string], string] {
	g := stream.From(b, "in", text).GroupByKey()
	if m == nil {
		m = stream.Stored(serde.String(), serde.String())
	}
	empty := func() string { return "" }
	join := func(_, v, sofar string) string { return sofar + v }
	if w, ok := windows.(stream.SessionWindows); ok {
		return stream.AggregateSessions(stream.SessionWindowedBy(g, w).EmitStrategy(emit), empty, join,
			func(_, a, b string) string { return a + b }, m)
	}
	return stream.AggregateWindows(stream.WindowedBy(g, windows.(stream.Windows)).EmitStrategy(emit), empty, join, m)
}

// windowed writes a table that collect made to the topic "out" as strings.
func windowed(t testing.TB, windows any, emit stream.EmitStrategy, cfg streamtest.Config) *streamtest.Driver {
	t.Helper()
	return windowedIn(t, nil, windows, emit, cfg)
}

func windowedIn(t testing.TB, m *stream.Materialized[string, string], windows any, emit stream.EmitStrategy, cfg streamtest.Config) *streamtest.Driver {
	t.Helper()
	b := stream.NewBuilder()
	s := collect(b, windows, emit, m).ToStream()
	stream.SelectKey(s, func(k stream.Windowed[string], _ string) string { return k.String() }).To("out", text)
	d, err := streamtest.NewDriver(built(t, b), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// feedText pipes records written as "key value timestamp", separated by commas; "-" is
// null. A step "+1000" moves the wall clock instead.
func feedText(t testing.TB, d *streamtest.Driver, input string) {
	t.Helper()
	for step := range strings.SplitSeq(input, ",") {
		step = strings.TrimSpace(step)
		if ms, ok := strings.CutPrefix(step, "+"); ok {
			n, err := strconv.ParseInt(ms, 10, 64)
			if err == nil {
				err = d.Advance(time.Duration(n) * milli)
			}
			if err != nil {
				t.Fatal(err)
			}
			continue
		}
		pipeText(t, d, "in", step)
	}
}

// written reads all of "out" as "[key@start/end]=value@timestamp".
func written(t testing.TB, d *streamtest.Driver) []string {
	t.Helper()
	all, err := streamtest.NewOutput(d, "out", serde.String(), serde.String()).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, r := range all {
		value := r.Value
		if r.NullValue {
			value = "null"
		}
		got = append(got, fmt.Sprintf("%s=%s@%d", r.Key, value, r.Timestamp))
	}
	return got
}

func TestWindows(t *testing.T) {
	far := int64(math.MaxInt64 - 100)
	for name, c := range map[string]struct {
		windows any
		input   string
		want    string
		dropped int64
	}{
		"tumbling: the start is in, the end is not": {stream.Tumbling(10 * milli), "a 1 0, a 2 9, a 3 10",
			"[a@0/10]=1@0 [a@0/10]=12@9 [a@10/20]=3@10", 0},
		"tumbling: late without grace": {stream.Tumbling(10 * milli), "a 1 0, b 2 10, a 3 9",
			"[a@0/10]=1@0 [b@10/20]=2@10", 1},
		"tumbling: open until the grace period has ended": {stream.Tumbling(10 * milli).Grace(5 * milli), "a 1 0, b 2 14, a 3 9, b 4 15, a 5 9",
			"[a@0/10]=1@0 [b@10/20]=2@14 [a@0/10]=13@9 [b@10/20]=24@15", 1},
		"tumbling: out of order keeps the greatest timestamp": {stream.Tumbling(10 * milli), "a 1 7, a 2 3, a 3 7",
			"[a@0/10]=1@7 [a@0/10]=12@7 [a@0/10]=123@7", 0},
		"tumbling: a jump forgets what came before": {stream.Tumbling(10 * milli).Grace(5 * milli), "a 1 0, a 2 1000000000, a 3 0",
			"[a@0/10]=1@0 [a@1000000000/1000000010]=2@1000000000", 1},
		"tumbling: near the end of time": {stream.Tumbling(10 * milli), fmt.Sprintf("a 1 %d", far),
			fmt.Sprintf("[a@%d/%d]=1@%d", far/10*10, far/10*10+10, far), 0},
		"tumbling: a null value is taken in, a null key is not": {stream.Tumbling(10 * milli), "a 1 0, a - 5, - 2 5",
			"[a@0/10]=1@0 [a@0/10]=1@5", 1},
		"tumbling: what is dropped moves no time": {stream.Tumbling(10 * milli), "a 1 0, - 2 100, a 3 5",
			"[a@0/10]=1@0 [a@0/10]=13@5", 1},
		"hopping: nulls": {stream.Hopping(10*milli, 5*milli), "a 1 7, a - 8, - 2 8",
			"[a@0/10]=1@7 [a@5/15]=1@7 [a@0/10]=1@8 [a@5/15]=1@8", 1},
		"sliding: null keys and values are dropped": {stream.Sliding(10 * milli), "a 1 20, a - 25, - 2 25, a - 100, a 3 20",
			"[a@10/20]=1@20 [a@10/20]=13@20", 3},
		"sessions: a null value is taken in, a null key is not": {stream.Sessions(5 * milli).Grace(50 * milli), "a 1 0, a - 5, - 2 5",
			"[a@0/0]=1@0 [a@0/0]=null@0 [a@0/5]=1@5", 1},
		"hopping: every window that the record is in, the earliest first": {stream.Hopping(10*milli, 4*milli), "a 1 9, a 2 12",
			"[a@0/10]=1@9 [a@4/14]=1@9 [a@8/18]=1@9 [a@4/14]=12@12 [a@8/18]=12@12 [a@12/22]=2@12", 0},
		"hopping: none begins before the epoch": {stream.Hopping(10*milli, 4*milli), "a 1 0", "[a@0/10]=1@0", 0},
		"hopping: late for one window only": {stream.Hopping(10*milli, 5*milli), "a 1 11, a 2 9",
			"[a@5/15]=1@11 [a@10/20]=1@11 [a@5/15]=12@11", 1},
		"unlimited: nothing before the start, never late": {stream.Unlimited(time.UnixMilli(5)), "a 1 4, a 2 5, a 3 1000000, a 4 6",
			fmt.Sprintf("[a@5/%[1]d]=2@5 [a@5/%[1]d]=23@1000000 [a@5/%[1]d]=234@1000000", int64(math.MaxInt64)), 0},
		"sliding: the difference is in, more is not": {stream.Sliding(10 * milli), "a 1 20, a 2 30, a 3 41",
			"[a@10/20]=1@20 [a@21/31]=2@30 [a@20/30]=12@30 [a@31/41]=3@41 [a@31/41]=3@41", 0},
		"sliding: one timestamp, one set of windows": {stream.Sliding(10 * milli), "a 1 20, a 2 20, a 3 25, a 4 25",
			"[a@10/20]=1@20 [a@10/20]=12@20 [a@21/31]=3@25 [a@15/25]=123@25 [a@21/31]=34@25 [a@15/25]=1234@25", 0},
		"sliding: out of order fills windows on both sides": {stream.Sliding(10 * milli).Grace(50 * milli), "a 1 20, a 2 28, a 3 24",
			"[a@10/20]=1@20 [a@21/31]=2@28 [a@18/28]=12@28 [a@21/31]=23@28 [a@18/28]=123@28 [a@14/24]=13@24 [a@25/35]=2@28", 0},
		"sliding: early records are together": {stream.Sliding(10 * milli), "a 1 2, a 2 0, a 3 9",
			"[a@0/10]=1@2 [a@1/11]=1@2 [a@0/10]=12@2 [a@1/11]=13@9 [a@3/13]=3@9 [a@0/10]=123@9", 0},
		"sliding: late": {stream.Sliding(10 * milli).Grace(5 * milli), "a 1 20, b 2 50, a 3 34, a 4 35",
			"[a@10/20]=1@20 [b@40/50]=2@50", 2},
		"sessions: the gap is in, more is not": {stream.Sessions(5 * milli).Grace(50 * milli), "a 1 0, a 2 5, a 3 11",
			"[a@0/0]=1@0 [a@0/0]=null@0 [a@0/5]=12@5 [a@11/11]=3@11", 0},
		"sessions: a record joins what is before and after it": {stream.Sessions(5 * milli).Grace(50 * milli), "a 1 0, a 2 10, a 3 5",
			"[a@0/0]=1@0 [a@10/10]=2@10 [a@0/0]=null@0 [a@10/10]=null@10 [a@0/10]=123@10", 0},
		"sessions: one timestamp": {stream.Sessions(5 * milli), "a 1 3, a 2 3", "[a@3/3]=1@3 [a@3/3]=12@3", 0},
		"sessions: late, unless it joins one that is not": {stream.Sessions(5 * milli).Grace(5 * milli), "a 1 20, a 2 9, a 3 10, a 4 14, a 5 15",
			"[a@20/20]=1@20 [a@10/10]=3@10 [a@14/14]=4@14 [a@14/14]=null@14 [a@20/20]=null@20 [a@14/20]=415@20", 1},
		"sessions: keys apart": {stream.Sessions(5 * milli), "a 1 3, b 2 4", "[a@3/3]=1@3 [b@4/4]=2@4", 0},
	} {
		t.Run(name, func(t *testing.T) {
			d := windowed(t, c.windows, stream.OnWindowUpdate, streamtest.Config{})
			feedText(t, d, c.input)
			if diff := cmp.Diff(strings.Fields(c.want), written(t, d)); diff != "" {
				t.Error(diff)
			}
			if n := d.Dropped(); n != c.dropped {
				t.Errorf("%d dropped, want %d", n, c.dropped)
			}
		})
	}
}

// Null values of the first record leave a reduced window without a value; later ones are
// given to the function.
func TestReduceNullsInWindows(t *testing.T) {
	for name, want := range map[string]string{"windows": "[a@0/10]=null@0 [a@0/10]=1@1 [a@0/10]=1+@2", "sessions": "[a@0/0]=null@0 [a@1/1]=1@1 [a@1/1]=null@1 [a@1/2]=1+@2"} {
		b := stream.NewBuilder()
		g := stream.From(b, "in", text).GroupByKey()
		add := func(sofar, v string) string { return sofar + "+" + v }
		table := stream.WindowedBy(g, stream.Tumbling(10*milli)).Reduce(add, nil)
		if name == "sessions" {
			b = stream.NewBuilder()
			table = stream.SessionWindowedBy(stream.From(b, "in", text).GroupByKey(), stream.Sessions(5*milli)).Reduce(add, nil)
		}
		stream.SelectKey(table.ToStream(), func(k stream.Windowed[string], _ string) string { return k.String() }).To("out", text)
		d := driverOf(t, b, streamtest.Config{})
		feedText(t, d, "a - 0, a 1 1, a - 2")
		if diff := cmp.Diff(strings.Fields(want), written(t, d)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// Windows that close are emitted once, in the order of time, whatever the retention of
// the store and the jumps of stream time.
func TestEmitOnWindowClose(t *testing.T) {
	for name, c := range map[string]struct {
		windows  any
		interval time.Duration
		input    string
		want     string
	}{
		"tumbling": {stream.Tumbling(10 * milli).Grace(5 * milli), 0, "b 1 1, a 2 2, a 3 14, a 4 9, a 5 15, b 6 30",
			"[a@0/10]=24@9 [b@0/10]=1@1 [a@10/20]=35@15"},
		"a jump": {stream.Tumbling(10 * milli).Grace(5 * milli), 0, "a 1 0, a 2 15, a 3 39, a 4 1000055",
			"[a@0/10]=1@0 [a@10/20]=2@15 [a@30/40]=3@39"},
		"hopping": {stream.Hopping(10*milli, 5*milli), 0, "a 1 7, a 2 12, b 3 100",
			"[a@0/10]=1@7 [a@5/15]=12@12 [a@10/20]=2@12"},
		"sliding": {stream.Sliding(10 * milli), 0, "a 1 20, a 2 25, b 3 100",
			"[a@10/20]=1@20 [a@15/25]=12@25 [a@21/31]=2@25"},
		"sessions": {stream.Sessions(5 * milli).Grace(1 * milli), 0, "a 1 0, b 2 3, a 3 4, b 4 100",
			"[b@3/3]=2@3 [a@0/4]=13@4"},
		"a day between sessions": {stream.Sessions(5 * milli), 0, "a 1 0, a 2 86400000, b 3 172800000",
			"[a@0/0]=1@0 [a@86400000/86400000]=2@86400000"},
		"the interval between emissions": {stream.Tumbling(10 * milli).Grace(90 * milli), time.Second, "a 1 0, a 2 100, a 3 110, a 4 120, +1000, a 5 121",
			"[a@0/10]=1@0"},
		"a backlog in one interval": {stream.Tumbling(10 * milli), time.Second, "a 1 0, a 2 10, a 3 20, a 4 30, +1000, a 5 40",
			"[a@0/10]=1@0 [a@10/20]=2@10 [a@20/30]=3@20 [a@30/40]=4@30"},
	} {
		for _, place := range []string{"on disk", "in memory"} {
			t.Run(name+" "+place, func(t *testing.T) {
				m := stream.Stored(serde.String(), serde.String())
				if place == "in memory" {
					m = m.Options(store.InMemory())
				}
				d := windowedIn(t, m, c.windows, stream.OnWindowClose, streamtest.Config{EmitInterval: c.interval})
				feedText(t, d, c.input)
				if diff := cmp.Diff(strings.Fields(c.want), written(t, d)); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestWindowMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		windows any
		m       *stream.Materialized[string, string]
		emit    stream.EmitStrategy
		want    string
	}{
		"no size":                {windows: stream.Tumbling(0), want: "size of the windows is 0s"},
		"half a millisecond":     {windows: stream.Tumbling(500 * time.Microsecond), want: "at least a millisecond"},
		"negative size":          {windows: stream.Tumbling(-time.Second), want: "size of the windows is -1s"},
		"no advance":             {windows: stream.Hopping(time.Second, 0), want: "advance by 0s"},
		"gaps":                   {windows: stream.Hopping(time.Second, 2*time.Second), want: "advance by 2s"},
		"negative grace":         {windows: stream.Tumbling(time.Second).Grace(-1), want: "grace period is negative"},
		"no difference":          {windows: stream.Sliding(0), want: "time difference of the windows is 0s"},
		"negative sliding grace": {windows: stream.Sliding(time.Second).Grace(-1), want: "grace period is negative"},
		"no gap":                 {windows: stream.Sessions(0), want: "gap of the sessions is 0s"},
		"before the epoch":       {windows: stream.Unlimited(time.UnixMilli(-1)), want: "before the epoch"},
		"never closes":           {windows: stream.Unlimited(time.Time{}), emit: stream.OnWindowClose, want: "never closes"},
		"no strategy":            {windows: stream.Tumbling(time.Second), emit: 7, want: "emit strategy is 7"},
		"short retention": {windows: stream.Tumbling(time.Second).Grace(time.Second),
			m: stream.Stored(serde.String(), serde.String()).Retention(1999 * milli), want: "for 1.999s, less than the 2s"},
		"short sliding retention": {windows: stream.Sliding(time.Second),
			m: stream.Stored(serde.String(), serde.String()).Retention(time.Second), want: "less than the 2s"},
	} {
		t.Run(name, func(t *testing.T) {
			b := stream.NewBuilder()
			collect(b, c.windows, c.emit, c.m)
			_, err := b.Build()
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), `"KSTREAM-AGGREGATE-`) {
				t.Errorf("got %v, want %q and the operator's name", err, c.want)
			}
		})
	}
}

func TestRetentionIsForWindows(t *testing.T) {
	b := stream.NewBuilder()
	stream.From(b, "in", text).GroupByKey().Reduce(func(_, v string) string { return v },
		stream.InStore("rows", serde.String(), serde.String()).Retention(time.Hour), stream.Named("last"))
	if _, err := b.Build(); err == nil || !strings.Contains(err.Error(), `"last": Retention is for windowed`) {
		t.Error(err)
	}
}

// Windows stay in the store for its retention, and can be read there.
func TestWindowsAreKeptForTheRetention(t *testing.T) {
	b := stream.NewBuilder()
	collect(b, stream.Tumbling(10*milli), stream.OnWindowUpdate, stream.InStore("rows", serde.String(), serde.String()).Retention(100*milli))
	d := driverOf(t, b, streamtest.Config{})
	feedText(t, d, "a 1 0, a 2 50, a 3 109")
	rows, err := streamtest.Store[store.TimestampedWindowStore[string, string]](d, "rows")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for it := rows.FetchAll(0, 1000); ; {
		if !it.Next() {
			if err := it.Close(); err != nil {
				t.Fatal(err)
			}
			break
		}
		got = append(got, it.Key().String()+"="+it.Value().Value)
	}
	if diff := cmp.Diff([]string{"[a@50/60]=2", "[a@100/110]=3"}, got); diff != "" {
		t.Error(diff)
	}
}
