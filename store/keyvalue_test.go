package store_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/store/storetest"
)

func TestKindsOverMemory(t *testing.T) { storetest.RunKinds(t, storetest.OverEngine(store.Memory())) }

// logged is a store in a map that remembers what it is given.
type logged struct {
	store.Reader
	values     map[string][]byte
	timestamps []int64
}

func (l *logged) Get(key []byte) ([]byte, error) { return l.values[string(key)], nil }

func (l *logged) Put(key, value []byte, timestamp int64) error {
	l.timestamps = append(l.timestamps, timestamp)
	l.values[string(key)] = append([]byte(nil), value...)
	return nil
}

func bindings(l *logged) store.Binding {
	return store.Binding{Bytes: l, ChangelogTopic: "t", Timestamp: func() int64 { return 99 }}
}

func TestChangelogTimestamps(t *testing.T) {
	l := &logged{values: map[string][]byte{}}
	plain, err := store.KeyValue("s", serde.String(), serde.Int64()).Bind(bindings(l))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err1 := plain.PutIfAbsent("b", 1)
	_, _, err2 := plain.Delete("none")
	if err := errors.Join(plain.Put("a", 1), err1, err2); err != nil {
		t.Fatal(err)
	}
	stamped, err := store.TimestampedKeyValue("s", serde.String(), serde.Int64()).Bind(bindings(l))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = stamped.Delete("none")
	if err := errors.Join(stamped.Put("c", store.ValueAndTimestamp[int64]{Value: 1, Timestamp: 5}), err); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int64{99, 99, 99, 99, 5}, l.timestamps); diff != "" {
		t.Errorf("timestamps of the changelog (-want +got):\n%s", diff)
	}
}

func TestSpec(t *testing.T) {
	open := store.Memory()
	config := map[string]string{"segment.bytes": "1"}
	for _, tt := range []struct {
		name string
		opts []store.Option
		want store.Spec
	}{
		{"default", nil, store.Spec{Persistent: true, Logged: true}},
		{"in memory", []store.Option{store.Persistent(open), store.InMemory()}, store.Spec{Logged: true}},
		{"logged", []store.Option{store.NotLogged(), store.Logged(config)}, store.Spec{Persistent: true, Logged: true, TopicConfig: maps.Clone(config)}},
		{"not logged", []store.Option{store.Logged(config), store.NotLogged()}, store.Spec{Persistent: true}},
		{"cached", []store.Option{nil, store.Cached()}, store.Spec{Persistent: true, Logged: true, Caching: true}},
		{"not cached", []store.Option{store.Cached(), store.NotCached()}, store.Spec{Persistent: true, Logged: true}},
	} {
		tt.want.Name, tt.want.Kind = "s", store.KindKeyValue
		var b store.Builder = store.KeyValue("s", serde.String(), serde.Int64(), tt.opts...)
		if diff := cmp.Diff(tt.want, b.Spec()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		tt.want.Kind = store.KindTimestampedKeyValue
		b = store.TimestampedKeyValue("s", serde.String(), serde.Int64(), tt.opts...)
		if diff := cmp.Diff(tt.want, b.Spec()); diff != "" || b.Name() != "s" {
			t.Errorf("timestamped %s, name %q (-want +got):\n%s", tt.name, b.Name(), diff)
		}
	}
	if s := store.KeyValue("s", serde.String(), serde.Int64(), store.Persistent(open)).Spec(); s.Opener == nil {
		t.Error("the opener is dropped")
	}
	opt := store.Logged(config)
	config["segment.bytes"] = "2"
	if s := store.KeyValue("s", serde.String(), serde.Int64(), opt).Spec(); s.TopicConfig["segment.bytes"] != "1" {
		t.Error("the topic configuration is shared with the caller")
	}
}

func TestBindErrors(t *testing.T) {
	l := &logged{values: map[string][]byte{}}
	noKeys := store.KeyValue[string, int64]("counts", nil, serde.Int64())
	noValues := store.TimestampedKeyValue[string, int64]("counts", serde.String(), nil)
	good := store.KeyValue("counts", serde.String(), serde.Int64())
	_, err1 := noKeys.Bind(bindings(l))
	_, err2 := noValues.BindAny(bindings(l))
	_, err3 := good.Bind(store.Binding{Bytes: l})
	_, err4 := good.View(nil, "t")
	_, err5 := noValues.ViewAny(l, "t")
	for i, err := range []error{err1, err2, err3, err4, err5} {
		if err == nil || !strings.Contains(err.Error(), `"counts"`) {
			t.Errorf("error %d is %v", i+1, err)
		}
	}
}

func TestViewReads(t *testing.T) {
	l := &logged{values: map[string][]byte{"a": {0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4}, "short": {1}}}
	any1, err := store.TimestampedKeyValue("s", serde.String(), serde.Int64()).ViewAny(l, "t")
	if err != nil {
		t.Fatal(err)
	}
	view := any1.(store.ReadOnlyTimestampedKeyValueStore[string, int64])
	v, ok, err := view.Get("a")
	if want := (store.ValueAndTimestamp[int64]{Value: 4, Timestamp: 3}); v != want || !ok || err != nil {
		t.Errorf("Get = %v, %v, %v; want %v", v, ok, err, want)
	}
	if _, _, err := view.Get("short"); err == nil || !strings.Contains(err.Error(), "8") {
		t.Errorf("a value without a timestamp: %v", err)
	}
}

func TestAfter(t *testing.T) {
	for prefix, want := range map[string]string{"a": "b", "a\xff": "b", "a\xff\xff": "b", "ab": "ac", "": "", "\xff\xff": ""} {
		if got := store.After([]byte(prefix)); string(got) != want || (got == nil) != (want == "") {
			t.Errorf("After(%q) = %q, want %q", prefix, got, want)
		}
	}
}

// sink is a store that keeps nothing.
type sink struct{ store.Bytes }

func (sink) Put(_, _ []byte, _ int64) error { return nil }

func TestTypedStoreDoesNotAllocate(t *testing.T) {
	b, err := store.TimestampedKeyValue("s", serde.Int64(), serde.Bytes()).
		Bind(store.Binding{Bytes: sink{}, ChangelogTopic: "t", Timestamp: func() int64 { return 0 }})
	if err != nil {
		t.Fatal(err)
	}
	value := store.ValueAndTimestamp[[]byte]{Value: []byte("value"), Timestamp: 1}
	if err := b.Put(1, value); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() {
		if err := b.Put(1, value); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("Put allocates %v times", n)
	}
}
