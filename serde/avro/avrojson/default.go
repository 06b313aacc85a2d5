package avrojson

import (
	"fmt"
	"slices"

	"github.com/streamweir/streamweir/serde/avro/avsc"
	"github.com/streamweir/streamweir/serde/avro/wire"
)

// AppendDefault appends the binary encoding of a field's default, as
// [avsc.Field.DefaultValue] has it. That the field has none, or one that its type does
// not take, is an error.
func AppendDefault(dst []byte, f *avsc.Field) ([]byte, error) {
	v, err := f.DefaultValue()
	if err != nil {
		return dst, err
	}
	return appendValue(dst, f.Type, v), nil
}

// appendValue encodes what DefaultValue makes of a default.
func appendValue(dst []byte, s *avsc.Schema, v any) []byte {
	switch v := v.(type) {
	case nil:
		return dst
	case bool:
		return wire.AppendBoolean(dst, v)
	case int32:
		return wire.AppendLong(dst, int64(v))
	case int64:
		return wire.AppendLong(dst, v)
	case float32:
		if v != v {
			v = float32(nan)
		}
		return wire.AppendFloat(dst, v)
	case float64:
		if v != v {
			v = nan
		}
		return wire.AppendDouble(dst, v)
	case []byte:
		if s.Kind == avsc.Fixed {
			return append(dst, v...)
		}
		return wire.AppendString(dst, v)
	case string:
		if s.Kind == avsc.Enum {
			return wire.AppendLong(dst, int64(slices.Index(s.Symbols, v)))
		}
		return wire.AppendString(dst, v)
	case avsc.Branch:
		return appendValue(wire.AppendLong(dst, int64(v.Index)), s.Branches[v.Index], v.Value)
	case []any:
		if s.Kind == avsc.Record {
			for i, f := range s.Fields {
				dst = appendValue(dst, f.Type, v[i])
			}
			return dst
		}
		dst = appendCount(dst, len(v))
		for _, e := range v {
			dst = appendValue(dst, s.Items, e)
		}
		return append(dst, 0)
	case []avsc.Entry:
		dst = appendCount(dst, len(v))
		for _, e := range v {
			dst = appendValue(wire.AppendString(dst, e.Key), s.Items, e.Value)
		}
		return append(dst, 0)
	}
	panic(fmt.Sprintf("avrojson: a default of type %T", v))
}

// appendCount begins an array or map of one block, or of none.
func appendCount(dst []byte, n int) []byte {
	if n == 0 {
		return dst
	}
	return wire.AppendLong(dst, int64(n))
}
