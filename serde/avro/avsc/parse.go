package avsc

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// Parse reads the text of a schema. Named types of the references may be used
// in it without a definition, as with a registry's schema references.
//
// The defaults of fields are kept but not checked against their type. An error
// says where in the schema it is.
func Parse(text string, references ...*Schema) (*Schema, error) {
	p := parser{names: map[string]*Schema{}}
	for _, r := range references {
		p.know(r)
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("avro schema: not JSON: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("avro schema: not JSON: text after the schema")
	}
	s, err := p.schema(v, "")
	if err != nil {
		return nil, fmt.Errorf("avro schema: %w", err)
	}
	s.size()
	return s, nil
}

type parser struct {
	names map[string]*Schema
	depth int
}

// maxNesting bounds the recursion over a schema's text; encoding/json has its
// own bound for the text.
const maxNesting = 1000

// know adds the named types of a schema.
func (p *parser) know(s *Schema) {
	if s == nil {
		return
	}
	if s.Name != "" {
		if p.names[s.Name] != nil {
			return
		}
		p.names[s.Name] = s
	}
	for _, f := range s.Fields {
		p.know(f.Type)
	}
	for _, b := range s.Branches {
		p.know(b)
	}
	p.know(s.Items)
}

func (p *parser) schema(v any, space string) (*Schema, error) {
	if p.depth++; p.depth > maxNesting {
		return nil, fmt.Errorf("nested deeper than %d levels", maxNesting)
	}
	defer func() { p.depth-- }()
	switch v := v.(type) {
	case string:
		return p.reference(v, space)
	case []any:
		return p.union(v, space)
	case map[string]any:
		return p.object(v, space)
	}
	return nil, fmt.Errorf("a type is a name, an object or a list, not %s", show(v))
}

func (p *parser) reference(name, space string) (*Schema, error) {
	if k, ok := primitive(name); ok {
		return &Schema{Kind: k}, nil
	}
	full := strings.TrimPrefix(name, ".")
	if !strings.Contains(name, ".") && space != "" {
		full = space + "." + name
	}
	if s := p.names[full]; s != nil {
		return s, nil
	}
	return nil, fmt.Errorf("type %q is not defined before its use", full)
}

func primitive(name string) (Kind, bool) {
	for k := Null; k <= String; k++ {
		if kindNames[k] == name {
			return k, true
		}
	}
	return 0, false
}

func (p *parser) union(list []any, space string) (*Schema, error) {
	s := &Schema{Kind: Union}
	seen := map[string]bool{}
	for i, v := range list {
		b, err := p.schema(v, space)
		if err != nil {
			return nil, fmt.Errorf("branch %d: %w", i, err)
		}
		if b.Kind == Union {
			return nil, fmt.Errorf("branch %d: a union directly in a union", i)
		}
		if seen[b.Label()] {
			return nil, fmt.Errorf("branch %d: a second %s in one union", i, b.Label())
		}
		seen[b.Label()] = true
		s.Branches = append(s.Branches, b)
	}
	return s, nil
}

func (p *parser) object(m map[string]any, space string) (*Schema, error) {
	name, ok := m["type"].(string)
	if !ok {
		if m["type"] == nil {
			return nil, errors.New(`an object without "type"`)
		}
		return nil, fmt.Errorf(`"type" in an object is a name, not %s`, show(m["type"]))
	}
	var s *Schema
	var err error
	switch name {
	case "record", "error":
		return p.record(m, space)
	case "enum":
		s, err = p.enum(m, space)
	case "fixed":
		s, err = p.fixed(m, space)
	case "array":
		s, err = p.items(Array, "items", m, space)
	case "map":
		s, err = p.items(Map, "values", m, space)
	default:
		k, ok := primitive(name)
		if !ok {
			return nil, fmt.Errorf("unknown type %q", name)
		}
		s = &Schema{Kind: k}
	}
	if err != nil {
		return nil, err
	}
	s.logical(m)
	return s, nil
}

func (s *Schema) logical(m map[string]any) {
	s.Logical, _ = m["logicalType"].(string)
	s.Precision, _ = integer(m["precision"])
	s.Scale, _ = integer(m["scale"])
}

func (p *parser) items(k Kind, key string, m map[string]any, space string) (*Schema, error) {
	v, ok := m[key]
	if !ok {
		return nil, fmt.Errorf("%s without %q", article(k), key)
	}
	of, err := p.schema(v, space)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return &Schema{Kind: k, Items: of}, nil
}

// named reads what named types have in common and registers the type, before
// its fields are read: they may refer to it.
func (p *parser) named(k Kind, m map[string]any, space string) (*Schema, error) {
	name, ok := m["name"].(string)
	if !ok {
		return nil, fmt.Errorf("%s without a name", article(k))
	}
	if own, ok := m["namespace"].(string); ok && !strings.Contains(name, ".") {
		space = own
	}
	full, err := fullName(name, space)
	if err != nil {
		return nil, err
	}
	if _, ok := primitive(full); ok {
		return nil, fmt.Errorf("%q is the name of a primitive type", full)
	}
	if p.names[full] != nil {
		return nil, fmt.Errorf("%q is defined twice", full)
	}
	s := &Schema{Kind: k, Name: full}
	s.Doc, _ = m["doc"].(string)
	aliases, err := texts(m, "aliases")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", full, err)
	}
	for _, a := range aliases {
		a, err := fullName(a, namespace(full))
		if err != nil {
			return nil, fmt.Errorf("%s: alias: %w", full, err)
		}
		s.Aliases = append(s.Aliases, a)
	}
	p.names[full] = s
	return s, nil
}

func fullName(name, space string) (string, error) {
	full := name
	if space != "" && !strings.Contains(name, ".") {
		full = space + "." + name
	}
	full = strings.TrimPrefix(full, ".")
	for part := range strings.SplitSeq(full, ".") {
		if !isName(part) {
			return "", fmt.Errorf("%q is not a name", full)
		}
	}
	return full, nil
}

// isName follows Java, which takes letters and digits of any script.
func isName(s string) bool {
	for i, r := range s {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return false
		}
	}
	return s != ""
}

func (p *parser) record(m map[string]any, space string) (*Schema, error) {
	s, err := p.named(Record, m, space)
	if err != nil {
		return nil, err
	}
	list, ok := m["fields"].([]any)
	if !ok {
		return nil, fmt.Errorf("%s: a record needs a list of fields", s.Name)
	}
	seen := map[string]bool{}
	for i, v := range list {
		f, err := p.field(v, namespace(s.Name))
		if err != nil {
			return nil, fmt.Errorf("%s: field %d: %w", s.Name, i, err)
		}
		if seen[f.Name] {
			return nil, fmt.Errorf("%s: field %d: %q is there twice", s.Name, i, f.Name)
		}
		seen[f.Name] = true
		s.Fields = append(s.Fields, f)
	}
	s.logical(m)
	return s, nil
}

func (p *parser) field(v any, space string) (*Field, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("a field is an object, not %s", show(v))
	}
	f := &Field{}
	if f.Name, ok = m["name"].(string); !ok {
		return nil, errors.New("a field without a name")
	}
	if !isName(f.Name) {
		return nil, fmt.Errorf("%q is not a name", f.Name)
	}
	t, ok := m["type"]
	if !ok {
		return nil, fmt.Errorf("%s: no type", f.Name)
	}
	var err error
	if f.Type, err = p.schema(t, space); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	if f.Aliases, err = texts(m, "aliases"); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	switch order, _ := m["order"].(string); strings.ToLower(order) {
	case "", "ascending", "descending", "ignore":
	default:
		return nil, fmt.Errorf("%s: order %q is not ascending, descending or ignore", f.Name, order)
	}
	f.Doc, _ = m["doc"].(string)
	f.Default, f.HasDefault = m["default"]
	return f, nil
}

func (p *parser) enum(m map[string]any, space string) (*Schema, error) {
	s, err := p.named(Enum, m, space)
	if err != nil {
		return nil, err
	}
	if _, ok := m["symbols"]; !ok {
		return nil, fmt.Errorf("%s: an enum needs a list of symbols", s.Name)
	}
	if s.Symbols, err = texts(m, "symbols"); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	seen := map[string]bool{}
	for _, y := range s.Symbols {
		if !isName(y) {
			return nil, fmt.Errorf("%s: symbol %q is not a name", s.Name, y)
		}
		if seen[y] {
			return nil, fmt.Errorf("%s: symbol %q is there twice", s.Name, y)
		}
		seen[y] = true
	}
	// A default that is no text is ignored, as in Java.
	if d, ok := m["default"].(string); ok {
		if s.Default = d; !seen[d] {
			return nil, fmt.Errorf("%s: default %q is not one of the symbols", s.Name, d)
		}
	}
	return s, nil
}

// maxFixed is Java's bound, the length of an array there.
const maxFixed = math.MaxInt32 - 8

func (p *parser) fixed(m map[string]any, space string) (*Schema, error) {
	s, err := p.named(Fixed, m, space)
	if err != nil {
		return nil, err
	}
	n, ok := integer(m["size"])
	if !ok || n < 0 || n > maxFixed {
		return nil, fmt.Errorf("%s: a fixed needs a size from 0 to %d, not %s", s.Name, maxFixed, show(m["size"]))
	}
	s.Size = n
	return s, nil
}

func texts(m map[string]any, key string) ([]string, error) {
	v, ok := m[key]
	if !ok {
		return nil, nil
	}
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("%q is a list of texts, not %s", key, show(v))
	}
	out := make([]string, len(list))
	for i, v := range list {
		if out[i], ok = v.(string); !ok {
			return nil, fmt.Errorf("%q is a list of texts and holds %s", key, show(v))
		}
	}
	return out, nil
}

func integer(v any) (int, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	i, err := strconv.Atoi(n.String())
	return i, err == nil
}

func article(k Kind) string {
	if k == Enum || k == Array {
		return "an " + k.String()
	}
	return "a " + k.String()
}

func show(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%T", v)
	}
	if len(b) > 40 {
		b = append(b[:40], "..."...)
	}
	return string(b)
}
