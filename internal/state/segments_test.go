package state

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/store"
)

// rowOf is the changelog key of a window; engineKey is that in the engine.
func rowOf(key string, start int64) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64([]byte(key), uint64(start)), 0)
}

func engineKey(s *Store, key string, start int64) []byte {
	return s.spec.AppendEngineKey(nil, rowOf(key, start))
}

func putWindow(t *testing.T, s *Store, key string, start int64) {
	t.Helper()
	if err := s.Put(engineKey(s, key, start), []byte("v"), 0); err != nil {
		t.Fatal(err)
	}
}

func openSegmented(t *testing.T, d *disk, timeOrdered bool) (*Set, *Store) {
	t.Helper()
	sp := segmentedSpec("s", store.KindWindow, true, timeOrdered)
	st := openSet(t, d, 0, sp)
	discardSet(t, st)
	return st, st.Store("s")
}

// rowsOnDisk counts the keys of store s in the engine.
func rowsOnDisk(t *testing.T, d *disk) int {
	return len(list(t, d.Engine.Scan([]byte("s\x00"), []byte("s\x01"), false)))
}

func TestExpiredSegmentsLeaveMemoryAndEngine(t *testing.T) {
	for _, timeOrdered := range []bool{false, true} {
		t.Run(fmt.Sprint(timeOrdered), func(t *testing.T) {
			d := newDisk(t)
			st, s := openSegmented(t, d, timeOrdered)
			keysPerRow := map[bool]int{false: 1, true: 2}[timeOrdered]
			for i := range int64(10) {
				putWindow(t, s, "k", 5+i)
			}
			st.Commit(next(1))
			mustFlush(t, st)
			if got := rowsOnDisk(t, d); got != 10*keysPerRow {
				t.Fatalf("%d rows on disk", got)
			}
			putWindow(t, s, "k", 40) // the segments from 20 on live
			if s.Size() != 11*keysPerRow {
				t.Errorf("%d entries before the commit", s.Size())
			}
			st.Commit(next(2))
			if s.Size() != keysPerRow {
				t.Errorf("%d entries after the commit", s.Size())
			}
			mustFlush(t, st)
			if got := rowsOnDisk(t, d); got != keysPerRow {
				t.Errorf("%d rows on disk after expiry", got)
			}
			if !s.complete {
				t.Error("the store forgot that it has everything in memory")
			}
			if size := st.Size(); size.DirtyBytes != 0 || size.Entries != keysPerRow {
				t.Errorf("%+v", size)
			}
		})
	}
}

// Size is the number of entries in memory.
func (s *Store) Size() int { return s.entries.n }

func TestExpiryIsTakenBackByAnAbort(t *testing.T) {
	d := newDisk(t)
	st, s := openSegmented(t, d, false)
	putWindow(t, s, "k", 5)
	st.Commit(next(1))
	putWindow(t, s, "k", 1000)
	dropped := 0
	s.OnExpired(func() { dropped++ })
	putWindow(t, s, "late", 5)
	if dropped != 1 {
		t.Errorf("%d rows dropped", dropped)
	}
	st.Abort()
	if s.StreamTime() != 5 {
		t.Errorf("stream time %d after the abort", s.StreamTime())
	}
	wantValue(t, s, string(engineKey(s, "k", 5)), "v")
	putWindow(t, s, "late", 5)
	st.Commit(next(2))
	wantValue(t, s, string(engineKey(s, "late", 5)), "v")
}

func TestExpiryWaitsForAFlushUnderWay(t *testing.T) {
	d := newDisk(t)
	st, s := openSegmented(t, d, false)
	putWindow(t, s, "k", 5)
	st.Commit(next(1))
	f := st.Flush()
	putWindow(t, s, "k", 1000)
	st.Commit(next(2))
	if s.Size() != 2 {
		t.Errorf("%d entries while a flush is under way", s.Size())
	}
	if err := f.Write(); err != nil {
		t.Fatal(err)
	}
	st.Commit(nil)
	if s.Size() != 1 {
		t.Errorf("%d entries", s.Size())
	}
	mustFlush(t, st)
	if got := rowsOnDisk(t, d); got != 1 {
		t.Errorf("%d rows on disk", got)
	}
}

// TestFlushLeavesExpiredRowsOut: a commit drops a bounded number of rows, and what it
// leaves must not get into an engine that was swept.
func TestFlushLeavesExpiredRowsOut(t *testing.T) {
	d := newDisk(t)
	st, s := openSegmented(t, d, false)
	n := 3 * expireAtCommit
	for i := range n {
		putWindow(t, s, fmt.Sprint(i), 5)
	}
	st.Commit(next(1))
	putWindow(t, s, "k", 1000)
	st.Commit(next(2))
	if s.Size() < 2 || s.Size() > n {
		t.Errorf("%d entries: a commit drops some and leaves some", s.Size())
	}
	mustFlush(t, st)
	if got := rowsOnDisk(t, d); got != 1 {
		t.Errorf("%d rows on disk", got)
	}
	for range 3 {
		st.Commit(nil)
	}
	if size := st.Size(); size.Entries != 1 || size.DirtyBytes != 0 {
		t.Errorf("%+v", size)
	}
}

func TestStreamTimeAndSequenceSurviveTheProcess(t *testing.T) {
	d := newDisk(t)
	sp := segmentedSpec("s", store.KindWindow, true, false)
	sp.Duplicates = true
	st := openSet(t, d, 0, sp)
	s := st.Store("s")
	for range 3 {
		s.NextSequence()
	}
	putWindow(t, s, "k", 500)
	st.Commit(next(1))
	s.NextSequence()
	mustClose(t, st)
	st = openSet(t, d, 0, sp)
	discardSet(t, st)
	s = st.Store("s")
	if s.StreamTime() != 500 || s.NextSequence() != 4 {
		t.Errorf("stream time %d", s.StreamTime())
	}
	if err := st.Wipe("s"); err != nil {
		t.Fatal(err)
	}
	if s.StreamTime() != -1 || s.NextSequence() != 1 {
		t.Errorf("stream time %d after a wipe", s.StreamTime())
	}
}

func TestRestoreOfSegments(t *testing.T) {
	d := newDisk(t)
	st, s := openSegmented(t, d, true)
	records := []record.Record{
		{Key: rowOf("old", 5), Value: []byte("1")},
		{Key: rowOf("k", 995), Value: []byte("2"), Offset: 1},
		{Key: rowOf("k", 1000), Value: []byte("3"), Offset: 2},
		{Key: rowOf("k", 1000), Offset: 3},
	}
	if err := st.Restore("s", records, 4); err != nil {
		t.Fatal(err)
	}
	if got := rowsOnDisk(t, d); got != 2 || s.StreamTime() != 1000 {
		t.Errorf("%d rows, stream time %d", got, s.StreamTime())
	}
	if err := st.Restore("s", []record.Record{{Key: rowOf("k", 2000), Value: []byte("4"), Offset: 4}}, 5); err != nil {
		t.Fatal(err)
	}
	if got := rowsOnDisk(t, d); got != 2 {
		t.Errorf("%d rows after the first expired", got)
	}
}

// A record without a value of a store with duplicates leaves its stream time alone, when it
// is put and when it is restored: rows would be gone after a restart otherwise.
func TestRestoreTakesNoTimeOfIgnoredRows(t *testing.T) {
	d := newDisk(t)
	sp := segmentedSpec("s", store.KindWindow, true, false)
	sp.Duplicates = true
	st := openSet(t, d, 0, sp)
	discardSet(t, st)
	records := []record.Record{{Key: rowOf("k", 5), Value: []byte("1")}, {Key: rowOf("k", 9000), Offset: 1}}
	if err := st.Restore("s", records, 2); err != nil {
		t.Fatal(err)
	}
	restored := st.Store("s").StreamTime()
	if err := st.Store("s").Put(engineKey(st.Store("s"), "k", 9000), nil, 9000); err != nil {
		t.Fatal(err)
	}
	if got := st.Store("s").StreamTime(); restored != 5 || got != 5 {
		t.Errorf("stream time %d when restored, %d when put", restored, got)
	}
}

func TestRestoreRefusesKeysOfAnotherStore(t *testing.T) {
	for _, key := range []string{"", "short", "a negative\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00"} {
		st, _ := openSegmented(t, newDisk(t), false)
		err := st.Restore("s", []record.Record{{Key: []byte(key), Value: []byte("v"), Offset: 7}}, 8)
		if err == nil || !strings.Contains(err.Error(), "offset 7") {
			t.Errorf("key %q: %v", key, err)
		}
	}
}

func TestChangelogOfSegmentsHasNoSegment(t *testing.T) {
	_, s := openSegmented(t, newDisk(t), true)
	var log appended
	s.LogTo(&log)
	putWindow(t, s, "k", 1000)
	putWindow(t, s, "late", 5) // logged all the same
	want := []string{string(rowOf("k", 1000)) + `="v"@0`, string(rowOf("late", 5)) + `="v"@0`}
	if !slices.Equal(log, want) {
		t.Errorf("%q, want %q", log, want)
	}
}
