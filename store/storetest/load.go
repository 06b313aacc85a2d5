package storetest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/streamweir/streamweir/store"
)

func number(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }

// noise is a value of n bytes that does not compress.
func noise(seed, n int) []byte {
	r := rand.New(rand.NewPCG(uint64(seed), 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func testLargeBatch(t *testing.T, e store.Engine) {
	const n = 50_000
	var b store.Batch
	value := make([]byte, 100)
	for _, i := range rand.New(rand.NewPCG(1, 2)).Perm(n) {
		b.Put(number(i), append(value[:96], number(i)...))
	}
	if err := e.Apply(&b); err != nil {
		t.Fatal(err)
	}
	b.Reset()
	for i := 0; i < n; i += 2 {
		b.Delete(number(i))
	}
	if err := e.Apply(&b); err != nil {
		t.Fatal(err)
	}
	it, want := e.Scan(nil, nil, false), 1
	for it.Next() {
		if !bytes.Equal(it.Key(), number(want)) || !bytes.Equal(it.Value()[96:], number(want)) {
			t.Fatalf("at key %x with the value of %x, want %x", it.Key(), it.Value()[96:], number(want))
		}
		want += 2
	}
	if err := it.Close(); err != nil || want != n+1 {
		t.Fatalf("ended before %d, error %v; want %d", want, err, n+1)
	}
}

// testLargeValues writes values around the sizes where engines change their way
// of storing them.
func testLargeValues(t *testing.T, e store.Engine) {
	sizes := []int{1<<16 - 1, 1 << 16, 1<<20 - 1, 1 << 20, 1<<20 + 1, 5 << 20}
	for round := range 2 {
		var b store.Batch
		for i, n := range sizes {
			b.Put(number(i), noise(round*100+i, n))
		}
		if err := e.Apply(&b); err != nil {
			t.Fatal(err)
		}
		it := e.Scan(nil, nil, false)
		for i, n := range sizes {
			want := noise(round*100+i, n)
			if v, _, err := e.Get(number(i), nil); err != nil || !bytes.Equal(v, want) {
				t.Errorf("round %d: Get of a value of %d bytes: %d others, error %v", round, n, len(v), err)
			}
			if !it.Next() || !bytes.Equal(it.Value(), want) {
				t.Errorf("round %d: iterator differs at the value of %d bytes", round, n)
			}
		}
		if err := it.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func testLimits(t *testing.T, e store.Engine) {
	l, ok := e.(store.Limiter)
	if !ok {
		return
	}
	maxKey, maxValue := l.Limits()
	var b store.Batch
	long := bytes.Repeat([]byte("k"), maxKey)
	b.Put(long, noise(1, maxValue))
	if err := e.Apply(&b); err != nil {
		t.Fatalf("a key and a value as large as the limits are refused: %v", err)
	}
	v, found, err := e.Get(long, nil)
	if err != nil || !found || !bytes.Equal(v, noise(1, maxValue)) {
		t.Errorf("Get of a value as large as the limit: %d bytes, %v, %v", len(v), found, err)
	}
}

func testSize(t *testing.T, e store.Engine) {
	before := e.Size()
	var b store.Batch
	for i := range 1000 {
		b.Put(number(i), noise(i, 1000))
	}
	if err := e.Apply(&b); err != nil {
		t.Fatal(err)
	}
	if grown := e.Size() - before; grown < 500_000 || grown > 50_000_000 {
		t.Errorf("the size grew by %d with 1 MB of data", grown)
	}
}

// testReaders checks that a reader never sees a part of a value, never goes back
// to an older one, and misses no key that is always there.
func testReaders(t *testing.T, e store.Engine) {
	const keys, rounds = 64, 60
	write := func(round int) error {
		var b store.Batch
		for k := range keys {
			b.Put(append([]byte("k"), number(k)...), bytes.Repeat(number(round), 1+(round+k)%20))
		}
		b.Put(append([]byte("x"), number(round)...), nil)
		return e.Apply(&b)
	}
	if err := write(0); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var readers sync.WaitGroup
	for i := range 3 {
		readers.Go(func() {
			var last [keys]uint32
			for {
				if err := readRound(e, last[:], i); err != nil {
					t.Error(err)
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for round := 1; round <= rounds; round++ {
		if err := write(round); err != nil {
			t.Error(err)
			break
		}
	}
	close(done)
	readers.Wait()
}

func readRound(e store.Engine, last []uint32, reader int) error {
	check := func(k int, v []byte) error {
		round := binary.BigEndian.Uint32(v)
		if !bytes.Equal(v, bytes.Repeat(number(int(round)), 1+(int(round)+k)%20)) {
			return fmt.Errorf("key %d: value %x is no value that was put", k, v)
		}
		if round < last[k] {
			return fmt.Errorf("key %d: round %d was seen after round %d", k, round, last[k])
		}
		last[k] = round
		return nil
	}
	for k := range last {
		v, found, err := e.Get(append([]byte("k"), number(k)...), nil)
		if err != nil || !found {
			return fmt.Errorf("key %d: %v, %v", k, found, err)
		}
		if err := check(k, v); err != nil {
			return err
		}
	}
	order := make([]int, len(last))
	for k := range order {
		order[k] = k
	}
	reverse := reader%2 == 1
	if reverse {
		slices.Reverse(order)
	}
	it := e.Scan([]byte("k"), []byte("l"), reverse)
	defer it.Close()
	for _, k := range order {
		if !it.Next() || !bytes.Equal(it.Key()[1:], number(k)) {
			return fmt.Errorf("iterator is at %x, want key %d", it.Key(), k)
		}
		// An iterator may be behind what Get has seen.
		if seen := last[k]; binary.BigEndian.Uint32(it.Value()) >= seen {
			if err := check(k, it.Value()); err != nil {
				return err
			}
		}
	}
	return it.Close()
}

// keys are few, so that operations meet, and of all lengths.
var keyGen = rapid.Custom(func(t *rapid.T) string {
	return string(rapid.SliceOfN(rapid.SampledFrom([]byte{0, 'a', 'b', 0xff}), 1, 4).Draw(t, "key"))
})

type model map[string]string

func (m model) apply(t *rapid.T, e store.Engine) {
	var b store.Batch
	for range rapid.IntRange(0, 20).Draw(t, "ops") {
		key := keyGen.Draw(t, "key")
		if rapid.IntRange(0, 3).Draw(t, "del") == 0 {
			b.Delete([]byte(key))
			delete(m, key)
			continue
		}
		value := rapid.StringN(0, 8, -1).Draw(t, "value")
		b.Put([]byte(key), []byte(value))
		m[key] = value
	}
	if err := e.Apply(&b); err != nil {
		t.Fatalf("apply: %v", err)
	}
}

func (m model) list(from, to string, reverse bool) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		if (from == "-" || k >= from) && (to == "-" || k < to) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	if reverse {
		slices.Reverse(keys)
	}
	for i, k := range keys {
		keys[i] = k + "=" + m[k]
	}
	return keys
}

func (m model) check(t *rapid.T, e store.Engine) {
	for key := range m {
		wantValue(t, e, key, m[key])
	}
	bounds := rapid.OneOf(rapid.Just("-"), keyGen)
	from, to := bounds.Draw(t, "from"), bounds.Draw(t, "to")
	for _, reverse := range []bool{false, true} {
		got := list(t, e.Scan(bound(from), bound(to), reverse))
		wantList(t, fmt.Sprintf("Scan(%q, %q, %v)", from, to, reverse), got, m.list(from, to, reverse))
	}
}

func testModel(t *testing.T, e store.Engine) {
	rapid.Check(t, func(t *rapid.T) {
		clearEngine(t, e)
		m := model{}
		for range rapid.IntRange(1, 8).Draw(t, "batches") {
			m.apply(t, e)
			m.check(t, e)
		}
	})
}

func clearEngine(t errorer, e store.Engine) {
	var b store.Batch
	it := e.Scan(nil, nil, false)
	for it.Next() {
		b.Delete(it.Key())
	}
	if err := it.Close(); err != nil {
		t.Fatalf("close iterator: %v", err)
	}
	if err := e.Apply(&b); err != nil {
		t.Fatalf("apply: %v", err)
	}
}

func testReopen(t *testing.T, open store.Opener, persistent bool) {
	dir := t.TempDir()
	e := mustOpen(t, open, dir)
	apply(t, e, "a", "1", "b", "2", "b", "-", "c", "")
	mustClose(t, e)
	e = mustOpen(t, open, dir)
	want := []string{}
	if persistent {
		want = []string{"a=1", "c="}
	}
	wantList(t, "all after reopening", list(t, e.Scan(nil, nil, false)), want)
	apply(t, e, "a", "2")
	wantValue(t, e, "a", "2")
	mustClose(t, e)
}

// testReopenModel opens one engine again and again with more in it each time.
func testReopenModel(t *testing.T, open store.Opener) {
	dir, m := t.TempDir(), model{}
	for round := range 5 {
		e := mustOpen(t, open, dir)
		r := rand.New(rand.NewPCG(uint64(round), 3))
		var b store.Batch
		for range 2000 {
			key := string(number(int(r.Uint32N(500))))
			if r.Uint32N(4) == 0 {
				b.Delete([]byte(key))
				delete(m, key)
				continue
			}
			value := string(noise(int(r.Uint32()), int(r.Uint32N(2000))))
			b.Put([]byte(key), []byte(value))
			m[key] = value
		}
		if err := e.Apply(&b); err != nil {
			t.Fatal(err)
		}
		mustClose(t, e)
		e = mustOpen(t, open, dir)
		if got, want := list(t, e.Scan(nil, nil, false)), m.list("-", "-", false); !slices.Equal(got, want) {
			t.Fatalf("round %d: %d entries after reopening, or others than the %d that were written", round, len(got), len(want))
		}
		mustClose(t, e)
	}
}
