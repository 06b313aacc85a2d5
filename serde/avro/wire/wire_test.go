package wire

import (
	"bytes"
	"errors"
	"flag"
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"
)

var _ = flag.String("cases", "", "read by internal/cases")

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, i := rapid.Int64().Draw(t, "long"), rapid.Int32().Draw(t, "int")
		f, d := rapid.Float32().Draw(t, "float"), rapid.Float64().Draw(t, "double")
		s, b := rapid.String().Draw(t, "string"), rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")
		ok := rapid.Bool().Draw(t, "boolean")
		data := AppendString(AppendLong(AppendLong(nil, l), int64(i)), s)
		data = AppendBoolean(AppendString(AppendDouble(AppendFloat(data, f), d), b), ok)
		data = append(data, "rest"...)
		r := NewReader(data)
		if got := r.Long(); got != l {
			t.Fatalf("long %d, want %d", got, l)
		}
		if got := r.Int(); got != i {
			t.Fatalf("int %d, want %d", got, i)
		}
		if got := r.String(); got != s {
			t.Fatalf("string %q, want %q", got, s)
		}
		if got := r.Float(); math.Float32bits(got) != math.Float32bits(f) {
			t.Fatalf("float %v, want %v", got, f)
		}
		if got := r.Double(); math.Float64bits(got) != math.Float64bits(d) {
			t.Fatalf("double %v, want %v", got, d)
		}
		if got := r.Bytes(); got == nil || !bytes.Equal(got, b) {
			t.Fatalf("bytes %x, want %x", got, b)
		}
		if got := r.Boolean(); got != ok {
			t.Fatalf("boolean %v, want %v", got, ok)
		}
		if r.Err() != nil || string(r.Rest()) != "rest" {
			t.Fatalf("error %v, rest %q", r.Err(), r.Rest())
		}
	})
}

func TestReaderKeepsTheFirstError(t *testing.T) {
	r := NewReader([]byte{2, 3, 0xff})
	r.Long()
	r.Boolean()
	if !errors.Is(r.Err(), ErrBool) || r.At() != 1 {
		t.Fatalf("%v at %d, want %v at 1", r.Err(), r.At(), ErrBool)
	}
	r.Fixed(make([]byte, 1))
	if r.Long() != 0 || r.String() != "" || r.Count(1) != 0 || r.Bytes() == nil || r.Is(0) || r.Enter() {
		t.Error("something was read after an error")
	}
	if !errors.Is(r.Err(), ErrBool) || r.At() != 1 {
		t.Errorf("then %v at %d", r.Err(), r.At())
	}
}

func TestHostile(t *testing.T) {
	huge := AppendLong(nil, 100_000_000)
	for name, c := range map[string]struct {
		data []byte
		read func(r *Reader)
	}{
		"no long":           {nil, func(r *Reader) { r.Long() }},
		"cut long":          {[]byte{0x80}, func(r *Reader) { r.Long() }},
		"eleven bytes":      {bytes.Repeat([]byte{0x80}, 11), func(r *Reader) { r.Long() }},
		"long for int":      {AppendLong(nil, 1<<31), func(r *Reader) { r.Int() }},
		"int of six bytes":  {[]byte{0x80, 0x80, 0x80, 0x80, 0x80, 0}, func(r *Reader) { r.Int() }},
		"cut float":         {make([]byte, 3), func(r *Reader) { r.Float() }},
		"cut double":        {make([]byte, 7), func(r *Reader) { r.Double() }},
		"cut fixed":         {make([]byte, 3), func(r *Reader) { r.Fixed(make([]byte, 4)) }},
		"negative length":   {[]byte{1}, func(r *Reader) { _ = r.String() }},
		"huge string":       {huge, func(r *Reader) { _ = r.String() }},
		"huge bytes":        {huge, func(r *Reader) { r.Bytes() }},
		"symbol":            {[]byte{4}, func(r *Reader) { r.Symbol(2) }},
		"branch":            {[]byte{4}, func(r *Reader) { r.Is(1) }},
		"negative branch":   {[]byte{1}, func(r *Reader) { r.Branch(2) }},
		"huge array":        {huge, func(r *Reader) { r.Count(1) }},
		"huge empty array":  {huge, func(r *Reader) { r.Count(0) }},
		"smallest count":    {AppendLong(nil, math.MinInt64), func(r *Reader) { r.Count(1) }},
		"block too long":    {[]byte{1, 100, 0}, func(r *Reader) { r.Count(1) }},
		"date":              {AppendLong(nil, math.MaxInt64), func(r *Reader) { r.Date() }},
		"time-micros":       {AppendLong(nil, math.MaxInt64), func(r *Reader) { r.TimeMicros() }},
		"no uuid":           {AppendString(nil, "8d5dbd7e"), func(r *Reader) { r.UUID() }},
		"cut duration":      {make([]byte, 11), func(r *Reader) { r.Duration() }},
		"cut decimal":       {huge, func(r *Reader) { r.Decimal(2) }},
		"cut fixed decimal": {[]byte{1}, func(r *Reader) { r.FixedDecimal(2, 4) }},
	} {
		t.Run(name, func(t *testing.T) {
			r := NewReader(c.data)
			if n := testing.AllocsPerRun(1, func() { r = NewReader(c.data); c.read(&r) }); n > 20 {
				t.Errorf("%v allocations", n)
			}
			if r.Err() == nil {
				t.Error("no error")
			}
		})
	}
}

func TestEmptyElementsOfAllArraysCount(t *testing.T) {
	data := bytes.Repeat(AppendLong(nil, MaxEmpty/2), 3)
	r := NewReader(data)
	if r.Count(0); r.Count(0) == 0 || r.Count(0) != 0 || r.Err() == nil {
		t.Errorf("a third half of %d elements: %v", MaxEmpty, r.Err())
	}
}

func TestDepth(t *testing.T) {
	r := NewReader(nil)
	for range MaxDepth {
		if !r.Enter() {
			t.Fatal(r.Err())
		}
	}
	if r.Enter() || !errors.Is(r.Err(), ErrDepth) {
		t.Errorf("entered too deep: %v", r.Err())
	}
}

func TestTimes(t *testing.T) {
	zone := time.FixedZone("east", 3*60*60)
	at := time.Date(1969, 12, 31, 23, 30, 0, 123_456_789, zone)
	data, err := AppendDate(nil, at)
	if err != nil {
		t.Fatal(err)
	}
	if data, err = AppendNanos(data, at); err != nil {
		t.Fatal(err)
	}
	data = AppendLong(AppendLong(data, at.UnixMilli()), Local(at).UnixMicro())
	if data, err = AppendTimeMillis(data, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	r := NewReader(data)
	got := []time.Time{r.Date(), r.Nanos(), r.Millis(), r.Micros()}
	want := []time.Time{
		time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC), at.UTC(), at.Truncate(time.Millisecond).UTC(),
		time.Date(1969, 12, 31, 23, 30, 0, 123_456_000, time.UTC),
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := r.TimeMillis(); d != 5*time.Second || r.Err() != nil {
		t.Errorf("time-millis %v, %v", d, r.Err())
	}
	far := time.Date(10_000_000, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, err := range map[string]error{
		"date": second(AppendDate(nil, far)), "nanos": second(AppendNanos(nil, far)), "time-millis": second(AppendTimeMillis(nil, 1000*time.Hour)),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func second(_ []byte, err error) error { return err }

func TestDecimals(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0200", "1.27": "027f", "1.28": "040080", "-1.28": "0280", "-1.29": "04ff7f", "-0.01": "02ff", "12345.67": "0612d687",
	} {
		v, _ := new(big.Rat).SetString(text)
		data, err := AppendDecimal(nil, v, 9, 2)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got := cmp.Diff(want, hexOf(data)); got != "" {
			t.Errorf("%s: %s", text, got)
		}
		if data, err = AppendFixedDecimal(data, v, 9, 2, 4); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		r := NewReader(data)
		if a, b := r.Decimal(2), r.FixedDecimal(2, 4); a.Cmp(v) != 0 || b.Cmp(v) != 0 || r.Err() != nil || len(r.Rest()) > 0 {
			t.Errorf("%s came back as %v and %v, %v", text, a, b, r.Err())
		}
	}
	for _, text := range []string{"0.001", "1/3", "100.00", "-100.00"} {
		v, _ := new(big.Rat).SetString(text)
		if _, err := AppendDecimal(nil, v, 4, 2); err == nil {
			t.Errorf("%s: no error", text)
		}
	}
	if _, err := AppendFixedDecimal(nil, big.NewRat(128, 1), 9, 0, 1); err == nil {
		t.Error("128 fits into a byte")
	}
	if data, err := AppendDecimal(nil, nil, 4, 2); err != nil || hexOf(data) != "0200" {
		t.Errorf("nil is %x, %v", data, err)
	}
}

func hexOf(b []byte) string { return new(big.Int).SetBytes(append([]byte{1}, b...)).Text(16)[1:] }

func TestUUIDAndDuration(t *testing.T) {
	u, d := uuid.New(), Duration{1, 2, 3}
	r := NewReader(AppendDuration(AppendUUID(nil, u), d))
	if gotU, gotD := r.UUID(), r.Duration(); gotU != u || gotD != d || r.Err() != nil {
		t.Errorf("%v %v, %v", gotU, gotD, r.Err())
	}
}

// The strings of a small record are one allocation, and none of them refers to the data.
func TestStringsAreOneCopy(t *testing.T) {
	data := AppendString(AppendString(AppendString(nil, "one"), "two"), "three")
	var a, b, c string
	if n := testing.AllocsPerRun(100, func() {
		r := NewReader(data)
		a, b, c = r.String(), r.String(), r.String()
	}); n != 1 {
		t.Errorf("%v allocations, want 1", n)
	}
	clear(data)
	if a+b+c != "onetwothree" {
		t.Errorf("%q %q %q", a, b, c)
	}
}
