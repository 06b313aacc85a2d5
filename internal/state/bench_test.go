package state

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/store/badger"
)

func benchSet(b *testing.B, keys int) (*Store, [][]byte) {
	st, s := openPlain(b, newDisk(b), 1<<30)
	b.Cleanup(func() { st.Abandon() })
	names, value := make([][]byte, keys), make([]byte, 120)
	for i := range names {
		names[i] = fmt.Appendf(nil, "warehouse-%06d", i)
		if err := s.Put(names[i], value, 0); err != nil {
			b.Fatal(err)
		}
	}
	st.Commit(next(1))
	return s, names
}

// BenchmarkGetPut reads and writes one key after the other, with a commit every
// 10 000.
func BenchmarkGetPut(b *testing.B) {
	for _, keys := range []int{1, 1000, 100_000} {
		b.Run(fmt.Sprint(keys), func(b *testing.B) {
			s, names := benchSet(b, keys)
			value := make([]byte, 120)
			b.ReportAllocs()
			i := 0
			for n := 1; b.Loop(); n++ {
				if i += 7919; i >= keys {
					i %= keys
				}
				v, err := s.Get(names[i])
				if err != nil || len(v) != 120 {
					b.Fatal(len(v), err)
				}
				if err := s.Put(names[i], value, 0); err != nil {
					b.Fatal(err)
				}
				if n%10_000 == 0 {
					s.set.Commit(nil)
				}
			}
		})
	}
}

// BenchmarkScan merges a range of 100 keys, of which memory has none, some or
// all, with the engine.
func BenchmarkScan(b *testing.B) {
	for _, inMemory := range []int{0, 10, 100} {
		b.Run(fmt.Sprintf("%d%%", inMemory), func(b *testing.B) {
			d := newDisk(b)
			st, s := openPlain(b, d, 0)
			for i := range 10_000 {
				if err := s.Put(binary.BigEndian.AppendUint32(nil, uint32(i)), make([]byte, 120), 0); err != nil {
					b.Fatal(err)
				}
			}
			st.Commit(next(1))
			if inMemory < 100 {
				mustClose(b, st)
				st, s = openPlain(b, d, 0)
				for i := range 10_000 * inMemory / 100 {
					if _, err := s.Get(binary.BigEndian.AppendUint32(nil, uint32(i*100/inMemory))); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.Cleanup(func() { st.Abandon() })
			from, to := binary.BigEndian.AppendUint32(nil, 5000), binary.BigEndian.AppendUint32(nil, 5100)
			b.ReportAllocs()
			for b.Loop() {
				it, n := s.Scan(from, to, false), 0
				for it.Next() {
					n++
				}
				if err := it.Close(); err != nil || n != 100 {
					b.Fatal(n, err)
				}
			}
		})
	}
}

// BenchmarkPutAndScan puts a new key and reads a short range before it, as a
// stream-stream join does.
func BenchmarkPutAndScan(b *testing.B) {
	st, s := openPlain(b, newDisk(b), 1<<30)
	b.Cleanup(func() { st.Abandon() })
	value := make([]byte, 120)
	b.ReportAllocs()
	for i := uint32(10); b.Loop(); i++ {
		if err := s.Put(binary.BigEndian.AppendUint32(nil, i), value, 0); err != nil {
			b.Fatal(err)
		}
		it := s.Scan(binary.BigEndian.AppendUint32(nil, i-5), nil, false)
		for it.Next() {
		}
		if err := it.Close(); err != nil {
			b.Fatal(err)
		}
		if i%1000 == 0 {
			st.Commit(nil)
		}
	}
}

// BenchmarkReadModifyWriteBadger is the workload of the store measurements: 100 000
// keys of 16 bytes, values of 120, a commit every 10 000, a flush in the background
// at 16 MB.
func BenchmarkReadModifyWriteBadger(b *testing.B) {
	st, err := Open(Config{Dir: b.TempDir(), Opener: badger.Open, CacheBytes: 64 << 20, Stores: []store.Spec{spec("s", store.KindKeyValue, true)}})
	if err != nil {
		b.Fatal(err)
	}
	s, value, key := st.Store("s"), make([]byte, 120), make([]byte, 16)
	written := make(chan error, 1)
	written <- nil
	b.ReportAllocs()
	for i := uint64(0); b.Loop(); i++ {
		binary.BigEndian.PutUint64(key, i*7919%100_000)
		if _, err := s.Get(key); err != nil {
			b.Fatal(err)
		}
		if err := s.Put(key, value, 0); err != nil {
			b.Fatal(err)
		}
		if i%10_000 != 9999 {
			continue
		}
		st.Commit(next(int64(i)))
		if st.DirtyBytes() < 16<<20 {
			continue
		}
		if f := st.Flush(); f != nil {
			if err := <-written; err != nil {
				b.Fatal(err)
			}
			go func() { written <- f.Write() }()
		}
	}
	if err := st.Close(); err != nil {
		b.Fatal(err)
	}
}
