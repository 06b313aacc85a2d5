package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

func numbered(i int) string { return string(binary.BigEndian.AppendUint32(nil, uint32(i))) }

// TestCommittedScanOfManyEntries goes over chunks that memory and the engine cut
// at different keys.
func TestCommittedScanOfManyEntries(t *testing.T) {
	d := newDisk(t)
	st, s := openPlain(t, d, 0)
	var want []string
	for i := range 5000 {
		mustPut(t, s, numbered(i), "engine")
	}
	st.Commit(next(1))
	mustClose(t, st)
	st, s = openPlain(t, d, 0)
	discardSet(t, st)
	for i := range 5000 {
		switch {
		case i%700 < 100:
			mustPut(t, s, numbered(i), "-")
		case i%3 == 0 && i < 2000 || i > 4990:
			mustPut(t, s, numbered(i), "memory")
			want = append(want, numbered(i)+"=memory")
		default:
			want = append(want, numbered(i)+"=engine")
		}
	}
	st.Commit(next(2))
	check := func() {
		for _, reverse := range []bool{false, true} {
			if got := list(t, s.Committed().Scan(nil, nil, reverse)); !slices.Equal(got, want) {
				t.Errorf("reverse %v: %d entries, want %d, or others", reverse, len(got), len(want))
			}
			slices.Reverse(want)
		}
	}
	check()
	for i := range 5000 {
		mustPut(t, s, numbered(i), "pending")
	}
	check()
}

// TestCommittedScanOfAChunkOfDeletions has a first chunk without an entry, at the
// end of what is in memory and not of what is in the engine.
func TestCommittedScanOfAChunkOfDeletions(t *testing.T) {
	d := newDisk(t)
	st, s := openPlain(t, d, 0)
	for i := range 100 {
		mustPut(t, s, numbered(i), "engine")
	}
	st.Commit(next(1))
	mustClose(t, st)
	st, s = openPlain(t, d, 0)
	discardSet(t, st)
	for i := range minChunk {
		mustPut(t, s, numbered(i), "-")
	}
	st.Commit(next(2))
	if got := list(t, s.Committed().Scan(nil, nil, false)); len(got) != 100-minChunk {
		t.Errorf("%d entries, want %d", len(got), 100-minChunk)
	}
}

// TestCommittedReadersRunBesideTheOwner has transactions that each set all keys
// to one round. Readers must see no pending value, never an older value after a
// newer one, and every key. The budget is small, so entries come and go.
func TestCommittedReadersRunBesideTheOwner(t *testing.T) {
	const keys, rounds = 100, 100
	st, s := openPlain(t, newDisk(t), 50*entryOverhead)
	round := func(n int, end string) {
		for k := range keys {
			mustPut(t, s, numbered(k), fmt.Sprintf("%06d%s", n, strings.Repeat(end, n%30)))
		}
	}
	round(0, "c")
	st.Commit(next(0))
	done := make(chan struct{})
	var readers sync.WaitGroup
	for i := range 4 {
		readers.Go(func() {
			if err := readCommitted(s, i, keys, done); err != nil {
				t.Error(err)
			}
		})
	}
	var writes sync.WaitGroup
	for n := 1; n <= rounds; n++ {
		round(n, "p")
		st.Abort()
		round(n, "c")
		st.Commit(next(int64(n)))
		if f := st.Flush(); f != nil {
			writes.Go(func() {
				if err := f.Write(); err != nil {
					t.Error(err)
				}
			})
		}
		mustPut(t, s, "x"+numbered(n), "c")
		for k := range keys {
			wantValue(t, s, numbered(k), fmt.Sprintf("%06d%s", n, strings.Repeat("c", n%30)))
		}
	}
	writes.Wait()
	mustClose(t, st)
	close(done)
	readers.Wait()
}

// readCommitted reads by Get and by iterators until done, or until the set is
// closed.
func readCommitted(s *Store, reader, keys int, done chan struct{}) error {
	r, last := s.Committed(), make([]string, keys)
	see := func(k int, v []byte) error {
		if strings.Contains(string(v), "p") || len(v) < 6 || string(v) < last[k] {
			return fmt.Errorf("key %d: %q after %q", k, v, last[k])
		}
		last[k] = string(v)
		return nil
	}
	for {
		select {
		case <-done:
			return nil
		default:
		}
		for k := range keys {
			v, err := r.Get([]byte(numbered(k)))
			if err != nil {
				return closedIsFine(err)
			}
			if err := see(k, v); err != nil {
				return err
			}
		}
		it, n := r.Scan(nil, []byte("x"), reader%2 == 1), 0
		for it.Next() {
			k := int(binary.BigEndian.Uint32(it.Key()))
			if reader%2 == 1 && k != keys-1-n || reader%2 == 0 && k != n {
				return fmt.Errorf("iterator is at key %d, %d entries before", k, n)
			}
			if string(it.Value()) > last[k] {
				if err := see(k, it.Value()); err != nil {
					return err
				}
			}
			n++
		}
		if err := it.Close(); err != nil {
			return closedIsFine(err)
		}
		if n != keys {
			return fmt.Errorf("iterator has %d keys", n)
		}
	}
}

func closedIsFine(err error) error {
	if strings.Contains(err.Error(), "is closed") {
		return nil
	}
	return errors.Join(errors.New("reading"), err)
}

func TestCommittedIteratorEndsEarly(t *testing.T) {
	_, s := mixed(t, 0)
	it := s.Committed().Scan(nil, nil, false)
	if !it.Next() || string(it.Key()) != "a" {
		t.Fatal("no first entry")
	}
	if err := it.Close(); err != nil || it.Next() {
		t.Errorf("after Close: %v", err)
	}
}
