package state

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/streamweir/streamweir/store"
)

func TestFlushIsASnapshot(t *testing.T) {
	d := newDisk(t)
	st, s := openPlain(t, d, 0)
	for i := range 100 {
		mustPut(t, s, fmt.Sprint(i), "old")
	}
	st.Commit(next(100))
	f := st.Flush()
	// Two more transactions reuse buffers: none of them may be the flush's.
	for round := range 2 {
		for i := range 100 {
			mustPut(t, s, fmt.Sprint(i), fmt.Sprintf("new%d", round))
		}
		st.Commit(next(int64(200 + round)))
	}
	if st.Flush() != nil {
		t.Fatal("a second flush while one is under way")
	}
	if err := f.Write(); err != nil {
		t.Fatal(err)
	}
	wantValue(t, s, "7", "new1")
	if p, _ := storedPosition(t, d, s.spec); p != 100 {
		t.Errorf("position %d in the engine, want 100", p)
	}
	for i := range 100 {
		if v, _, _ := d.Engine.Get([]byte("s\x00"+fmt.Sprint(i)), nil); string(v) != "old" {
			t.Fatalf("key %d: the engine has %q, want what the flush was taken of", i, v)
		}
	}
	mustFlush(t, st)
	if v, _, _ := d.Engine.Get([]byte("s\x007"), nil); string(v) != "new1" {
		t.Errorf("the next flush wrote %q", v)
	}
	if st.DirtyBytes() != 0 || st.Flush() != nil {
		t.Errorf("%d bytes are dirty after all was written", st.DirtyBytes())
	}
	if err := f.Write(); err == nil || !strings.Contains(err.Error(), "once") {
		t.Errorf("a second Write: %v", err)
	}
	mustClose(t, st)
}

func TestFlushThatFailsIsPartOfTheNext(t *testing.T) {
	d := newDisk(t)
	st, s := openPlain(t, d, 0)
	mustPut(t, s, "a", "1")
	mustPut(t, s, "b", "1")
	mustPut(t, s, "c", "1")
	st.Commit(next(3))
	dirty := st.DirtyBytes()
	f := st.Flush()
	mustPut(t, s, "b", "2")
	st.Commit(next(4))
	d.fuse = 2
	if err := f.Write(); !errors.Is(err, errDisk) || !strings.Contains(err.Error(), "task") {
		t.Fatalf("write: %v", err)
	}
	d.fuse = -1
	if got := st.DirtyBytes(); got != dirty {
		t.Errorf("%d bytes are dirty after a failure, want %d", got, dirty)
	}
	if _, found := storedPosition(t, d, s.spec); found {
		t.Error("the position was written although a value was not")
	}
	mustFlush(t, st)
	if p, _ := storedPosition(t, d, s.spec); p != 4 || st.DirtyBytes() != 0 {
		t.Errorf("position %d, %d bytes dirty", p, st.DirtyBytes())
	}
	if err := st.Abandon(); err != nil {
		t.Fatal(err)
	}
	st, s = openPlain(t, d, 0)
	discardSet(t, st)
	if got := fmt.Sprint(list(t, s.Scan(nil, nil, false))); got != "[a=1 b=2 c=1]" {
		t.Errorf("the engine has %s", got)
	}
}

func TestPositionIsTheLastThingWritten(t *testing.T) {
	for fuse := range 5 {
		d := newDisk(t)
		st := openSet(t, d, 0, spec("a", store.KindKeyValue, true), spec("b", store.KindKeyValue, true))
		mustPut(t, st.Store("a"), "k", "1")
		mustPut(t, st.Store("b"), "k", "1")
		mustPut(t, st.Store("b"), "l", "1")
		st.Commit(map[string]int64{"a": 1, "b": 2})
		d.fuse = fuse
		err := st.Flush().Write()
		if err == nil {
			t.Fatalf("fuse %d: no error", fuse)
		}
		for _, s := range st.stores {
			if p, found := storedPosition(t, d, s.spec); found && fuse < 4 {
				t.Errorf("position %d of %s after %d of 3 values", p, s.spec.Name, fuse)
			}
		}
	}
}

func TestFlushOfAPositionAlone(t *testing.T) {
	d := newDisk(t)
	st, s := openPlain(t, d, 0)
	discardSet(t, st)
	st.Commit(next(5))
	mustFlush(t, st)
	if p, _ := storedPosition(t, d, s.spec); p != 5 || st.Flush() != nil {
		t.Errorf("position %d", p)
	}
}

func TestCloseTakesBackAFlushThatWasNotWritten(t *testing.T) {
	d := newDisk(t)
	st, s := openPlain(t, d, 0)
	mustPut(t, s, "a", "1")
	st.Commit(next(1))
	f := st.Flush()
	mustPut(t, s, "b", "pending")
	mustClose(t, st)
	if err := f.Write(); err == nil {
		t.Error("a flush is written after Close")
	}
	st, s = openPlain(t, d, 0)
	discardSet(t, st)
	if got := fmt.Sprint(list(t, s.Scan(nil, nil, false))); got != "[a=1]" {
		t.Errorf("the engine has %s", got)
	}
}

// slow is an engine whose Apply waits until it is told to go on.
type slow struct {
	*disk
	entered, proceed chan struct{}
}

func (s slow) Apply(b *store.Batch) error {
	if b.Len() > 1 {
		s.entered <- struct{}{}
		<-s.proceed
	}
	return s.disk.Apply(b)
}

func TestCloseWaitsForAWriteThatIsRunning(t *testing.T) {
	e := slow{newDisk(t), make(chan struct{}), make(chan struct{})}
	st, err := Open(Config{Stores: []store.Spec{spec("s", store.KindKeyValue, true)}, Opener: func(string) (store.Engine, error) { return e, nil }})
	if err != nil {
		t.Fatal(err)
	}
	s := st.Store("s")
	mustPut(t, s, "a", "1")
	st.Commit(next(1))
	f := st.Flush()
	written := make(chan error)
	go func() { written <- f.Write() }()
	<-e.entered
	// The owner goes on meanwhile.
	mustPut(t, s, "a", "2")
	st.Commit(next(2))
	wantValue(t, s.Committed(), "a", "2")
	if st.DirtyBytes() == 0 || st.Flush() != nil {
		t.Error("a write that is running counts as done")
	}
	closed := make(chan error)
	go func() { closed <- st.Close() }()
	e.proceed <- struct{}{}
	if err := <-written; err != nil {
		t.Error(err)
	}
	<-e.entered // Close writes what came later
	e.proceed <- struct{}{}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if p, _ := storedPosition(t, e.disk, s.spec); p != 2 {
		t.Errorf("position %d, want 2", p)
	}
}
