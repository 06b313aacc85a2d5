package avrojson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/streamweir/streamweir/serde/avro/avsc"
	"github.com/streamweir/streamweir/serde/avro/wire"
)

// Parse reads the text of one JSON value for [Encode]: as encoding/json reads it, with
// numbers as they are written.
func Parse(text []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("not JSON: text after the value")
	}
	return v, nil
}

// Encode appends the binary encoding of a value in Avro's JSON encoding, which [Parse]
// has read. A field that is missing or that the record does
// not have is an error. Entries of a map are written by key. Where the error is inside
// of the value, it is a [wire.PathError].
func Encode(dst []byte, s *avsc.Schema, value any) ([]byte, error) {
	e := encoder{strict: true, budget: maxValues}
	return e.append(dst, s, value)
}

// EncodePlain is [Encode] that takes plain JSON as well: the value of a union may stand
// without its type, and is then of the first branch that takes it; fields that have a
// default may be left out.
func EncodePlain(dst []byte, s *avsc.Schema, value any) ([]byte, error) {
	e := encoder{budget: maxValues}
	return e.append(dst, s, value)
}

// encoder turns JSON values into Avro.
type encoder struct {
	strict bool // nothing else than Avro's JSON encoding
	budget int  // values that may still be encoded
	depth  int
}

// maxValues bounds the work for one text: each level of unions may try the value twice.
const maxValues = 1 << 20

func (e *encoder) append(dst []byte, s *avsc.Schema, v any) ([]byte, error) {
	if e.budget--; e.budget < 0 {
		return dst, fmt.Errorf("more than %d values", maxValues)
	}
	switch s.Kind {
	case avsc.Null:
		if v == nil {
			return dst, nil
		}
	case avsc.Boolean:
		if b, ok := v.(bool); ok {
			return wire.AppendBoolean(dst, b), nil
		}
	case avsc.Int, avsc.Long:
		if n, ok := v.(json.Number); ok {
			bits := 64
			if s.Kind == avsc.Int {
				bits = 32
			}
			i, err := strconv.ParseInt(n.String(), 10, bits)
			if err != nil {
				return dst, fmt.Errorf("%s is not of type %s", n, s.Kind)
			}
			return wire.AppendLong(dst, i), nil
		}
	case avsc.Float, avsc.Double:
		if s.Kind == avsc.Float {
			if f, ok := float(v, 32); ok {
				return wire.AppendFloat(dst, float32(f)), nil
			}
		} else if f, ok := float(v, 64); ok {
			return wire.AppendDouble(dst, f), nil
		}
	case avsc.String:
		if t, ok := v.(string); ok {
			return wire.AppendString(dst, t), nil
		}
	case avsc.Bytes, avsc.Fixed:
		if t, ok := v.(string); ok {
			return appendLatin(dst, s, t)
		}
	case avsc.Enum:
		if t, ok := v.(string); ok {
			if i := slices.Index(s.Symbols, t); i >= 0 {
				return wire.AppendLong(dst, int64(i)), nil
			}
			return dst, fmt.Errorf("%q is not a symbol of %s", t, s.Name)
		}
	default:
		return e.appendInside(dst, s, v)
	}
	return dst, errNot(v, s)
}

func (e *encoder) appendInside(dst []byte, s *avsc.Schema, v any) ([]byte, error) {
	if s.Kind == avsc.Union {
		return e.union(dst, s, v)
	}
	if e.depth == wire.MaxDepth {
		return dst, wire.ErrDepth
	}
	e.depth++
	defer func() { e.depth-- }()
	switch s.Kind {
	case avsc.Array:
		if list, ok := v.([]any); ok {
			return e.array(dst, s, list)
		}
	case avsc.Map:
		if m, ok := v.(map[string]any); ok {
			return e.mapping(dst, s, m)
		}
	case avsc.Record:
		if m, ok := v.(map[string]any); ok {
			return e.record(dst, s, m)
		}
	}
	return dst, errNot(v, s)
}

func errNot(v any, s *avsc.Schema) error {
	return fmt.Errorf("%s is not of type %s", show(v), s.Label())
}

func show(v any) []byte {
	text, _ := json.Marshal(v)
	if len(text) > 60 {
		text = append(text[:60], "..."...)
	}
	return text
}

// nan is Java's, whose bits are others than those of math.NaN.
var nan = math.Float64frombits(0x7ff8 << 48)

// float also takes the texts by which Avro's JSON encoding writes what JSON has
// no number for.
func float(v any, bits int) (float64, bool) {
	text, ok := v.(string)
	if n, isNumber := v.(json.Number); isNumber {
		text = n.String()
	} else if !ok || text != "NaN" && text != "Infinity" && text != "-Infinity" {
		return 0, false
	}
	if text == "NaN" {
		return nan, true
	}
	f, err := strconv.ParseFloat(text, bits)
	return f, err == nil
}

// appendLatin appends bytes that are written as text, one character up to
// U+00FF for each.
func appendLatin(dst []byte, s *avsc.Schema, t string) ([]byte, error) {
	n := 0
	for _, r := range t {
		if r > 0xff {
			return dst, fmt.Errorf("character %q in bytes is above U+00FF", r)
		}
		n++
	}
	if s.Kind == avsc.Bytes {
		dst = wire.AppendLong(dst, int64(n))
	} else if n != s.Size {
		return dst, fmt.Errorf("%d bytes for %s, which has %d", n, s.Name, s.Size)
	}
	for _, r := range t {
		dst = append(dst, byte(r))
	}
	return dst, nil
}

func (e *encoder) array(dst []byte, s *avsc.Schema, list []any) ([]byte, error) {
	if len(list) > 0 {
		dst = wire.AppendLong(dst, int64(len(list)))
	}
	for i, v := range list {
		var err error
		if dst, err = e.append(dst, s.Items, v); err != nil {
			return dst, wire.At(err, i)
		}
	}
	return append(dst, 0), nil
}

func (e *encoder) mapping(dst []byte, s *avsc.Schema, m map[string]any) ([]byte, error) {
	if len(m) > 0 {
		dst = wire.AppendLong(dst, int64(len(m)))
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		var err error
		if dst, err = e.append(wire.AppendString(dst, k), s.Items, m[k]); err != nil {
			return dst, wire.At(err, wire.Key(k))
		}
	}
	return append(dst, 0), nil
}

func (e *encoder) record(dst []byte, s *avsc.Schema, m map[string]any) ([]byte, error) {
	found := 0
	for _, f := range s.Fields {
		v, ok := m[f.Name]
		var err error
		switch {
		case ok:
			found++
			dst, err = e.append(dst, f.Type, v)
		case f.HasDefault && !e.strict:
			dst, err = AppendDefault(dst, f)
		default:
			err = errMissing(s, f)
		}
		if err != nil {
			return dst, wire.At(err, f.Name)
		}
	}
	if found < len(m) {
		for k := range m {
			if !slices.ContainsFunc(s.Fields, func(f *avsc.Field) bool { return f.Name == k }) {
				return dst, fmt.Errorf("%s has no field %q", s.Name, k)
			}
		}
	}
	return dst, nil
}

func errMissing(s *avsc.Schema, f *avsc.Field) error {
	if f.HasDefault {
		return errors.New("missing; its default is for readers")
	}
	return fmt.Errorf("missing, and %s has no default for it", s.Name)
}

// union writes the first branch that takes the value. {"label": value} is that
// branch if it takes the value; if not, the object may be a map or record.
func (e *encoder) union(dst []byte, s *avsc.Schema, v any) ([]byte, error) {
	start := len(dst)
	var first error
	if m, ok := v.(map[string]any); ok && len(m) == 1 {
		for i, b := range s.Branches {
			inner, ok := m[b.Label()]
			if !ok {
				continue
			}
			out, err := e.append(wire.AppendLong(dst, int64(i)), b, inner)
			if err == nil {
				return out, nil
			}
			first = wire.At(err, b.Label())
		}
	}
	for i, b := range s.Branches {
		if e.strict && b.Kind != avsc.Null {
			continue
		}
		out, err := e.append(wire.AppendLong(dst[:start], int64(i)), b, v)
		if err == nil {
			return out, nil
		}
		// The branch that is there besides null tells more than "not null".
		if first == nil && b.Kind != avsc.Null {
			first = err
		}
	}
	if first == nil {
		first = fmt.Errorf("%s is no branch of the union", show(v))
	}
	return dst[:start], first
}
