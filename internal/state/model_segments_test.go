package state

import (
	"encoding/binary"
	"maps"

	"pgregory.net/rapid"

	"github.com/streamweir/streamweir/store"
)

// segmentedSpec is a store that keeps three segments of 10 ms.
func segmentedSpec(name string, kind store.Kind, persistent, timeOrdered bool) store.Spec {
	s := spec(name, kind, persistent)
	s.Retention, s.SegmentInterval, s.TimeOrdered = 20, 10, timeOrdered
	return s
}

// drawKey draws a key of the store in the engine.
func (s *modelStore) drawKey(t *rapid.T) string {
	key := keys.Draw(t, "key")
	if !s.spec.Kind.Segmented() {
		return key
	}
	// Times near the stream time, and now and then one far ahead.
	time := max(0, s.now+rapid.OneOf(rapid.Int64Range(-40, 5), rapid.Just[int64](1000)).Draw(t, "time"))
	row := binary.BigEndian.AppendUint64([]byte(key), uint64(time))
	row = append(row, "\x00\x00\x00\x00\x00\x00\x00\x00"[:map[bool]int{true: 8, false: 4}[s.spec.Kind == store.KindSession]]...)
	return string(s.spec.AppendEngineKey(nil, row))
}

func (s *modelStore) rowTime(key string) int64 {
	return s.spec.RowTime(s.spec.ChangelogKey([]byte(key)))
}

// advance raises the stream time to that of a key which is put, and tells whether the
// store takes it.
func (s *modelStore) advance(key string) bool {
	if !s.spec.Kind.Segmented() {
		return true
	}
	t := s.rowTime(key)
	s.now = max(s.now, t)
	return !s.spec.Expired(t, s.now)
}

// set changes a map as Put changes the store.
func (s *modelStore) set(m map[string]string, key string, value []byte) {
	index := ""
	if s.spec.TimeOrdered {
		index = string(s.spec.AppendIndexKey(nil, s.spec.ChangelogKey([]byte(key))))
	}
	if value == nil {
		delete(m, key)
	} else {
		m[key] = string(value)
	}
	switch {
	case index == "":
	case value == nil:
		delete(m, index)
	default:
		m[index] = ""
	}
}

func (s *modelStore) visible(key string, now int64) bool {
	if !s.spec.Kind.Segmented() {
		return true
	}
	return s.rowTime(key)/s.spec.SegmentInterval >= s.spec.LiveSegment(now)
}

// seen is the part of a map that can be asked for at a stream time.
func (s *modelStore) seen(m map[string]string, now int64) map[string]string {
	m = maps.Clone(m)
	maps.DeleteFunc(m, func(key, _ string) bool { return !s.visible(key, now) })
	return m
}

// scanSegments compares all that is kept.
func (m *machine) scanSegments(t *rapid.T, s *modelStore) {
	reverse := rapid.Bool().Draw(t, "reverse")
	st := m.set.Store(s.spec.Name)
	for _, view := range []struct {
		r    store.Reader
		now  int64
		want map[string]string
	}{{st, s.now, s.pending}, {st.Committed(), s.then, s.committed}} {
		live := s.spec.LiveSegment(view.now)
		index := s.spec.AppendIndexBound(nil, 0)
		rows := list(t, view.r.Scan(s.spec.AppendSegmentBound(nil, live), index, reverse))
		rest := list(t, view.r.Scan(s.spec.AppendIndexBound(nil, live*s.spec.SegmentInterval), nil, reverse))
		if rows = append(rows, rest...); reverse {
			rows = append(rest, rows[:len(rows)-len(rest)]...)
		}
		m.compare(t, s.spec.Name, rows, entries(s.seen(view.want, view.now), "-", "-", reverse))
	}
}

func (s *modelStore) checkTimes(t *rapid.T, st *Store) {
	if got := st.StreamTime(); got != s.now {
		t.Fatalf("%s: stream time %d, want %d", s.spec.Name, got, s.now)
	}
	if got := st.Committed().(store.TimedReader).StreamTime(); got != s.then {
		t.Fatalf("%s: committed stream time %d, want %d", s.spec.Name, got, s.then)
	}
}
