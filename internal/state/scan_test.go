package state

import (
	"fmt"
	"testing"
)

// mixed returns a store with keys in the engine (b, d, f), committed (a, d) and
// pending (e, deleting b), with room for few entries.
func mixed(t *testing.T, budget int) (*Set, *Store) {
	d := newDisk(t)
	st, s := openPlain(t, d, budget)
	mustPut(t, s, "b", "engine")
	mustPut(t, s, "d", "engine")
	mustPut(t, s, "f", "engine")
	st.Commit(next(3))
	mustClose(t, st)
	st, s = openPlain(t, d, budget)
	discardSet(t, st)
	mustPut(t, s, "a", "committed")
	mustPut(t, s, "d", "committed")
	st.Commit(next(5))
	mustPut(t, s, "e", "pending")
	mustPut(t, s, "b", "-")
	return st, s
}

func TestScanMergesMemoryAndEngine(t *testing.T) {
	_, s := mixed(t, 0)
	for _, tt := range []struct{ from, to, want, reverse, committed string }{
		{"-", "-", "[a=committed d=committed e=pending f=engine]", "[f=engine e=pending d=committed a=committed]", "[a=committed b=engine d=committed f=engine]"},
		{"b", "f", "[d=committed e=pending]", "[e=pending d=committed]", "[b=engine d=committed]"},
		{"d", "d", "[]", "[]", "[]"},
		{"-", "", "[]", "[]", "[]"},
		{"e", "-", "[e=pending f=engine]", "[f=engine e=pending]", "[f=engine]"},
		{"-", "d", "[a=committed]", "[a=committed]", "[a=committed b=engine]"},
	} {
		from, to := bytesOf(tt.from), bytesOf(tt.to)
		if got := fmt.Sprint(list(t, s.Scan(from, to, false))); got != tt.want {
			t.Errorf("scan %q to %q: %s, want %s", tt.from, tt.to, got, tt.want)
		}
		if got := fmt.Sprint(list(t, s.Scan(from, to, true))); got != tt.reverse {
			t.Errorf("reverse scan %q to %q: %s, want %s", tt.from, tt.to, got, tt.reverse)
		}
		if got := fmt.Sprint(list(t, s.Committed().Scan(from, to, false))); got != tt.committed {
			t.Errorf("committed scan %q to %q: %s, want %s", tt.from, tt.to, got, tt.committed)
		}
	}
}

func TestScanToleratesWrites(t *testing.T) {
	for _, reverse := range []bool{false, true} {
		_, s := mixed(t, 0)
		mustPut(t, s, "g", "pending")
		it := s.Scan(nil, nil, reverse)
		mustPut(t, s, "c", "new key")   // not seen
		mustPut(t, s, "d", "new value") // seen
		mustPut(t, s, "f", "new value") // seen, though the engine has another
		mustPut(t, s, "g", "-")         // left out
		mustPut(t, s, "b", "again")     // was deleted at the call, but has an entry
		got := fmt.Sprint(list(t, it))
		want := "[a=committed b=again d=new value e=pending f=new value]"
		if reverse {
			want = "[f=new value e=pending d=new value b=again a=committed]"
		}
		if got != want {
			t.Errorf("reverse %v: %s, want %s", reverse, got, want)
		}
	}
}

func TestEachOpenScanHasTheKeysOfItsCall(t *testing.T) {
	_, s := mixed(t, 0)
	first := s.Scan(nil, nil, false)
	mustPut(t, s, "x", "1")
	second := s.Scan(nil, nil, false)
	mustPut(t, s, "y", "1")
	mustPut(t, s, "z", "1")
	third := s.Scan([]byte("x"), nil, false)
	if got := fmt.Sprint(list(t, first)); got != "[a=committed d=committed e=pending f=engine]" {
		t.Errorf("the first has %s", got)
	}
	mustPut(t, s, "zz", "1")
	if got := fmt.Sprint(list(t, second)); got != "[a=committed d=committed e=pending f=engine x=1]" {
		t.Errorf("the second has %s", got)
	}
	if got := fmt.Sprint(list(t, third)); got != "[x=1 y=1 z=1]" {
		t.Errorf("the third has %s", got)
	}
}

func TestScanKeepsItsEntryOverWrites(t *testing.T) {
	_, s := mixed(t, 0)
	it := s.Scan(nil, nil, false)
	for it.Next() {
		key, value := string(it.Key()), string(it.Value())
		mustPut(t, s, key, "overwritten by a longer value")
		mustPut(t, s, key, "-")
		if string(it.Key()) != key || string(it.Value()) != value {
			t.Fatalf("the entry %s=%s became %s=%s", key, value, it.Key(), it.Value())
		}
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	if got := list(t, s.Scan(nil, nil, false)); len(got) > 0 {
		t.Errorf("after deleting all there is %q", got)
	}
}

func TestScanGoesOnOverCommitFlushAndEviction(t *testing.T) {
	st, s := mixed(t, -1)
	it := s.Scan(nil, nil, false)
	if !it.Next() || string(it.Key()) != "a" {
		t.Fatalf("at %q", it.Key())
	}
	st.Commit(next(7))
	mustFlush(t, st)
	st.Commit(nil)
	if s.entries.n != 0 {
		t.Fatalf("%d entries are left", s.entries.n)
	}
	mustPut(t, s, "e", "put again")
	if got := fmt.Sprint(list(t, it)); got != "[d=committed e=put again f=engine]" {
		t.Errorf("the rest is %s", got)
	}
}

func TestIteratorsLeaveNothingBehind(t *testing.T) {
	st, s := mixed(t, 0)
	a, b := s.Scan(nil, nil, false), s.Scan(nil, nil, true)
	for range 2 {
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(st.scans) != 1 || s.iterators != 1 || a.Next() {
		t.Errorf("%d scans, %d iterators are open, one should be", len(st.scans), s.iterators)
	}
	if err := b.Close(); err != nil || len(st.scans) != 0 || s.iterators != 0 {
		t.Errorf("%d scans, %d iterators are open, none should be", len(st.scans), s.iterators)
	}
}
