package state

import (
	"errors"
	"fmt"
	"testing"

	"github.com/streamweir/streamweir/store"
)

// disk is an engine that outlives the sets that open it, and can be told to fail
// in the middle of a batch.
type disk struct {
	store.Engine
	fuse int // puts and deletes until it fails; negative: never
	gets int // calls of Get
	open bool
}

var errDisk = errors.New("disk broke")

func newDisk(t errorer) *disk {
	e, err := store.Memory()("")
	if err != nil {
		t.Fatalf("open memory: %v", err)
	}
	return &disk{Engine: e, fuse: -1}
}

func (d *disk) opener(string) (store.Engine, error) {
	if d.open {
		return nil, errors.New("opened twice")
	}
	d.open = true
	return d, nil
}

func (d *disk) Close() error {
	d.open = false
	return nil
}

func (d *disk) Get(key, dst []byte) ([]byte, bool, error) {
	d.gets++
	return d.Engine.Get(key, dst)
}

func (d *disk) Apply(b *store.Batch) error {
	if d.fuse < 0 {
		return d.Engine.Apply(b)
	}
	var prefix store.Batch
	err := b.Each(func(key, value []byte) error {
		if d.fuse == 0 {
			return errDisk
		}
		d.fuse--
		if value == nil {
			prefix.Delete(key)
		} else {
			prefix.Put(key, value)
		}
		return nil
	})
	return errors.Join(d.Engine.Apply(&prefix), err)
}

// errorer is a testing.T or a rapid.T.
type errorer interface {
	Helper()
	Errorf(string, ...any)
	Fatalf(string, ...any)
}

func spec(name string, kind store.Kind, persistent bool) store.Spec {
	return store.Spec{Name: name, Kind: kind, Persistent: persistent, Logged: true}
}

func openSet(t errorer, d *disk, cacheBytes int, specs ...store.Spec) *Set {
	t.Helper()
	st, err := Open(Config{Dir: "task", Stores: specs, Opener: d.opener, CacheBytes: cacheBytes})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return st
}

// openPlain opens a set with one persistent key-value store named "s".
func openPlain(t errorer, d *disk, cacheBytes int) (*Set, *Store) {
	t.Helper()
	st := openSet(t, d, cacheBytes, spec("s", store.KindKeyValue, true))
	return st, st.Store("s")
}

func mustPut(t errorer, s *Store, key, value string) {
	t.Helper()
	if err := s.Put([]byte(key), bytesOf(value), 0); err != nil {
		t.Fatalf("put %q: %v", key, err)
	}
}

// bytesOf is the bytes of a value; "-" is none.
func bytesOf(value string) []byte {
	if value == "-" {
		return nil
	}
	return []byte(value)
}

func wantValue(t errorer, r store.Reader, key, want string) {
	t.Helper()
	v, err := r.Get([]byte(key))
	if err != nil || (v == nil) != (want == "-") || v != nil && string(v) != want {
		t.Fatalf("Get(%q) = %q (nil %v), %v; want %q", key, v, v == nil, err, want)
	}
}

func list(t errorer, it store.Iterator) []string {
	t.Helper()
	all := []string{}
	for it.Next() {
		all = append(all, fmt.Sprintf("%s=%s", it.Key(), it.Value()))
	}
	if err := it.Close(); err != nil {
		t.Fatalf("close iterator: %v", err)
	}
	return all
}

func mustFlush(t errorer, st *Set) {
	t.Helper()
	f := st.Flush()
	if f == nil {
		t.Fatalf("nothing to flush")
	}
	if err := f.Write(); err != nil {
		t.Fatalf("write: %v", err)
	}
}

func mustClose(t errorer, st *Set) {
	t.Helper()
	if err := st.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

func next(offset int64) map[string]int64 { return map[string]int64{"s": offset} }

func discardSet(t *testing.T, st *Set) {
	t.Helper()
	t.Cleanup(func() {
		if err := st.Abandon(); err != nil {
			t.Errorf("abandon: %v", err)
		}
	})
}
