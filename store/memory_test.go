package store_test

import (
	"testing"

	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/store/storetest"
)

func TestMemory(t *testing.T) { storetest.Run(t, store.Memory(), false) }

func TestMemorySizeFallsWithDeletes(t *testing.T) {
	e, err := store.Memory()("")
	if err != nil {
		t.Fatal(err)
	}
	var b store.Batch
	b.Put([]byte("key"), []byte("value"))
	b.Put([]byte("key"), []byte("other value"))
	b.Put([]byte("key2"), nil)
	if err := e.Apply(&b); err != nil || e.Size() == 0 {
		t.Fatalf("size %d, error %v", e.Size(), err)
	}
	b.Reset()
	b.Delete([]byte("key"))
	b.Delete([]byte("key2"))
	b.Delete([]byte("none"))
	if err := e.Apply(&b); err != nil || e.Size() != 0 {
		t.Errorf("size %d of an empty engine, error %v", e.Size(), err)
	}
}
