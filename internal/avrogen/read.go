package avrogen

import (
	"fmt"

	"github.com/streamweir/streamweir/serde/avro/avsc"
)

// expr is the Go expression that reads a value, "" if it takes statements.
func (f *file) expr(s *avsc.Schema) string {
	if f.model.logical(s) != "" {
		return f.readLogical(s)
	}
	switch s.Kind {
	case avsc.Null:
		return "struct{}{}"
	case avsc.Boolean, avsc.Int, avsc.Long, avsc.Float, avsc.Double, avsc.Bytes, avsc.String:
		return fmt.Sprintf("r.%s()", capital(s.Kind.String()))
	case avsc.Fixed:
		if s.Size > maxArray {
			return fmt.Sprintf("r.FixedBytes(%d)", s.Size)
		}
	case avsc.Enum:
		return fmt.Sprintf("%s(r.Symbol(%d))", f.typ(s), len(f.model.of(s).Symbols))
	case avsc.Union:
		if u := f.model.unions[s]; u != nil {
			return fmt.Sprintf("read%s(r)", u.name)
		}
	}
	return ""
}

// read writes statements that read a value to a variable.
func (f *file) read(to string, s *avsc.Schema) {
	if e := f.expr(s); e != "" {
		f.p("%s = %s", to, e)
		return
	}
	switch s.Kind {
	case avsc.Record:
		f.p("%s.ReadAvro(r)", to)
	case avsc.Array:
		f.readArray(to, s)
	case avsc.Map:
		f.readMap(to, s)
	case avsc.Union:
		f.readUnion(to, s)
	default: // fixed
		f.p("r.Fixed(%s[:])", to)
	}
}

func (f *file) readUnion(to string, s *avsc.Schema) {
	if v, ok := sole(s); ok {
		f.p("r.Branch(1)")
		f.read(to, v)
		return
	}
	v, at, _ := nullable(s)
	f.p("if r.Is(%d) {", at)
	switch e := f.expr(v); {
	case v.Kind == avsc.Record:
		f.p("%s = new(%s)", to, f.typ(v))
		f.p("%s.ReadAvro(r)", to)
	case e != "":
		f.p("%s = %s.Some(%s)", to, f.use(avroPath), e)
	default:
		f.p("%s.Set = true", to)
		f.read(to+".Value", v)
	}
	f.p("} else {")
	if v.Kind == avsc.Record {
		f.p("%s = nil", to)
	} else {
		f.p("%s = %s{}", to, f.typ(s))
	}
	f.p("}")
}

// smallest is the argument of Reader.Count. No data is so long that the bound matters.
func smallest(n int) int { return min(n, 1<<30) }

func (f *file) readArray(to string, s *avsc.Schema) {
	f.p("%s = %s.Reset(%s)", to, f.use(wirePath), to)
	f.p("for n := r.Count(%d); n > 0; n = r.Count(%d) {", smallest(s.Items.MinSize), smallest(s.Items.MinSize))
	f.p("%s = %s.Grow(%s, n)", to, f.use(wirePath), to)
	f.p("for ; n > 0 && !r.Failed(); n-- {")
	switch e := f.expr(s.Items); {
	case e != "":
		f.p("%s = append(%s, %s)", to, to, e)
	case s.Items.Kind == avsc.Record:
		f.p("%s = append(%s, %s{})", to, to, f.typ(s.Items))
		f.p("%s[len(%s)-1].ReadAvro(r)", to, to)
	default:
		x := f.local("x")
		f.p("var %s %s", x, f.typ(s.Items))
		f.read(x, s.Items)
		f.p("%s = append(%s, %s)", to, to, x)
	}
	f.p("}")
	f.p("}")
}

func (f *file) readMap(to string, s *avsc.Schema) {
	avro := f.use(avroPath)
	f.p("%s = %s.Reset(%s)", to, f.use(wirePath), to)
	f.p("for n := r.Count(%d); n > 0; n = r.Count(%d) {", 1+smallest(s.Items.MinSize), 1+smallest(s.Items.MinSize))
	f.p("%s = %s.Grow(%s, n+1)", to, f.use(wirePath), to) // what is read to be changed often gets one more
	f.p("for ; n > 0 && !r.Failed(); n-- {")
	if e := f.expr(s.Items); e != "" {
		f.p("%s = append(%s, %s.Entry[%s]{Key: r.String(), Value: %s})", to, to, avro, f.typ(s.Items), e)
	} else {
		x := f.local("x")
		f.p("%s = append(%s, %s.Entry[%s]{Key: r.String()})", to, to, avro, f.typ(s.Items))
		f.p("%s := &%s[len(%s)-1].Value", x, to, to)
		if s.Items.Kind == avsc.Record {
			f.read(x, s.Items)
		} else {
			f.read("(*"+x+")", s.Items)
		}
	}
	f.p("}")
	f.p("}")
	f.p("%s.Sort()", to)
}
