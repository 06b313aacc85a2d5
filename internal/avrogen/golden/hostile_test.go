package golden

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/streamweir/streamweir/serde/avro"
	"github.com/streamweir/streamweir/serde/avro/avsc"
)

// FuzzDecode gives any bytes to generated code: they are refused, or read as a value that
// is written and read again as the same.
func FuzzDecode(f *testing.F) {
	types := []func() avro.Coder{
		func() avro.Coder { return &Order{} }, func() avro.Coder { return &Unions{} }, func() avro.Coder { return &Node{} }, func() avro.Coder { return &Forest{} },
		func() avro.Coder { return &Logical{} }, func() avro.Coder { return &Names{} },
	}
	r := rand.New(rand.NewPCG(1, 2))
	for k, make := range types {
		s, err := avsc.Parse(make().AvroSchema())
		if err != nil {
			f.Fatal(err)
		}
		for range 200 {
			data := random(nil, s, r, 0)
			f.Add(uint8(k), data)
			for range 3 { // changed, and cut off
				data = bytes.Clone(data)
				if len(data) > 0 {
					data[r.IntN(len(data))] ^= 1 << r.IntN(8)
				}
				f.Add(uint8(k), data[:len(data)-r.IntN(1+len(data)/4)])
			}
		}
	}
	used := make([]avro.Coder, len(types)) // values that others were read into
	f.Fuzz(func(t *testing.T, k uint8, data []byte) {
		k %= uint8(len(types))
		v := types[k]()
		if _, err := v.DecodeAvro(data); err != nil {
			return
		}
		first, err := v.AppendAvro(nil)
		if err != nil {
			t.Fatalf("%x was read, but cannot be written: %v", data, err)
		}
		again := types[k]()
		rest, err := again.DecodeAvro(first)
		if err != nil || len(rest) > 0 {
			t.Fatalf("%x, written from %x, cannot be read: %v, %d bytes left", first, data, err, len(rest))
		}
		second, err := again.AppendAvro(nil)
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("%x became %x and then %x, %v", data, first, second, err)
		}
		if used[k] == nil {
			used[k] = types[k]()
		}
		if _, err = used[k].DecodeAvro(first); err == nil {
			second, err = used[k].AppendAvro(nil)
		}
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("read into a value that was used, %x is %x, %v", first, second, err)
		}
	})
}
