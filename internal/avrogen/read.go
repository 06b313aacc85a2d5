package avrogen

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/streamweir/streamweir/serde/avro/avsc"
)

// expr is the Go expression that reads a value from r, "" if there is none.
func (f *file) expr(s *avsc.Schema) string {
	if f.model.logical(s) != "" {
		return f.readLogical(s)
	}
	switch s.Kind {
	case avsc.Boolean, avsc.Int, avsc.Long, avsc.Float, avsc.Double, avsc.Bytes, avsc.String:
		return fmt.Sprintf("r.%s()", capital(s.Kind.String()))
	case avsc.Fixed:
		if s.Size > maxArray {
			return fmt.Sprintf("r.FixedBytes(%d)", s.Size)
		}
	case avsc.Union:
		if u := f.model.unions[s]; u != nil {
			return fmt.Sprintf("read%s(r)", u.name)
		}
	}
	return ""
}

// exprAt is the Go expression that reads a value, and where to go on, at i in b; "" if
// there is none.
func (f *file) exprAt(s *avsc.Schema) string {
	if s.Kind == avsc.Enum {
		return fmt.Sprintf("%s.SymbolAt[%s](r, b, i, %d)", f.use(wirePath), f.typ(s), len(f.model.of(s).Symbols))
	}
	switch e := f.expr(s); e {
	case "r.Boolean()", "r.Int()", "r.Long()", "r.Double()", "r.String()", "r.Millis()", "r.Micros()":
		return strings.TrimSuffix(e, "()") + "At(b, i)"
	}
	return ""
}

// reading writes code that reads values of schemas from r. If any of them is better read
// by the methods of wire.Reader whose names end in At, those read at i in b meanwhile.
func (f *file) reading(write func(), schemas ...*avsc.Schema) {
	f.at = slices.ContainsFunc(schemas, f.readsAt)
	body := f.inside(write)
	if f.at {
		f.p("b, i := r.Open()")
	}
	if strings.Contains(body, "if ok, i = ") {
		f.p("var ok bool")
	}
	f.body.WriteString(body)
	if f.at {
		f.seek()
	}
	f.at = false
}

// readsAt tells whether there is something to be read at i in b.
func (f *file) readsAt(s *avsc.Schema) bool {
	switch s.Kind {
	case avsc.Array, avsc.Map:
		return true
	case avsc.Union:
		if v, ok := sole(s); ok {
			return f.readsAt(v)
		}
		_, _, ok := nullable(s)
		return ok
	}
	return f.exprAt(s) != ""
}

// through writes a statement that reads from r.
func (f *file) through(statement string, args ...any) {
	if f.at {
		f.seek()
		defer f.p(reopen)
	}
	f.p(statement, args...)
}

const reopen = "i = r.Next(b)"

// seek writes that r goes on at i, if it is not there already.
func (f *file) seek() {
	if before, ok := bytes.CutSuffix(f.body.Bytes(), []byte(reopen+"\n")); ok {
		f.body.Truncate(len(before))
	} else {
		f.p("r.Seek(i)")
	}
}

// read writes statements that read a value to a variable.
func (f *file) read(to string, s *avsc.Schema) {
	if e := f.exprAt(s); e != "" {
		f.p("%s, i = %s", to, e)
		return
	}
	if e := f.expr(s); e != "" {
		f.through("%s = %s", to, e)
		return
	}
	switch s.Kind {
	case avsc.Null:
		f.p("%s = struct{}{}", to)
	case avsc.Record:
		f.through("%s.ReadAvro(r)", to)
	case avsc.Array:
		f.readArray(to, s)
	case avsc.Map:
		f.readMap(to, s)
	case avsc.Union:
		f.readUnion(to, s)
	default: // fixed
		f.through("r.Fixed(%s[:])", to)
	}
}

func (f *file) readUnion(to string, s *avsc.Schema) {
	if v, ok := sole(s); ok {
		f.through("r.Branch(1)")
		f.read(to, v)
		return
	}
	v, at, _ := nullable(s)
	f.p("if ok, i = r.IsAt(b, i, %d); ok {", at)
	if v.Kind == avsc.Record {
		f.p("%s = new(%s)", to, f.typ(v))
		f.read(to, v)
	} else {
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

// smallest bounds the size that is given to Reader.CountAt. No data is so long that it matters.
func smallest(n int) int { return min(n, 1<<30) }

// blocks writes a loop over the elements of an array or map. What the loop appends to is a
// local variable, which takes less than a field of what v points to.
func (f *file) blocks(to string, least int, room string, element func(list string)) {
	n, list, count := f.local("n"), f.local("s"), fmt.Sprintf("r.CountAt(b, i, %d)", least)
	f.p("%s, %s := 0, %s.Reset(%s)", n, list, f.use(wirePath), to)
	f.p("for %s, i = %s; %s > 0; %s, i = %s {", n, count, n, n, count)
	f.p("%s = %s.Grow(%s, %s%s)", list, f.use(wirePath), list, n, room)
	f.p("for ; %s > 0 && !r.Failed(); %s-- {", n, n)
	element(list)
	f.p("}")
	f.p("}")
	f.p("%s = %s", to, list)
}

func (f *file) readArray(to string, s *avsc.Schema) {
	f.blocks(to, smallest(s.Items.MinSize), "", func(list string) {
		if s.Items.Kind == avsc.Record {
			f.p("%s = append(%s, %s{})", list, list, f.typ(s.Items))
			f.read(fmt.Sprintf("%s[len(%s)-1]", list, list), s.Items)
			return
		}
		x := f.local("x")
		f.p("var %s %s", x, f.typ(s.Items))
		f.read(x, s.Items)
		f.p("%s = append(%s, %s)", list, list, x)
	})
}

func (f *file) readMap(to string, s *avsc.Schema) {
	room := "+1" // what is read to be changed often gets one more
	f.blocks(to, 1+smallest(s.Items.MinSize), room, func(list string) {
		x := f.local("x")
		f.p("var %s %s.Entry[%s]", x, f.use(avroPath), f.typ(s.Items))
		f.p("%s.Key, i = r.StringAt(b, i)", x)
		f.read(x+".Value", s.Items)
		f.p("%s = append(%s, %s)", list, list, x)
	})
	f.p("%s.Sort()", to)
}
