package stream_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/streamtest"
)

// A windowInput is a record of a property test.
type windowInput struct {
	key, value string
	ts         int64
}

// drawInput draws records, most of them not far behind the one before. Each has a
// value of its own.
func drawInput(rt *rapid.T, behind, ahead int64) []windowInput {
	var in []windowInput
	at := int64(0)
	for i := range rapid.IntRange(1, 50).Draw(rt, "records") {
		at = max(0, at+rapid.Int64Range(-behind, ahead).Draw(rt, "step"))
		if rapid.IntRange(0, 15).Draw(rt, "jump") == 0 {
			at += rapid.SampledFrom([]int64{100, 100_000}).Draw(rt, "by")
		}
		in = append(in, windowInput{rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "key"), string(rune('A' + i)), at})
	}
	return in
}

func (in windowInput) pipe(t testing.TB, d *streamtest.Driver) {
	feedText(t, d, fmt.Sprintf("%s %s %d", in.key, in.value, in.ts))
}

// drawTimeWindows draws windows with the numbers they are made of.
func drawTimeWindows(rt *rapid.T) (w stream.TimeWindows, size, advance, grace int64) {
	size = rapid.Int64Range(1, 20).Draw(rt, "size")
	advance = rapid.Int64Range(max(1, size/4), size).Draw(rt, "advance")
	grace = rapid.Int64Range(0, 15).Draw(rt, "grace")
	return stream.Hopping(time.Duration(size)*milli, time.Duration(advance)*milli).Grace(time.Duration(grace) * milli), size, advance, grace
}

// Each update is that of the definition: the windows with start <= t < start+size that
// begin at a multiple of the advance, as long as they are open.
func TestTimeWindowsAreTheirDefinition(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w, size, advance, grace := drawTimeWindows(rt)
		d := windowed(t, w, stream.OnWindowUpdate, streamtest.Config{})
		content := map[string]string{}
		want, late, now := []string{}, int64(0), int64(0)
		for _, in := range drawInput(rt, 25, 30) {
			in.pipe(t, d)
			now = max(now, in.ts)
			for start := int64(0); start <= in.ts; start += advance {
				if start+size <= in.ts {
					start = max(start, (in.ts-size)/advance*advance-advance) // not one by one from the epoch
					continue
				}
				if start+size <= now-grace {
					late++
					continue
				}
				id := fmt.Sprintf("[%s@%d/%d]", in.key, start, start+size)
				content[id] += in.value
				want = append(want, id+"="+content[id])
			}
		}
		if diff := cmp.Diff(want, withoutTime(written(t, d))); diff != "" {
			rt.Fatal(diff)
		}
		if n := d.Dropped(); n != late {
			rt.Fatalf("%d dropped, want %d", n, late)
		}
	})
}

// withoutTime cuts the timestamps off.
func withoutTime(all []string) []string {
	for i, s := range all {
		all[i] = s[:strings.LastIndexByte(s, '@')]
	}
	return all
}

// finals are the last values of the windows, those that were deleted left out.
func finals(all []string) map[string]string {
	last := map[string]string{}
	for _, s := range all {
		id, value, _ := strings.Cut(s, "=")
		if last[id] = value; value == "null" {
			delete(last, id)
		}
	}
	return last
}

// What is emitted when windows close is, once for each window that has, what was the
// last update without that, in the order of time.
func TestEmittedIsTheLastUpdate(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var windows any
		m := stream.Stored(serde.String(), serde.String())
		grace, inclusive := int64(0), int64(0)
		switch rapid.IntRange(0, 2).Draw(rt, "kind") {
		case 0:
			windows, _, _, grace = drawTimeWindows(rt)
		case 1:
			size := rapid.Int64Range(1, 20).Draw(rt, "difference")
			grace, inclusive = rapid.Int64Range(0, 15).Draw(rt, "grace"), 1
			windows = stream.Sliding(time.Duration(size) * milli).Grace(time.Duration(grace) * milli)
			// The least retention, Kafka Streams' default, is too short for a late record whose
			// own window is still open: it may not find its predecessor in the store. And a store
			// that is time-ordered shows a millisecond more.
			m = m.Retention(time.Duration(3*size+grace+2) * milli)
		case 2:
			gap := rapid.Int64Range(1, 20).Draw(rt, "gap")
			grace, inclusive = rapid.Int64Range(0, 15).Draw(rt, "grace"), 1
			windows = stream.Sessions(time.Duration(gap) * milli).Grace(time.Duration(grace) * milli)
			grace += gap
		}
		updates := windowedIn(t, m, windows, stream.OnWindowUpdate, streamtest.Config{})
		results := windowedIn(t, m, windows, stream.OnWindowClose, streamtest.Config{EmitInterval: rapid.SampledFrom([]time.Duration{0, time.Second}).Draw(rt, "interval")})
		now := int64(0)
		// Early sliding windows emit nothing by themselves: the last record is none.
		for _, in := range append(drawInput(rt, 25, 30), windowInput{"z", "z", 0}) {
			if in.key == "z" {
				in.ts = now + 1000
				feedText(t, results, "+1000")
			} else {
				in.pipe(t, updates)
			}
			now = max(now, in.ts)
			in.pipe(t, results)
		}
		got := withoutTime(written(t, results))
		want := finals(withoutTime(written(t, updates)))
		var ids []string
		for _, s := range got {
			id, _, _ := strings.Cut(s, "=")
			ids = append(ids, id)
		}
		for id := range want {
			if _, end := boundsOf(id); end > now-grace-inclusive {
				delete(want, id)
			}
		}
		if diff := cmp.Diff(want, finals(got)); diff != "" || len(ids) != len(want) {
			rt.Fatalf("%d of %d results emitted: %s", len(ids), len(want), diff)
		}
		inOrder := slices.IsSortedFunc(ids, func(a, b string) int {
			_, x := boundsOf(a)
			_, y := boundsOf(b)
			return int(x - y)
		})
		if !inOrder {
			rt.Fatalf("emitted in the order %v", ids)
		}
	})
}

func boundsOf(id string) (start, end int64) {
	at := strings.IndexByte(id, '@')
	if _, err := fmt.Sscanf(id[at:], "@%d/%d]", &start, &end); err != nil {
		panic(err)
	}
	return start, end
}

// Sliding windows hold, in the end, what the definition says, in whatever order the
// records came: for each record at t the windows [t-d, t] and, if it is not
// empty, [t+1, t+1+d]; for t < d the former is [0, d].
func TestSlidingWindowsAreTheirDefinition(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		difference := rapid.Int64Range(1, 20).Draw(rt, "difference")
		d := windowed(t, stream.Sliding(time.Duration(difference)*milli).Grace(time.Hour), stream.OnWindowUpdate, streamtest.Config{})
		input := drawInput(rt, 40, 40)
		for _, in := range input {
			in.pipe(t, d)
		}
		want := map[string]string{}
		window := func(key string, start int64) {
			var values []string
			for _, in := range input {
				if in.key == key && in.ts >= start && in.ts <= start+difference {
					values = append(values, in.value)
				}
			}
			if slices.Sort(values); len(values) > 0 {
				want[fmt.Sprintf("[%s@%d/%d]", key, start, start+difference)] = strings.Join(values, "")
			}
		}
		for _, in := range input {
			window(in.key, max(0, in.ts-difference))
			window(in.key, in.ts+1)
		}
		got := finals(withoutTime(written(t, d)))
		for id, values := range got {
			got[id] = sortLetters(values)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatal(diff)
		}
		if n := d.Dropped(); n != 0 {
			rt.Fatalf("%d dropped", n)
		}
	})
}

func sortLetters(s string) string {
	letters := strings.Split(s, "")
	slices.Sort(letters)
	return strings.Join(letters, "")
}

// Sessions are, in the end, the records of a key between gaps, in whatever order they
// came, as long as none is late.
func TestSessionsAreTheirDefinition(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		gap := rapid.Int64Range(1, 20).Draw(rt, "gap")
		d := windowed(t, stream.Sessions(time.Duration(gap)*milli).Grace(time.Hour), stream.OnWindowUpdate, streamtest.Config{})
		input := drawInput(rt, 60, 60)
		for _, in := range input {
			in.pipe(t, d)
		}
		slices.SortStableFunc(input, func(a, b windowInput) int { return int(a.ts - b.ts) })
		want := map[string]string{}
		for _, key := range []string{"a", "b"} {
			start, last, values := int64(0), int64(math.MinInt64/2), ""
			end := func() {
				if values != "" {
					want[fmt.Sprintf("[%s@%d/%d]", key, start, last)] = sortLetters(values)
				}
			}
			for _, in := range input {
				if in.key != key {
					continue
				}
				if in.ts > last+gap {
					end()
					start, values = in.ts, ""
				}
				last, values = in.ts, values+in.value
			}
			end()
		}
		got := finals(withoutTime(written(t, d)))
		for id, values := range maps.Clone(got) {
			got[id] = sortLetters(values)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatal(diff)
		}
	})
}
