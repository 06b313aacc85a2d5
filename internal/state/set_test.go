package state

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/store/badger"
	"github.com/streamweir/streamweir/store/storetest"
)

func TestKindsOverAStore(t *testing.T) {
	for _, budget := range []int{-1, 3 * entryOverhead, 0} {
		t.Run(fmt.Sprint(budget), func(t *testing.T) {
			storetest.RunKinds(t, func(t *testing.T, s store.Spec) store.Bytes {
				st := openSet(t, newDisk(t), budget, s)
				discardSet(t, st)
				return st.Store(s.Name)
			})
		})
	}
}

func TestReadsSeePendingThenCommittedThenEngine(t *testing.T) {
	d := newDisk(t)
	st, s := openPlain(t, d, 0)
	view := s.Committed()
	mustPut(t, s, "a", "1")
	wantValue(t, s, "a", "1")
	wantValue(t, view, "a", "-")
	st.Commit(next(1))
	wantValue(t, view, "a", "1")
	mustPut(t, s, "a", "2")
	mustPut(t, s, "b", "2")
	wantValue(t, s, "a", "2")
	wantValue(t, view, "a", "1")
	st.Abort()
	wantValue(t, s, "a", "1")
	wantValue(t, s, "b", "-")
	mustPut(t, s, "a", "-")
	wantValue(t, s, "a", "-")
	wantValue(t, view, "a", "1")
	st.Abort()
	mustClose(t, st)
	st, s = openPlain(t, d, 0)
	discardSet(t, st)
	wantValue(t, s.Committed(), "a", "1")
	wantValue(t, s, "a", "1")
	if p, ok := st.Offset("s"); p != 1 || !ok {
		t.Errorf("Offset = %d, %v", p, ok)
	}
}

func TestEmptyValueIsAValue(t *testing.T) {
	d := newDisk(t)
	st, s := openPlain(t, d, 0)
	mustPut(t, s, "a", "")
	wantValue(t, s, "a", "")
	st.Commit(next(1))
	wantValue(t, s, "a", "")
	wantValue(t, s.Committed(), "a", "")
	mustClose(t, st)
	st, s = openPlain(t, d, 0)
	discardSet(t, st)
	wantValue(t, s.Committed(), "a", "")
	wantValue(t, s, "a", "")
}

// appended is a changelog in a list.
type appended []string

func (a *appended) Append(key, value []byte, timestamp int64) error {
	if string(key) == "fail" {
		return errDisk
	}
	v := "nil"
	if value != nil {
		v = fmt.Sprintf("%q", value)
	}
	*a = append(*a, fmt.Sprintf("%s=%s@%d", key, v, timestamp))
	return nil
}

func TestChangelogOfATimestampedStoreHasNoTimestampInTheValue(t *testing.T) {
	st := openSet(t, newDisk(t), 0, spec("s", store.KindTimestampedKeyValue, true), spec("p", store.KindKeyValue, false))
	discardSet(t, st)
	var log, plain appended
	st.Store("s").LogTo(&log)
	st.Store("p").LogTo(&plain)
	put := func(name, key string, value []byte, ts int64) {
		t.Helper()
		if err := st.Store(name).Put([]byte(key), value, ts); err != nil {
			t.Fatal(err)
		}
	}
	put("s", "a", []byte("\x00\x00\x00\x00\x00\x00\x00\x05value"), 5)
	put("s", "b", []byte("\x00\x00\x00\x00\x00\x00\x00\x06"), 6)
	put("s", "c", nil, 7)
	put("p", "a", []byte{}, 8)
	put("p", "b", nil, 9)
	if got, want := strings.Join(log, " "), `a="value"@5 b=""@6 c=nil@7`; got != want {
		t.Errorf("changelog %s, want %s", got, want)
	}
	if got, want := strings.Join(plain, " "), `a=""@8 b=nil@9`; got != want {
		t.Errorf("changelog %s, want %s", got, want)
	}
	if err := st.Store("s").Put([]byte("a"), []byte("short"), 0); err == nil || !strings.Contains(err.Error(), "no timestamp") {
		t.Errorf("a value without a timestamp: %v", err)
	}
	if err := st.Store("p").Put([]byte("fail"), []byte("x"), 0); !errors.Is(err, errDisk) || !strings.Contains(err.Error(), `"p"`) {
		t.Errorf("error of the changelog: %v", err)
	}
	wantValue(t, st.Store("p"), "fail", "x")
}

// limited is an engine with limits.
type limited struct{ store.Engine }

func (limited) Limits() (key, value int) { return 12, 8 }

func TestPutRefusesWhatTheEngineCannotHold(t *testing.T) {
	st, err := Open(Config{Stores: []store.Spec{spec("s", store.KindKeyValue, true)}, Opener: func(string) (store.Engine, error) {
		return limited{newDisk(t).Engine}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	discardSet(t, st)
	s := st.Store("s")
	mustPut(t, s, "1234567890", "12345678")
	if err := s.Put([]byte("12345678901"), nil, 0); err == nil || !strings.Contains(err.Error(), "takes 10") {
		t.Errorf("a long key: %v", err)
	}
	if err := s.Put([]byte("a"), make([]byte, 9), 0); err == nil || !strings.Contains(err.Error(), "takes 8") {
		t.Errorf("a long value: %v", err)
	}
}

func TestOpenErrors(t *testing.T) {
	plain := spec("s", store.KindKeyValue, true)
	for _, tt := range []struct {
		name  string
		specs []store.Spec
		data  []string // in the engine
		want  []string
	}{
		{"no name", []store.Spec{spec("", store.KindKeyValue, true)}, nil, []string{`""`}},
		{"zero byte", []store.Spec{spec("a\x00b", store.KindKeyValue, true)}, nil, []string{"not a name"}},
		{"two of a name", []store.Spec{plain, plain}, nil, []string{`"s"`, "two stores"}},
		{"foreign data", []store.Spec{plain}, []string{"x", "y"}, []string{"task", "no format version", "Remove the folder"}},
		{"newer format", []store.Spec{plain}, []string{"\x00format", "2"}, []string{"task", `"2"`, `"1"`, "remove the folder"}},
		{"short record", []store.Spec{plain}, []string{"\x00format", "1", "\x00store\x00s", "x"}, []string{"task", `"s"`, "damaged"}},
		{"bad position", []store.Spec{plain}, []string{"\x00format", "1", "\x00store\x00s", "\x01\xff\xff\xff\xff\xff\xff\xff\x00"}, []string{"task", `"s"`, "-256", "damaged"}},
		{"other kind", []store.Spec{plain}, []string{"\x00format", "1", "\x00store\x00s", "\x02\x00\x00\x00\x00\x00\x00\x00\x00"}, []string{"task", `"s"`, "timestamped-key-value store", "a key-value store"}},
	} {
		d := newDisk(t)
		var b store.Batch
		for i := 0; i < len(tt.data); i += 2 {
			b.Put([]byte(tt.data[i]), []byte(tt.data[i+1]))
		}
		if err := d.Engine.Apply(&b); err != nil {
			t.Fatal(err)
		}
		_, err := Open(Config{Dir: "task", Stores: tt.specs, Opener: d.opener})
		for _, want := range tt.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v does not say %q", tt.name, err, want)
			}
		}
		if d.open {
			t.Errorf("%s: the engine stays open", tt.name)
		}
	}
	if _, err := Open(Config{Stores: []store.Spec{plain}}); err == nil || !strings.Contains(err.Error(), "opener") {
		t.Errorf("without an opener: %v", err)
	}
	if _, err := Open(Config{Dir: "task", Stores: []store.Spec{plain}, Opener: func(string) (store.Engine, error) { return nil, errDisk }}); !errors.Is(err, errDisk) || !strings.Contains(err.Error(), "task") {
		t.Errorf("an opener that fails: %v", err)
	}
}

func TestOpenWithoutStores(t *testing.T) {
	st, err := Open(Config{})
	if err != nil {
		t.Fatal(err)
	}
	st.Commit(map[string]int64{"none": 1})
	if st.Flush() != nil || st.Store("none") != nil {
		t.Error("a set without stores has something")
	}
	if _, ok := st.Offset("none"); ok {
		t.Error("an unknown store has an offset")
	}
	if err := errors.Join(st.Close(), st.Close(), st.Abandon()); err != nil {
		t.Error(err)
	}
}

func TestClosedSetAnswersWithErrors(t *testing.T) {
	st, s := openPlain(t, newDisk(t), 0)
	mustPut(t, s, "a", "1")
	st.Commit(next(1))
	open := s.Scan(nil, nil, false)
	view := s.Committed()
	mustClose(t, st)
	_, err1 := s.Get([]byte("none"))
	_, err2 := view.Get([]byte("a"))
	if open.Next() {
		t.Error("an iterator goes on after Close")
	}
	for i, err := range []error{err1, err2, s.Put([]byte("a"), nil, 0), s.Scan(nil, nil, false).Close(), drain(view), st.Wipe("s"), st.Restore("s", nil, 1)} {
		if err == nil || !strings.Contains(err.Error(), `"s" is closed`) {
			t.Errorf("error %d is %v", i+1, err)
		}
	}
	if st.Flush() != nil || st.Size().DiskBytes != 0 {
		t.Error("a closed set has something to write or measure")
	}
	if err := open.Close(); err != nil {
		t.Error(err)
	}
}

func drain(r store.Reader) error {
	it := r.Scan(nil, nil, false)
	for it.Next() {
	}
	return it.Close()
}

func TestLeftoversOfAFirstFlushAreRemoved(t *testing.T) {
	d := newDisk(t)
	st, s := openPlain(t, d, 0)
	mustPut(t, s, "a", "1")
	mustPut(t, s, "b", "1")
	st.Commit(next(9))
	d.fuse = 1
	if err := st.Flush().Write(); !errors.Is(err, errDisk) {
		t.Fatalf("write: %v", err)
	}
	d.fuse, d.open = -1, false
	st, s = openPlain(t, d, 0)
	discardSet(t, st)
	if got := list(t, s.Scan(nil, nil, false)); len(got) > 0 {
		t.Errorf("without a position the store has %q", got)
	}
	if p, ok := st.Offset("s"); ok {
		t.Errorf("Offset = %d", p)
	}
}

func TestBadgerKeepsACommittedPrefixOverAKill(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	dir, copied := t.TempDir(), filepath.Join(t.TempDir(), "task")
	specs := []store.Spec{spec("s", store.KindKeyValue, true), spec("mem", store.KindKeyValue, false)}
	st, err := Open(Config{Dir: dir, Stores: specs, Opener: badger.Open})
	if err != nil {
		t.Fatal(err)
	}
	s := st.Store("s")
	mustPut(t, s, "a", "1")
	mustPut(t, st.Store("mem"), "a", "1")
	st.Commit(map[string]int64{"s": 1, "mem": 1})
	mustFlush(t, st)
	mustPut(t, s, "a", "2")
	st.Commit(next(2))
	// What a kill at this moment leaves.
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	mustClose(t, st)
	for path, want := range map[string]int64{copied: 1, dir: 2} {
		st, err := Open(Config{Dir: path, Stores: specs, Opener: badger.Open})
		if err != nil {
			t.Fatal(err)
		}
		if p, ok := st.Offset("s"); p != want || !ok {
			t.Errorf("Offset = %d, %v; want %d", p, ok, want)
		}
		if p, ok := st.Offset("mem"); ok {
			t.Errorf("Offset of a store in memory = %d", p)
		}
		wantValue(t, st.Store("s"), "a", fmt.Sprint(want))
		wantValue(t, st.Store("mem"), "a", "-")
		mustClose(t, st)
	}
}
