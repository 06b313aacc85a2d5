package state

import (
	"fmt"
	"testing"
)

func TestEvictionKeepsTheBudgetAndWhatIsNotWritten(t *testing.T) {
	const budget = 100 * (entryOverhead + 40)
	d := newDisk(t)
	st, s := openPlain(t, d, budget)
	discardSet(t, st)
	for i := range 1000 {
		mustPut(t, s, fmt.Sprint(i), fmt.Sprintf("value %d", i))
	}
	if n := s.entries.n; n != 1000 {
		t.Fatalf("%d of 1000 pending entries are kept", n)
	}
	st.Commit(next(1))
	f := st.Flush()
	st.Commit(nil)
	if n := s.entries.n; n != 1000 {
		t.Fatalf("%d of 1000 entries in flight are kept", n)
	}
	if err := f.Write(); err != nil {
		t.Fatal(err)
	}
	st.Commit(nil)
	if size := st.Size(); size.CacheBytes > budget || size.Entries < 50 || size.Entries != s.entries.n {
		t.Errorf("%+v with a budget of %d, %d entries in the table", size, budget, s.entries.n)
	}
	for i := range 1000 {
		wantValue(t, s, fmt.Sprint(i), fmt.Sprintf("value %d", i))
		wantValue(t, s.Committed(), fmt.Sprint(i), fmt.Sprintf("value %d", i))
	}
	if size := st.Size(); size.CacheBytes > budget+2*entryOverhead {
		t.Errorf("%d bytes after reading all, with a budget of %d", size.CacheBytes, budget)
	}
}

func TestHotKeyIsNotEvicted(t *testing.T) {
	d := newDisk(t)
	st, s := openPlain(t, d, 20*(entryOverhead+40))
	for i := range 1000 {
		mustPut(t, s, fmt.Sprint(i), "value")
	}
	st.Commit(next(1))
	mustClose(t, st)
	st, s = openPlain(t, d, 20*(entryOverhead+40))
	discardSet(t, st)
	wantValue(t, s, "hot", "-")
	d.gets = 0
	for i := range 1000 {
		wantValue(t, s, fmt.Sprint(i), "value")
		wantValue(t, s, "hot", "-")
	}
	if d.gets != 1000 {
		t.Errorf("%d gets for 1000 cold keys and one that is hot", d.gets)
	}
}

func TestEvictedEntryIsNotWrittenTo(t *testing.T) {
	d := newDisk(t)
	st, s := openPlain(t, d, -1)
	mustPut(t, s, "a", "1")
	st.Commit(next(1))
	mustClose(t, st)
	st, s = openPlain(t, d, -1)
	discardSet(t, st)
	wantValue(t, s, "a", "1") // found, and evicted at once
	mustPut(t, s, "a", "2")
	wantValue(t, s, "b", "-")
	wantValue(t, s, "a", "2")
}

func TestEngineIsAskedOncePerKeyAndNotAtAllWhenEmpty(t *testing.T) {
	d := newDisk(t)
	st, s := openPlain(t, d, 0)
	d.gets = 0
	for range 2 {
		wantValue(t, s, "a", "-")
		wantValue(t, s, "b", "-")
	}
	mustPut(t, s, "a", "1")
	st.Commit(next(1))
	mustFlush(t, st)
	wantValue(t, s, "c", "-")
	wantValue(t, s, "a", "1")
	if d.gets != 0 {
		t.Errorf("%d gets of an engine that has nothing else than memory", d.gets)
	}
	mustClose(t, st)
	st, s = openPlain(t, d, 0)
	discardSet(t, st)
	d.gets = 0
	for range 3 {
		wantValue(t, s, "a", "1")
		wantValue(t, s, "none", "-")
		mustPut(t, s, "blind", "1")
		wantValue(t, s, "blind", "1")
	}
	st.Abort()
	wantValue(t, s, "blind", "-")
	wantValue(t, s, "blind", "-")
	if d.gets != 3 {
		t.Errorf("%d gets for three keys", d.gets)
	}
}

func TestKnownKeysDoNotAllocate(t *testing.T) {
	st, s := openPlain(t, newDisk(t), 0)
	discardSet(t, st)
	keys, value := make([][]byte, 50), make([]byte, 120)
	for i := range keys {
		keys[i] = fmt.Appendf(nil, "key %d", i)
	}
	transaction := func() {
		for _, k := range keys {
			if _, err := s.Get(k); err != nil {
				t.Fatal(err)
			}
			if err := s.Put(k, value, 0); err != nil {
				t.Fatal(err)
			}
		}
		st.Commit(nil)
	}
	transaction()
	transaction()
	if n := testing.AllocsPerRun(100, transaction); n != 0 {
		t.Errorf("a transaction of 50 reads and writes allocates %v times", n)
	}
	if n := testing.AllocsPerRun(100, func() {
		for _, k := range keys {
			if err := s.Put(k, value, 0); err != nil {
				t.Fatal(err)
			}
		}
		st.Abort()
	}); n != 0 {
		t.Errorf("a transaction that is aborted allocates %v times", n)
	}
}

func TestBuffersOfOtherSizesAreNotWasted(t *testing.T) {
	c := newCache(0)
	c.recycle(make([]byte, 0, 1<<15))
	if b := c.copy([]byte("small")); cap(b) > 64 {
		t.Errorf("a value of 5 bytes has a buffer of %d", cap(b))
	}
	if b := c.copy(make([]byte, 30_000)); cap(b) != 1<<15 {
		t.Errorf("a buffer of 32 KiB is not used again for 30 000 bytes")
	}
	for range 3 * maxSpare / (1 << 15) {
		c.recycle(make([]byte, 0, 1<<15))
	}
	if c.spareBytes > maxSpare {
		t.Errorf("%d bytes of buffers are kept", c.spareBytes)
	}
	c.recycle(nil)
	if b := c.copy(nil); b == nil {
		t.Error("an empty value is nil")
	}
}

func TestBuffersFitTheirClass(t *testing.T) {
	before, last := 0, 0
	for n := range 1<<16 + 1 {
		class, size := classOf(n)
		if size < n || n > minSpare && size > n+n/4+1 || class < before || class > before+1 || class == before && n > minSpare && size != last && class != 0 {
			t.Fatalf("%d bytes have class %d of %d bytes, after class %d of %d", n, class, size, before, last)
		}
		before, last = class, size
	}
	if before != spareClasses-1 {
		t.Errorf("the last class is %d", before)
	}
}

func TestSizesReturnToZero(t *testing.T) {
	st, s := openPlain(t, newDisk(t), -1)
	discardSet(t, st)
	for i := range 100 {
		mustPut(t, s, fmt.Sprint(i), "value")
		mustPut(t, s, fmt.Sprint(i), "another value")
	}
	if size := st.Size(); size.PendingBytes != 190+100*len("another value") {
		t.Errorf("%d bytes pending", size.PendingBytes)
	}
	st.Commit(next(1))
	if got := st.DirtyBytes(); got != 190+100*len("another value") {
		t.Errorf("%d bytes dirty", got)
	}
	mustFlush(t, st)
	st.Commit(nil)
	if size := st.Size(); size.Entries != 0 || size.CacheBytes != 0 || size.PendingBytes != 0 || size.DirtyBytes != 0 {
		t.Errorf("with all written and no budget: %+v", size)
	}
}
