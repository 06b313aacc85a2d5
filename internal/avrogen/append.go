package avrogen

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/streamweir/streamweir/serde/avro/avsc"
)

// try writes a call that sets dst and err, and returns err with where it was met: path
// is the Go expressions of the steps.
func (f *file) try(call string, path []string) {
	wire := f.use(wirePath)
	f.p("if dst, err = %s; err != nil {", call)
	if len(path) == 0 {
		f.p("return dst, err")
	} else {
		f.p("return dst, %s.At(err, %s)", wire, strings.Join(path, ", "))
	}
	f.p("}")
}

// refuse writes the return of an error.
func (f *file) refuse(path []string, err string, args ...any) {
	err = f.use(wirePath) + "." + fmt.Sprintf(err, args...)
	if len(path) > 0 {
		err = fmt.Sprintf("wire.At(%s, %s)", err, strings.Join(path, ", "))
	}
	f.p("return dst, %s", err)
}

// branchByte is the expression that appends the position of a branch.
func (f *file) branchByte(dst string, i int) string {
	if i < 64 {
		return fmt.Sprintf("append(%s, %d)", dst, i<<1)
	}
	return fmt.Sprintf("%s.AppendLong(%s, %d)", f.use(wirePath), dst, i)
}

// append writes statements that append the value e to dst. e can be addressed.
func (f *file) append(e string, s *avsc.Schema, path []string) {
	if f.model.logical(s) != "" {
		f.appendLogical(e, s, path)
		return
	}
	switch s.Kind {
	case avsc.Null:
	case avsc.Boolean, avsc.Long, avsc.Float, avsc.Double:
		f.p("dst = %s.Append%s(dst, %s)", f.use(wirePath), capital(s.Kind.String()), e)
	case avsc.Int:
		f.p("dst = %s.AppendLong(dst, int64(%s))", f.use(wirePath), e)
	case avsc.Bytes, avsc.String:
		f.p("dst = %s.AppendString(dst, %s)", f.use(wirePath), e)
	case avsc.Fixed:
		f.appendFixed(e, s, path)
	case avsc.Enum:
		n := len(f.model.of(s).Symbols)
		if n == 0 {
			f.p("if err = %s.UnknownSymbol(int32(%s), 0); err != nil {", f.use(wirePath), e)
			f.refuse(path, "UnknownSymbol(int32(%s), 0)", e)
			f.p("}")
			return
		}
		f.p("if uint32(%s) >= %d {", e, n)
		f.refuse(path, "UnknownSymbol(int32(%s), %d)", e, n)
		f.p("}")
		if n <= 64 {
			f.p("dst = append(dst, byte(%s)<<1)", e)
		} else {
			f.p("dst = wire.AppendLong(dst, int64(%s))", e)
		}
	case avsc.Array:
		f.appendArray(e, s, path)
	case avsc.Map:
		f.appendMap(e, s, path)
	case avsc.Record:
		f.appendRecord(e, s, path)
	case avsc.Union:
		f.appendUnion(e, s, path)
	}
}

func (f *file) appendFixed(e string, s *avsc.Schema, path []string) {
	if s.Size > maxArray {
		f.p("if len(%s) != %d {", e, s.Size)
		f.refuse(path, "WrongSize(len(%s), %d)", e, s.Size)
		f.p("}")
		f.p("dst = append(dst, %s...)", e)
		return
	}
	f.p("dst = append(dst, %s[:]...)", e)
}

func (f *file) appendRecord(e string, s *avsc.Schema, path []string) {
	switch m := f.model; {
	case m.deep[s.Name]:
		f.try(e+".appendAvro(dst, depth)", path)
	case m.fails(s):
		f.try(e+".AppendAvro(dst)", path)
	default:
		f.p("dst = %s.appendAvro(dst)", e)
	}
}

func (f *file) appendUnion(e string, s *avsc.Schema, path []string) {
	if v, at, ok := nullable(s); ok {
		value := e + ".Value"
		if v.Kind == avsc.Record {
			f.p("if %s != nil {", e)
			value = e
		} else {
			f.p("if %s.Set {", e)
		}
		f.p("dst = append(dst, %d)", at<<1)
		f.append(value, v, path)
		f.p("} else {")
		f.p("dst = append(dst, %d)", (1-at)<<1)
		f.p("}")
		return
	}
	if v, ok := sole(s); ok {
		f.p("dst = append(dst, 0)")
		f.append(e, v, path)
		return
	}
	depth := ""
	if f.model.isDeep(s) {
		depth = ", depth"
	}
	f.try(fmt.Sprintf("append%s(dst, %s%s)", f.model.unions[s].name, e, depth), path)
}

// byPointer tells whether elements of a type are walked over by their address.
func (f *file) byPointer(s *avsc.Schema) bool {
	if f.model.logical(s) != "" {
		return s.Kind == avsc.Fixed && f.model.logical(s) == "uuid"
	}
	if v, _, ok := nullable(s); ok {
		return v.Kind != avsc.Record
	}
	if v, ok := sole(s); ok {
		return f.byPointer(v)
	}
	return s.Kind == avsc.Record || s.Kind == avsc.Fixed && s.Size <= maxArray
}

// inside writes to another body, which it returns.
func (f *file) inside(write func()) string {
	outer := f.body
	f.body = bytes.Buffer{}
	write()
	inner := f.body.String()
	f.body = outer
	return inner
}

// withErr writes code, and before it the declaration of err if it is used.
func (f *file) withErr(write func()) {
	body := f.inside(write)
	if strings.Contains(body, "err = ") {
		f.p("var err error")
	}
	f.body.WriteString(body)
}

func (f *file) appendArray(e string, s *avsc.Schema, path []string) {
	i, x := f.local("i"), f.local("x")
	body := f.inside(func() { f.append(x, s.Items, with(path, i)) })
	wire := f.use(wirePath)
	f.p("if n := len(%s); n > 0 {", e)
	f.p("dst = %s.AppendLong(dst, int64(n))", wire)
	switch {
	case body == "": // elements that take no bytes
	case !strings.Contains(body, x): // unions of null alone
		f.p("for range %s {", e)
	case f.byPointer(s.Items):
		f.p("for %s := range %s {", i, e)
		f.p("%s := &%s[%s]", x, e, i)
	case f.model.fails(s.Items):
		f.p("for %s, %s := range %s {", i, x, e)
	default:
		f.p("for _, %s := range %s {", x, e)
	}
	if body != "" {
		f.body.WriteString(body)
		f.p("}")
	}
	f.p("}")
	f.p("dst = append(dst, 0)")
}

func (f *file) appendMap(e string, s *avsc.Schema, path []string) {
	wire := f.use(wirePath)
	i, x := f.local("i"), f.local("x")
	f.p("if n := len(%s); n > 0 {", e)
	f.p("dst = %s.AppendLong(dst, int64(n))", wire)
	f.p("for %s := range %s {", i, e)
	f.p("%s := &%s[%s]", x, e, i)
	f.p("if %s > 0 && %s.Key <= %s[%s-1].Key {", i, x, e, i)
	f.refuse(path, "Unordered(%s.Key, %s[%s-1].Key)", x, e, i)
	f.p("}")
	f.p("dst = %s.AppendString(dst, %s.Key)", wire, x)
	f.append(x+".Value", s.Items, with(path, fmt.Sprintf("wire.Key(%s.Key)", x)))
	f.p("}")
	f.p("}")
	f.p("dst = append(dst, 0)")
}

func with(path []string, step string) []string { return append(path[:len(path):len(path)], step) }
