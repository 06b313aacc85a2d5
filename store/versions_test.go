package store

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// rowMap are the rows of a versioned store in a map.
type rowMap struct {
	rows map[string][]byte
	time int64
}

func (m *rowMap) Get(key []byte) ([]byte, error) { return m.rows[string(key)], nil }

func (m *rowMap) Set(key, value []byte) error {
	if m.rows[string(key)] = append([]byte{}, value...); value == nil {
		delete(m.rows, string(key))
	}
	return nil
}

func (m *rowMap) Scan([]byte, []byte, bool) Iterator { return nil }

func (m *rowMap) StreamTime() int64 { return m.time }

// TestVersionsAgreeWithAModel puts versions of one key in any order and compares with
// a map from timestamps to values, in which the greatest timestamp that is not greater
// than the one asked for wins.
func TestVersionsAgreeWithAModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Spec{Kind: KindVersionedKeyValue, Retention: 30, SegmentInterval: rapid.SampledFrom([]int64{1, 7, 10, 100}).Draw(t, "interval")}
		m := &rowMap{rows: map[string][]byte{}, time: -1}
		w := NewVersionWriter(s, m)
		model := map[int64][]byte{} // nil: deleted
		for i := range rapid.IntRange(1, 60).Draw(t, "puts") {
			ts := max(0, m.time+rapid.OneOf(rapid.Int64Range(-30, 12), rapid.Just[int64](500)).Draw(t, "timestamp"))
			value := []byte(fmt.Sprint(i))
			switch rapid.IntRange(0, 4).Draw(t, "kind") {
			case 0:
				value = nil
				if model[ts] != nil && next(model, ts) == StillValid {
					continue // a deletion of the latest version may be forgotten, as in Kafka Streams
				}
			case 1:
				value = []byte{}
			}
			if s.TooOld(ts, m.time) {
				continue
			}
			m.time = max(m.time, ts)
			validTo, err := w.Put(m.time, []byte("k"), value, ts)
			if model[ts] = value; err != nil || validTo != next(model, ts) {
				t.Fatalf("put %q at %d: %d, %v; want %d", value, ts, validTo, err, next(model, ts))
			}
			// Segments that are expired can go at any moment.
			for _, key := range slices.Sorted(maps.Keys(m.rows)) {
				if key[0] == 0 && int64(key[7])|int64(key[6])<<8 < s.LiveSegment(m.time) && rapid.Bool().Draw(t, "drop") {
					delete(m.rows, key)
				}
			}
			check(t, s, m, model)
		}
	})
}

func next(model map[int64][]byte, ts int64) int64 {
	found := StillValid
	for at := range model {
		if at > ts && (found == StillValid || at < found) {
			found = at
		}
	}
	return found
}

func check(t *rapid.T, s Spec, m *rowMap, model map[int64][]byte) {
	v := versions{spec: s, r: m}
	for at := max(0, m.time-40); at <= m.time+2; at++ {
		best := int64(-1)
		for from := range model {
			if from <= at {
				best = max(best, from)
			}
		}
		value, from, validTo, err := v.asOf([]byte("k"), at)
		want := model[best]
		if s.TooOld(at, m.time) && next(model, at) != StillValid {
			want = nil
		}
		if err != nil || (value == nil) != (want == nil) || string(value) != string(want) || want != nil && (from != best || validTo != next(model, best)) {
			t.Fatalf("as of %d: %q from %d to %d, %v; want %q from %d to %d", at, value, from, validTo, err, want, best, next(model, best))
		}
	}
}

func FuzzHistory(f *testing.F) {
	h := history{next: 5, versions: []version{{1, []byte("a")}, {2, nil}, {3, []byte{}}}}
	f.Add(h.append(nil))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, row []byte) {
		var h history
		if h.decode(row) != nil {
			return
		}
		var again history
		if err := again.decode(h.append(nil)); err != nil || fmt.Sprint(again) != fmt.Sprint(h) {
			t.Errorf("%v, decoded again %v, %v", h, again, err)
		}
	})
}
