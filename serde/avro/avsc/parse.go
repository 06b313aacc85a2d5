package avsc

import (
	"encoding/json"
	"errors"
	"strings"
)

// Source is a text of a schema with the name of its file, which errors repeat.
type Source struct {
	Name, Text string
}

// Parse reads the text of a schema. Named types of the references may be used
// in it without a definition, as with a registry's schema references.
//
// Names and the defaults of fields are checked as Java 1.12 checks them. Every
// error is an [*Error] and says where in the text it is.
func Parse(text string, references ...*Schema) (*Schema, error) {
	return one(Source{Text: text}, false, references)
}

// ParseFile is [Parse] for a text whose name errors are to repeat.
func ParseFile(file Source, references ...*Schema) (*Schema, error) {
	return one(file, false, references)
}

// ParseStored is [Parse] for a schema that data has been written with: names are
// not checked, and defaults only when they are needed. So a registry treats what
// it has stored.
func ParseStored(text string, references ...*Schema) (*Schema, error) {
	return one(Source{Text: text}, true, references)
}

func one(file Source, lax bool, references []*Schema) (*Schema, error) {
	list, err := parseAll([]Source{file}, lax, references)
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// ParseAll reads files that may refer to each other's types, in any order, and
// to the types of the references. It returns a schema per file. A name that
// several files define in the same way is one type.
func ParseAll(files []Source, references ...*Schema) ([]*Schema, error) {
	return parseAll(files, false, references)
}

func parseAll(files []Source, lax bool, references []*Schema) ([]*Schema, error) {
	p := parser{lax: lax, names: map[string]*Schema{}, done: map[string]bool{}}
	for _, r := range references {
		for _, s := range r.Types() {
			if p.names[s.Name] == nil {
				p.names[s.Name] = s
				p.done[s.Name] = true
			}
		}
	}
	list := make([]*Schema, len(files))
	for i, f := range files {
		in := &source{name: f.Name, text: blank(f.Text)}
		n, err := readJSON(in.text)
		if err != nil {
			var e jsonError
			errors.As(err, &e)
			return nil, &Error{NotJSON, in.position(e.at), "/", "not JSON: " + e.message}
		}
		if err := p.schema(&place{n, in, nil, "", -1}, "", &list[i]); err != nil {
			return nil, err
		}
	}
	if err := p.link(list); err != nil {
		return nil, err
	}
	return list, nil
}

// parser reads texts into schemas. What needs all types to be known, link does
// afterwards.
type parser struct {
	lax   bool
	names map[string]*Schema
	done  map[string]bool // the names whose definition has been read to its end

	open   []reference
	unions []union
	twice  []redefinition
	fields []*Field // with defaults
}

// reference is a name that was not known where it stood.
type reference struct {
	at   *place
	name string
	to   **Schema
}

type union struct {
	at *place
	of *Schema
}

type redefinition struct {
	at            *place
	first, second *Schema
}

// schema reads a type into to.
func (p *parser) schema(at *place, space string, to **Schema) error {
	if name, ok := at.value.(string); ok {
		p.reference(at, name, space, to)
		return nil
	}
	switch {
	case at.isList():
		return p.union(at, space, to)
	case at.isObject():
		return p.object(at, space, to)
	}
	return at.errorf(BadType, "a type is a name, an object or a list, not %s", at.show())
}

// reference follows Java: a name without namespace is one of the namespace around
// it, or else one without any if that has been defined before.
func (p *parser) reference(at *place, name, space string, to **Schema) {
	if k, ok := primitive(name); ok {
		*to = &Schema{Kind: k, Position: at.position()}
		return
	}
	full := name
	if space != "" && !strings.Contains(name, ".") {
		full = space + "." + name
	}
	switch {
	case p.names[full] != nil:
		*to = p.names[full]
	case p.done[name]:
		*to = p.names[name]
	default:
		p.open = append(p.open, reference{at, full, to})
	}
}

func primitive(name string) (Kind, bool) {
	for k := Null; k <= String; k++ {
		if kindNames[k] == name {
			return k, true
		}
	}
	return 0, false
}

func (p *parser) union(at *place, space string, to **Schema) error {
	s := &Schema{Kind: Union, Branches: make([]*Schema, len(at.list)), Position: at.position()}
	*to = s
	for i, n := range at.list {
		if err := p.schema(at.element(n, "", i), space, &s.Branches[i]); err != nil {
			return err
		}
	}
	p.unions = append(p.unions, union{at, s})
	return nil
}

func (p *parser) object(at *place, space string, to **Schema) error {
	name, ok := at.text("type")
	if !ok {
		if at.member("type") == nil {
			return at.errorf(BadType, `an object without "type"`)
		}
		return at.errorf(BadType, `"type" in an object is a name, not %s`, at.down(at.member("type"), "type").show())
	}
	switch name {
	case "record", "error", "enum", "fixed":
		return p.definition(at, space, name, to)
	case "array":
		return p.items(at, space, Array, "items", to)
	case "map":
		return p.items(at, space, Map, "values", to)
	}
	k, ok := primitive(name)
	if !ok {
		return at.down(at.member("type"), "type").errorf(BadType,
			"%q is no type; a type that is defined elsewhere is referred to by its name alone, not by an object", name)
	}
	*to = &Schema{Kind: k, Position: at.position()}
	p.properties(at, *to)
	return nil
}

func (p *parser) items(at *place, space string, k Kind, key string, to **Schema) error {
	n := at.member(key)
	if n == nil {
		return at.errorf(BadType, "%s without %q", article(k), key)
	}
	s := &Schema{Kind: k, Position: at.position()}
	*to = s
	if err := p.schema(at.down(n, key), space, &s.Items); err != nil {
		return err
	}
	p.properties(at, s)
	return nil
}

// properties keeps the attributes that have no meaning for the type and sees
// which logical type they make.
func (p *parser) properties(at *place, s *Schema) {
	s.Properties = properties(at, func(key string) bool {
		switch key {
		case "type", "name", "namespace", "doc", "aliases", "fields", "symbols", "size", "items", "values":
			return true
		}
		return key == "default" && s.Kind == Enum
	})
	s.logical(at)
}

func properties(at *place, known func(key string) bool) (list []Property) {
	for _, key := range at.keys {
		if !known(key) {
			n := at.members[key]
			list = append(list, Property{key, at.in.text[n.from:n.to]})
		}
	}
	return list
}

func article(k Kind) string {
	if k == Enum || k == Array {
		return "an " + k.String()
	}
	return "a " + k.String()
}

// integer is not ok if the value is no whole number of 32 bits.
func (n *node) integer() (int, bool) {
	if n == nil {
		return 0, false
	}
	v, ok := n.value.(json.Number)
	if !ok {
		return 0, false
	}
	i, ok := whole(v, 32)
	return int(i), ok
}
