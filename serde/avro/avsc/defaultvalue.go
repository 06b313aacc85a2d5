package avsc

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// Branch is a value of a union.
type Branch struct {
	Index int // of the branch
	Value any
}

// Entry is a value of a map with its key.
type Entry struct {
	Key   string
	Value any
}

// maxDefault bounds the values in one default, where a record's default is filled
// up by those of its fields.
const maxDefault = 1 << 20

// DefaultValue is the default of a field as a value of its type:
//
//   - null nil, boolean bool, int int32, long int64, float float32, double float64
//   - bytes and fixed []byte, string and enum string
//   - array []any, map []Entry in the order of the text
//   - record []any with the value of every field
//   - union [Branch]: the first branch that the default is a value of
//
// Unlike Parse it is strict: a symbol has to be one of the enum's, a text as long
// as the fixed, and characters of bytes below U+0100. Fields that a record's
// default leaves out take their own default. It is an error if the field has no
// default. The result is the caller's to read, not to modify.
func (f *Field) DefaultValue() (any, error) {
	if !f.HasDefault {
		return nil, fmt.Errorf("avro schema: field %s has no default", f.Name)
	}
	b := builder{done: map[pair]built{}, busy: map[*Field]bool{}}
	v := b.value(f.Type, f.def.node)
	if v.problem == "" && v.count > maxDefault {
		v.problem = fmt.Sprintf("of more than %d values", maxDefault)
	}
	if v.problem != "" {
		return nil, f.def.errorf(BadDefault, "field %s: default %s cannot be used: %s", f.Name, f.def.show(), v.problem)
	}
	return v.value, nil
}

type built struct {
	value   any
	count   int
	problem string
}

// builder makes values of defaults. As in checker, what is known is kept.
type builder struct {
	done map[pair]built
	busy map[*Field]bool
}

func (b *builder) value(s *Schema, n *node) built {
	key := pair{s, n}
	v, ok := b.done[key]
	if !ok {
		v = b.make(s, n)
		b.done[key] = v
	}
	return v
}

func wrong(format string, args ...any) built { return built{problem: fmt.Sprintf(format, args...)} }

func (b *builder) make(s *Schema, n *node) built {
	switch s.Kind {
	case Array:
		if !n.isList() {
			return wrong("an array is written as a list")
		}
		return b.list(len(n.list), func(i int) built { return b.value(s.Items, n.list[i]) })
	case Map:
		if !n.isObject() {
			return wrong("a map is written as an object")
		}
		all := b.list(len(n.keys), func(i int) built { return b.value(s.Items, n.members[n.keys[i]]) })
		if list, ok := all.value.([]any); ok {
			entries := make([]Entry, len(list))
			for i, v := range list {
				entries[i] = Entry{n.keys[i], v}
			}
			all.value = entries
		}
		return all
	case Record:
		if !n.isObject() {
			return wrong("record %s is written as an object", s.Name)
		}
		return b.list(len(s.Fields), func(i int) built { return b.field(s, s.Fields[i], n) })
	case Union:
		for i, branch := range s.Branches {
			if v := b.value(branch, n); v.problem == "" {
				v.value = Branch{i, v.value}
				return v
			}
		}
		return wrong("it is a value of no branch of the union")
	}
	v, problem := scalar(s, n.value)
	return built{v, 1, problem}
}

func (b *builder) list(size int, element func(i int) built) built {
	all := built{count: 1}
	list := make([]any, size)
	for i := range list {
		v := element(i)
		if v.problem != "" {
			return v
		}
		list[i] = v.value
		all.count = min(all.count+v.count, maxDefault+1)
	}
	all.value = list
	return all
}

func (b *builder) field(s *Schema, f *Field, n *node) built {
	if m := n.member(f.Name); m != nil {
		return b.value(f.Type, m)
	}
	switch {
	case !f.HasDefault:
		return wrong("field %s of record %s is missing and has no default", f.Name, s.Name)
	case b.busy[f]:
		return wrong("the default of field %s of record %s contains itself", f.Name, s.Name)
	}
	b.busy[f] = true
	defer delete(b.busy, f)
	return b.value(f.Type, f.def.node)
}

func scalar(s *Schema, v any) (value any, problem string) {
	switch s.Kind {
	case Null:
		if v == nil {
			return nil, ""
		}
	case Boolean:
		if b, ok := v.(bool); ok {
			return b, ""
		}
	case Int, Long:
		return integral(s, v)
	case Float, Double:
		return floating(s, v)
	default:
		if text, ok := v.(string); ok {
			return textual(s, text)
		}
	}
	return nil, "it is no " + s.Kind.String()
}

func integral(s *Schema, v any) (any, string) {
	n, _ := v.(json.Number)
	if s.Kind == Int {
		if i, ok := whole(n, 32); ok {
			return int32(i), ""
		}
	} else if i, ok := whole(n, 64); ok {
		return i, ""
	}
	return nil, "it is no " + s.Kind.String()
}

func floating(s *Schema, v any) (any, string) {
	bits := 64
	if s.Kind == Float {
		bits = 32
	}
	var f float64
	switch v := v.(type) {
	case json.Number:
		f, _ = strconv.ParseFloat(v.String(), bits) // out of range is infinite
	case float64:
		f = v
	default:
		return nil, "it is no " + s.Kind.String()
	}
	if s.Kind == Float {
		return float32(f), ""
	}
	return f, ""
}

func textual(s *Schema, text string) (any, string) {
	switch s.Kind {
	case String:
		return text, ""
	case Enum:
		for _, y := range s.Symbols {
			if y == text {
				return text, ""
			}
		}
		return nil, fmt.Sprintf("%q is no symbol of enum %s", text, s.Name)
	}
	b := make([]byte, 0, len(text))
	for _, r := range text {
		if r > 0xff {
			return nil, fmt.Sprintf("%q is no byte: bytes are written as the characters U+0000 to U+00FF", r)
		}
		b = append(b, byte(r))
	}
	if s.Kind == Fixed && len(b) != s.Size {
		return nil, fmt.Sprintf("%d bytes for fixed %s of %d", len(b), s.Name, s.Size)
	}
	return b, ""
}
