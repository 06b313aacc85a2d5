package avro

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/streamweir/streamweir/serde/avro/avsc"
	"github.com/streamweir/streamweir/serde/avro/wire"
)

// Bounds on what a decoder does for the bytes it is given. They are far above
// what records hold, and keep hostile bytes from filling memory or the stack.
const (
	maxDepth = 1000    // values inside of each other
	maxEmpty = 1 << 16 // array elements in one record that take no bytes
)

var (
	errEnd    = wire.ErrEnd
	errVarint = wire.ErrVarint
	errDepth  = wire.ErrDepth
	errBool   = wire.ErrBool
)

// A pathError says where in a value something is wrong. The path grows from the
// inside while the error goes up, so a good record pays nothing for it.
type pathError struct {
	path string
	err  error
}

func (e *pathError) Error() string { return e.path + ": " + e.err.Error() }
func (e *pathError) Unwrap() error { return e.err }

func at(part string, err error) error {
	// Not errors.As: an error around the path has words of its own.
	p, ok := err.(*pathError)
	if !ok {
		return &pathError{part, err}
	}
	dot := "."
	if strings.HasPrefix(p.path, "[") {
		dot = ""
	}
	return &pathError{part + dot + p.path, p.err}
}

func atIndex(i int, err error) error    { return at("["+strconv.Itoa(i)+"]", err) }
func atKey(key string, err error) error { return at("["+strconv.Quote(key)+"]", err) }

func appendLong(dst []byte, v int64) []byte {
	u := uint64(v)<<1 ^ uint64(v>>63)
	for u >= 0x80 {
		dst = append(dst, byte(u)|0x80)
		u >>= 7
	}
	return append(dst, byte(u))
}

func appendString[S string | []byte](dst []byte, s S) []byte {
	return append(appendLong(dst, int64(len(s))), s...)
}

func appendFloat(dst []byte, v float32) []byte {
	return binary.LittleEndian.AppendUint32(dst, math.Float32bits(v))
}

func appendDouble(dst []byte, v float64) []byte {
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(v))
}

// readLong returns the long at b[i:] and the position after it.
func readLong(b []byte, i int) (int64, int, error) {
	if uint(i) < uint(len(b)) && b[i] < 0x80 {
		u := uint64(b[i])
		return int64(u>>1) ^ -int64(u&1), i + 1, nil
	}
	return readVarint(b, i)
}

func readVarint(b []byte, i int) (int64, int, error) {
	u, n := binary.Uvarint(b[min(i, len(b)):])
	switch {
	case n == 0:
		return 0, i, errEnd
	case n < 0:
		return 0, i, errVarint
	}
	return int64(u>>1) ^ -int64(u&1), i + n, nil
}

func readInt(b []byte, i int) (int32, int, error) {
	v, next, err := readLong(b, i)
	switch {
	case err != nil:
	case next-i > binary.MaxVarintLen32:
		err = errVarint
	case int64(int32(v)) != v:
		err = fmt.Errorf("%d is too large for an int", v)
	}
	return int32(v), next, err
}

// readLength returns the length of a string or bytes, which is there in full.
func readLength(b []byte, i int) (n, next int, err error) {
	v, i, err := readLong(b, i)
	if err != nil {
		return 0, i, err
	}
	if uint64(v) > uint64(len(b)-i) {
		if v < 0 {
			return 0, i, fmt.Errorf("negative length %d", v)
		}
		return 0, i, fmt.Errorf("%w: %d bytes announced, %d left", errEnd, v, len(b)-i)
	}
	return int(v), i, nil
}

func readBool(b []byte, i int) (bool, int, error) {
	switch {
	case i >= len(b):
		return false, i, errEnd
	case b[i] > 1:
		return false, i, errBool
	}
	return b[i] == 1, i + 1, nil
}

func readFloat(b []byte, i int) (float32, int, error) {
	if len(b)-i < 4 {
		return 0, i, errEnd
	}
	return math.Float32frombits(binary.LittleEndian.Uint32(b[i:])), i + 4, nil
}

func readDouble(b []byte, i int) (float64, int, error) {
	if len(b)-i < 8 {
		return 0, i, errEnd
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b[i:])), i + 8, nil
}

// readIndex returns the index of a union's branch or an enum's symbol.
func readIndex(b []byte, i, n int, what string) (int, int, error) {
	v, i, err := readLong(b, i)
	if err == nil && uint64(v) >= uint64(n) {
		err = fmt.Errorf("%s %d, there are %d", what, v, n)
	}
	return int(v), i, err
}

// decoder is what decoding one record needs besides the position.
type decoder struct {
	b      []byte
	text   string   // b, when it is worth to cut all strings out of one copy
	cells  []string // what is left of the record's room for *string fields
	wanted int      // *string fields
	depth  int
	empty  int // elements without bytes so far
}

// readCount returns the number of elements in the next block of an array or
// map; each takes at least min bytes, which are there.
func (d *decoder) readCount(i, min int) (n, next int, err error) {
	v, i, err := readLong(d.b, i)
	if err != nil {
		return 0, i, err
	}
	if v < 0 {
		var size int64
		if size, i, err = readLong(d.b, i); err != nil {
			return 0, i, err
		}
		if size < 0 || size > int64(len(d.b)-i) || v == math.MinInt64 {
			return 0, i, fmt.Errorf("a block of %d elements and %d bytes", v, size)
		}
		v = -v
	}
	if min == 0 {
		if v > int64(maxEmpty-d.empty) {
			return 0, i, fmt.Errorf("more than %d elements that take no bytes", maxEmpty)
		}
		d.empty += int(v)
		return int(v), i, nil
	}
	if left := len(d.b) - i; v > int64(left/min) {
		return 0, i, fmt.Errorf("%w: %d elements announced, %d bytes left", errEnd, v, left)
	}
	return int(v), i, nil
}

// skip returns the position after a value of schema s.
func (d *decoder) skip(s *avsc.Schema, i int) (int, error) {
	var err error
	switch s.Kind {
	case avsc.Null:
	case avsc.Boolean:
		_, i, err = readBool(d.b, i)
	case avsc.Int:
		_, i, err = readInt(d.b, i)
	case avsc.Long:
		_, i, err = readLong(d.b, i)
	case avsc.Float, avsc.Double, avsc.Fixed:
		if len(d.b)-i < s.MinSize {
			return i, errEnd
		}
		i += s.MinSize
	case avsc.Bytes, avsc.String:
		var n int
		n, i, err = readLength(d.b, i)
		i += n
	case avsc.Enum:
		_, i, err = readIndex(d.b, i, len(s.Symbols), "symbol")
	case avsc.Union:
		var k int
		if k, i, err = readIndex(d.b, i, len(s.Branches), "branch"); err == nil {
			return d.skip(s.Branches[k], i)
		}
	default:
		if d.depth == maxDepth {
			return i, errDepth
		}
		d.depth++
		i, err = d.skipInside(s, i)
		d.depth--
	}
	return i, err
}

func (d *decoder) skipInside(s *avsc.Schema, i int) (int, error) {
	if s.Kind == avsc.Record {
		for _, f := range s.Fields {
			var err error
			if i, err = d.skip(f.Type, i); err != nil {
				return i, at(f.Name, err)
			}
		}
		return i, nil
	}
	size := s.Items.MinSize
	if s.Kind == avsc.Map {
		size++
	}
	for {
		n, next, err := d.readCount(i, size)
		if i = next; err != nil || n == 0 {
			return i, err
		}
		for j := 0; j < n && size > 0; j++ {
			if s.Kind == avsc.Map {
				var k int
				if k, i, err = readLength(d.b, i); err != nil {
					return i, err
				}
				i += k
			}
			if i, err = d.skip(s.Items, i); err != nil {
				return i, atIndex(j, err)
			}
		}
	}
}
