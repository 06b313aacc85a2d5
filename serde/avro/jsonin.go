package avro

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/streamweir/streamweir/serde/avro/avsc"
)

// jsonEncoder turns JSON values, as encoding/json reads them with UseNumber,
// into Avro. With wrapped it takes data: unions also in Avro's JSON encoding,
// {"string": "x"}, and fields that a record does not have are errors. Without
// it takes the default of a field.
type jsonEncoder struct {
	wrapped bool
	budget  int // values that may still be encoded
	depth   int
	filling []*avsc.Field // whose default is being encoded
}

// maxValues bounds the work for one text: defaults of records that hold
// records may double with every level.
const maxValues = 1 << 20

// appendDefault appends the default of a field.
func appendDefault(dst []byte, f *avsc.Field) ([]byte, error) {
	e := jsonEncoder{budget: maxValues}
	return e.fill(dst, f)
}

func (e *jsonEncoder) fill(dst []byte, f *avsc.Field) ([]byte, error) {
	if slices.Contains(e.filling, f) {
		return dst, errors.New("a default that contains itself")
	}
	e.filling = append(e.filling, f)
	wrapped := e.wrapped
	e.wrapped = false
	dst, err := e.append(dst, f.Type, f.Default)
	e.wrapped = wrapped
	e.filling = e.filling[:len(e.filling)-1]
	if err != nil {
		return dst, fmt.Errorf("default: %w", err)
	}
	return dst, nil
}

func (e *jsonEncoder) append(dst []byte, s *avsc.Schema, v any) ([]byte, error) {
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
			return appendBool(dst, b), nil
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
			return appendLong(dst, i), nil
		}
	case avsc.Float, avsc.Double:
		if s.Kind == avsc.Float {
			if f, ok := float(v, 32); ok {
				return appendFloat(dst, float32(f)), nil
			}
		} else if f, ok := float(v, 64); ok {
			return appendDouble(dst, f), nil
		}
	case avsc.String:
		if t, ok := v.(string); ok {
			return appendString(dst, t), nil
		}
	case avsc.Bytes, avsc.Fixed:
		if t, ok := v.(string); ok {
			return appendLatin(dst, s, t)
		}
	case avsc.Enum:
		if t, ok := v.(string); ok {
			if i := slices.Index(s.Symbols, t); i >= 0 {
				return appendLong(dst, int64(i)), nil
			}
			return dst, fmt.Errorf("%q is not a symbol of %s", t, s.Name)
		}
	default:
		return e.appendInside(dst, s, v)
	}
	return dst, errNot(v, s)
}

func (e *jsonEncoder) appendInside(dst []byte, s *avsc.Schema, v any) ([]byte, error) {
	if s.Kind == avsc.Union {
		return e.union(dst, s, v)
	}
	if e.depth == maxDepth {
		return dst, errDepth
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
	text, _ := json.Marshal(v)
	if len(text) > 60 {
		text = append(text[:60], "..."...)
	}
	return fmt.Errorf("%s is not of type %s", text, s.Label())
}

func appendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// float also takes the texts by which Avro's JSON encoding writes what JSON has
// no number for.
func float(v any, bits int) (float64, bool) {
	text, ok := v.(string)
	if n, isNumber := v.(json.Number); isNumber {
		text = n.String()
	} else if !ok || text != "NaN" && text != "Infinity" && text != "-Infinity" {
		return 0, false
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
		dst = appendLong(dst, int64(n))
	} else if n != s.Size {
		return dst, fmt.Errorf("%d bytes for %s, which has %d", n, s.Name, s.Size)
	}
	for _, r := range t {
		dst = append(dst, byte(r))
	}
	return dst, nil
}

func (e *jsonEncoder) array(dst []byte, s *avsc.Schema, list []any) ([]byte, error) {
	if len(list) > 0 {
		dst = appendLong(dst, int64(len(list)))
	}
	for i, v := range list {
		var err error
		if dst, err = e.append(dst, s.Items, v); err != nil {
			return dst, atIndex(i, err)
		}
	}
	return append(dst, 0), nil
}

func (e *jsonEncoder) mapping(dst []byte, s *avsc.Schema, m map[string]any) ([]byte, error) {
	if len(m) > 0 {
		dst = appendLong(dst, int64(len(m)))
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		var err error
		if dst, err = e.append(appendString(dst, k), s.Items, m[k]); err != nil {
			return dst, atKey(k, err)
		}
	}
	return append(dst, 0), nil
}

func (e *jsonEncoder) record(dst []byte, s *avsc.Schema, m map[string]any) ([]byte, error) {
	found := 0
	for _, f := range s.Fields {
		v, ok := m[f.Name]
		var err error
		switch {
		case ok:
			found++
			dst, err = e.append(dst, f.Type, v)
		case f.HasDefault:
			dst, err = e.fill(dst, f)
		default:
			err = fmt.Errorf("missing, and %s has no default for it", s.Name)
		}
		if err != nil {
			return dst, at(f.Name, err)
		}
	}
	if e.wrapped && found < len(m) {
		for k := range m {
			if !slices.ContainsFunc(s.Fields, func(f *avsc.Field) bool { return f.Name == k }) {
				return dst, fmt.Errorf("%s has no field %q", s.Name, k)
			}
		}
	}
	return dst, nil
}

// union writes the first branch that takes the value. {"label": value} is that
// branch if it takes the value; if not, the object may be a map or record.
func (e *jsonEncoder) union(dst []byte, s *avsc.Schema, v any) ([]byte, error) {
	start := len(dst)
	var first error
	if m, ok := v.(map[string]any); ok && e.wrapped && len(m) == 1 {
		for i, b := range s.Branches {
			inner, ok := m[b.Label()]
			if !ok {
				continue
			}
			out, err := e.append(appendLong(dst, int64(i)), b, inner)
			if err == nil {
				return out, nil
			}
			first = at(b.Label(), err)
		}
	}
	for i, b := range s.Branches {
		out, err := e.append(appendLong(dst[:start], int64(i)), b, v)
		if err == nil {
			return out, nil
		}
		// The branch that is there besides null tells more than "not null".
		if first == nil && b.Kind != avsc.Null {
			first = err
		}
	}
	if first == nil {
		first = errors.New("no branch of the union takes it")
	}
	return dst[:start], first
}
