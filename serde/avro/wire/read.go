package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"unsafe"
)

// Bounds on what a Reader does for the bytes it is given. They are far above what
// records hold, and keep hostile bytes from filling memory or the stack.
const (
	MaxDepth = 1000    // values inside of each other
	MaxEmpty = 1 << 16 // elements in one record that take no bytes
)

// What can be wrong with bytes.
var (
	ErrEnd    = errors.New("the data ends too early")
	ErrVarint = errors.New("a number has too many bytes")
	ErrDepth  = fmt.Errorf("nested deeper than %d levels", MaxDepth)
	ErrBool   = errors.New("a boolean is neither 0 nor 1")
)

// oneCopy is the largest record whose strings are cut out of one copy of it. One
// string that is kept keeps the copy, so a large record's are copied one by one.
const oneCopy = 4 << 10

// A Reader reads the values of one record, one after the other. The first error
// stays: what is read after it is zero, and [Reader.Err] tells it. It does not change
// the data, and what it returns does not refer to it. It is used by one goroutine.
type Reader struct {
	b     []byte
	i     int
	text  string // b, from the first string on, if all are cut out of one copy
	err   error
	at    int // where err was met
	depth int
	empty int
}

// NewReader returns a Reader of data: the encoding of a value, and what follows it.
func NewReader(data []byte) Reader { return Reader{b: data} }

// Err is the first error.
func (r *Reader) Err() error { return r.err }

// At is how many bytes were read before the first error.
func (r *Reader) At() int { return r.at }

// Rest is what was not read yet.
func (r *Reader) Rest() []byte { return r.b[r.i:] }

// Fail makes err the first error, if there is none yet. There is nothing to read any
// more.
func (r *Reader) Fail(err error) { r.failAt(r.i, err) }

func (r *Reader) failAt(i int, err error) {
	if r.err == nil {
		r.err, r.at = err, i
	}
	r.b, r.i, r.text = nil, 0, ""
}

// Failed tells whether there was an error.
func (r *Reader) Failed() bool { return r.err != nil }

// Enter is called before the fields of a record that may contain itself are read, and
// Leave after them. If Enter returns false they are not read.
func (r *Reader) Enter() bool {
	if r.depth++; r.depth > MaxDepth {
		r.Fail(ErrDepth)
	}
	return r.err == nil
}

// Leave is the end of what [Reader.Enter] began.
func (r *Reader) Leave() { r.depth-- }

// Boolean reads a boolean.
func (r *Reader) Boolean() bool {
	if r.i >= len(r.b) {
		r.Fail(ErrEnd)
		return false
	}
	v := r.b[r.i]
	if v > 1 {
		r.Fail(ErrBool)
		return false
	}
	r.i++
	return v == 1
}

// Long reads a long.
func (r *Reader) Long() int64 {
	if i := r.i; i < len(r.b) && r.b[i] < 0x80 {
		r.i = i + 1
		u := uint64(r.b[i])
		return int64(u>>1) ^ -int64(u&1)
	}
	u, n := binary.Uvarint(r.b[r.i:])
	switch {
	case n == 0:
		r.Fail(ErrEnd)
		return 0
	case n < 0:
		r.Fail(ErrVarint)
		return 0
	}
	r.i += n
	return int64(u>>1) ^ -int64(u&1)
}

// Int reads an int.
func (r *Reader) Int() int32 {
	from := r.i
	v := r.Long()
	switch {
	case int64(int32(v)) != v:
		r.Fail(fmt.Errorf("%d is too large for an int", v))
		return 0
	case r.i-from > binary.MaxVarintLen32:
		r.Fail(ErrVarint)
		return 0
	}
	return int32(v)
}

// take returns the next n bytes.
func (r *Reader) take(n int) []byte {
	if n > len(r.b)-r.i {
		r.Fail(ErrEnd)
		return nil
	}
	r.i += n
	return r.b[r.i-n : r.i]
}

// Float reads a float.
func (r *Reader) Float() float32 {
	if b := r.take(4); b != nil {
		return math.Float32frombits(binary.LittleEndian.Uint32(b))
	}
	return 0
}

// Double reads a double.
func (r *Reader) Double() float64 {
	if b := r.take(8); b != nil {
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	return 0
}

// length reads the length of a string or bytes, which is there in full.
func (r *Reader) length() int {
	v := r.Long()
	if left := len(r.b) - r.i; uint64(v) > uint64(left) {
		if v < 0 {
			r.Fail(fmt.Errorf("negative length %d", v))
		} else {
			r.Fail(fmt.Errorf("%w: %d bytes announced, %d left", ErrEnd, v, left))
		}
		return 0
	}
	return int(v)
}

// String reads a string. The strings of a record of up to 4 KiB are cut out of one
// copy of it.
func (r *Reader) String() string {
	var n int
	if i := r.i; i < len(r.b) && r.b[i] < 0x80 && r.b[i]&1 == 0 && int(r.b[i]>>1) < len(r.b)-i {
		n, r.i = int(r.b[i]>>1), i+1 // up to 63 bytes, which are there
	} else {
		n = r.length()
	}
	if n == 0 {
		return ""
	}
	from := r.i
	r.i += n
	if r.text == "" {
		if len(r.b) > oneCopy {
			return string(r.b[from:r.i])
		}
		r.text = string(r.b)
	}
	return r.text[from:r.i]
}

// Bytes reads bytes, which are not nil.
func (r *Reader) Bytes() []byte {
	n := r.length()
	r.i += n
	return append(make([]byte, 0, n), r.b[r.i-n:r.i]...)
}

// SkipString goes over a string or bytes.
func (r *Reader) SkipString() { r.i += r.length() }

// Skip goes over n bytes.
func (r *Reader) Skip(n int) { r.take(n) }

// Fixed reads a fixed of the size of dst.
func (r *Reader) Fixed(dst []byte) { copy(dst, r.take(len(dst))) }

// Symbol reads the position of a symbol in an enum of n.
func (r *Reader) Symbol(n int) int { return r.index(n, "symbol") }

// Branch reads the position of a branch in a union of n.
func (r *Reader) Branch(n int) int { return r.index(n, "branch") }

func (r *Reader) index(n int, what string) int {
	v := r.Long()
	if uint64(v) >= uint64(n) {
		r.Fail(fmt.Errorf("%s %d, there are %d", what, v, n))
		return 0
	}
	return int(v)
}

// Is reads the branch of a union of two types, and tells whether it is the given one.
func (r *Reader) Is(branch int) bool {
	if i := r.i; i < len(r.b) && r.b[i]&^2 == 0 {
		r.i = i + 1
		return int(r.b[i]>>1) == branch
	}
	v := r.Branch(2) // a number of more bytes than it needs, or an error
	return v == branch && r.err == nil
}

// Count reads the number of elements in the next block of an array or map, each of
// which takes at least min bytes, which are there; 0 is the end. In a map min is that
// of a value and 1 for the key.
func (r *Reader) Count(min int) int {
	v := r.Long()
	if v < 0 {
		size := r.Long()
		if size < 0 || size > int64(len(r.b)-r.i) || v == math.MinInt64 {
			r.Fail(fmt.Errorf("a block of %d elements and %d bytes", v, size))
			return 0
		}
		v = -v
	}
	left := len(r.b) - r.i
	switch {
	case min > 0 && v > int64(left/min):
		r.Fail(fmt.Errorf("%w: %d elements announced, %d bytes left", ErrEnd, v, left))
		return 0
	case min == 0 && v > int64(MaxEmpty-r.empty):
		r.Fail(fmt.Errorf("more than %d elements that take no bytes", MaxEmpty))
		return 0
	case min == 0:
		r.empty += int(v)
	}
	return int(v)
}

// firstRoom is how many bytes of memory are made for elements before any was read.
const firstRoom = 64 << 10

// Room is how many elements of a size in memory to make room for when n more are
// announced to a slice or map of so many: memory follows what was read, not what was
// announced.
func Room(have, n, size int) int { return min(n, max(have, firstRoom/max(size, 1), 1)) }

// Reset returns a slice without its elements, with their memory; it is not nil.
func Reset[S ~[]E, E any](s S) S {
	if s == nil {
		return S{}
	}
	return s[:0]
}

// Grow makes room in a slice for the elements of a block of n.
func Grow[S ~[]E, E any](s S, n int) S {
	var e E
	n = Room(len(s), n, int(unsafe.Sizeof(e)))
	if cap(s) == 0 {
		return make(S, 0, n)
	}
	return slices.Grow(s, n)
}

// Done is what is left after a value was read, or the first error as a [*ByteError].
func (r *Reader) Done() (rest []byte, err error) {
	if r.err != nil {
		return nil, &ByteError{r.at, r.err}
	}
	return r.b[r.i:], nil
}

// A ByteError is what is wrong with data, and how many bytes are before it.
type ByteError struct {
	At  int
	Err error
}

// Error returns "byte N: " and what is wrong.
func (e *ByteError) Error() string { return fmt.Sprintf("byte %d: %v", e.At, e.Err) }

// Unwrap returns Err.
func (e *ByteError) Unwrap() error { return e.Err }

// FixedBytes reads a fixed of a size that is too large for a Go array.
func (r *Reader) FixedBytes(size int) []byte { return append([]byte{}, r.take(size)...) }
