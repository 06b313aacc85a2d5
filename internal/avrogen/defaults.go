package avrogen

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/streamweir/streamweir/serde/avro/avsc"
)

// literal is the Go expression of a default, as [avsc.Field.DefaultValue] returns it; ""
// is Go's zero value.
func (f *file) literal(s *avsc.Schema, v any) string {
	if f.model.logical(s) != "" {
		return f.logicalLiteral(s, v)
	}
	switch v := v.(type) {
	case bool:
		return strconv.FormatBool(v)
	case int32:
		return strconv.FormatInt(int64(v), 10)
	case int64:
		return strconv.FormatInt(v, 10)
	case float32:
		return f.float(float64(v), 32)
	case float64:
		return f.float(v, 64)
	case string:
		if s.Kind == avsc.Enum {
			return f.model.names[s.Name].constants[slices.Index(f.model.of(s).Symbols, v)]
		}
		return strconv.Quote(v)
	case []byte:
		if s.Kind == avsc.Fixed && s.Size <= maxArray {
			return f.typ(s) + "{" + list(v) + "}"
		}
		return f.typ(s) + "(" + strconv.Quote(string(v)) + ")"
	case []avsc.Entry:
		return f.mapLiteral(s, v)
	case avsc.Branch:
		return f.unionLiteral(s, v)
	case []any:
		if s.Kind == avsc.Record {
			return f.recordLiteral(s, v)
		}
		elements := make([]string, len(v))
		for i, x := range v {
			elements[i] = f.orZero(s.Items, f.literal(s.Items, x))
		}
		return f.typ(s) + "{" + strings.Join(elements, ", ") + "}"
	}
	return "" // null
}

func (f *file) float(v float64, bits int) string {
	call := ""
	switch {
	case math.IsNaN(v):
		call = "NaN()"
	case math.IsInf(v, 1):
		call = "Inf(1)"
	case math.IsInf(v, -1):
		call = "Inf(-1)"
	case v == 0 && math.Signbit(v):
		call = "Copysign(0, -1)"
	default:
		return strconv.FormatFloat(v, 'g', -1, bits)
	}
	call = f.use("math") + "." + call
	if bits == 32 {
		return "float32(" + call + ")"
	}
	return call
}

func list(b []byte) string {
	var out strings.Builder
	for i, x := range b {
		if i > 0 {
			out.WriteString(", ")
		}
		out.WriteString("0x" + hex.EncodeToString([]byte{x}))
	}
	return out.String()
}

// orZero is a literal where "" will not do.
func (f *file) orZero(s *avsc.Schema, text string) string {
	switch {
	case text != "":
		return text
	case s.Kind == avsc.Null:
		return "struct{}{}"
	case f.typ(s)[0] == '*' || f.model.unions[s] != nil:
		return "nil"
	}
	return f.typ(s) + "{}"
}

func (f *file) mapLiteral(s *avsc.Schema, entries []avsc.Entry) string {
	entries = slices.Clone(entries)
	slices.SortFunc(entries, func(a, b avsc.Entry) int { return strings.Compare(a.Key, b.Key) })
	elements := make([]string, len(entries))
	for i, e := range entries {
		elements[i] = fmt.Sprintf("{Key: %s, Value: %s}", strconv.Quote(e.Key), f.orZero(s.Items, f.literal(s.Items, e.Value)))
	}
	return f.typ(s) + "{" + strings.Join(elements, ", ") + "}"
}

func (f *file) recordLiteral(s *avsc.Schema, values []any) string {
	s = f.model.of(s)
	var elements []string
	for i, name := range fieldNames(s) {
		if text := f.literal(s.Fields[i].Type, values[i]); text != "" {
			elements = append(elements, name+": "+text)
		}
	}
	return f.typ(s) + "{" + strings.Join(elements, ", ") + "}"
}

func (f *file) unionLiteral(s *avsc.Schema, v avsc.Branch) string {
	b := s.Branches[v.Index]
	text := f.literal(b, v.Value)
	_, _, isNullable := nullable(s)
	switch u := f.model.unions[s]; {
	case b.Kind == avsc.Null, u == nil && !isNullable:
		return text
	case b.Kind == avsc.Record:
		return "&" + text
	case u == nil:
		return fmt.Sprintf("%s{Value: %s, Set: true}", f.typ(s), f.orZero(b, text))
	case u.wrappers[v.Index] != "":
		return fmt.Sprintf("%s{Value: %s}", u.wrappers[v.Index], f.orZero(b, text))
	}
	return text // an enum or a fixed
}

func (f *file) logicalLiteral(s *avsc.Schema, v any) string {
	l, typ := f.model.logical(s), f.typ(s)
	switch v := v.(type) {
	case string:
		u, err := uuid.Parse(v)
		if err != nil {
			f.model.fail(fmt.Errorf("avro schema: %s: the default of this uuid, %q, is none", s.Position, v))
		}
		return typ + "{" + list(u[:]) + "}"
	case []byte:
		e := binary.LittleEndian
		switch l {
		case "uuid":
			return typ + "{" + list(v) + "}"
		case "duration":
			return fmt.Sprintf("%s{Months: %d, Days: %d, Milliseconds: %d}", typ, e.Uint32(v), e.Uint32(v[4:]), e.Uint32(v[8:]))
		}
		return decimalLiteral(s, v)
	case int32:
		if l == "date" {
			return fmt.Sprintf("time.Unix(%d, 0).UTC()", int64(v)*24*60*60)
		}
		return fmt.Sprintf("%d * time.Millisecond", v)
	case int64:
		switch {
		case l == "time-micros":
			if d := time.Duration(v) * time.Microsecond; d.Microseconds() != v {
				f.model.fail(fmt.Errorf("avro schema: %s: the default of this time-micros, %d, is too long for a time.Duration", s.Position, v))
			}
			return fmt.Sprintf("%d * time.Microsecond", v)
		case strings.HasSuffix(l, "millis"):
			return fmt.Sprintf("time.UnixMilli(%d).UTC()", v)
		case strings.HasSuffix(l, "micros"):
			return fmt.Sprintf("time.UnixMicro(%d).UTC()", v)
		}
		return fmt.Sprintf("time.Unix(0, %d).UTC()", v)
	}
	return ""
}

func decimalLiteral(s *avsc.Schema, b []byte) string {
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(s.Scale)), nil)
	if n.IsInt64() && scale.IsInt64() {
		return fmt.Sprintf("big.NewRat(%d, %d)", n, scale)
	}
	return fmt.Sprintf("func() *big.Rat { v, _ := new(big.Rat).SetString(\"%d/%d\"); return v }()", n, scale)
}
