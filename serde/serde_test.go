package serde_test

import (
	"bytes"
	"encoding/hex"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/streamweir/streamweir/serde"
)

func bind[T any](t testing.TB, s serde.Serde[T]) serde.Codec[T] {
	t.Helper()
	c, err := s.Bind("topic", serde.Value)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// both checks a value against the bytes that Kafka's serializer writes for it.
func both[T any](t *testing.T, s serde.Serde[T], v T, want string) {
	t.Helper()
	c := bind(t, s)
	got, err := c.Append([]byte("head"), v)
	if err != nil {
		t.Fatalf("%v: %v", v, err)
	}
	rest, ok := bytes.CutPrefix(got, []byte("head"))
	if !ok {
		t.Fatalf("%v: Append replaced what was there: %q", v, got)
	}
	if hex.EncodeToString(rest) != want {
		t.Errorf("%v: bytes %x, want %s", v, rest, want)
	}
	back, err := c.Decode(rest)
	if err != nil {
		t.Fatalf("%v: %v", v, err)
	}
	for i := range rest {
		rest[i] = '#'
	}
	if d := cmp.Diff(v, back); d != "" {
		t.Errorf("read back (-want +got):\n%s", d)
	}
}

func TestFormatsAreKafkas(t *testing.T) {
	both(t, serde.String(), "", "")
	both(t, serde.String(), "é", "c3a9")
	both(t, serde.String(), "\xff", "ff")
	both(t, serde.Bytes(), []byte{}, "")
	both(t, serde.Bytes(), []byte{0, 1}, "0001")
	both(t, serde.Int32(), 1, "00000001")
	both(t, serde.Int32(), math.MinInt32, "80000000")
	both(t, serde.Int64(), 1, "0000000000000001")
	both(t, serde.Int64(), -2, "fffffffffffffffe")
	both(t, serde.Float64(), 1.5, "3ff8000000000000")
	both(t, serde.Float64(), math.Inf(-1), "fff0000000000000")
	both(t, serde.Bool(), false, "00")
	both(t, serde.Bool(), true, "01")
	const id = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
	both(t, serde.UUID(), uuid.MustParse(id), hex.EncodeToString([]byte(id)))
	both(t, serde.JSON[map[string]string](), map[string]string{"a": "<b>"}, hex.EncodeToString([]byte(`{"a":"<b>"}`)))
}

func TestNaNKeepsItsBits(t *testing.T) {
	c := bind(t, serde.Float64())
	in := []byte{0x7f, 0xf8, 0, 0, 0, 0, 0x12, 0x34}
	v, err := c.Decode(in)
	if err != nil {
		t.Fatal(err)
	}
	if out, _ := c.Append(nil, v); !bytes.Equal(in, out) {
		t.Errorf("% x, want % x", out, in)
	}
}

func TestEmptyBytesAreNotNil(t *testing.T) {
	if v, err := bind(t, serde.Bytes()).Decode(nil); err != nil || v == nil {
		t.Errorf("%v, %v, want an empty slice", v, err)
	}
}

func wrong[T any](t *testing.T, s serde.Serde[T], data string, words ...string) {
	t.Helper()
	v, err := bind(t, s).Decode([]byte(data))
	if err == nil {
		t.Fatalf("%q decodes to %v", data, v)
	}
	for _, w := range append(words, "serde: ") {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q: %q does not say %q", data, err, w)
		}
	}
}

func TestErrorsNameWhatIsWrong(t *testing.T) {
	wrong(t, serde.Int32(), "abcde", "5 bytes", "want 4")
	wrong(t, serde.Int32(), "", "0 bytes", "want 4")
	wrong(t, serde.Int64(), "abcd", "4 bytes", "want 8")
	wrong(t, serde.Float64(), "abcdefghi", "9 bytes", "want 8")
	wrong(t, serde.Bool(), "\x00\x01", "2 bytes", "want 1")
	wrong(t, serde.Bool(), "\x02", "0x02")
	wrong(t, serde.UUID(), "{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}", "38 bytes", "want 36")
	wrong(t, serde.UUID(), "f81d4fae+7dec-11d0-a765-00a0c91e6bf6", "f81d4fae+7dec")
	wrong(t, serde.Void(), "", "0 bytes")
	wrong(t, serde.JSON[int](), "1 2", "not a int")
	wrong(t, serde.JSON[int](), `"x"`, "not a int")
}

func TestVoidCannotBeWritten(t *testing.T) {
	if _, err := bind(t, serde.Void()).Append(nil, nil); err == nil {
		t.Error("no error")
	}
}

func TestJSONThatCannotBeWritten(t *testing.T) {
	c := bind(t, serde.JSON[float64]())
	if _, err := c.Append(nil, math.NaN()); err == nil || !strings.Contains(err.Error(), "float64") {
		t.Errorf("NaN: %v", err)
	}
	if out, err := c.Append(nil, 1.5); err != nil || string(out) != "1.5" {
		t.Errorf("after an error: %q, %v", out, err)
	}
}

func TestJSONIsCopied(t *testing.T) {
	by, to := bind(t, serde.JSON[string]()), bind(t, serde.JSON[string]()).(serde.Copier)
	out, ok, err := to.AppendCopy([]byte("head"), []byte(`"a"`), by)
	if string(out) != `head"a"` || !ok || err != nil {
		t.Errorf("%q, %v, %v", out, ok, err)
	}
	if out, ok, err = to.AppendCopy([]byte("head"), []byte("a"), bind(t, serde.String())); string(out) != "head" || ok || err != nil {
		t.Errorf("of a string: %q, %v, %v", out, ok, err)
	}
}

func TestFixedFormatsAllocateNothing(t *testing.T) {
	i, u, s := bind(t, serde.Int64()), bind(t, serde.UUID()), bind(t, serde.String())
	id := uuid.MustParse("f81d4fae-7dec-11d0-a765-00a0c91e6bf6")
	text := []byte(id.String())
	buf := make([]byte, 0, 256)
	if n := testing.AllocsPerRun(100, func() {
		buf, _ = i.Append(buf[:0], 7)
		_, _ = i.Decode(buf)
		buf, _ = u.Append(buf[:0], id)
		_, _ = u.Decode(text)
		buf, _ = s.Append(buf[:0], "text")
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestRoleNamesTheSubject(t *testing.T) {
	if serde.Key.String() != "key" || serde.Value.String() != "value" {
		t.Errorf("%v, %v", serde.Key, serde.Value)
	}
}

// FuzzDecode checks that what decodes is written back as the same bytes, for
// the formats that have one way to write a value.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{1})
	f.Add([]byte{0, 0, 0, 1})
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 1})
	f.Add([]byte("f81d4fae-7dec-11d0-a765-00a0c91e6bf6"))
	f.Add([]byte(`{"a":[1,2,{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		again(t, serde.String(), data)
		again(t, serde.Bytes(), data)
		again(t, serde.Int32(), data)
		again(t, serde.Int64(), data)
		again(t, serde.Bool(), data)
		again(t, serde.UUID(), bytes.ToLower(data))
		if v, err := bind(t, serde.JSON[any]()).Decode(data); err == nil {
			if _, err := bind(t, serde.JSON[any]()).Append(nil, v); err != nil {
				t.Errorf("%q: %v", data, err)
			}
		}
	})
}

func again[T any](t *testing.T, s serde.Serde[T], data []byte) {
	c := bind(t, s)
	v, err := c.Decode(data)
	if err != nil {
		return
	}
	if out, err := c.Append(nil, v); err != nil || !bytes.Equal(out, data) {
		t.Errorf("%T: % x, %v, want % x", v, out, err, data)
	}
}

func TestRolesOfInternalTopicsAreTheSameHalves(t *testing.T) {
	for _, r := range []serde.Role{serde.Key, serde.Value} {
		in := r.Internal()
		if r.IsInternal() || !in.IsInternal() || in.Internal() != in || in.IsKey() != r.IsKey() || in.String() != r.String() {
			t.Errorf("%v and %v", r, in)
		}
	}
	if !serde.Key.IsKey() || serde.Value.IsKey() {
		t.Error("keys and values are mixed up")
	}
}
