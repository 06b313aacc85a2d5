package store_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/streamweir/streamweir/internal/state"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
)

// log is a changelog in a list.
type log []string

func (l *log) Append(key, value []byte, timestamp int64) error {
	text := "deleted"
	if value != nil {
		text = string(value)
	}
	*l = append(*l, fmt.Sprintf("%s=%s@%d", key, text, timestamp))
	return nil
}

func openLRU(t *testing.T, n int) (store.KeyValueStore[string, string], *state.Set, *log, func() store.KeyValueStore[string, string]) {
	t.Helper()
	b := store.KeyValue("s", serde.String(), serde.String(), store.LRU(n))
	set, err := state.Open(state.Config{Stores: []store.Spec{b.Spec()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := set.Close(); err != nil {
			t.Error(err)
		}
	})
	l := &log{}
	set.Store("s").LogTo(l)
	bind := func() store.KeyValueStore[string, string] {
		s, err := b.Bind(store.Binding{Bytes: set.Store("s"), ChangelogTopic: "t", Timestamp: func() int64 { return 9 }})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	return bind(), set, l, bind
}

func keysOf(t *testing.T, s store.KeyValueStore[string, string]) string {
	t.Helper()
	var keys []string
	it := s.All()
	for it.Next() {
		keys = append(keys, it.Key())
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(keys, " ")
}

func TestLRUForgetsTheLeastRecentlyUsed(t *testing.T) {
	s, set, l, bind := openLRU(t, 2)
	do := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	do(s.Put("a", "1"))
	do(s.Put("b", "2"))
	_, _, err := s.Get("a")
	do(err)
	do(s.Put("c", "3")) // b goes
	if got := keysOf(t, s); got != "a c" {
		t.Errorf("keys %q", got)
	}
	if got := strings.Join(*l, " "); got != "a=1@9 b=2@9 b=deleted@9 c=3@9" {
		t.Errorf("changelog %q", got)
	}
	_, _, err = s.PutIfAbsent("a", "x") // uses a
	do(err)
	_, _, err = s.PutIfAbsent("d", "4") // c goes
	do(err)
	if got := keysOf(t, s); got != "a d" {
		t.Errorf("keys %q", got)
	}
	_, _, err = s.Delete("a")
	do(err)
	do(s.Put("e", "5")) // there is room
	if got := keysOf(t, s); got != "d e" {
		t.Errorf("keys %q", got)
	}
	set.Commit(nil)
	do(s.Put("f", "6"))
	set.Abort()
	s = bind() // as a task does after an abort
	if got := keysOf(t, s); got != "d e" {
		t.Errorf("keys %q after an abort", got)
	}
	do(s.Put("g", "7"))
	if got := keysOf(t, s); got != "e g" {
		t.Errorf("keys %q: entries count as used in the order of their keys", got)
	}
}

func TestLRUIsInMemoryAndHasALimit(t *testing.T) {
	b := store.KeyValue("s", serde.String(), serde.String(), store.Persistent(nil), store.Cached(), store.LRU(2))
	if s := b.Spec(); s.Persistent || s.Caching {
		t.Errorf("%+v", s)
	}
	if _, err := store.KeyValue("s", serde.String(), serde.String(), store.LRU(-1)).Bind(bindings(&logged{})); err == nil || !strings.Contains(err.Error(), `"s"`) {
		t.Errorf("error of a negative limit: %v", err)
	}
}
