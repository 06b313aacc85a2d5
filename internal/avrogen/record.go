package avrogen

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/streamweir/streamweir/serde/avro/avsc"
)

func (f *file) record(s *avsc.Schema) {
	m, n := f.model, f.model.names[s.Name]
	fields := fieldNames(s)
	f.head(s, n.typ, "the record")
	f.p("type %s struct {", n.typ)
	for i, field := range s.Fields {
		if field.Doc != "" {
			f.doc(field.Doc)
		}
		f.p("%s %s `avro:%s`", fields[i], f.typ(field.Type), strconv.Quote(field.Name))
	}
	f.p("}")
	f.p("")
	f.p("// %s is the schema of [%s].", n.schema, n.typ)
	f.p("// %s is the schema's CRC-64-AVRO.", n.fingerprint)
	f.p("const (")
	f.p("%s = %s", n.schema, quote(s.Full()))
	f.p("%s uint64 = 0x%016x", n.fingerprint, s.Fingerprint())
	f.p(")")
	f.p("")
	f.constructor(s, n, fields)
	f.p("// AvroSchema returns [%s].", n.schema)
	f.p("func (*%s) AvroSchema() string { return %s }", n.typ, n.schema)
	f.p("")
	switch {
	case m.deep[s.Name]:
		f.p("// AppendAvro appends v in Avro's binary encoding. A value that contains itself, or is")
		f.p("// nested deeper than wire.MaxDepth, is an error.")
		f.p("func (v *%s) AppendAvro(dst []byte) ([]byte, error) { return v.appendAvro(dst, 0) }", n.typ)
		f.p("")
		f.p("func (v *%s) appendAvro(dst []byte, depth int) ([]byte, error) {", n.typ)
	case m.fails(s):
		f.p("// AppendAvro appends v in Avro's binary encoding.")
		f.p("func (v *%s) AppendAvro(dst []byte) ([]byte, error) {", n.typ)
	default:
		f.p("// AppendAvro appends v in Avro's binary encoding. It cannot fail.")
		f.p("func (v *%s) AppendAvro(dst []byte) ([]byte, error) { return v.appendAvro(dst), nil }", n.typ)
		f.p("")
		f.p("func (v *%s) appendAvro(dst []byte) []byte {", n.typ)
	}
	f.appendFields(s, fields)
	f.p("}")
	f.p("")
	f.decoders(s, n.typ, fields)
}

func (f *file) appendFields(s *avsc.Schema, fields []string) {
	m := f.model
	if m.loops[s.Name] {
		wire := f.use(wirePath)
		f.p("if depth++; depth > %s.MaxDepth { return dst, %s.ErrDepth }", wire, wire)
	}
	fails := m.fails(s)
	f.withErr(func() {
		for i, field := range s.Fields {
			f.append("v."+fields[i], field.Type, []string{strconv.Quote(field.Name)})
		}
	})
	if fails {
		f.p("return dst, nil")
	} else {
		f.p("return dst")
	}
}

func (f *file) decoders(s *avsc.Schema, typ string, fields []string) {
	wire := f.use(wirePath)
	f.p("// DecodeAvro sets v to what the head of data encodes and returns the rest of data. After")
	f.p("// an error v is not to be used.")
	f.p("func (v *%s) DecodeAvro(data []byte) (rest []byte, err error) {", typ)
	f.p("r := %s.NewReader(data)", wire)
	f.p("v.ReadAvro(&r)")
	f.p("return r.Done()")
	f.p("}")
	f.p("")
	f.p("// ReadAvro sets v to what r reads next. The error is r's.")
	f.p("func (v *%s) ReadAvro(r *%s.Reader) {", typ, wire)
	if f.model.loops[s.Name] {
		f.p("if !r.Enter() { return }")
	}
	var types []*avsc.Schema
	for _, field := range s.Fields {
		types = append(types, field.Type)
	}
	f.reading(func() {
		for i, t := range types {
			f.read("v."+fields[i], t)
		}
	}, types...)
	if f.model.loops[s.Name] {
		f.p("r.Leave()")
	}
	f.p("}")
	f.p("")
}

// head is the comment over a named type.
func (f *file) head(s *avsc.Schema, typ, what string) {
	f.p("// %s is %s %s.", typ, what, s.Name)
	if s.Doc != "" {
		f.p("//")
		f.doc(s.Doc)
	}
	if len(s.Aliases) > 0 {
		f.p("//")
		f.p("// Data of its former names is read as it: %s.", strings.Join(s.Aliases, ", "))
	}
}

// quote makes a Go literal of a schema's text.
func quote(text string) string {
	for _, r := range text {
		if r == '`' || r == unicode.ReplacementChar || r == '\ufeff' || !unicode.IsPrint(r) {
			return strconv.Quote(text)
		}
	}
	return "`" + text + "`"
}

func (f *file) constructor(s *avsc.Schema, n goNames, fields []string) {
	body := f.inside(func() {
		for i, field := range s.Fields {
			switch {
			case field.HasDefault:
				v, err := field.DefaultValue()
				if err != nil {
					f.model.fail(err)
				} else if text := f.literal(field.Type, v); text != "" {
					f.p("%s: %s,", fields[i], text)
				}
			case field.Type.Kind == avsc.Record && f.hasDefaults(field.Type):
				f.p("%s: *%s(),", fields[i], f.model.names[field.Type.Name].new)
			}
		}
	})
	if body == "" {
		f.p("// %s returns a new %s; its schema has no defaults but null.", n.new, n.typ)
		f.p("func %s() *%s { return &%s{} }", n.new, n.typ, n.typ)
	} else {
		f.p("// %s returns a new %s with the defaults of its schema.", n.new, n.typ)
		f.p("func %s() *%s { return &%s{\n%s} }", n.new, n.typ, n.typ, body)
	}
	f.p("")
}

// hasDefaults tells whether a record, or one it holds by value, has a field with a
// default other than null. Such records do not contain themselves.
func (f *file) hasDefaults(s *avsc.Schema) bool {
	for _, field := range f.model.of(s).Fields {
		if field.HasDefault && field.Default != nil || !field.HasDefault && field.Type.Kind == avsc.Record && f.hasDefaults(field.Type) {
			return true
		}
	}
	return false
}
