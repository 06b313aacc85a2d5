package storetest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
)

// RunKinds checks the store kinds over bytes. open returns an empty store of the
// given description, whose engine and whose owner the test may take for granted.
func RunKinds(t *testing.T, open func(*testing.T, store.Spec) store.Bytes) {
	t.Run("KeyValue", func(t *testing.T) { runKeyValue(t, open) })
	t.Run("TimestampedKeyValue", func(t *testing.T) { runTimestamped(t, open) })
	t.Run("Windows", func(t *testing.T) { runWindows(t, open) })
	t.Run("Sessions", func(t *testing.T) { runSessions(t, open) })
	t.Run("Versions", func(t *testing.T) { runVersions(t, open) })
}

// OverEngine is bytes over an engine of its own, without transactions, changelog
// and timestamps: what [RunKinds] needs to check the kinds over an engine.
func OverEngine(open store.Opener) func(*testing.T, store.Spec) store.Bytes {
	return func(t *testing.T, s store.Spec) store.Bytes {
		e := mustOpen(t, open, t.TempDir())
		t.Cleanup(func() { mustClose(t, e) })
		if s.Kind.Segmented() {
			return &segmented{overEngine: overEngine{e}, spec: s, time: -1}
		}
		return overEngine{e}
	}
}

type overEngine struct{ e store.Engine }

func (o overEngine) Get(key []byte) ([]byte, error) {
	v, found, err := o.e.Get(append([]byte{'k'}, key...), []byte{})
	if !found {
		return nil, err
	}
	return v, err
}

func (o overEngine) Put(key, value []byte, _ int64) error {
	var b store.Batch
	if value == nil {
		b.Delete(append([]byte{'k'}, key...))
	} else {
		b.Put(append([]byte{'k'}, key...), value)
	}
	return o.e.Apply(&b)
}

func (o overEngine) Scan(from, to []byte, reverse bool) store.Iterator {
	lower, upper := append([]byte{'k'}, from...), []byte{'l'}
	if to != nil {
		upper = append([]byte{'k'}, to...)
	}
	return stripped{o.e.Scan(lower, upper, reverse)}
}

type stripped struct{ store.Iterator }

func (s stripped) Key() []byte { return s.Iterator.Key()[1:] }

// text is a serde for strings with a nil: a nil pointer. It refuses "bad".
type text struct{}

func (text) Bind(topic string, role serde.Role) (serde.Codec[*string], error) {
	if topic != changelog {
		return nil, fmt.Errorf("%s serde is bound to %q", role, topic)
	}
	return text{}, nil
}

var errBad = errors.New("bad text")

func (text) Append(dst []byte, v *string) ([]byte, error) {
	if *v == "bad" {
		return nil, errBad
	}
	return append(dst, *v...), nil
}

func (text) Decode(data []byte) (*string, error) {
	if string(data) == "undecodable" {
		return nil, errBad
	}
	s := string(data)
	return &s, nil
}

// count is a serde for numbers, which have no nil.
type count struct{}

func (count) Bind(string, serde.Role) (serde.Codec[uint16], error) { return count{}, nil }

func (count) Append(dst []byte, v uint16) ([]byte, error) {
	return binary.BigEndian.AppendUint16(dst, v), nil
}

func (count) Decode(data []byte) (uint16, error) {
	if len(data) != 2 {
		return 0, errBad
	}
	return binary.BigEndian.Uint16(data), nil
}

const changelog = "app-store-changelog"

func ptr(s string) *string { return &s }

func show(s *string) string {
	if s == nil {
		return "nil"
	}
	return *s
}

func bind[S any](t *testing.T, open func(*testing.T, store.Spec) store.Bytes, b store.Builder) (S, store.Bytes) {
	t.Helper()
	data := open(t, b.Spec())
	s, err := b.BindAny(store.Binding{Bytes: data, ChangelogTopic: changelog, Timestamp: func() int64 { return 7 }})
	if err != nil {
		t.Fatal(err)
	}
	return s.(S), data
}

func runKeyValue(t *testing.T, open func(*testing.T, store.Spec) store.Bytes) {
	type kv = store.KeyValueStore[*string, *string]
	for _, tt := range []struct {
		name string
		test func(*testing.T, kv, store.Bytes)
	}{
		{"PutGetDelete", testPutGetDelete},
		{"PutIfAbsent", testPutIfAbsent},
		{"Ranges", testRanges},
		{"NilKeyIsAnError", testNilKey},
		{"ErrorsOfSerdes", testSerdeErrors},
		{"PutsWhileIterating", testPutsWhileIterating},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, data := bind[kv](t, open, store.KeyValue("store", text{}, text{}))
			tt.test(t, s, data)
		})
	}
	t.Run("NumbersHaveNoNil", func(t *testing.T) {
		s, data := bind[store.KeyValueStore[uint16, uint16]](t, open, store.KeyValue("store", count{}, count{}))
		if err := s.Put(0, 0); err != nil {
			t.Fatal(err)
		}
		if v, ok, err := s.Get(0); v != 0 || !ok || err != nil {
			t.Errorf("Get(0) = %v, %v, %v", v, ok, err)
		}
		if raw, err := data.Get([]byte{0, 0}); !bytes.Equal(raw, []byte{0, 0}) || err != nil {
			t.Errorf("stored bytes %x, error %v; want 0000", raw, err)
		}
	})
}

func wantGet(t *testing.T, s store.ReadOnlyKeyValueStore[*string, *string], key, want string) {
	t.Helper()
	v, ok, err := s.Get(&key)
	if err != nil || ok != (want != "nil") || show(v) != want {
		t.Errorf("Get(%q) = %s, %v, %v; want %s", key, show(v), ok, err, want)
	}
}

func testPutGetDelete(t *testing.T, s store.KeyValueStore[*string, *string], data store.Bytes) {
	wantGet(t, s, "a", "nil")
	for _, value := range []string{"1", "", "longer than before"} {
		if err := s.Put(ptr("a"), &value); err != nil {
			t.Fatal(err)
		}
		wantGet(t, s, "a", value)
		if raw, err := data.Get([]byte("a")); err != nil || raw == nil || string(raw) != value {
			t.Errorf("stored bytes %q, error %v; want %q", raw, err, value)
		}
	}
	old, ok, err := s.Delete(ptr("a"))
	if err != nil || !ok || show(old) != "longer than before" {
		t.Errorf("Delete = %s, %v, %v", show(old), ok, err)
	}
	wantGet(t, s, "a", "nil")
	if old, ok, err = s.Delete(ptr("a")); err != nil || ok || old != nil {
		t.Errorf("second Delete = %s, %v, %v", show(old), ok, err)
	}
	if err := errors.Join(s.Put(ptr(""), ptr("empty key")), s.Put(ptr("b"), ptr("2")), s.Put(ptr("b"), nil)); err != nil {
		t.Fatal(err)
	}
	wantGet(t, s, "", "empty key")
	wantGet(t, s, "b", "nil")
}

func testPutIfAbsent(t *testing.T, s store.KeyValueStore[*string, *string], _ store.Bytes) {
	if v, ok, err := s.PutIfAbsent(ptr("a"), ptr("1")); v != nil || ok || err != nil {
		t.Errorf("first PutIfAbsent = %s, %v, %v", show(v), ok, err)
	}
	if v, ok, err := s.PutIfAbsent(ptr("a"), ptr("2")); show(v) != "1" || !ok || err != nil {
		t.Errorf("second PutIfAbsent = %s, %v, %v", show(v), ok, err)
	}
	wantGet(t, s, "a", "1")
}

func wantEntries(t *testing.T, what string, it store.KeyValueIterator[*string, *string], want string) {
	t.Helper()
	var got []string
	for it.Next() {
		got = append(got, show(it.Key())+"="+show(it.Value()))
	}
	if err := it.Close(); err != nil || strings.Join(got, " ") != want {
		t.Errorf("%s = %q, error %v; want %q", what, strings.Join(got, " "), err, want)
	}
}

func testRanges(t *testing.T, s store.KeyValueStore[*string, *string], _ store.Bytes) {
	for _, k := range []string{"b", "ab", "a", "c", "\xff", "\xff\xff", "aa", ""} {
		if err := s.Put(ptr(k), ptr(k)); err != nil {
			t.Fatal(err)
		}
	}
	var none *string
	wantEntries(t, "All", s.All(), "= a=a aa=aa ab=ab b=b c=c \xff=\xff \xff\xff=\xff\xff")
	wantEntries(t, "ReverseAll", s.ReverseAll(), "\xff\xff=\xff\xff \xff=\xff c=c b=b ab=ab aa=aa a=a =")
	from, to := ptr("aa"), ptr("b")
	wantEntries(t, "Range", s.Range(&from, &to), "aa=aa ab=ab b=b")
	wantEntries(t, "ReverseRange", s.ReverseRange(&from, &to), "b=b ab=ab aa=aa")
	wantEntries(t, "Range from", s.Range(&to, nil), "b=b c=c \xff=\xff \xff\xff=\xff\xff")
	wantEntries(t, "Range to", s.Range(nil, &from), "= a=a aa=aa")
	wantEntries(t, "Range of nil keys", s.Range(&none, &from), "= a=a aa=aa")
	wantEntries(t, "Range the wrong way round", s.Range(&to, &from), "")
	wantEntries(t, "PrefixScan", s.PrefixScan([]byte("a")), "a=a aa=aa ab=ab")
	wantEntries(t, "PrefixScan ff", s.PrefixScan([]byte("\xff")), "\xff=\xff \xff\xff=\xff\xff")
	wantEntries(t, "PrefixScan nothing", s.PrefixScan([]byte("aaa")), "")
	if n, err := s.ApproximateNumEntries(); n != 8 || err != nil {
		t.Errorf("ApproximateNumEntries = %d, %v", n, err)
	}
}

func testNilKey(t *testing.T, s store.KeyValueStore[*string, *string], _ store.Bytes) {
	_, _, err1 := s.Get(nil)
	_, _, err2 := s.PutIfAbsent(nil, ptr("1"))
	_, _, err3 := s.Delete(nil)
	for _, err := range []error{err1, err2, err3, s.Put(nil, ptr("1"))} {
		if err == nil || !strings.Contains(err.Error(), `"store"`) {
			t.Errorf("error of a nil key: %v", err)
		}
	}
	wantEntries(t, "All", s.All(), "")
}

func testSerdeErrors(t *testing.T, s store.KeyValueStore[*string, *string], data store.Bytes) {
	if err := errors.Join(data.Put([]byte("a"), []byte("1"), 0), data.Put([]byte("b"), []byte("undecodable"), 0)); err != nil {
		t.Fatal(err)
	}
	bad := ptr("bad")
	_, _, getErr := s.Get(ptr("b"))
	for _, err := range []error{getErr, s.Put(bad, ptr("1")), s.Put(ptr("c"), bad), s.Range(&bad, nil).Close(), s.Range(nil, &bad).Close()} {
		if !errors.Is(err, errBad) || !strings.Contains(err.Error(), `"store"`) {
			t.Errorf("error of a serde: %v", err)
		}
	}
	it := s.All()
	if !it.Next() || it.Next() || it.Next() {
		t.Error("an iterator goes on after a value that cannot be decoded")
	}
	if err := it.Close(); !errors.Is(err, errBad) {
		t.Errorf("error of an iterator: %v", err)
	}
	wantGet(t, s, "c", "nil")
	if err := s.Put(ptr("c"), ptr("3")); err != nil {
		t.Fatal(err)
	}
	wantGet(t, s, "c", "3")
}

// testPutsWhileIterating puts a greater key for each it sees, which would never
// end if the iterator saw them all.
func testPutsWhileIterating(t *testing.T, s store.KeyValueStore[*string, *string], _ store.Bytes) {
	want := []string{"a", "b", "c"}
	for _, k := range want {
		if err := s.Put(&k, &k); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	it := s.All()
	for it.Next() {
		got = append(got, *it.Key())
		if err := errors.Join(s.Put(ptr(*it.Key()+"x"), ptr("new")), s.Put(it.Key(), ptr("changed"))); err != nil {
			t.Fatal(err)
		}
	}
	if err := it.Close(); err != nil || !slices.Equal(got, want) {
		t.Errorf("keys %q, error %v; want %q", got, err, want)
	}
	wantEntries(t, "All", s.All(), "a=changed ax=new b=changed bx=new c=changed cx=new")
}

func runTimestamped(t *testing.T, open func(*testing.T, store.Spec) store.Bytes) {
	type vt = store.ValueAndTimestamp[*string]
	s, data := bind[store.TimestampedKeyValueStore[*string, *string]](t, open, store.TimestampedKeyValue("store", text{}, text{}))
	for _, want := range []vt{{Value: ptr("1"), Timestamp: 42}, {Value: ptr(""), Timestamp: 1 << 40}, {Value: ptr("2"), Timestamp: -1}} {
		if err := s.Put(ptr("a"), want); err != nil {
			t.Fatal(err)
		}
		v, ok, err := s.Get(ptr("a"))
		if err != nil || !ok || *v.Value != *want.Value || v.Timestamp != want.Timestamp {
			t.Errorf("Get = %s at %d, %v, %v; want %s at %d", show(v.Value), v.Timestamp, ok, err, *want.Value, want.Timestamp)
		}
		raw, err := data.Get([]byte("a"))
		if wantRaw := append(binary.BigEndian.AppendUint64(nil, uint64(want.Timestamp)), *want.Value...); err != nil || !bytes.Equal(raw, wantRaw) {
			t.Errorf("stored bytes %x, error %v; want %x", raw, err, wantRaw)
		}
	}
	if v, ok, err := s.PutIfAbsent(ptr("a"), vt{Value: ptr("3"), Timestamp: 3}); !ok || err != nil || *v.Value != "2" || v.Timestamp != -1 {
		t.Errorf("PutIfAbsent = %s at %d, %v, %v", show(v.Value), v.Timestamp, ok, err)
	}
	if err := s.Put(ptr("a"), vt{Value: nil, Timestamp: 5}); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := s.Get(ptr("a")); ok || err != nil {
		t.Errorf("a nil value does not delete: %v, %v", ok, err)
	}
	if err := errors.Join(s.Put(ptr("b"), vt{Value: ptr("1"), Timestamp: 10}), s.Put(ptr("c"), vt{Value: ptr("2"), Timestamp: 20})); err != nil {
		t.Fatal(err)
	}
	var got []string
	it := s.ReverseAll()
	for it.Next() {
		got = append(got, fmt.Sprintf("%s=%s@%d", *it.Key(), *it.Value().Value, it.Value().Timestamp))
	}
	if err := it.Close(); err != nil || strings.Join(got, " ") != "c=2@20 b=1@10" {
		t.Errorf("ReverseAll = %q, error %v", got, err)
	}
	if old, ok, err := s.Delete(ptr("b")); !ok || err != nil || old.Timestamp != 10 {
		t.Errorf("Delete = %v, %v, %v", old, ok, err)
	}
}
