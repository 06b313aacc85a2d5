package task_test

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/store"
)

// entry is a row of a window or session store.
type entry struct {
	key        string
	start, end int64
}

// modelled is a window or session store with the record cache in front as a model: what
// the cache holds, which is everything that was put if it is large, and what is below.
type modelled struct {
	spec  store.Spec
	held  map[entry]*string // nil: deleted
	dirty []entry           // in the order of their last change
	below map[entry]string
	now   int64 // stream time below
}

func (m *modelled) time(e entry) int64 {
	if m.spec.Kind == store.KindSession {
		return e.end
	}
	return e.start
}

func (m *modelled) put(e entry, value *string) {
	m.held[e] = value
	m.dirty = append(slices.DeleteFunc(m.dirty, func(d entry) bool { return d == e }), e)
}

func (m *modelled) commit() {
	for _, e := range m.dirty {
		value := m.held[e]
		m.now = max(m.now, m.time(e))
		switch {
		case m.spec.Expired(m.time(e), m.now):
		case value != nil:
			m.below[e] = *value
		default:
			delete(m.below, e)
		}
		if value == nil {
			delete(m.held, e)
		}
	}
	m.dirty = nil
}

// list returns the rows that f wants, of those below that are not older than oldest.
func (m *modelled) list(oldest int64, reverse, byTime bool, f func(entry) bool) []string {
	all := map[entry]string{}
	for e, v := range m.below {
		if m.time(e) >= oldest {
			all[e] = v
		}
	}
	for e, v := range m.held {
		if delete(all, e); v != nil {
			all[e] = *v
		}
	}
	var got []entry
	for e := range all {
		if f(e) {
			got = append(got, e)
		}
	}
	slices.SortFunc(got, func(a, b entry) int { return m.compare(a, b, byTime && m.spec.TimeOrdered) })
	if reverse {
		slices.Reverse(got)
	}
	lines := []string{}
	for _, e := range got {
		lines = append(lines, fmt.Sprintf("%s@%d/%d=%s", e.key, e.start, e.end, all[e]))
	}
	return lines
}

func (m *modelled) compare(a, b entry, byTime bool) int {
	row := func(e entry) []byte {
		r := binary.BigEndian.AppendUint64([]byte(e.key), uint64(m.time(e)))
		return binary.BigEndian.AppendUint64(r, uint64(e.start))
	}
	switch {
	case !m.spec.Persistent:
		return cmp.Or(cmp.Compare(m.time(a), m.time(b)), cmp.Compare(a.key, b.key), cmp.Compare(b.start, a.start))
	case byTime:
		return cmp.Or(cmp.Compare(m.time(a), m.time(b)), cmp.Compare(a.start, b.start), bytes.Compare(row(a), row(b)))
	}
	s := m.spec.SegmentInterval
	return cmp.Or(cmp.Compare(m.time(a)/s, m.time(b)/s), bytes.Compare(row(a), row(b)))
}

type (
	someWindows  = store.WindowStore[string, string]
	someSessions = store.SessionStore[string, string]
)

func drained(t *testing.T, it store.KeyValueIterator[store.Windowed[string], string]) []string {
	t.Helper()
	lines := []string{}
	for it.Next() {
		lines = append(lines, fmt.Sprintf("%s@%d/%d=%s", it.Key().Key, it.Key().Window.Start, it.Key().Window.End, it.Value()))
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	return lines
}

// check compares all that a store shows with the model.
func (m *modelled) check(t *testing.T, r *rand.Rand, s any) {
	t.Helper()
	oldest := m.spec.Oldest(m.now)
	from := r.Int64N(m.now + 2)
	to := from + r.Int64N(200_000)
	key, other := pick(r), pick(r)
	low, high := min(key, other), max(key, other)
	same := func(what string, want, got []string) {
		t.Helper()
		if d := diff.Diff(want, got); d != "" {
			t.Fatalf("%s (-want +got):\n%s", what, d)
		}
	}
	switch s := s.(type) {
	case someWindows:
		within := func(e entry) bool { return from <= e.start && e.start <= to }
		same("All", m.list(oldest, false, true, func(entry) bool { return true }), drained(t, s.All()))
		same("BackwardFetchAll", m.list(oldest, true, true, within), drained(t, s.BackwardFetchAll(from, to)))
		same("FetchRange", m.list(oldest, false, false, func(e entry) bool { return within(e) && low <= e.key && e.key <= high }),
			drained(t, s.FetchRange(&low, &high, from, to)))
		for _, reverse := range []bool{false, true} {
			it := s.Fetch(key, from, to)
			if reverse {
				it = s.BackwardFetch(key, from, to)
			}
			got := []string{}
			for it.Next() {
				got = append(got, fmt.Sprintf("%s@%d/%d=%s", key, it.Key(), it.Key()+m.spec.WindowSize, it.Value()))
			}
			if err := it.Close(); err != nil {
				t.Fatal(err)
			}
			same("Fetch", m.list(oldest, reverse, false, func(e entry) bool { return within(e) && e.key == key }), got)
		}
		for _, line := range m.list(oldest, false, false, within) {
			var e entry
			var value string
			if _, err := fmt.Sscanf(line, "k%1s@%d/%d=%s", &e.key, &e.start, &e.end, &value); err != nil {
				t.Fatal(err)
			}
			if got, ok, err := s.Get("k"+e.key, e.start); got != value || !ok || err != nil {
				t.Fatalf("Get of %s: %q, %v, %v", line, got, ok, err)
			}
		}
	case someSessions:
		within := func(e entry) bool { return e.end >= from && e.start <= to }
		same("FetchRange", m.list(oldest, false, false, func(entry) bool { return true }), drained(t, s.FetchRange(nil, nil)))
		same("FindSessions", m.list(oldest, false, false, func(e entry) bool { return within(e) && e.key == key }),
			drained(t, s.FindSessions(key, from, to)))
		same("BackwardFindSessionsRange", m.list(oldest, true, false, func(e entry) bool { return within(e) && low <= e.key }),
			drained(t, s.BackwardFindSessionsRange(&low, nil, from, to)))
		same("FindEnded", m.list(m.spec.OldestEnded(m.now), false, true, func(e entry) bool { return from <= e.end && e.end <= to }),
			drained(t, s.FindEnded(from, to)))
	}
}

func rec(offset int64) record.Record { return record.Record{Offset: offset, Timestamp: offset} }

func pick(r *rand.Rand) string { return []string{"ka", "kb", "kc"}[r.IntN(3)] }

// What the cache holds is seen however old it is, what is below as long as it has not
// expired there.
func TestCacheOfRowsIsSeenInFrontOfTheStore(t *testing.T) {
	const retention = 2 * time.Minute // two segments
	memory, byTime := []store.Option{store.InMemory()}, []store.Option{store.TimeOrdered()}
	for _, test := range []struct {
		name    string
		session bool
		opts    []store.Option
	}{
		{"windows", false, nil}, {"windows in memory", false, memory}, {"windows by time", false, byTime},
		{"sessions", true, nil}, {"sessions in memory", true, memory}, {"sessions by time", true, byTime},
	} {
		t.Run(test.name, func(t *testing.T) {
			var b store.Builder = store.Windows("s", words{}, words{}, retention, 10*time.Millisecond, append(test.opts, store.Cached())...)
			if test.session {
				b = store.Sessions("s", words{}, words{}, retention, append(test.opts, store.Cached())...)
			}
			m := &modelled{spec: b.Spec(), held: map[entry]*string{}, below: map[entry]string{}, now: -1}
			random := rand.New(rand.NewPCG(1, 2))
			at := int64(0)
			rig := newRig(t, chainOf(func(p *proc, _ word) error {
				s, err := p.pc.StateStore("s")
				if err != nil {
					return err
				}
				at = max(0, at+random.Int64N(120_000)-40_000)
				e := entry{pick(random), at, at + m.spec.WindowSize}
				if test.session {
					e.start = max(0, at-random.Int64N(3))
					e.end = at
				}
				v := fmt.Sprint(random.IntN(100))
				value := &v
				if random.IntN(4) == 0 {
					value = nil
				}
				m.put(e, value)
				if err := write(s, e, value); err != nil {
					return err
				}
				m.check(t, random, s)
				return nil
			}, b), cacheOf(1<<30))
			for i := range 400 {
				rig.addRecords("in", rec(int64(i)))
				rig.process()
				if random.IntN(3) == 0 {
					rig.commit()
					m.commit()
				}
				if random.IntN(50) == 0 { // the cache is gone, as after an abort
					rig.commit()
					m.commit()
					rig.reset(int64(i + 1))
					clear(m.held)
				}
			}
		})
	}
}

func write(s any, e entry, value *string) error {
	switch s := s.(type) {
	case someWindows:
		if value == nil {
			return s.Delete(e.key, e.start)
		}
		return s.Put(e.key, *value, e.start)
	case someSessions:
		session := store.Windowed[string]{Key: e.key, Window: store.Window{Start: e.start, End: e.end}}
		if value == nil {
			return s.Remove(session)
		}
		return s.Put(session, *value)
	}
	return fmt.Errorf("a %T", s)
}

// A small cache gives rows up at any time, also between two steps of an iterator, which
// shows all the same each row that was there at the call, once, with its value of now.
func TestSmallCacheOfRowsLosesNothing(t *testing.T) {
	b := store.Windows("s", words{}, words{}, store.Forever, 10*time.Millisecond, store.Cached())
	want := map[int64]string{}
	random := rand.New(rand.NewPCG(3, 4))
	rig := newRig(t, chainOf(func(p *proc, _ word) error {
		opened, err := p.pc.StateStore("s")
		if err != nil {
			return err
		}
		s, changed := opened.(someWindows), map[int64]bool{}
		change := func() error {
			start, v := random.Int64N(40), fmt.Sprint(random.IntN(1000))
			changed[start] = true
			if random.IntN(3) == 0 {
				delete(want, start)
				return s.Delete("k", start)
			}
			want[start] = v
			return s.Put("k", v, start)
		}
		for range 5 {
			if err := change(); err != nil {
				return err
			}
		}
		before := map[int64]bool{}
		clear(changed)
		for start := range want {
			before[start] = true
		}
		it, last := s.Fetch("k", 0, math.MaxInt64), int64(-1)
		for it.Next() {
			if it.Key() <= last || !before[it.Key()] && !changed[it.Key()] || it.Value() != want[it.Key()] {
				t.Fatalf("at %d after %d: %q, want %q", it.Key(), last, it.Value(), want[it.Key()])
			}
			last = it.Key()
			delete(before, last)
			for range random.IntN(6) {
				if err := change(); err != nil {
					return err
				}
			}
		}
		for start := range before {
			if !changed[start] {
				t.Fatalf("%d was left out", start)
			}
		}
		return it.Close()
	}, b), cacheOf(300))
	for i := range 500 {
		rig.addRecords("in", rec(int64(i)))
		rig.process()
		if random.IntN(4) == 0 {
			rig.commit()
		}
	}
}
