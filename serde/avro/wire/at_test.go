package wire

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

type symbol int32

// reads are the methods with At beside those without.
var reads = map[string]struct {
	at    func(r *Reader, b []byte, i int) (any, int)
	plain func(r *Reader) any
}{
	"long":    {func(r *Reader, b []byte, i int) (any, int) { return pair(r.LongAt(b, i)) }, func(r *Reader) any { return r.Long() }},
	"int":     {func(r *Reader, b []byte, i int) (any, int) { return pair(r.IntAt(b, i)) }, func(r *Reader) any { return r.Int() }},
	"boolean": {func(r *Reader, b []byte, i int) (any, int) { return pair(r.BooleanAt(b, i)) }, func(r *Reader) any { return r.Boolean() }},
	"double":  {func(r *Reader, b []byte, i int) (any, int) { return pair(r.DoubleAt(b, i)) }, func(r *Reader) any { return r.Double() }},
	"string":  {func(r *Reader, b []byte, i int) (any, int) { return pair(r.StringAt(b, i)) }, func(r *Reader) any { return r.String() }},
	"millis":  {func(r *Reader, b []byte, i int) (any, int) { return pair(r.MillisAt(b, i)) }, func(r *Reader) any { return r.Millis() }},
	"micros":  {func(r *Reader, b []byte, i int) (any, int) { return pair(r.MicrosAt(b, i)) }, func(r *Reader) any { return r.Micros() }},
	"symbol":  {func(r *Reader, b []byte, i int) (any, int) { return pair(SymbolAt[symbol](r, b, i, 3)) }, func(r *Reader) any { return symbol(r.Symbol(3)) }},
	"is":      {func(r *Reader, b []byte, i int) (any, int) { return pair(r.IsAt(b, i, 1)) }, func(r *Reader) any { return r.Is(1) }},
	"count":   {func(r *Reader, b []byte, i int) (any, int) { return pair(r.CountAt(b, i, 2)) }, func(r *Reader) any { return r.Count(2) }},
	"empty":   {func(r *Reader, b []byte, i int) (any, int) { return pair(r.CountAt(b, i, 0)) }, func(r *Reader) any { return r.Count(0) }},
	"float": {func(r *Reader, b []byte, i int) (any, int) { // by one without At
		r.Seek(i)
		v := r.Float()
		return v, r.Next(b)
	}, func(r *Reader) any { return r.Float() }},
}

func pair[V any](v V, i int) (any, int) { return v, i }

// TestReadingAtIsReading reads the same good and bad bytes in both ways: the values, the
// first error, where it is and what is left are the same.
func TestReadingAtIsReading(t *testing.T) {
	var kinds []string
	for kind := range reads {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	bytes := []byte{0, 1, 2, 3, 4, 6, 8, 0x80, 0x81, 0xff} // few, so that most of what is read is good
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		data := make([]byte, rnd.IntN(60))
		for k := range data {
			data[k] = bytes[rnd.IntN(len(bytes))]
		}
		plain, at := NewReader(data), NewReader(data)
		b, i := at.Open()
		var read []string
		for range 1 + rnd.IntN(12) {
			kind := kinds[rnd.IntN(len(kinds))]
			read = append(read, kind)
			want := reads[kind].plain(&plain)
			var got any
			got, i = reads[kind].at(&at, b, i)
			if fmt.Sprint(got) != fmt.Sprint(want) || at.Failed() != plain.Failed() || at.Failed() && i != len(b) {
				t.Fatalf("%x, %v: %v and %v at %d of %d, want %v and %v", data, read, got, at.Err(), i, len(b), want, plain.Err())
			}
		}
		at.Seek(i)
		if fmt.Sprint(at.Err()) != fmt.Sprint(plain.Err()) || at.At() != plain.At() || string(at.Rest()) != string(plain.Rest()) {
			t.Fatalf("%x, %v: %v at %d, %x left; want %v at %d, %x left", data, read, at.Err(), at.At(), at.Rest(), plain.Err(), plain.At(), plain.Rest())
		}
	}
}
