package avsc

import (
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
)

// definition reads a named type. If the name is taken, the type that has it is
// used, and link will see whether the two are the same.
func (p *parser) definition(at *place, space, typ string, to **Schema) error {
	s := &Schema{Kind: Record, IsError: typ == "error", Position: at.position()}
	switch typ {
	case "enum":
		s.Kind = Enum
	case "fixed":
		s.Kind = Fixed
	}
	if err := p.name(at, space, s); err != nil {
		return err
	}
	*to = s
	if first := p.names[s.Name]; first != nil {
		p.twice = append(p.twice, redefinition{at, first, s})
		*to = first
	} else {
		p.names[s.Name] = s
	}
	s.Doc, s.hasDoc = at.text("doc")
	var err error
	switch s.Kind {
	case Record:
		err = p.record(at, s)
	case Enum:
		err = p.enum(at, s)
	default:
		err = fixed(at, s)
	}
	if err != nil {
		return err
	}
	p.properties(at, s)
	p.done[s.Name] = true
	return p.aliases(at, s)
}

// name sets the full name: a name with dots is one, and the last of them ends
// the namespace.
func (p *parser) name(at *place, space string, s *Schema) error {
	name, ok := at.text("name")
	if !ok {
		return at.errorf(BadName, "%s without a name", article(s.Kind))
	}
	if own, ok := at.text("namespace"); ok {
		space = own
	}
	s.Name = qualify(name, space)
	where := at.down(at.member("name"), "name")
	if _, ok := primitive(s.Name); ok {
		return where.errorf(BadName, "%q is the name of a primitive type", s.Name)
	}
	if p.lax {
		return nil
	}
	for part := range strings.SplitSeq(s.Name, ".") {
		if !isName(part) {
			return where.errorf(BadName, "%q is not a name: letters, digits and _, no digit first, parts separated by dots", s.Name)
		}
	}
	return nil
}

func qualify(name, space string) string {
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		name, space = name[i+1:], name[:i]
	}
	if space == "" {
		return name
	}
	return space + "." + name
}

// isName follows Java, which takes letters and digits of any script, but only
// those of 16 bits.
func isName(s string) bool {
	for i, r := range s {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) || utf16.RuneLen(r) != 1 {
			return false
		}
	}
	return s != ""
}

func (p *parser) aliases(at *place, s *Schema) error {
	list, err := aliases(at)
	if err != nil {
		return err
	}
	for i, a := range list {
		full := qualify(a, namespace(s.Name))
		if !p.lax && !isName(Short(full)) {
			where := at.down(at.member("aliases"), "aliases")
			return where.element(where.list[i], "", i).errorf(BadName, "alias %q is not a name", a)
		}
		if !slices.Contains(s.Aliases, full) {
			s.Aliases = append(s.Aliases, full)
		}
	}
	return nil
}

func aliases(at *place) (list []string, err error) {
	n := at.member("aliases")
	if n == nil {
		return nil, nil
	}
	where := at.down(n, "aliases")
	if !n.isList() {
		return nil, where.errorf(BadAlias, "aliases are a list of names, not %s", where.show())
	}
	for i, e := range n.list {
		a, ok := e.value.(string)
		if !ok {
			one := where.element(e, "", i)
			return nil, one.errorf(BadAlias, "an alias is a name, not %s", one.show())
		}
		if !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	return list, nil
}

func (p *parser) record(at *place, s *Schema) error {
	n := at.member("fields")
	if n == nil || !n.isList() {
		return at.errorf(BadType, "record %s has no list of fields", s.Name)
	}
	s.Fields = make([]*Field, len(n.list))
	seen := make(map[string]bool, len(n.list))
	for i, e := range n.list {
		one := at.element(e, "fields", i)
		f := &Field{Position: one.position()}
		s.Fields[i] = f
		if err := p.field(one, namespace(s.Name), f); err != nil {
			return err
		}
		if seen[f.Name] {
			return one.errorf(BadField, "record %s has two fields %q", s.Name, f.Name)
		}
		seen[f.Name] = true
	}
	return nil
}

func (p *parser) field(at *place, space string, f *Field) (err error) {
	var ok bool
	if f.Name, ok = at.text("name"); !ok {
		return at.errorf(BadField, "a field is an object with a name, not %s", at.show())
	}
	if !p.lax && !isName(f.Name) {
		return at.down(at.member("name"), "name").errorf(BadName, "field %q: not a name: letters, digits and _, no digit first", f.Name)
	}
	t := at.member("type")
	if t == nil {
		return at.errorf(BadField, "field %s has no type", f.Name)
	}
	if err := p.schema(at.down(t, "type"), space, &f.Type); err != nil {
		return err
	}
	if o := at.member("order"); o != nil {
		text, _ := o.value.(string)
		switch f.Order = strings.ToLower(text); f.Order {
		case "ascending":
			f.Order = ""
		case "descending", "ignore":
		default:
			where := at.down(o, "order")
			return where.errorf(BadField, "field %s: order %s is not ascending, descending or ignore", f.Name, where.show())
		}
	}
	f.Doc, f.hasDoc = at.text("doc")
	if d := at.member("default"); d != nil {
		f.HasDefault, f.Default, f.def = true, d.plain(), at.down(d, "default")
		p.fields = append(p.fields, f)
	}
	f.Properties = properties(at, func(key string) bool {
		switch key {
		case "name", "type", "doc", "default", "order", "aliases":
			return true
		}
		return false
	})
	f.Aliases, err = aliases(at)
	return err
}

func (p *parser) enum(at *place, s *Schema) error {
	n := at.member("symbols")
	if n == nil || !n.isList() {
		return at.errorf(BadEnum, "enum %s has no list of symbols", s.Name)
	}
	seen := make(map[string]bool, len(n.list))
	for i, e := range n.list {
		one := at.element(e, "symbols", i)
		y, ok := e.value.(string)
		switch {
		case !ok && p.lax:
			y = "null" // what Java makes of it
		case !p.lax && !isName(y):
			return one.errorf(BadName, "enum %s: symbol %s is not a name", s.Name, one.show())
		}
		if seen[y] {
			return one.errorf(BadEnum, "enum %s has two symbols %q", s.Name, y)
		}
		seen[y] = true
		s.Symbols = append(s.Symbols, y)
	}
	// A default that is no text is ignored, as in Java.
	if d, ok := at.text("default"); ok {
		if s.Default = d; !seen[d] {
			return at.down(at.member("default"), "default").errorf(BadEnum, "enum %s: default %q is not one of the symbols", s.Name, d)
		}
	}
	return nil
}

// maxFixed is Java's bound, the length of an array there.
const maxFixed = math.MaxInt32 - 8

func fixed(at *place, s *Schema) error {
	n, ok := at.member("size").integer()
	if !ok || n < 0 || n > maxFixed {
		return at.errorf(BadFixed, "fixed %s needs a size from 0 to %d", s.Name, maxFixed)
	}
	s.Size = n
	return nil
}
