package avrogen

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/streamweir/streamweir/serde/avro/avsc"
)

// maxDefault bounds defaults that hold themselves by the defaults of their fields.
const maxDefault = 100

// literal is the Go expression of a default, as a schema's parser gives it; "" is Go's
// zero value.
func (f *file) literal(s *avsc.Schema, v any, depth int) (string, error) {
	if depth > maxDefault {
		return "", errors.New("it contains itself")
	}
	if s.Kind == avsc.Union {
		return f.unionLiteral(s, v, depth+1)
	}
	if f.model.logical(s) != "" {
		return f.logicalLiteral(s, v)
	}
	switch v := v.(type) {
	case nil:
		if s.Kind == avsc.Null {
			return "", nil
		}
	case bool:
		if s.Kind == avsc.Boolean {
			return strconv.FormatBool(v), nil
		}
	case json.Number:
		return f.number(s, v)
	case string:
		return f.textLiteral(s, v)
	case []any:
		if s.Kind == avsc.Array {
			return f.arrayLiteral(s, v, depth+1)
		}
	case map[string]any:
		switch s.Kind {
		case avsc.Map:
			return f.mapLiteral(s, v, depth+1)
		case avsc.Record:
			return f.recordLiteral(s, v, depth+1)
		}
	}
	text, _ := json.Marshal(v)
	return "", fmt.Errorf("%s is not %s", text, s.Label())
}

func integer(n json.Number, bits int) (int64, error) {
	r, ok := new(big.Rat).SetString(n.String())
	if !ok || !r.IsInt() || !r.Num().IsInt64() || bits == 32 && int64(int32(r.Num().Int64())) != r.Num().Int64() {
		return 0, fmt.Errorf("%s is no number of %d bits", n, bits)
	}
	return r.Num().Int64(), nil
}

func (f *file) number(s *avsc.Schema, n json.Number) (string, error) {
	switch s.Kind {
	case avsc.Int, avsc.Long:
		i, err := integer(n, map[avsc.Kind]int{avsc.Int: 32, avsc.Long: 64}[s.Kind])
		return strconv.FormatInt(i, 10), err
	case avsc.Float, avsc.Double:
		return f.float(s, n.String())
	}
	return "", fmt.Errorf("%s is not %s", n, s.Label())
}

// float takes texts as well: Java's parser reads NaN and infinities from them.
func (f *file) float(s *avsc.Schema, text string) (string, error) {
	bits := map[avsc.Kind]int{avsc.Float: 32, avsc.Double: 64}[s.Kind]
	v, err := strconv.ParseFloat(text, bits)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return "", fmt.Errorf("%q is not %s", text, s.Label())
	}
	code := strconv.FormatFloat(v, 'g', -1, bits)
	switch {
	case v != v:
		code = f.use("math") + ".NaN()"
	case v > 0 && v*0.5 == v:
		code = f.use("math") + ".Inf(1)"
	case v < 0 && v*0.5 == v:
		code = f.use("math") + ".Inf(-1)"
	case code == "-0":
		code = f.use("math") + ".Copysign(0, -1)"
	}
	if bits == 32 && strings.HasPrefix(code, "math.") {
		code = "float32(" + code + ")"
	}
	return code, nil
}

func (f *file) textLiteral(s *avsc.Schema, v string) (string, error) {
	switch s.Kind {
	case avsc.String:
		return strconv.Quote(v), nil
	case avsc.Float, avsc.Double:
		return f.float(s, v)
	case avsc.Enum:
		if i := slices.Index(f.model.of(s).Symbols, v); i >= 0 {
			return f.model.names[s.Name].constants[i], nil
		}
		return "", fmt.Errorf("%q is no symbol of %s", v, s.Name)
	case avsc.Bytes, avsc.Fixed:
		b, err := latin(s, v)
		if err != nil {
			return "", err
		}
		if s.Kind == avsc.Fixed && s.Size <= maxArray {
			return f.typ(s) + "{" + list(b) + "}", nil
		}
		return f.typ(s) + "(" + strconv.Quote(string(b)) + ")", nil
	}
	return "", fmt.Errorf("%q is not %s", v, s.Label())
}

// latin are the bytes of a default, which are characters in a schema.
func latin(s *avsc.Schema, v any) ([]byte, error) {
	text, ok := v.(string)
	if !ok {
		return nil, fmt.Errorf("%v is not %s", v, s.Label())
	}
	var b []byte
	for _, r := range text {
		if r > 0xff {
			return nil, fmt.Errorf("%q is no byte: it is above U+00FF", r)
		}
		b = append(b, byte(r))
	}
	if s.Kind == avsc.Fixed && len(b) != s.Size {
		return nil, fmt.Errorf("%d bytes for %s, which has %d", len(b), s.Name, s.Size)
	}
	return b, nil
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

func (f *file) arrayLiteral(s *avsc.Schema, v []any, depth int) (string, error) {
	var b strings.Builder
	b.WriteString(f.typ(s) + "{")
	for i, x := range v {
		text, err := f.literal(s.Items, x, depth)
		if err != nil {
			return "", fmt.Errorf("[%d]: %w", i, err)
		}
		b.WriteString(f.orZero(s.Items, text) + ", ")
	}
	return strings.TrimSuffix(b.String(), ", ") + "}", nil
}

func (f *file) mapLiteral(s *avsc.Schema, v map[string]any, depth int) (string, error) {
	var b strings.Builder
	b.WriteString(f.typ(s) + "{")
	for i, k := range sorted(v) {
		text, err := f.literal(s.Items, v[k], depth)
		if err != nil {
			return "", fmt.Errorf("[%q]: %w", k, err)
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "{Key: %s, Value: %s}", strconv.Quote(k), f.orZero(s.Items, text))
	}
	return b.String() + "}", nil
}

func sorted(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (f *file) recordLiteral(s *avsc.Schema, v map[string]any, depth int) (string, error) {
	s = f.model.of(s)
	var b strings.Builder
	b.WriteString(f.typ(s) + "{")
	for i, name := range fieldNames(s) {
		field := s.Fields[i]
		x, ok := v[field.Name]
		if !ok {
			if !field.HasDefault {
				return "", fmt.Errorf("no %s in it, which has no default of its own", field.Name)
			}
			x = field.Default
		}
		text, err := f.literal(field.Type, x, depth)
		if err != nil {
			return "", fmt.Errorf("%s: %w", field.Name, err)
		}
		if text != "" {
			fmt.Fprintf(&b, "%s: %s, ", name, text)
		}
	}
	return strings.TrimSuffix(b.String(), ", ") + "}", nil
}

// unionLiteral takes the first branch that the default fits.
func (f *file) unionLiteral(s *avsc.Schema, v any, depth int) (string, error) {
	var first error
	for i, b := range s.Branches {
		text, err := f.literal(b, v, depth)
		if err != nil {
			if first == nil {
				first = err
			}
			continue
		}
		value, _, nullable := nullable(s)
		switch u := f.model.unions[s]; {
		case b.Kind == avsc.Null:
			return "", nil
		case u == nil && !nullable:
			return text, nil
		case b.Kind == avsc.Record:
			return "&" + text, nil
		case u == nil:
			return fmt.Sprintf("%s{Value: %s, Set: true}", f.typ(s), f.orZero(value, text)), nil
		case u.wrappers[i] != "":
			return fmt.Sprintf("%s{Value: %s}", u.wrappers[i], f.orZero(b, text)), nil
		default:
			return text, nil
		}
	}
	return "", fmt.Errorf("it fits no branch: %w", first)
}

func (f *file) logicalLiteral(s *avsc.Schema, v any) (string, error) {
	l := f.model.logical(s)
	typ := f.typ(s)
	switch l {
	case "uuid":
		if s.Kind == avsc.Fixed {
			b, err := latin(s, v)
			return typ + "{" + list(b) + "}", err
		}
		text, _ := v.(string)
		u, err := uuid.Parse(text)
		if err != nil {
			return "", fmt.Errorf("%v is no uuid: %w", v, err)
		}
		return typ + "{" + list(u[:]) + "}", nil
	case "duration":
		b, err := latin(s, v)
		if err != nil {
			return "", err
		}
		n := func(i int) uint32 {
			return uint32(b[i]) | uint32(b[i+1])<<8 | uint32(b[i+2])<<16 | uint32(b[i+3])<<24
		}
		return fmt.Sprintf("%s{Months: %d, Days: %d, Milliseconds: %d}", typ, n(0), n(4), n(8)), nil
	case "decimal":
		return f.decimalLiteral(s, v)
	}
	number, ok := v.(json.Number)
	if !ok {
		return "", fmt.Errorf("%v is not %s", v, s.Label())
	}
	n, err := integer(number, map[avsc.Kind]int{avsc.Int: 32, avsc.Long: 64}[s.Kind])
	unit := l[strings.LastIndexByte(l, '-')+1:]
	switch {
	case l == "date":
		return fmt.Sprintf("time.Unix(%d, 0).UTC()", n*24*60*60), err
	case typ == "time.Duration" && unit == "millis":
		return fmt.Sprintf("%d * time.Millisecond", n), err
	case typ == "time.Duration":
		return fmt.Sprintf("%d * time.Microsecond", n), err
	case unit == "nanos":
		return fmt.Sprintf("time.Unix(0, %d).UTC()", n), err
	}
	return fmt.Sprintf("time.Unix%s(%d).UTC()", map[string]string{"millis": "Milli", "micros": "Micro"}[unit], n), err
}

func (f *file) decimalLiteral(s *avsc.Schema, v any) (string, error) {
	b, err := latin(s, v)
	if err != nil {
		return "", err
	}
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(s.Scale)), nil)
	if n.IsInt64() && scale.IsInt64() {
		return fmt.Sprintf("big.NewRat(%d, %d)", n, scale), nil
	}
	return fmt.Sprintf("func() *big.Rat { v, _ := new(big.Rat).SetString(\"%d/%d\"); return v }()", n, scale), nil
}
