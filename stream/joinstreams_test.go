package stream_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/streamtest"
	"github.com/streamweir/streamweir/topology"
)

// fact is a record of one of the streams of a join.
type fact struct {
	left               bool
	at                 int64
	key, value         string
	nullKey, nullValue bool
}

func (f fact) topic() string {
	if f.left {
		return "left"
	}
	return "right"
}

func shown(v *string) string {
	if v == nil {
		return "none"
	}
	return *v
}

// joins are the three joins of the streams left and right.
var joins = map[string]func(l, r *stream.KStream[string, string], w stream.JoinWindows, j *stream.StreamJoined[string, string, string]) *stream.KStream[string, string]{
	"inner": func(l, r *stream.KStream[string, string], w stream.JoinWindows, j *stream.StreamJoined[string, string, string]) *stream.KStream[string, string] {
		return stream.Join(l, r, func(l, r string) string { return l + "," + r }, w, j)
	},
	"left": func(l, r *stream.KStream[string, string], w stream.JoinWindows, j *stream.StreamJoined[string, string, string]) *stream.KStream[string, string] {
		return stream.LeftJoin(l, r, func(l string, r *string) string { return l + "," + shown(r) }, w, j)
	},
	"outer": func(l, r *stream.KStream[string, string], w stream.JoinWindows, j *stream.StreamJoined[string, string, string]) *stream.KStream[string, string] {
		return stream.OuterJoin(l, r, func(l, r *string) string { return shown(l) + "," + shown(r) }, w, j)
	},
}

// expected is the definition of a join, for records in the order of their timestamps: all
// pairs of one key that are not too far apart, and those that are in no pair.
func expected(kind string, facts []fact, before, after int64) []string {
	var want []string
	paired := map[int]bool{}
	keyed := func(f fact) bool { return !f.nullKey && !f.nullValue }
	for i, l := range facts {
		for k, r := range facts {
			if l.left && !r.left && keyed(l) && keyed(r) && l.key == r.key && r.at >= l.at-before && r.at <= l.at+after {
				want = append(want, fmt.Sprintf("%s: %s,%s @%d", l.key, l.value, r.value, max(l.at, r.at)))
				paired[i], paired[k] = true, true
			}
		}
	}
	for i, f := range facts {
		switch {
		case paired[i] || f.nullValue || kind == "inner":
		case f.left:
			want = append(want, fmt.Sprintf("%s: %s,none @%d", f.key, f.value, f.at))
		case kind == "outer":
			want = append(want, fmt.Sprintf("%s: none,%s @%d", f.key, f.value, f.at))
		}
	}
	slices.Sort(want)
	return want
}

func TestJoinsAreTheirDefinition(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		before, after := rapid.Int64Range(-5, 20).Draw(rt, "before"), rapid.Int64Range(-5, 20).Draw(rt, "after")
		if before+after < 0 {
			after = -before
		}
		// Records are kept for the length of the windows and the grace period: where a bound
		// is negative that is only long enough with a grace period.
		grace := max(0, -before, -after) + rapid.Int64Range(1, 9).Draw(rt, "grace")
		w := stream.TimeDifference(0).Before(ms(before)).After(ms(after)).Grace(ms(grace))
		var facts []fact
		at := int64(100)
		for i := range rapid.IntRange(0, 40).Draw(rt, "records") {
			at += rapid.SampledFrom([]int64{0, 0, 1, 2, 7, 30}).Draw(rt, "later")
			f := fact{left: rapid.Bool().Draw(rt, "left"), at: at, key: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "key"), value: fmt.Sprint(i)}
			switch rapid.IntRange(0, 12).Draw(rt, "null") {
			case 0:
				f.nullValue = true
			case 1:
				f.nullKey, f.key = true, ""
			}
			facts = append(facts, f)
		}
		for kind, join := range joins {
			b := stream.NewBuilder()
			j := stream.StreamJoinedWith[string, string, string](nil, nil, nil)
			if rapid.Bool().Draw(rt, "in memory") {
				j = j.Options(store.InMemory())
			}
			join(stream.From(b, "left", text), stream.From(b, "right", text), w, j).To("out", text)
			d, err := streamtest.NewDriver(built(t, b), streamtest.Config{})
			if err != nil {
				rt.Fatal(err)
			}
			for _, f := range append(slices.Clone(facts), fact{left: true, at: 1 << 40, key: "end", value: "-"}) {
				r := topology.Record[string, string]{Key: f.key, Value: f.value, Timestamp: f.at, NullKey: f.nullKey, NullValue: f.nullValue}
				if err := streamtest.NewInput(d, f.topic(), serde.String(), serde.String()).PipeRecord(r); err != nil {
					rt.Fatal(err)
				}
			}
			all, err := streamtest.NewOutput(d, "out", serde.String(), serde.String()).ReadAll()
			if err != nil {
				rt.Fatal(err)
			}
			var got []string
			for _, r := range all {
				if r.Key != "end" {
					got = append(got, fmt.Sprintf("%s: %s @%d", r.Key, r.Value, r.Timestamp))
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(expected(kind, facts, before, after), got); diff != "" {
				rt.Errorf("%s join, %d before, %d after (-want +got):\n%s", kind, before, after, diff)
			}
			if err := d.Close(); err != nil {
				rt.Error(err)
			}
		}
	})
}

func ms(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// A self join has the same results over one store as over two.
func TestSelfJoinOverOneStore(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := stream.TimeDifference(0).Before(ms(rapid.Int64Range(0, 9).Draw(rt, "before"))).After(ms(rapid.Int64Range(0, 9).Draw(rt, "after"))).Grace(ms(5))
		var results [2][]string
		at := int64(0)
		var times []int64
		for range rapid.IntRange(0, 25).Draw(rt, "records") {
			at += rapid.Int64Range(0, 4).Draw(rt, "later")
			times = append(times, at)
		}
		for i, o := range []stream.Optimization{stream.NoOptimization, stream.SingleStoreSelfJoin} {
			b := stream.NewBuilder()
			in := stream.From(b, "in", text)
			stream.Join(in, in, func(l, r string) string { return l + "," + r }, w, nil).To("out", text)
			topo, err := b.Build(stream.Optimize(o))
			if err != nil {
				rt.Fatal(err)
			}
			if stores := strings.Count(topo.Describe(), "-store]"); stores == 0 {
				rt.Fatal("the topology has no store")
			}
			d, err := streamtest.NewDriver(topo, streamtest.Config{})
			if err != nil {
				rt.Fatal(err)
			}
			for n, at := range times {
				if err := streamtest.NewInput(d, "in", serde.String(), serde.String()).PipeAt(at, "k", fmt.Sprint(n)); err != nil {
					rt.Fatal(err)
				}
			}
			all, err := streamtest.NewOutput(d, "out", serde.String(), serde.String()).ReadAll()
			if err != nil {
				rt.Fatal(err)
			}
			for _, r := range all {
				results[i] = append(results[i], fmt.Sprintf("%s @%d", r.Value, r.Timestamp))
			}
			slices.Sort(results[i])
			if err := d.Close(); err != nil {
				rt.Error(err)
			}
		}
		if diff := cmp.Diff(results[0], results[1]); diff != "" {
			rt.Errorf("two stores and one (-two +one):\n%s", diff)
		}
	})
}

// An error of the function goes to the handler at the join. Skipped, the record is joined
// with nothing more; a record without partner just has no result.
func TestErrorOfAJoinOfStreams(t *testing.T) {
	b := stream.NewBuilder()
	attempts := 0
	stream.TryOuterJoin(stream.From(b, "left", text), stream.From(b, "right", text), func(_ context.Context, _ string, l, r *string) (string, error) {
		switch v := shown(l) + "," + shown(r); {
		case strings.Contains(v, "later"):
			if attempts++; attempts < 3 {
				return "", errFlaky
			}
			return v, nil
		case strings.Contains(v, "bad"):
			return "", errFlaky
		case strings.Contains(v, "panic"):
			panic("no such pair")
		default:
			return v, nil
		}
	}, stream.TimeDifference(ms(10)), nil, stream.Named("j")).To("out", text)
	var asked []string
	d := driverOf(t, b, streamtest.Config{ErrorHandler: func(_ context.Context, e *stream.ProcessingError) stream.Action {
		asked = append(asked, e.Node)
		if attempts > 0 && attempts < 3 && errors.Is(e, errFlaky) {
			return stream.Retry
		}
		return stream.Skip
	}})
	for _, f := range []fact{
		{left: true, at: 1, key: "a", value: "one"}, {left: true, at: 2, key: "a", value: "bad"}, {left: true, at: 3, key: "a", value: "two"},
		{at: 4, key: "a", value: "x"},     // one,x; then bad,x fails, and two,x is left out
		{at: 5, key: "b", value: "panic"}, // fails when its window has ended
		{at: 6, key: "c", value: "fine"},
		{at: 20, key: "a", value: "later"}, // sends panic, which is skipped, and fine
		{left: true, at: 21, key: "a", value: "w"},
		{left: true, at: 100, key: "z", value: "end"},
	} {
		pipeRecordAt(d, f.topic(), f.at, f.key, f.value)
	}
	all, err := streamtest.NewOutput(d, "out", serde.String(), serde.String()).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range all {
		got = append(got, r.Key+"="+r.Value)
	}
	want := []string{"a=one,x", "c=none,fine", "a=w,later", "a=two,none"}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	if len(asked) == 0 || slices.ContainsFunc(asked, func(n string) bool { return n != "j-outer-this-join" && n != "j-outer-other-join" }) {
		t.Errorf("the handler was asked about errors of %v, want those of the join's sides", asked)
	}
}

// Without an interval results of closed windows come with any record; with one, not
// before it has passed on the wall clock.
func TestUnmatchedRecordsWaitForTheEmitInterval(t *testing.T) {
	b := stream.NewBuilder()
	joins["left"](stream.From(b, "left", text), stream.From(b, "right", text), stream.TimeDifference(ms(10)), nil).To("out", text)
	d := driverOf(t, b, streamtest.Config{EmitInterval: time.Second})
	pipeRecordAt(d, "left", 1, "a", "A") // the first look at the store, which is empty
	pipeRecordAt(d, "left", 100, "b", "B")
	pipeRecordAt(d, "left", 200, "c", "C")
	out := streamtest.NewOutput(d, "out", serde.String(), serde.String())
	if n := out.Len(); n != 0 {
		t.Errorf("%d results before the interval has passed, want none", n)
	}
	if err := d.Advance(time.Second); err != nil {
		t.Fatal(err)
	}
	pipeRecordAt(d, "right", 300, "x", "X")
	if n := out.Len(); n != 3 {
		t.Errorf("%d results after the interval, want 3", n)
	}
}

func TestMistakesOfJoinsAreErrorsOfBuild(t *testing.T) {
	windows := func(name string, retention time.Duration, opts ...store.Option) *store.WindowBuilder[string, string] {
		return store.Windows(name, serde.String(), serde.String(), retention, ms(20), opts...)
	}
	for want, j := range map[string]func(b *stream.Builder, l, r *stream.KStream[string, string]){
		"must not add up to less than 0": func(b *stream.Builder, l, r *stream.KStream[string, string]) {
			joins["inner"](l, r, stream.TimeDifference(ms(10)).Before(-ms(11)), nil)
		},
		"grace period -1ms is negative": func(b *stream.Builder, l, r *stream.KStream[string, string]) {
			joins["outer"](l, r, stream.TimeDifference(ms(10)).Grace(-ms(1)), nil)
		},
		"no right value serde": func(b *stream.Builder, l, r *stream.KStream[string, string]) {
			joins["left"](l, stream.MapValues(r, func(v string) string { return v }), stream.TimeDifference(ms(10)), nil)
		},
		"does not retain duplicates": func(b *stream.Builder, l, r *stream.KStream[string, string]) {
			joins["left"](l, r, stream.TimeDifference(ms(10)), stream.StreamJoinedWith[string, string, string](nil, nil, nil).ThisStore(windows("w", ms(20))))
		},
		"keeps them for 30 ms": func(b *stream.Builder, l, r *stream.KStream[string, string]) {
			joins["left"](l, r, stream.TimeDifference(ms(10)), stream.StreamJoinedWith[string, string, string](nil, nil, nil).OtherStore(windows("w", ms(30), store.RetainDuplicates())))
		},
		"both stores are called": func(b *stream.Builder, l, r *stream.KStream[string, string]) {
			s := windows("w", ms(20), store.RetainDuplicates())
			joins["left"](l, r, stream.TimeDifference(ms(10)), stream.StreamJoinedWith[string, string, string](nil, nil, nil).ThisStore(s).OtherStore(s))
		},
		"different builders": func(b *stream.Builder, l, r *stream.KStream[string, string]) {
			joins["left"](l, stream.From(stream.NewBuilder(), "right", text), stream.TimeDifference(ms(10)), nil)
		},
	} {
		b := stream.NewBuilder()
		j(b, stream.From(b, "left", text), stream.From(b, "right", text))
		if _, err := b.Build(); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `operator "KSTREAM-MERGE-`) {
			t.Errorf("Build returned %v, want an error of the join with %q", err, want)
		}
	}
}
