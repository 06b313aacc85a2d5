package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/streamweir/streamweir/store"
)

// Run checks an engine against the contract of [store.Engine]. Each test opens
// engines of its own in new folders. A persistent engine must have after it was
// closed and opened again what was applied; another must be empty. Run the tests
// with the race detector too.
func Run(t *testing.T, open store.Opener, persistent bool) {
	for _, tt := range []struct {
		name string
		test func(*testing.T, store.Engine)
	}{
		{"GetAppendsToDst", testGet},
		{"PutsAndDeletesInOrder", testOrder},
		{"EmptyValueIsAValue", testEmptyValue},
		{"ScanHonoursBounds", testBounds},
		{"ScanOrdersKeysByTheirBytes", testByteOrder},
		{"IteratorKeepsWhatItSaw", testIteratorDuringApply},
		{"IteratorClosedEarlyReleases", testIteratorClosedEarly},
		{"BatchIsNotKept", testBatchNotKept},
		{"LargeBatch", testLargeBatch},
		{"LargeValues", testLargeValues},
		{"RefusesWhatIsOverItsLimits", testLimits},
		{"SizeGrows", testSize},
		{"ReadersDuringApply", testReaders},
		{"AgreesWithAModel", testModel},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := mustOpen(t, open, t.TempDir())
			defer mustClose(t, e)
			tt.test(t, e)
		})
	}
	t.Run("Reopen", func(t *testing.T) { testReopen(t, open, persistent) })
	t.Run("ReopenAgreesWithAModel", func(t *testing.T) {
		if persistent {
			testReopenModel(t, open)
		}
	})
}

func mustOpen(t *testing.T, open store.Opener, dir string) store.Engine {
	t.Helper()
	e, err := open(dir)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return e
}

func mustClose(t *testing.T, e store.Engine) {
	t.Helper()
	if err := e.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

// apply writes puts and deletes, one pair of strings each; a value of "-" deletes.
func apply(t *testing.T, e store.Engine, pairs ...string) {
	t.Helper()
	var b store.Batch
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "-" {
			b.Delete([]byte(pairs[i]))
		} else {
			b.Put([]byte(pairs[i]), []byte(pairs[i+1]))
		}
	}
	if err := e.Apply(&b); err != nil {
		t.Fatalf("apply: %v", err)
	}
}

// bound is the bytes of a bound; "-" is an open one.
func bound(s string) []byte {
	if s == "-" {
		return nil
	}
	return []byte(s)
}

// list returns "key=value" for each entry of an iterator and closes it.
func list(t errorer, it store.Iterator) []string {
	t.Helper()
	all := []string{}
	for it.Next() {
		all = append(all, fmt.Sprintf("%s=%s", it.Key(), it.Value()))
	}
	if it.Next() {
		t.Errorf("Next is true after it was false")
	}
	if err := it.Close(); err != nil {
		t.Errorf("close iterator: %v", err)
	}
	return all
}

// errorer is a testing.T or a rapid.T.
type errorer interface {
	Helper()
	Errorf(string, ...any)
	Fatalf(string, ...any)
}

func wantList(t errorer, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("%s = %q, want %q", what, got, want)
	}
}

func wantValue(t errorer, e store.Engine, key, want string) {
	t.Helper()
	v, found, err := e.Get([]byte(key), nil)
	if err != nil || !found || string(v) != want {
		t.Fatalf("Get(%q) = %q, %v, %v; want %q", key, v, found, err, want)
	}
}

func wantNone(t errorer, e store.Engine, key string) {
	t.Helper()
	if v, found, err := e.Get([]byte(key), nil); err != nil || found {
		t.Fatalf("Get(%q) = %q, %v, %v; want nothing", key, v, found, err)
	}
}

func testGet(t *testing.T, e store.Engine) {
	wantNone(t, e, "a")
	apply(t, e, "a", "1", "ab", "2")
	wantValue(t, e, "a", "1")
	wantNone(t, e, "b")
	v, found, err := e.Get([]byte("ab"), []byte("dst"))
	if err != nil || !found || string(v) != "dst2" {
		t.Errorf("Get to dst = %q, %v, %v; want dst2", v, found, err)
	}
	v, found, err = e.Get([]byte("none"), []byte("dst"))
	if err != nil || found || string(v) != "dst" {
		t.Errorf("Get of nothing to dst = %q, %v, %v; want dst", v, found, err)
	}
}

func testOrder(t *testing.T, e store.Engine) {
	apply(t, e, "a", "1", "a", "2", "b", "1", "b", "-", "c", "-", "c", "3", "none", "-")
	wantList(t, "all", list(t, e.Scan(nil, nil, false)), []string{"a=2", "c=3"})
	apply(t, e, "a", "-", "c", "4")
	wantList(t, "all", list(t, e.Scan(nil, nil, false)), []string{"c=4"})
	wantNone(t, e, "a")
	apply(t, e)
	apply(t, e, "a", "5")
	wantValue(t, e, "a", "5")
}

func testEmptyValue(t *testing.T, e store.Engine) {
	var b store.Batch
	b.Put([]byte("empty"), []byte{})
	b.Put([]byte("nil"), nil)
	if err := e.Apply(&b); err != nil {
		t.Fatal(err)
	}
	wantValue(t, e, "empty", "")
	wantValue(t, e, "nil", "")
	wantList(t, "all", list(t, e.Scan(nil, nil, false)), []string{"empty=", "nil="})
}

func testBounds(t *testing.T, e store.Engine) {
	apply(t, e, "a", "", "b", "", "ba", "", "c", "")
	for _, tt := range []struct {
		from, to string
		want     []string
	}{
		{"-", "-", []string{"a=", "b=", "ba=", "c="}},
		{"b", "-", []string{"b=", "ba=", "c="}},
		{"-", "ba", []string{"a=", "b="}},
		{"b", "c", []string{"b=", "ba="}},
		{"b", "b\x00", []string{"b="}},
		{"aa", "bz", []string{"b=", "ba="}},
		{"b", "b", []string{}},
		{"c", "a", []string{}},
		{"d", "-", []string{}},
		{"-", "a", []string{}},
		{"", "-", []string{"a=", "b=", "ba=", "c="}},
		{"-", "", []string{}},
		{"b", "\xff\xff", []string{"b=", "ba=", "c="}},
	} {
		what := fmt.Sprintf("Scan(%q, %q)", tt.from, tt.to)
		wantList(t, what, list(t, e.Scan(bound(tt.from), bound(tt.to), false)), tt.want)
		slices.Reverse(tt.want)
		wantList(t, what+" reverse", list(t, e.Scan(bound(tt.from), bound(tt.to), true)), tt.want)
	}
}

func testByteOrder(t *testing.T, e store.Engine) {
	keys := [][]byte{{0}, {0, 0}, {0, 1}, {0x7f}, {0x7f, 0xff}, {0x80}, {0xfe, 0xff}, {0xff}, {0xff, 0}, {0xff, 0xff}}
	var b store.Batch
	for i := range keys {
		b.Put(keys[(i*7)%len(keys)], []byte{1})
	}
	if err := e.Apply(&b); err != nil {
		t.Fatal(err)
	}
	for _, reverse := range []bool{false, true} {
		it := e.Scan(nil, nil, reverse)
		for _, want := range keys {
			if !it.Next() || !bytes.Equal(it.Key(), want) {
				t.Fatalf("reverse %v: at %x, want %x", reverse, it.Key(), want)
			}
		}
		if err := it.Close(); err != nil {
			t.Fatal(err)
		}
		slices.Reverse(keys)
	}
}

func testIteratorDuringApply(t *testing.T, e store.Engine) {
	apply(t, e, "a", "1", "c", "1", "e", "1")
	it := e.Scan(nil, nil, false)
	if !it.Next() || string(it.Key()) != "a" {
		t.Fatal("no first entry")
	}
	apply(t, e, "a", "2", "e", "2", "g", "2")
	if string(it.Key()) != "a" || string(it.Value()) != "1" {
		t.Fatalf("the entry at hand is %s=%s, want a=1", it.Key(), it.Value())
	}
	var keys []string
	for it.Next() {
		keys = append(keys, string(it.Key()))
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	// The iterator may or may not see what was applied since.
	if got := keys[:min(len(keys), 2)]; !slices.Equal(got, []string{"c", "e"}) {
		t.Errorf("keys after a are %q, want c, e and perhaps g", keys)
	}
}

func testIteratorClosedEarly(t *testing.T, e store.Engine) {
	apply(t, e, "a", "1", "b", "2")
	for _, next := range []int{0, 1, 2, 3} {
		it := e.Scan(nil, nil, next%2 == 0)
		for range next {
			it.Next()
		}
		if err := errors.Join(it.Close(), it.Close()); err != nil {
			t.Errorf("close after %d entries: %v", next, err)
		}
		if it.Next() {
			t.Error("Next is true after Close")
		}
	}
}

func testBatchNotKept(t *testing.T, e store.Engine) {
	var b store.Batch
	b.Put([]byte("key1"), []byte("value1"))
	if err := e.Apply(&b); err != nil {
		t.Fatal(err)
	}
	b.Reset()
	b.Put([]byte("key2"), []byte("value2"))
	wantValue(t, e, "key1", "value1")
	wantList(t, "all", list(t, e.Scan(nil, nil, false)), []string{"key1=value1"})
}
