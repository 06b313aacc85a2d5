package avrogen

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"unicode"

	"github.com/streamweir/streamweir/serde/avro/avsc"
)

// Source is a schema file: its name, which is told in errors and makes that of the Go
// file, and its text.
type Source = avsc.Source

// Config says what is generated.
type Config struct {
	Package string // the name of the Go package
	Raw     bool   // no Go types for logical types: what is under them
	Prefix  string // is put before the name of each type
}

// File is a file of Go code.
type File struct {
	Name string // without a folder
	Code []byte
}

// Generate makes a Go file of each schema file. Types of one file may be used in the
// others, in any order of the files. The same sources in the same order give the same
// code.
func Generate(sources []Source, c Config) ([]File, error) {
	own, err := load(sources)
	if err != nil {
		return nil, err
	}
	m := &model{config: c, scope: scope{}, named: map[string]*avsc.Schema{}, names: map[string]goNames{},
		unions: map[*avsc.Schema]*union{}, deep: map[string]bool{}, loops: map[string]bool{}, unionsOf: map[string][]*union{}}
	for i, types := range own {
		if len(types) == 0 {
			return nil, fmt.Errorf("%s: no record, enum or fixed is defined in it that is not in another file: there is no Go type to make", sources[i].Name)
		}
		for _, s := range types {
			m.named[s.Name] = s
			m.order = append(m.order, s)
		}
	}
	m.findLoops()
	m.nameTypes()
	var out []File
	files := scope{}
	for i, types := range own {
		f := &file{model: m}
		f.types(types)
		if m.failed != nil {
			return nil, m.failed
		}
		code, err := f.code(path.Base(sources[i].Name), c.Package)
		if err != nil {
			return nil, err
		}
		out = append(out, File{fileName(sources[i].Name, files), code})
	}
	return out, nil
}

func (m *model) fail(err error) {
	if m.failed == nil {
		m.failed = err
	}
}

// nameTypes gives all their Go names: types first, so that what belongs to one gives
// way to another.
func (m *model) nameTypes() {
	for _, s := range m.order {
		m.names[s.Name] = goNames{typ: m.scope.takeType(m.config.Prefix, s.Name)}
	}
	for _, s := range m.order {
		n := m.names[s.Name]
		switch s.Kind {
		case avsc.Record:
			n.schema = m.scope.take(n.typ + "Schema")
			n.fingerprint = m.scope.take(n.typ + "Fingerprint")
			n.new = m.scope.take("New" + n.typ)
		case avsc.Enum:
			n.parse = m.scope.take("Parse" + n.typ)
			for _, y := range s.Symbols {
				n.constants = append(n.constants, m.scope.take(n.typ+symbol(y)))
			}
		}
		m.names[s.Name] = n
	}
	for _, s := range m.order {
		if s.Kind == avsc.Record {
			goFields := fieldNames(s)
			for i, f := range s.Fields {
				m.nameUnions(f.Type, m.names[s.Name].typ+goFields[i], s.Name+"."+f.Name, func(u *union) {
					m.unionsOf[s.Name] = append(m.unionsOf[s.Name], u)
				})
			}
		}
	}
}

func (f *file) types(list []*avsc.Schema) {
	for _, s := range list {
		switch s.Kind {
		case avsc.Record:
			f.record(s)
			for _, u := range f.model.unionsOf[s.Name] {
				f.union(u)
			}
		case avsc.Enum:
			f.enum(s)
		case avsc.Fixed:
			f.fixed(s)
		}
	}
}

// fileName is inventory_event_avro.go for InventoryEvent.avsc. The end keeps names such as
// x_test and x_linux from meaning something to the go tool.
func fileName(source string, taken scope) string {
	base := strings.TrimSuffix(path.Base(source), ".avsc")
	var words []string
	for _, piece := range strings.FieldsFunc(base, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		words = append(words, camels(piece)...)
	}
	name := strings.ToLower(strings.Join(words, "_"))
	if name == "" {
		name = "schema"
	}
	unique := name
	for i := 2; taken[unique]; i++ {
		unique = name + "_" + strconv.Itoa(i)
	}
	taken[unique] = true
	return unique + "_avro.go"
}

// load parses files that may refer to each other, and returns the types that each
// defines.
func load(sources []Source) ([][]*avsc.Schema, error) {
	if len(sources) == 0 {
		return nil, errors.New("no schema files")
	}
	schemas, err := avsc.ParseAll(sources)
	if err != nil {
		return nil, err
	}
	own := make([][]*avsc.Schema, len(sources))
	seen := map[string]bool{}
	for _, s := range schemas {
		for _, t := range s.Types() {
			if seen[t.Name] {
				continue
			}
			seen[t.Name] = true
			if t.Kind == avsc.Record && !t.HasValue() {
				return nil, endless(t)
			}
			for i := range sources {
				if sources[i].Name == t.Position.File {
					own[i] = append(own[i], t)
				}
			}
		}
	}
	return own, nil
}
