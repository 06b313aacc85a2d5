package wire

import (
	"encoding/binary"
	"math"
)

// AppendBoolean appends a boolean.
func AppendBoolean(dst []byte, v bool) []byte {
	if v {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// AppendLong appends an int or a long.
func AppendLong(dst []byte, v int64) []byte {
	return binary.AppendUvarint(dst, uint64(v)<<1^uint64(v>>63))
}

// AppendFloat appends a float.
func AppendFloat(dst []byte, v float32) []byte {
	return binary.LittleEndian.AppendUint32(dst, math.Float32bits(v))
}

// AppendDouble appends a double.
func AppendDouble(dst []byte, v float64) []byte {
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(v))
}

// AppendString appends a string, or bytes.
func AppendString[S string | []byte](dst []byte, s S) []byte {
	if len(s) < 64 {
		return append(append(dst, byte(len(s)<<1)), s...)
	}
	return append(binary.AppendUvarint(dst, uint64(len(s))<<1), s...)
}
