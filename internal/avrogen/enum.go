package avrogen

import (
	"fmt"
	"strconv"

	"github.com/streamweir/streamweir/serde/avro/avsc"
)

// maxArray is the largest fixed that is a Go array: a larger one, which a schema can
// make as large as it likes, would lie on the stack and be copied around.
const maxArray = 4096

func (f *file) fixed(s *avsc.Schema) {
	if f.model.logical(s) != "" {
		return
	}
	typ := f.model.names[s.Name].typ
	f.head(s, typ, "the fixed")
	if s.Size > maxArray {
		f.p("//")
		f.p("// It has %d bytes; to write another number of them is an error.", s.Size)
		f.p("type %s []byte", typ)
	} else {
		f.p("type %s [%d]byte", typ, s.Size)
	}
	f.p("")
}

func (f *file) enum(s *avsc.Schema) {
	n := f.model.names[s.Name]
	f.head(s, n.typ, "the enum")
	f.p("//")
	f.p("// To write a value that is none of its constants is an error, and so is to read one.")
	if s.Default != "" {
		f.p("// When data of another schema is resolved, a symbol that is not known here becomes")
		f.p("// %s, the default.", s.Default)
	} else {
		f.p("// It has no default, so a symbol of another schema that is not known here cannot be read.")
	}
	f.p("type %s int32", n.typ)
	f.p("")
	if len(s.Symbols) > 0 {
		f.p("// The symbols of [%s].", n.typ)
		f.p("const (")
		for i, c := range n.constants {
			if i == 0 {
				f.p("%s %s = iota // %s", c, n.typ, s.Symbols[i])
			} else {
				f.p("%s // %s", c, s.Symbols[i])
			}
		}
		f.p(")")
		f.p("")
	}
	f.enumText(s, n)
}

func (f *file) enumText(s *avsc.Schema, n goNames) {
	fmtName, count := f.use("fmt"), len(s.Symbols)
	f.p("// String is the symbol, or %s(n) for another value.", n.typ)
	f.p("func (v %s) String() string {", n.typ)
	f.p("switch v {")
	for i, y := range s.Symbols {
		f.p("case %s:", n.constants[i])
		f.p("return %s", strconv.Quote(y))
	}
	f.p("}")
	f.p("return %s.Sprintf(\"%s(%%d)\", int32(v))", fmtName, n.typ)
	f.p("}")
	f.p("")
	f.p("// %s returns the value of a symbol, or an error if there is no such symbol.", n.parse)
	f.p("func %s(symbol string) (%s, error) {", n.parse, n.typ)
	f.p("switch symbol {")
	for i, y := range s.Symbols {
		f.p("case %s:", strconv.Quote(y))
		f.p("return %s, nil", n.constants[i])
	}
	f.p("}")
	f.p("return 0, %s.Errorf(\"%%q is no symbol of %s\", symbol)", fmtName, s.Name)
	f.p("}")
	f.p("")
	f.p("// MarshalText returns the symbol, or an error if v is no constant of [%s].", n.typ)
	f.p("func (v %s) MarshalText() ([]byte, error) {", n.typ)
	no := fmt.Sprintf("return nil, %s.Errorf(\"%%v is no symbol of %s\", v)", fmtName, s.Name)
	if count == 0 {
		f.p("%s", no)
	} else {
		f.p("if uint32(v) >= %d { %s }", count, no)
		f.p("return []byte(v.String()), nil")
	}
	f.p("}")
	f.p("")
	f.p("// UnmarshalText sets v to the value of a symbol.")
	f.p("func (v *%s) UnmarshalText(symbol []byte) error {", n.typ)
	f.p("parsed, err := %s(string(symbol))", n.parse)
	f.p("if err == nil { *v = parsed }")
	f.p("return err")
	f.p("}")
	f.p("")
}
