package avro

import (
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/streamweir/streamweir/serde/avro/avsc"
)

// appendText appends the value of schema s at d.b[i:] in Avro's JSON encoding
// and returns the position after it. Fields come in the order of the schema.
func (d *decoder) appendText(dst []byte, s *avsc.Schema, i int) ([]byte, int, error) {
	var err error
	switch s.Kind {
	case avsc.Null:
		dst = append(dst, "null"...)
	case avsc.Boolean:
		var v bool
		v, i, err = readBool(d.b, i)
		dst = strconv.AppendBool(dst, v)
	case avsc.Int:
		var v int32
		v, i, err = readInt(d.b, i)
		dst = strconv.AppendInt(dst, int64(v), 10)
	case avsc.Long:
		var v int64
		v, i, err = readLong(d.b, i)
		dst = strconv.AppendInt(dst, v, 10)
	case avsc.Float:
		var v float32
		v, i, err = readFloat(d.b, i)
		dst = appendNumber(dst, float64(v), 32)
	case avsc.Double:
		var v float64
		v, i, err = readDouble(d.b, i)
		dst = appendNumber(dst, v, 64)
	case avsc.String:
		var n int
		if n, i, err = readLength(d.b, i); err == nil {
			dst = appendQuoted(dst, string(d.b[i:i+n]))
			i += n
		}
	case avsc.Bytes:
		var n int
		if n, i, err = readLength(d.b, i); err == nil {
			dst = appendLatinText(dst, d.b[i:i+n])
			i += n
		}
	case avsc.Fixed:
		if len(d.b)-i < s.Size {
			return dst, i, errEnd
		}
		dst = appendLatinText(dst, d.b[i:i+s.Size])
		i += s.Size
	case avsc.Enum:
		var k int
		if k, i, err = readIndex(d.b, i, len(s.Symbols), "symbol"); err == nil {
			dst = appendQuoted(dst, s.Symbols[k])
		}
	case avsc.Union:
		return d.appendBranch(dst, s, i)
	default:
		if d.depth == maxDepth {
			return dst, i, errDepth
		}
		d.depth++
		dst, i, err = d.appendInside(dst, s, i)
		d.depth--
	}
	return dst, i, err
}

func (d *decoder) appendInside(dst []byte, s *avsc.Schema, i int) ([]byte, int, error) {
	switch s.Kind {
	case avsc.Record:
		return d.appendRecord(dst, s, i)
	case avsc.Map:
		dst, i, err := d.appendItems(append(dst, '{'), s, i)
		return append(dst, '}'), i, err
	}
	dst, i, err := d.appendItems(append(dst, '['), s, i)
	return append(dst, ']'), i, err
}

func (d *decoder) appendBranch(dst []byte, s *avsc.Schema, i int) ([]byte, int, error) {
	k, i, err := readIndex(d.b, i, len(s.Branches), "branch")
	if err != nil {
		return dst, i, err
	}
	b := s.Branches[k]
	if b.Kind == avsc.Null {
		return append(dst, "null"...), i, nil
	}
	dst = append(appendQuoted(append(dst, '{'), b.Label()), ':')
	dst, i, err = d.appendText(dst, b, i)
	return append(dst, '}'), i, err
}

func (d *decoder) appendRecord(dst []byte, s *avsc.Schema, i int) ([]byte, int, error) {
	dst = append(dst, '{')
	for k, f := range s.Fields {
		if k > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendQuoted(dst, f.Name), ':')
		var err error
		if dst, i, err = d.appendText(dst, f.Type, i); err != nil {
			return dst, i, at(f.Name, err)
		}
	}
	return append(dst, '}'), i, nil
}

func (d *decoder) appendItems(dst []byte, s *avsc.Schema, i int) ([]byte, int, error) {
	size := s.Items.MinSize
	if s.Kind == avsc.Map {
		size++
	}
	for done := 0; ; {
		n, next, err := d.readCount(i, size)
		if i = next; err != nil || n == 0 {
			return dst, i, err
		}
		for ; n > 0; n-- {
			if done > 0 {
				dst = append(dst, ',')
			}
			if s.Kind == avsc.Map {
				var k int
				if k, i, err = readLength(d.b, i); err != nil {
					return dst, i, err
				}
				dst = append(appendQuoted(dst, string(d.b[i:i+k])), ':')
				i += k
			}
			if dst, i, err = d.appendText(dst, s.Items, i); err != nil {
				return dst, i, atIndex(done, err)
			}
			done++
		}
	}
}

func appendNumber(dst []byte, v float64, bits int) []byte {
	switch {
	case math.IsNaN(v):
		return append(dst, `"NaN"`...)
	case math.IsInf(v, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(v, -1):
		return append(dst, `"-Infinity"`...)
	case v == math.Trunc(v) && math.Abs(v) < 1e7:
		return strconv.AppendFloat(dst, v, 'f', 1, bits)
	}
	return strconv.AppendFloat(dst, v, 'g', -1, bits)
}

const hexDigits = "0123456789abcdef"

// appendQuoted appends JSON text. What is not UTF-8 becomes U+FFFD.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, '\\', 'n')
		case r == '\t':
			dst = append(dst, '\\', 't')
		case r < 0x20 || r == 0x7f:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}

// appendLatinText appends bytes as text, one character up to U+00FF for each.
func appendLatinText(dst, b []byte) []byte {
	r := make([]rune, len(b))
	for i, c := range b {
		r[i] = rune(c)
	}
	return appendQuoted(dst, string(r))
}
