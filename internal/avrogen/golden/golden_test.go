package golden

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	twmb "github.com/twmb/avro"

	"github.com/streamweir/streamweir/internal/avrogen"
	"github.com/streamweir/streamweir/internal/avrogen/avrogentest"
	"github.com/streamweir/streamweir/serde/avro"
	"github.com/streamweir/streamweir/serde/avro/avsc"
	"github.com/streamweir/streamweir/serde/avro/wire"
)

func TestFilesAreGenerated(t *testing.T) {
	for range 3 { // the same code each time
		avrogentest.UpToDate(t, avrogen.Config{Package: "golden"}, "schemas/Forest.avsc", "schemas/Logical.avsc", "schemas/Node.avsc",
			"schemas/Order.avsc", "schemas/Unions.avsc", "schemas/names.avsc")
	}
}

// random appends a random value of a schema, in the form that the generated code writes:
// one block, keys in order, numbers as short as they can be.
func random(dst []byte, s *avsc.Schema, r *rand.Rand, depth int) []byte {
	long := func(n int64) []byte { return binary.AppendVarint(dst, n) }
	switch s.Kind {
	case avsc.Boolean:
		return append(dst, byte(r.IntN(2)))
	case avsc.Int:
		return long(int64(int32(r.Uint32()) >> r.IntN(32)))
	case avsc.Long:
		n := int64(r.Uint64()) >> r.IntN(64)
		if s.Logical == "time-micros" {
			n /= 2000 // what a time.Duration holds
		}
		return long(n)
	case avsc.Float:
		return binary.LittleEndian.AppendUint32(dst, math.Float32bits(r.Float32()))
	case avsc.Double:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(r.NormFloat64()))
	case avsc.Bytes, avsc.String:
		text := strings.Repeat("ä", r.IntN(40))
		switch s.Logical {
		case "uuid":
			text = uuid.UUID{byte(r.Uint32()), 2, 3, 15: byte(r.Uint32())}.String()
		case "decimal":
			text = string([]byte{byte(r.Uint32())})
		}
		return append(long(int64(len(text))), text...)
	case avsc.Fixed:
		b := make([]byte, s.Size)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		if s.Logical == "decimal" {
			b = append(bytes.Repeat([]byte{byte(int8(b[1]) >> 7)}, len(b)-1), b[1])
		}
		return append(dst, b...)
	case avsc.Enum:
		return long(int64(r.IntN(len(s.Symbols))))
	case avsc.Union:
		i := r.IntN(len(s.Branches))
		for j, b := range s.Branches {
			if b.Kind == avsc.Null && depth > 4 || b.Kind == avsc.Enum && len(b.Symbols) == 0 {
				i = 1 - j%2
				if b.Kind == avsc.Null {
					i = j
				}
				break
			}
		}
		if b := s.Branches[i]; b.Kind == avsc.Enum && len(b.Symbols) == 0 {
			i = 0
		}
		dst = long(int64(i))
		return random(dst, s.Branches[i], r, depth+1)
	case avsc.Array, avsc.Map:
		n := r.IntN(4)
		if depth > 4 {
			n = 0
		}
		if n > 0 {
			dst = long(int64(n))
		}
		for i := range n {
			if s.Kind == avsc.Map {
				dst = append(dst, 4, 'k', byte('a'+i))
			}
			dst = random(dst, s.Items, r, depth+1)
		}
		return append(dst, 0)
	case avsc.Record:
		for _, f := range s.Fields {
			dst = random(dst, f.Type, r, depth+1)
		}
	}
	return dst
}

// TestRandomValues reads random bytes that another implementation takes for values, and
// writes what was read.
func TestRandomValues(t *testing.T) {
	for _, v := range []avro.Coder{&Order{}, &Unions{}, &Logical{}, &Node{}, &Forest{}, &Names{}} {
		s, err := avsc.Parse(v.AvroSchema())
		if err != nil {
			t.Fatal(err)
		}
		var other *twmb.Schema
		switch v.(type) {
		case *Names, *Forest: // it takes ASCII names only
		default:
			if other, err = twmb.Parse(s.Canonical()); err != nil {
				t.Fatal(err)
			}
		}
		for seed := range uint64(500) {
			data := random(nil, s, rand.New(rand.NewPCG(seed, 1)), 0)
			if other != nil {
				var x any
				if rest, err := other.Decode(data, &x); err != nil || len(rest) > 0 {
					t.Fatalf("%s %d: %v, %d bytes left", s.Name, seed, err, len(rest))
				}
			}
			// v still holds the value before: nothing of it may stay.
			rest, err := v.DecodeAvro(append(data[:len(data):len(data)], "rest"...))
			if err != nil || string(rest) != "rest" {
				t.Fatalf("%s %d: %v, rest %q", s.Name, seed, err, rest)
			}
			got, err := v.AppendAvro([]byte("head"))
			if err != nil || !bytes.Equal(got, append([]byte("head"), data...)) {
				t.Fatalf("%s %d: %v\n% x\n% x", s.Name, seed, err, got[4:], data)
			}
			for cut := 0; cut < len(data); cut += 1 + len(data)/50 {
				if _, err := v.DecodeAvro(data[:cut]); err == nil {
					t.Fatalf("%s %d: %d of %d bytes are read", s.Name, seed, cut, len(data))
				}
			}
		}
	}
}

func TestDefaults(t *testing.T) {
	o := NewOrder()
	want := &Order{Flag: true, Count: -7, Total: math.MaxInt64, Weight: 1.5, Ratio: math.Copysign(0, -1), Limit: o.Limit,
		Blob: []byte("\x00\xff\"a"), Status: StatusPaidInFull, Checksum: MD5{1, 2, 3, 255}, Tags: []string{"a", "b`c"},
		Matrix: [][]float64{{1, 2}, {}}, Sums: []MD5{}, Nulls: []struct{}{{}}, Notes: []avro.Optional[string]{{}, avro.Some("x")},
		Attributes: avro.Map[string]{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}}, States: avro.Map[Status]{{Key: "x", Value: StatusNew_}},
		Lines: []Line{{SKU: "s", Quantity: 1}}, Third: Line{Quantity: 1}, Customer: Customer{Country: "CH"}}
	if !math.IsNaN(o.Limit) || !math.Signbit(o.Ratio) {
		t.Errorf("limit %v, ratio %v", o.Limit, o.Ratio)
	}
	o.Limit, want.Limit = 0, 0
	if diff := cmp.Diff(want, o); diff != "" {
		t.Error(diff)
	}
	unions := &Unions{Second: &Line{SKU: "second", Quantity: 2}, Nick: avro.Some("n"), Only: 3, Choice: UnionsChoiceInt{5},
		Choices: []UnionsChoicesItem{nil, StatusNew, &Line{SKU: "z", Quantity: 1}}} // the first branch that fits
	if diff := cmp.Diff(unions, NewUnions()); diff != "" {
		t.Error(diff)
	}
	l := NewLogical()
	if l.Price.Cmp(big.NewRat(-1, 100)) != 0 || l.Day != time.Unix(86400, 0).UTC() || l.Clock != 1500*time.Millisecond ||
		l.AtNanos.UnixNano() != 1700000000000000001 || l.AtMicros.UnixMicro() != 1700000000000001 || l.ID.String() != "123e4567-e89b-12d3-a456-426614174000" ||
		l.Span != (wire.Duration{Months: 1, Days: 2, Milliseconds: 259}) || len(l.Days) != 2 {
		t.Errorf("%+v", l)
	}
}

func TestErrorsSayWhere(t *testing.T) {
	o := func(change func(*Order)) *Order {
		v := NewOrder()
		v.Image = make(Large, 5000)
		change(v)
		return v
	}
	epoch := time.Unix(0, 0)
	cycle := &Node{}
	cycle.Next = cycle
	for want, v := range map[string]avro.Coder{
		"": o(func(*Order) {}),
		"status: 9 is no symbol of the enum, which has 5":                              o(func(v *Order) { v.Status = 9 }),
		`states["x"]: -1 is no symbol of the enum, which has 5`:                        o(func(v *Order) { v.States = avro.Map[Status]{{Key: "x", Value: -1}} }),
		"image: 3 bytes for a fixed of 5000":                                           o(func(v *Order) { v.Image = make(Large, 3) }),
		`attributes: the keys of an avro.Map are not in order: "a" comes after "b"`:    o(func(v *Order) { v.Attributes = avro.Map[string]{{Key: "b"}, {Key: "a"}} }),
		"choice: nil, which is no branch of the union":                                 &Unions{},
		"choices[1]: nil, which is no branch of the union":                             &Unions{Choice: UnionsChoiceInt{5}, Choices: []UnionsChoicesItem{nil, (*Line)(nil)}},
		"any: 1/3 has more than 6 digits after the point":                              &Logical{AtNanos: epoch, LocalNanos: epoch, Any: LogicalAnyRate{big.NewRat(1, 3)}},
		"days[1]: 10000000-01-01 00:00:00 +0000 UTC is too far away for a date":        &Logical{AtNanos: epoch, LocalNanos: epoch, Days: []time.Time{{}, time.Date(10000000, 1, 1, 0, 0, 0, 0, time.UTC)}},
		`names.schema: 0 is no symbol of the enum, which has 0`:                        &Forest{Names: avroNames(), Status: 0},
		strings.TrimSuffix(strings.Repeat("next.", wire.MaxDepth), ".") + ": nested d": cycle,
	} {
		_, err := v.AppendAvro(nil)
		if want == "" && err == nil {
			continue
		}
		if err == nil || want == "" || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := cycle.AppendAvro(nil); !errors.Is(err, wire.ErrDepth) {
		t.Error(err)
	}
}

func avroNames() *Names {
	v := NewNames_()
	v.Schema = avro.Some(NamesSchema(0))
	v.Other.U = BStatusUInt{1}
	return v
}

func TestDeepDataIsRefused(t *testing.T) {
	deep := bytes.Repeat([]byte{2, 2}, wire.MaxDepth+10) // value 1, next is a Node
	if _, err := new(Node).DecodeAvro(deep); !errors.Is(err, wire.ErrDepth) {
		t.Error(err)
	}
}

func TestEnums(t *testing.T) {
	if Status(1).String() != "PAID_IN_FULL" || Status(9).String() != "Status(9)" {
		t.Error(Status(1), Status(9))
	}
	if v, err := ParseStatus("new"); v != StatusNew_ || err != nil {
		t.Error(v, err)
	}
	var v Status
	if err := v.UnmarshalText([]byte("NOPE")); err == nil {
		t.Error("no error")
	}
	if text, err := StatusPaidInFull.MarshalText(); string(text) != "PAID_IN_FULL" || err != nil || v.UnmarshalText(text) != nil || v != 1 {
		t.Error(string(text), err, v)
	}
	if _, err := Status(-1).MarshalText(); err == nil {
		t.Error("no error")
	}
}
