package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
)

func runWindows(t *testing.T, open func(*testing.T, store.Spec) store.Bytes) {
	variants(t, true, func(t *testing.T, opts []store.Option) {
		b := store.Windows("store", serde.String(), serde.String(), retention, windowSize, opts...)
		s, _ := bind[store.WindowStore[string, string]](t, open, b)
		m, r := &timeline{spec: b.Spec(), now: -1}, rand.New(rand.NewPCG(1, 2))
		for i := range 300 {
			w := row{key: fewKeys[r.IntN(4)], start: near(r, m.now), value: fmt.Sprint(i)}
			w.end = w.start + windowSize.Milliseconds()
			err := s.Put(w.key, w.value, w.start)
			m.put(w, false)
			if r.IntN(4) == 0 {
				err = errors.Join(err, s.Delete(w.key, w.start))
				m.put(w, true)
			}
			if err != nil {
				t.Fatal(err)
			}
			compareWindows(t, s, m, r, w)
		}
	})
	t.Run("Errors", func(t *testing.T) {
		b := store.Windows("store", text{}, text{}, retention, windowSize)
		s, _ := bind[store.WindowStore[*string, *string]](t, open, b)
		_, _, err := s.Get(nil, 0)
		for _, err := range []error{err, s.Put(nil, ptr("v"), 0), s.Put(ptr("k"), ptr("v"), -1), s.Put(ptr("k"), ptr("bad"), 1), s.Delete(nil, 0), s.Fetch(nil, 0, 1).Close()} {
			if err == nil || !strings.Contains(err.Error(), `"store"`) {
				t.Errorf("error of a nil key, a negative start or a serde: %v", err)
			}
		}
		if err := errors.Join(s.Put(ptr("k"), ptr("v"), 0), s.Put(ptr("k"), nil, 0)); err != nil {
			t.Fatal(err)
		}
		if v, ok, err := s.Get(ptr("k"), 0); ok || err != nil {
			t.Errorf("a nil value does not delete: %s, %v", show(v), err)
		}
	})
}

func compareWindows(t *testing.T, s store.WindowStore[string, string], m *timeline, r *rand.Rand, w row) {
	t.Helper()
	from, to, reverse := near(r, m.now), near(r, m.now), r.IntN(2) == 0
	a, b := fewKeys[r.IntN(4)], fewKeys[r.IntN(4)]
	inTime := func(o row) bool { return o.start >= from && o.start <= to }
	one, ranged, all, every := s.Fetch, s.FetchRange, s.FetchAll, s.All
	if reverse {
		one, ranged, all, every = s.BackwardFetch, s.BackwardFetchRange, s.BackwardFetchAll, s.BackwardAll
	}
	var starts []string
	it := one(w.key, from, to)
	for it.Next() {
		starts = append(starts, row{key: w.key, start: it.Key(), end: it.Key() + windowSize.Milliseconds(), value: it.Value()}.String())
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	equal(t, "Fetch", starts, m.list(reverse, false, func(o row) bool { return o.key == w.key && inTime(o) }))
	equal(t, "FetchRange", rowsOf(t, ranged(&a, &b, from, to)), m.list(reverse, false, func(o row) bool { return o.key >= a && o.key <= b && inTime(o) }))
	equal(t, "FetchRange to", rowsOf(t, ranged(nil, &b, from, to)), m.list(reverse, false, func(o row) bool { return o.key <= b && inTime(o) }))
	equal(t, "FetchAll", rowsOf(t, all(from, to)), m.list(reverse, true, inTime))
	equal(t, "All", rowsOf(t, every()), m.list(reverse, true, func(row) bool { return true }))
	got, ok, err := s.Get(w.key, w.start)
	want := m.list(false, false, func(o row) bool { return o.key == w.key && o.start == w.start })
	if err != nil || ok != (len(want) > 0 && !m.spec.Duplicates) || ok && !strings.HasSuffix(want[0], "="+got) {
		t.Fatalf("Get(%q, %d) = %q, %v, %v; want %q", w.key, w.start, got, ok, err, want)
	}
}

func runSessions(t *testing.T, open func(*testing.T, store.Spec) store.Bytes) {
	variants(t, false, func(t *testing.T, opts []store.Option) {
		b := store.Sessions("store", serde.String(), serde.String(), retention, opts...)
		s, _ := bind[store.SessionStore[string, string]](t, open, b)
		m, r := &timeline{spec: b.Spec(), now: -1}, rand.New(rand.NewPCG(3, 4))
		for i := range 300 {
			w := row{key: fewKeys[r.IntN(4)], end: near(r, m.now), value: fmt.Sprint(i)}
			w.start = max(0, w.end-r.Int64N(3)*10_000)
			key := store.Windowed[string]{Key: w.key, Window: store.Window{Start: w.start, End: w.end}}
			err := s.Put(key, w.value)
			m.put(w, false)
			if r.IntN(4) == 0 {
				err = errors.Join(err, s.Remove(key))
				m.put(w, true)
			}
			if err != nil {
				t.Fatal(err)
			}
			compareSessions(t, s, m, r, w)
		}
	})
	t.Run("Errors", func(t *testing.T) {
		b := store.Sessions("store", serde.String(), serde.String(), retention)
		s, _ := bind[store.SessionStore[string, string]](t, open, b)
		for _, w := range []store.Window{{Start: -1, End: 5}, {Start: 6, End: 5}} {
			if err := s.Put(store.Windowed[string]{Key: "k", Window: w}, "v"); err == nil || !strings.Contains(err.Error(), `"store"`) {
				t.Errorf("error of a session %v: %v", w, err)
			}
		}
	})
}

func compareSessions(t *testing.T, s store.SessionStore[string, string], m *timeline, r *rand.Rand, w row) {
	t.Helper()
	from, to, reverse := near(r, m.now), near(r, m.now), r.IntN(2) == 0
	a, b := fewKeys[r.IntN(4)], fewKeys[r.IntN(4)]
	wanted := func(o row) bool { return o.end >= from && o.start <= to }
	find, ranged, every := s.FindSessions, s.FindSessionsRange, s.FetchRange
	if reverse {
		find, ranged, every = s.BackwardFindSessions, s.BackwardFindSessionsRange, s.BackwardFetchRange
	}
	equal(t, "FindSessions", rowsOf(t, find(w.key, from, to)), m.list(reverse, false, func(o row) bool { return o.key == w.key && wanted(o) }))
	equal(t, "FindSessionsRange", rowsOf(t, ranged(&a, &b, from, to)), m.list(reverse, false, func(o row) bool { return o.key >= a && o.key <= b && wanted(o) }))
	equal(t, "FetchRange", rowsOf(t, every(nil, nil)), m.list(reverse, false, func(row) bool { return true }))
	ended := m.since(m.spec.OldestEnded(m.now), false, true, func(o row) bool { return o.end >= from && o.end <= to })
	equal(t, "FindEnded", rowsOf(t, s.FindEnded(from, to)), ended)
	got, ok, err := s.FetchSession(w.key, w.start, w.end)
	want := m.list(false, false, func(o row) bool { return o.key == w.key && o.start == w.start && o.end == w.end })
	if err != nil || ok != (len(want) > 0) || ok && !strings.HasSuffix(want[0], "="+got) {
		t.Fatalf("FetchSession(%q, %d, %d) = %q, %v, %v; want %q", w.key, w.start, w.end, got, ok, err, want)
	}
}
