package avsc

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// Canonical is the Parsing Canonical Form: the text of what matters to who
// reads the data. Two schemas with the same canonical form write the same
// bytes. Defaults, aliases and logical types are not in it.
func (s *Schema) Canonical() string {
	w := writer{seen: map[string]bool{}, canonical: true}
	w.schema(s)
	return w.String()
}

// Text is the schema as JSON without references to other texts: every type is
// defined where it comes first. Documentation and unknown attributes are left
// out.
func (s *Schema) Text() string {
	w := writer{seen: map[string]bool{}}
	w.schema(s)
	return w.String()
}

type writer struct {
	bytes.Buffer
	seen      map[string]bool
	canonical bool
}

func (w *writer) schema(s *Schema) {
	if s.IsNamed() && w.seen[s.Name] {
		w.text(s.Name)
		return
	}
	switch s.Kind {
	case Record, Enum, Fixed:
		w.named(s)
	case Array:
		w.WriteString(`{"type":"array","items":`)
		w.schema(s.Items)
		w.logical(s)
		w.WriteByte('}')
	case Map:
		w.WriteString(`{"type":"map","values":`)
		w.schema(s.Items)
		w.logical(s)
		w.WriteByte('}')
	case Union:
		w.WriteByte('[')
		for i, b := range s.Branches {
			w.comma(i)
			w.schema(b)
		}
		w.WriteByte(']')
	default:
		if s.Logical == "" || w.canonical {
			w.text(s.Kind.String())
			return
		}
		w.WriteString(`{"type":`)
		w.text(s.Kind.String())
		w.logical(s)
		w.WriteByte('}')
	}
}

func (w *writer) named(s *Schema) {
	w.seen[s.Name] = true
	w.WriteString(`{"name":`)
	w.text(s.Name)
	// A type without a namespace says so, or it would be read into that of
	// the type around it. The canonical form has no way to.
	if !w.canonical && namespace(s.Name) == "" {
		w.WriteString(`,"namespace":""`)
	}
	w.WriteString(`,"type":`)
	w.text(s.Kind.String())
	if !w.canonical {
		w.texts("aliases", s.Aliases)
	}
	switch s.Kind {
	case Record:
		w.fields(s)
	case Enum:
		w.WriteString(`,"symbols":`)
		w.list(s.Symbols)
		if s.Default != "" && !w.canonical {
			w.WriteString(`,"default":`)
			w.text(s.Default)
		}
	case Fixed:
		w.WriteString(`,"size":`)
		w.WriteString(strconv.Itoa(s.Size))
	}
	w.logical(s)
	w.WriteByte('}')
}

func (w *writer) fields(s *Schema) {
	w.WriteString(`,"fields":[`)
	for i, f := range s.Fields {
		w.comma(i)
		w.WriteString(`{"name":`)
		w.text(f.Name)
		w.WriteString(`,"type":`)
		w.schema(f.Type)
		if !w.canonical {
			w.texts("aliases", f.Aliases)
			if f.HasDefault {
				w.WriteString(`,"default":`)
				w.value(f.Default)
			}
		}
		w.WriteByte('}')
	}
	w.WriteByte(']')
}

func (w *writer) logical(s *Schema) {
	if w.canonical || s.Logical == "" {
		return
	}
	w.WriteString(`,"logicalType":`)
	w.text(s.Logical)
	if s.Logical == "decimal" {
		w.WriteString(`,"precision":` + strconv.Itoa(s.Precision) + `,"scale":` + strconv.Itoa(s.Scale))
	}
}

func (w *writer) texts(key string, list []string) {
	if len(list) > 0 {
		w.WriteString(`,"` + key + `":`)
		w.list(list)
	}
}

func (w *writer) list(list []string) {
	w.WriteByte('[')
	for i, t := range list {
		w.comma(i)
		w.text(t)
	}
	w.WriteByte(']')
}

func (w *writer) comma(i int) {
	if i > 0 {
		w.WriteByte(',')
	}
}

func (w *writer) text(t string) { w.value(t) }

// compact writes JSON without blanks. The parser has taken it, so it is JSON.
func (w *writer) compact(text string) { _ = json.Compact(&w.Buffer, []byte(text)) }

// value writes a value that came out of encoding/json, which therefore can
// write it.
func (w *writer) value(v any) {
	enc := json.NewEncoder(&w.Buffer)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
	w.Truncate(w.Len() - 1) // the encoder's newline
}
