package avrojson

import (
	"bytes"
	"math"
	"strconv"
)

func appendInteger(dst []byte, v int64) []byte { return strconv.AppendInt(dst, v, 10) }

// appendFloat appends a float or double in the form of Java, which the console tools
// print: 100.0, 1.0E7, 4.9E-324. What JSON has no number for is text.
func appendFloat(dst []byte, v float64, bits int) []byte {
	size := math.Abs(v)
	switch {
	case math.IsNaN(v):
		return append(dst, `"NaN"`...)
	case math.IsInf(v, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(v, -1):
		return append(dst, `"-Infinity"`...)
	case size == 0 || size >= 1e-3 && size < 1e7:
		from := len(dst)
		dst = strconv.AppendFloat(dst, v, 'f', -1, bits)
		if bytes.IndexByte(dst[from:], '.') < 0 {
			dst = append(dst, ".0"...)
		}
		return dst
	}
	var room [32]byte
	text := strconv.AppendFloat(room[:0], v, 'e', -1, bits)
	if bytes.IndexByte(text, '.') < 0 {
		// Java shows two digits at least, the nearest two.
		text = strconv.AppendFloat(room[:0], v, 'e', 1, bits)
	}
	digits, exponent, _ := bytes.Cut(text, []byte{'e'})
	e, _ := strconv.Atoi(string(exponent))
	return strconv.AppendInt(append(append(dst, digits...), 'E'), int64(e), 10)
}
