package avsc

import "fmt"

// link does what needs all types to be known: references to types that are
// defined further down, second definitions, unions, sizes and defaults.
func (p *parser) link(list []*Schema) error {
	for _, r := range p.open {
		if *r.to = p.names[r.name]; *r.to == nil {
			return r.at.errorf(Undefined, "type %q is not defined", r.name)
		}
	}
	for _, d := range p.twice {
		if d.first.Kind != d.second.Kind || d.first.identity() != d.second.identity() {
			return d.at.errorf(Redefined, "%q is defined twice, and not in the same way (first at %s)", d.second.Name, d.first.Position)
		}
	}
	for _, u := range p.unions {
		if err := u.check(); err != nil {
			return err
		}
	}
	for _, s := range list {
		if err := nesting(s, map[*Schema]bool{}, 0); err != nil {
			return err
		}
	}
	// Types of references are shared, and linked already.
	var fresh []*Schema
	for _, s := range list {
		s.size()
		for _, t := range s.Types() {
			if !t.linked {
				t.linked = true
				fresh = append(fresh, t)
			}
		}
	}
	values(fresh)
	return p.defaults()
}

func (u union) check() error {
	seen := make(map[string]bool, len(u.of.Branches))
	for i, b := range u.of.Branches {
		at := u.at.element(u.at.list[i], "", i)
		if b.Kind == Union {
			return at.errorf(BadUnion, "a union directly in a union")
		}
		if seen[b.Label()] {
			return at.errorf(BadUnion, "%s is in the union twice; only records, enums and fixed of different names may be", b.Label())
		}
		seen[b.Label()] = true
	}
	return nil
}

// nesting refuses types that are deeper in each other than any text may be,
// which references to later definitions allow.
func nesting(s *Schema, seen map[*Schema]bool, depth int) error {
	if depth > maxNesting {
		return &Error{NestedTooDeep, s.Position, "/", fmt.Sprintf("types are nested deeper than %d levels", maxNesting)}
	}
	if s.IsNamed() {
		if seen[s] {
			return nil
		}
		seen[s] = true
	}
	var err error
	s.inner(func(e *Schema) {
		if err == nil {
			err = nesting(e, seen, depth+1)
		}
	})
	return err
}

// inner calls f for the types that s is directly made of.
func (s *Schema) inner(f func(*Schema)) {
	for _, field := range s.Fields {
		f(field.Type)
	}
	if s.Items != nil {
		f(s.Items)
	}
	for _, b := range s.Branches {
		f(b)
	}
}

// Types are the named types in the schema, each once, in the order in which they
// appear when references are followed.
func (s *Schema) Types() (list []*Schema) {
	if s == nil {
		return nil
	}
	seen := map[*Schema]bool{}
	var visit func(*Schema)
	visit = func(s *Schema) {
		if s.IsNamed() {
			if seen[s] {
				return
			}
			seen[s] = true
			list = append(list, s)
		}
		s.inner(visit)
	}
	visit(s)
	return list
}

// HasValue is whether the type has a value at all. A record that contains
// itself without a union, array or map in between has none: it would never end.
// So has a union without branches, and what contains one.
func (s *Schema) HasValue() bool {
	switch s.Kind {
	case Union:
		for _, b := range s.Branches {
			if b.HasValue() {
				return true
			}
		}
		return false
	case Record, Enum:
		return s.finite
	}
	return true
}

// values finds the records that have a value: those whose fields all have one.
// Enums without symbols have none.
func values(types []*Schema) {
	var open []*Schema
	for _, t := range types {
		switch t.Kind {
		case Enum:
			t.finite = len(t.Symbols) > 0
		case Record:
			open = append(open, t)
		}
	}
	for found := true; found; {
		found = false
		// Backwards, since inner types mostly come later.
		for i := len(open) - 1; i >= 0; i-- {
			if r := open[i]; !r.finite && allHaveValues(r.Fields) {
				r.finite, found = true, true
			}
		}
	}
}

func allHaveValues(fields []*Field) bool {
	for _, f := range fields {
		if !f.Type.HasValue() {
			return false
		}
	}
	return true
}

// maxMinSize keeps the sum of many large fixed fields from overflowing.
const maxMinSize = 1 << 40

// size fills in MinSize. A record inside of itself counts as 0 there: between
// the two is a union, array or map, which has a byte of its own, or the type
// has no values.
func (s *Schema) size() int {
	if s.sized {
		return s.MinSize
	}
	s.sized = true
	n := 1
	switch s.Kind {
	case Null:
		n = 0
	case Float:
		n = 4
	case Double:
		n = 8
	case Fixed:
		n = s.Size
	case Array, Map:
		s.Items.size()
	case Record:
		n = 0
		for _, f := range s.Fields {
			n = min(n+f.Type.size(), maxMinSize)
		}
	case Union:
		least := maxMinSize
		for _, b := range s.Branches {
			least = min(least, b.size())
		}
		n += least
	}
	s.MinSize = n
	return n
}
