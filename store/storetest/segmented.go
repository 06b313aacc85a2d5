package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/streamweir/streamweir/store"
)

// segmented is [OverEngine] for stores whose rows expire. It never drops a row.
type segmented struct {
	overEngine
	spec     store.Spec
	time     int64
	sequence int32
}

func (s *segmented) StreamTime() int64 { return s.time }

func (s *segmented) NextSequence() int32 {
	s.sequence++
	return s.sequence
}

func (s *segmented) Put(key, value []byte, timestamp int64) error {
	row := s.spec.ChangelogKey(key)
	t := s.spec.RowTime(row)
	s.time = max(s.time, t)
	if s.spec.Expired(t, s.time) || s.spec.Duplicates && value == nil {
		return nil
	}
	if s.spec.TimeOrdered {
		index := []byte{}
		if value == nil {
			index = nil
		}
		if err := s.overEngine.Put(s.spec.AppendIndexKey(nil, row), index, timestamp); err != nil {
			return err
		}
	}
	return s.overEngine.Put(key, value, timestamp)
}

func (s *segmented) PutVersion(key, value []byte, timestamp int64) (int64, error) {
	if s.spec.TooOld(timestamp, s.time) {
		return store.NotPut, nil
	}
	s.time = max(s.time, timestamp)
	return store.NewVersionWriter(s.spec, s).Put(s.time, key, value, timestamp)
}

// Set implements store.VersionRows.
func (s *segmented) Set(key, value []byte) error { return s.overEngine.Put(key, value, 0) }

// What segmented stores are tested with: segments of a minute, of which two are kept.
const (
	retention  = 2 * time.Minute
	windowSize = time.Minute
)

var fewKeys = []string{"", "a", "aa", "b"}

// row is a row of the model of a window or session store.
type row struct {
	key        string
	start, end int64
	sequence   int
	value      string
}

func (r row) String() string { return fmt.Sprintf("%s@%d/%d=%s", r.key, r.start, r.end, r.value) }

// timeline is what a window or session store must be, as a list.
type timeline struct {
	spec store.Spec
	rows []row
	now  int64
	n    int
}

// time is what a row expires by.
func (m *timeline) time(r row) int64 {
	if m.spec.Kind == store.KindSession {
		return r.end
	}
	return r.start
}

func (m *timeline) put(r row, remove bool) {
	m.now = max(m.now, m.time(r))
	m.n++
	r.sequence = m.n
	if m.spec.Expired(m.time(r), m.now) || m.spec.Duplicates && remove {
		return
	}
	if !m.spec.Duplicates {
		m.rows = slices.DeleteFunc(m.rows, func(o row) bool { return o.key == r.key && o.start == r.start && o.end == r.end })
	}
	if !remove {
		m.rows = append(m.rows, r)
	}
}

// list returns the rows that f wants. byTime: where a time-ordered store uses its index.
func (m *timeline) list(reverse, byTime bool, f func(row) bool) []string {
	return m.since(m.spec.Oldest(m.now), reverse, byTime, f)
}

func (m *timeline) since(oldest int64, reverse, byTime bool, f func(row) bool) []string {
	var got []row
	for _, r := range m.rows {
		if m.time(r) >= oldest && f(r) {
			got = append(got, r)
		}
	}
	slices.SortFunc(got, func(a, b row) int { return m.compare(a, b, byTime && m.spec.TimeOrdered) })
	if reverse {
		slices.Reverse(got)
	}
	var all []string
	for _, r := range got {
		all = append(all, r.String())
	}
	return all
}

func (m *timeline) compare(a, b row, byTime bool) int {
	segment := func(r row) int64 { return m.time(r) / m.spec.SegmentInterval }
	last := inOrder(a.end, b.end, a.start, b.start, int64(a.sequence), int64(b.sequence))
	key := strings.Compare(a.key, b.key)
	switch {
	case !m.spec.Persistent && m.spec.Kind == store.KindSession:
		return first(inOrder(a.end, b.end), key, inOrder(b.start, a.start))
	case m.spec.Kind == store.KindSession && byTime:
		return first(inOrder(a.end, b.end, a.start, b.start), key)
	case !m.spec.Persistent || byTime:
		return first(inOrder(a.start, b.start), key, last)
	}
	return first(inOrder(segment(a), segment(b)), key, last)
}

// inOrder compares pairs of numbers until two differ.
func inOrder(pairs ...int64) int {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i] != pairs[i+1] {
			return int(max(-1, min(1, pairs[i]-pairs[i+1])))
		}
	}
	return 0
}

func first(of ...int) int {
	for _, c := range of {
		if c != 0 {
			return c
		}
	}
	return 0
}

// variants are the options that change what a window or session store does.
func variants(t *testing.T, duplicates bool, f func(t *testing.T, opts []store.Option)) {
	for _, o := range []struct {
		name string
		opts []store.Option
		dups bool
	}{
		{"Persistent", nil, false},
		{"InMemory", []store.Option{store.InMemory()}, false},
		{"TimeOrdered", []store.Option{store.TimeOrdered()}, false},
		{"TimeOrderedInMemory", []store.Option{store.TimeOrdered(), store.InMemory()}, false},
		{"Duplicates", []store.Option{store.RetainDuplicates()}, true},
		{"DuplicatesInMemory", []store.Option{store.RetainDuplicates(), store.InMemory()}, true},
	} {
		if !o.dups || duplicates {
			t.Run(o.name, func(t *testing.T) { f(t, o.opts) })
		}
	}
}

func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("%s:\n got %q\nwant %q", what, got, want)
	}
}

// rowsOf are the rows of an iterator.
func rowsOf(t *testing.T, it store.KeyValueIterator[store.Windowed[string], string]) []string {
	t.Helper()
	var all []string
	for it.Next() {
		k := it.Key()
		all = append(all, row{key: k.Key, start: k.Window.Start, end: k.Window.End, value: it.Value()}.String())
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	return all
}

// near draws a time around now, and at times far ahead.
func near(r *rand.Rand, now int64) int64 {
	if r.IntN(60) == 0 {
		return max(0, now) + 500_000
	}
	return max(0, now+r.Int64N(300_000)-250_000)
}
