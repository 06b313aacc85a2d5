package avrogen

import "github.com/streamweir/streamweir/serde/avro/avsc"

// union is a union that is an interface in Go.
type union struct {
	schema   *avsc.Schema
	name     string
	about    string   // where it stands in Avro
	wrappers []string // per branch: the type that wraps it, "" for null and what is a type of its own
}

// nameUnions gives names to the unions under s, which is found at a place.
func (m *model) nameUnions(s *avsc.Schema, name, about string, found func(*union)) {
	switch s.Kind {
	case avsc.Array:
		m.nameUnions(s.Items, name+"Item", about+"[]", found)
	case avsc.Map:
		m.nameUnions(s.Items, name+"Value", about+"{}", found)
	case avsc.Union:
		if v, _, ok := nullable(s); ok {
			m.nameUnions(v, name, about, found)
			return
		}
		if v, ok := sole(s); ok {
			m.nameUnions(v, name, about, found)
			return
		}
		u := &union{schema: s, name: m.scope.take(name), about: about, wrappers: make([]string, len(s.Branches))}
		m.unions[s] = u
		for i, b := range s.Branches {
			if b.Kind != avsc.Null && !m.isOwn(b) {
				u.wrappers[i] = m.scope.take(u.name + exported(m.branchName(b)))
			}
		}
		found(u)
		for _, b := range s.Branches {
			m.nameUnions(b, u.name+exported(b.Kind.String()), about, found)
		}
	}
}

// isOwn tells whether a branch is a Go type of its own.
func (m *model) isOwn(b *avsc.Schema) bool {
	return b.Kind == avsc.Record || b.Kind == avsc.Enum || b.Kind == avsc.Fixed && m.logical(b) == ""
}

func (m *model) branchName(b *avsc.Schema) string {
	if b.IsNamed() {
		return avsc.Short(b.Name)
	}
	if l := m.logical(b); l != "" {
		return camel(l)
	}
	return b.Kind.String()
}

func (f *file) union(u *union) {
	m := f.model
	f.p("// %s is the union %s: one of", u.name, u.about)
	f.p("//")
	for i, b := range u.schema.Branches {
		f.p("//\t%-30s %s", f.branchType(u, i), b.Label())
	}
	f.p("type %s interface{ is%s() }", u.name, u.name)
	f.p("")
	for i, b := range u.schema.Branches {
		if w := u.wrappers[i]; w != "" {
			f.p("// %s is the branch %s of %s.", w, b.Label(), u.name)
			f.p("type %s struct{ Value %s }", w, f.typ(b))
			f.p("")
		}
	}
	for i, b := range u.schema.Branches {
		if b.Kind != avsc.Null {
			f.p("func (%s) is%s() {}", f.branchType(u, i), u.name)
		}
	}
	f.p("")
	deep := ""
	if m.isDeep(u.schema) {
		deep = ", depth int"
	}
	f.p("func append%s(dst []byte, v %s%s) ([]byte, error) {", u.name, u.name, deep)
	f.unionAppend(u)
	f.p("}")
	f.p("")
	f.p("func read%s(r *%s.Reader) %s {", u.name, f.use(wirePath), u.name)
	f.p("switch r.Branch(%d) {", len(u.schema.Branches))
	for i, b := range u.schema.Branches {
		f.p("case %d:", i)
		switch {
		case b.Kind == avsc.Null:
			f.p("return nil")
		case b.Kind == avsc.Record:
			f.p("x := new(%s)", f.typ(b))
			f.p("x.ReadAvro(r)")
			f.p("return x")
		case u.wrappers[i] == "":
			f.p("var x %s", f.typ(b))
			f.reading(func() { f.read("x", b) }, b)
			f.p("return x")
		default:
			f.p("var x %s", u.wrappers[i])
			f.reading(func() { f.read("x.Value", b) }, b)
			f.p("return x")
		}
	}
	f.p("}")
	f.p("return nil")
	f.p("}")
	f.p("")
}

// branchType is the Go type of a branch in the interface.
func (f *file) branchType(u *union, i int) string {
	switch b := u.schema.Branches[i]; {
	case b.Kind == avsc.Null:
		return "nil"
	case b.Kind == avsc.Record:
		return "*" + f.typ(b)
	case u.wrappers[i] != "":
		return u.wrappers[i]
	default:
		return f.typ(b)
	}
}

func (f *file) unionAppend(u *union) {
	wire := f.use(wirePath)
	if len(u.schema.Branches) == 0 {
		f.p("return dst, %s.ErrNil", wire)
		return
	}
	f.withErr(func() { f.unionCases(u) })
	f.p("return dst, nil")
}

func (f *file) unionCases(u *union) {
	wire := f.use(wirePath)
	f.p("switch x := v.(type) {")
	for i, b := range u.schema.Branches {
		f.p("case %s:", f.branchType(u, i))
		if b.Kind == avsc.Record {
			f.p("if x == nil { return dst, %s.ErrNil }", wire)
		}
		f.p("dst = %s", f.branchByte("dst", i))
		switch {
		case b.Kind == avsc.Null:
		case u.wrappers[i] != "":
			f.append("x.Value", b, nil)
		default:
			f.append("x", b, nil)
		}
	}
	f.p("default:")
	f.p("return dst, %s.ErrNil", wire)
	f.p("}")
}
