package avsc

import "strconv"

// Full is the schema as JSON with all that its text said: documentation, orders,
// aliases and unknown attributes. Names are resolved and every type is defined
// where it comes first. It is what Java's Schema.toString writes.
func (s *Schema) Full() string {
	w := fullWriter{writer: writer{seen: map[string]bool{}}, docs: true}
	w.schema(s, "")
	return w.String()
}

// identity is the text of what has to be equal for two definitions of one name
// to be one type, by Java's measure: all but documentation, aliases, the default
// of an enum and whether a record is an error. Other named types are referred to.
func (s *Schema) identity() string {
	w := fullWriter{writer: writer{seen: map[string]bool{}}, root: s}
	w.schema(s, "")
	return w.String()
}

type fullWriter struct {
	writer
	docs bool    // with documentation and aliases
	root *Schema // if not nil, the only named type that is written out
}

func (w *fullWriter) schema(s *Schema, space string) {
	switch {
	case s.IsNamed():
		w.definition(s, space)
	case s.Kind == Union:
		w.WriteByte('[')
		for i, b := range s.Branches {
			w.comma(i)
			w.schema(b, space)
		}
		w.WriteByte(']')
	case s.Items == nil && len(s.Properties) == 0:
		w.text(s.Kind.String())
	default:
		w.WriteString(`{"type":`)
		w.text(s.Kind.String())
		if s.Items != nil {
			w.key("items", "values", s.Kind == Array)
			w.schema(s.Items, space)
		}
		w.properties(s.Properties)
		w.WriteByte('}')
	}
}

func (w *fullWriter) key(one, other string, first bool) {
	if !first {
		one = other
	}
	w.WriteString(`,"` + one + `":`)
}

func (w *fullWriter) definition(s *Schema, space string) {
	own := namespace(s.Name)
	if w.seen[s.Name] || w.root != nil && w.root != s {
		w.text(w.relative(s.Name, space))
		return
	}
	w.seen[s.Name] = true
	w.WriteString(`{"type":`)
	if s.IsError && w.docs {
		w.text("error")
	} else {
		w.text(s.Kind.String())
	}
	w.WriteString(`,"name":`)
	w.text(Short(s.Name))
	if own != space {
		w.WriteString(`,"namespace":`)
		w.text(own)
	}
	w.doc(s.Doc, s.hasDoc)
	switch s.Kind {
	case Record:
		w.WriteString(`,"fields":[`)
		for i, f := range s.Fields {
			w.comma(i)
			w.field(f, own)
		}
		w.WriteByte(']')
	case Enum:
		w.WriteString(`,"symbols":`)
		w.list(s.Symbols)
		if s.Default != "" && w.docs {
			w.WriteString(`,"default":`)
			w.text(s.Default)
		}
	case Fixed:
		w.WriteString(`,"size":` + strconv.Itoa(s.Size))
	}
	w.properties(s.Properties)
	if w.docs && len(s.Aliases) > 0 {
		list := make([]string, len(s.Aliases))
		for i, a := range s.Aliases {
			list[i] = w.relative(a, own)
			if own != "" && namespace(a) == "" {
				list[i] = "." + a
			}
		}
		w.texts("aliases", list)
	}
	w.WriteByte('}')
}

// relative is the name without the namespace that it stands in, unless it would
// be taken for a type of Avro's.
func (w *fullWriter) relative(name, space string) string {
	short := Short(name)
	if namespace(name) != space || space == "" {
		return name
	}
	for _, k := range kindNames {
		if k == short {
			return name
		}
	}
	return short
}

func (w *fullWriter) field(f *Field, space string) {
	w.WriteString(`{"name":`)
	w.text(f.Name)
	w.WriteString(`,"type":`)
	w.schema(f.Type, space)
	w.doc(f.Doc, f.hasDoc)
	if f.HasDefault {
		w.WriteString(`,"default":`)
		w.value(f.Default)
	}
	if f.Order != "" {
		w.WriteString(`,"order":`)
		w.text(f.Order)
	}
	w.properties(f.Properties)
	if w.docs {
		w.texts("aliases", f.Aliases)
	}
	w.WriteByte('}')
}

func (w *fullWriter) doc(text string, has bool) {
	if has && w.docs {
		w.WriteString(`,"doc":`)
		w.text(text)
	}
}

func (w *fullWriter) properties(list []Property) {
	for _, p := range list {
		w.WriteByte(',')
		w.text(p.Key)
		w.WriteByte(':')
		w.compact(p.Value)
	}
}
