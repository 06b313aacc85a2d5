package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/streamweir/streamweir/store"
)

func runVersions(t *testing.T, open func(*testing.T, store.Spec) store.Bytes) {
	b := store.VersionedKeyValue("store", text{}, text{}, time.Minute)
	s, _ := bind[store.VersionedKeyValueStore[*string, *string]](t, open, b)
	k := ptr("k")
	put := func(value *string, at, want int64) {
		t.Helper()
		if validTo, err := s.Put(k, value, at); validTo != want || err != nil {
			t.Errorf("Put(%s, %d) = %d, %v; want %d", show(value), at, validTo, err, want)
		}
	}
	get := func(at int64, want string) {
		t.Helper()
		r, ok, err := s.GetAsOf(k, at)
		got := "nil"
		if ok {
			got = fmt.Sprintf("%s@%d-%d", *r.Value, r.Timestamp, r.ValidTo)
		}
		if got != want || err != nil {
			t.Errorf("GetAsOf(%d) = %s, %v; want %s", at, got, err, want)
		}
	}
	put(ptr("1"), 10_000, store.StillValid)
	put(ptr("3"), 30_000, store.StillValid)
	put(ptr(""), 20_000, 30_000)
	put(nil, 25_000, 30_000)
	get(9_999, "nil")
	get(10_000, "1@10000-20000")
	get(24_999, "@20000-25000")
	get(25_000, "nil")
	get(30_000, "3@30000--1")
	put(nil, 90_001, store.StillValid)
	put(ptr("late"), 30_000, store.NotPut)
	get(30_001, "3@30000-90001")
	get(30_000, "nil") // beyond the history
	if _, ok, err := s.Get(k); ok || err != nil {
		t.Errorf("Get of a deleted key: %v, %v", ok, err)
	}
	if r, ok, err := s.Delete(k, 40_000); !ok || err != nil || *r.Value != "3" {
		t.Errorf("Delete = %v, %v, %v", r, ok, err)
	}
	get(40_000, "nil")
	get(39_999, "3@30000-40000")
	_, _, err := s.Get(nil)
	_, err2 := s.Put(nil, nil, 0)
	_, err3 := s.Put(k, ptr("v"), -1)
	_, err4 := s.Put(k, ptr("bad"), 90_000)
	for _, err := range []error{err, err2, err3, err4} {
		if err == nil || !strings.Contains(err.Error(), `"store"`) {
			t.Errorf("error of a nil key, a negative time or a serde: %v", err)
		}
	}
}
