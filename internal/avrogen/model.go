package avrogen

import "github.com/streamweir/streamweir/serde/avro/avsc"

// model is what is known of the types of all files before code is written.
type model struct {
	config Config
	scope  scope
	named  map[string]*avsc.Schema // by full name
	order  []*avsc.Schema          // named types as they appear
	names  map[string]goNames      // by full name
	unions map[*avsc.Schema]*union // general unions
	deep   map[string]bool         // records that contain one of loops, or are one
	loops  map[string]bool         // records that may contain themselves

	unionsOf map[string][]*union // those in a record's fields
	failed   error               // the first, of a default
}

// goNames are the names that belong to a named type.
type goNames struct {
	typ                      string
	schema, fingerprint, new string   // of a record
	parse                    string   // of an enum
	constants                []string // of an enum
}

// of returns the definition of a named type that counts, and any other schema itself.
func (m *model) of(s *avsc.Schema) *avsc.Schema {
	if s.IsNamed() {
		return m.named[s.Name]
	}
	return s
}

// nullable tells whether s is a union of null and one other type, and the position of
// that.
func nullable(s *avsc.Schema) (value *avsc.Schema, at int, ok bool) {
	if s.Kind != avsc.Union || len(s.Branches) != 2 {
		return nil, 0, false
	}
	for i, b := range s.Branches {
		if b.Kind == avsc.Null {
			return s.Branches[1-i], 1 - i, true
		}
	}
	return nil, 0, false
}

// sole returns the branch of a union of one, which is no union in Go.
func sole(s *avsc.Schema) (*avsc.Schema, bool) {
	if s.Kind == avsc.Union && len(s.Branches) == 1 {
		return s.Branches[0], true
	}
	return nil, false
}

// parts are the schemas that a schema is made of.
func parts(s *avsc.Schema) []*avsc.Schema {
	switch s.Kind {
	case avsc.Record:
		out := make([]*avsc.Schema, len(s.Fields))
		for i, f := range s.Fields {
			out[i] = f.Type
		}
		return out
	case avsc.Array, avsc.Map:
		return []*avsc.Schema{s.Items}
	}
	return s.Branches
}

// records adds the records that a value of s may hold without one between.
func (m *model) records(s *avsc.Schema, add func(name string)) {
	for _, p := range parts(s) {
		if p.Kind == avsc.Record {
			add(p.Name)
		} else {
			m.records(p, add)
		}
	}
}

// findLoops fills in loops and deep.
func (m *model) findLoops() {
	direct := map[string][]string{}
	for _, s := range m.order {
		if s.Kind == avsc.Record {
			m.records(s, func(name string) { direct[s.Name] = append(direct[s.Name], name) })
		}
	}
	reached := map[string]map[string]bool{}
	for from := range direct {
		seen := map[string]bool{}
		todo := direct[from]
		for len(todo) > 0 {
			next := todo[len(todo)-1]
			if todo = todo[: len(todo)-1 : len(todo)-1]; !seen[next] {
				seen[next] = true
				todo = append(todo, direct[next]...)
			}
		}
		reached[from] = seen
		m.loops[from] = seen[from]
	}
	for from, seen := range reached {
		m.deep[from] = m.loops[from]
		for name := range seen {
			m.deep[from] = m.deep[from] || m.loops[name]
		}
	}
}

// isDeep tells whether to append a value of s counts how deep it is nested.
func (m *model) isDeep(s *avsc.Schema) bool {
	if s.Kind == avsc.Record {
		return m.deep[s.Name]
	}
	for _, p := range parts(s) {
		if m.isDeep(p) {
			return true
		}
	}
	return false
}

// fails tells whether to append a value of s can fail.
func (m *model) fails(s *avsc.Schema) bool {
	if v, _, ok := nullable(s); ok {
		return m.fails(v)
	}
	if v, ok := sole(s); ok {
		return m.fails(v)
	}
	switch s.Kind {
	case avsc.Enum, avsc.Map, avsc.Union:
		return true
	case avsc.Array:
		return m.fails(s.Items)
	case avsc.Fixed:
		if m.logical(s) == "" && s.Size > maxArray {
			return true
		}
	case avsc.Record:
		if m.deep[s.Name] {
			return true
		}
		for _, f := range m.of(s).Fields {
			if m.fails(f.Type) {
				return true
			}
		}
		return false
	}
	return logicals[m.logical(s)].fails
}

// logical is the logical type of s that has a Go type of its own.
func (m *model) logical(s *avsc.Schema) string {
	if m.config.Raw || logicals[s.Logical].goType == "" {
		return ""
	}
	return s.Logical
}
