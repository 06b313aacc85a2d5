package wire

import (
	"encoding/binary"
	"math"
	"time"
)

// Open returns the data, and how much of it was read, for the methods whose names end in
// At. They read as those without, but how much was read is in a variable of the caller's,
// and not in the Reader's memory, where each field would wait for the one before.
// Generated code uses them:
//
//	b, i := r.Open()
//	e.SKU, i = r.StringAt(b, i)
//	e.Quantity, i = r.IntAt(b, i)
//	r.Seek(i)
//	e.Day = r.Date() // one that there is only without
//	i = r.Next(b)
//
// After an error i is at the end of b.
func (r *Reader) Open() (b []byte, i int) { return r.b, r.i }

// Seek tells how much was read.
func (r *Reader) Seek(i int) {
	if r.err == nil {
		r.i = i
	}
}

// Next is where to go on in b.
func (r *Reader) Next(b []byte) int {
	if r.err != nil {
		return len(b)
	}
	return r.i
}

// LongAt is [Reader.Long].
func (r *Reader) LongAt(b []byte, i int) (int64, int) {
	if i < len(b) && b[i] < 0x80 {
		u := uint64(b[i])
		return int64(u>>1) ^ -int64(u&1), i + 1
	}
	if u, n := binary.Uvarint(b[i:]); n > 0 {
		return int64(u>>1) ^ -int64(u&1), i + n
	}
	r.Seek(i)
	return r.Long(), r.Next(b)
}

// IntAt is [Reader.Int].
func (r *Reader) IntAt(b []byte, i int) (int32, int) {
	v, n := r.LongAt(b, i)
	if int64(int32(v)) == v && n-i <= binary.MaxVarintLen32 {
		return int32(v), n
	}
	r.Seek(i)
	return r.Int(), r.Next(b)
}

// BooleanAt is [Reader.Boolean].
func (r *Reader) BooleanAt(b []byte, i int) (bool, int) {
	if i < len(b) && b[i] <= 1 {
		return b[i] == 1, i + 1
	}
	r.Seek(i)
	return r.Boolean(), r.Next(b)
}

// DoubleAt is [Reader.Double].
func (r *Reader) DoubleAt(b []byte, i int) (float64, int) {
	if len(b)-i >= 8 {
		return math.Float64frombits(binary.LittleEndian.Uint64(b[i:])), i + 8
	}
	r.Seek(i)
	return r.Double(), r.Next(b)
}

// StringAt is [Reader.String].
func (r *Reader) StringAt(b []byte, i int) (string, int) {
	if i < len(b) && b[i] < 0x80 && b[i]&1 == 0 && b[i] > 0 {
		from, to := i+1, i+1+int(b[i]>>1)
		if to <= len(r.text) { // which is not there yet at the first string
			return r.text[from:to], to
		}
	}
	r.Seek(i)
	return r.String(), r.Next(b)
}

// MillisAt is [Reader.Millis].
func (r *Reader) MillisAt(b []byte, i int) (time.Time, int) {
	v, i := r.LongAt(b, i)
	return time.UnixMilli(v).UTC(), i
}

// MicrosAt is [Reader.Micros].
func (r *Reader) MicrosAt(b []byte, i int) (time.Time, int) {
	v, i := r.LongAt(b, i)
	return time.UnixMicro(v).UTC(), i
}

// SymbolAt is [Reader.Symbol].
func SymbolAt[E ~int32](r *Reader, b []byte, i, n int) (E, int) {
	if i < len(b) && b[i]&1 == 0 && int(b[i]>>1) < n && b[i] < 0x80 {
		return E(b[i] >> 1), i + 1
	}
	r.Seek(i)
	return E(r.Symbol(n)), r.Next(b)
}

// IsAt is [Reader.Is].
func (r *Reader) IsAt(b []byte, i, branch int) (bool, int) {
	if i < len(b) && b[i]&^2 == 0 {
		return int(b[i]>>1) == branch, i + 1
	}
	r.Seek(i)
	return r.Is(branch), r.Next(b)
}

// CountAt is [Reader.Count].
func (r *Reader) CountAt(b []byte, i, min int) (int, int) {
	if i < len(b) && b[i] < 0x80 && b[i]&1 == 0 {
		if n := int(b[i] >> 1); n == 0 || min > 0 && n <= (len(b)-i-1)/min {
			return n, i + 1
		}
	}
	r.Seek(i)
	return r.Count(min), r.Next(b)
}
