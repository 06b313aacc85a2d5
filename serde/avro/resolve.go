package avro

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/streamweir/streamweir/serde/avro/avrojson"
	"github.com/streamweir/streamweir/serde/avro/avsc"
)

type decCode uint8

const (
	decSkip decCode = iota
	decBool
	decInt32
	decInt64
	decString
	decNullableString // writer's union of null and string to *string
	decFloat32
	decFloat64
	decRecord
	decUnion   // the writer's union
	decInteger // an integer of another width than the schema's
	decNumber  // a promotion to float or double
	decBytes
	decFixed
	decEnumText
	decEnumNumber
	decTime
	decDuration
	decPointer
	decOptional
	decArray
	decMapString
	decMapInt64
	decMap
	decEntries
	decDefault
	decFail
)

// decOp reads one value of the writer's schema into what lies at an offset from
// the base pointer, which holds the zero value.
type decOp struct {
	code     decCode
	from     avsc.Kind    // decNumber: the writer's
	kind     reflect.Kind // of an integer or float
	clock    clock
	isInt    bool // the integer is an int in the writer's schema
	some     int  // decNullableString: branch of the string
	off      uintptr
	n        uintptr // decFixed: size; decArray, decEntries: size of an element; decOptional: offset of Set
	min      int     // fewest bytes of an element
	schema   *avsc.Schema
	sub      *decPlan
	inner    []decOp
	branches [][]decOp
	symbols  []string // decEnumText: by the writer's index
	numbers  []int64  // decEnumNumber: by the writer's index; -1 is none
	bytes    []byte   // decDefault
	text     string   // decDefault: bytes as a string
	typ      reflect.Type
	empty    reflect.Value
	scratch  *sync.Pool
	err      error
	name     string
}

type decPlan struct{ ops []decOp }

// rootPlan reads data of one writer's schema as one Go type.
type rootPlan struct {
	ops   []decOp
	cells int  // *string fields
	texts bool // there are strings to be cut out of one copy
	same  bool // the writer's schema is the reader's, in canonical form
}

type decKey struct {
	w, r *avsc.Schema
	t    reflect.Type
}

// resolver makes plans after § Schema Resolution of the Avro specification. As
// in Java a mismatch is an error of the values that meet it, not of the plan:
// a writer's union may have branches that never come.
type resolver struct {
	plans map[decKey]*decPlan
	root  *rootPlan
}

// compileDecode makes the plan by which data of the writer's schema is read as
// a Go type that compileEncode accepted for the reader's schema.
func compileDecode(w, r *avsc.Schema, t reflect.Type) (*rootPlan, error) {
	c := resolver{map[decKey]*decPlan{}, &rootPlan{same: w.Canonical() == r.Canonical()}}
	ops, err := c.ops(w, r, t)
	if err != nil {
		return nil, err
	}
	c.root.ops = ops
	return c.root, nil
}

func one(o decOp) []decOp { return []decOp{o} }

func fail(format string, args ...any) []decOp {
	return one(decOp{code: decFail, err: fmt.Errorf(format, args...)})
}

func mismatch(w, r *avsc.Schema) []decOp {
	return fail("written as %s, which cannot be read as %s", w.Label(), r.Label())
}

// ops returns what reads a value of w: no op for null, one otherwise.
func (c *resolver) ops(w, r *avsc.Schema, t reflect.Type) ([]decOp, error) {
	if w.Kind == avsc.Union {
		return c.writerUnion(w, r, t)
	}
	if r.Kind == avsc.Union {
		return c.readerUnion(w, r, t)
	}
	if t.Kind() == reflect.Pointer && r.Kind == avsc.Record {
		inner, err := c.ops(w, r, t.Elem())
		return one(decOp{code: decPointer, inner: inner, typ: t.Elem()}), err
	}
	switch r.Kind {
	case avsc.Record:
		return c.record(w, r, t)
	case avsc.Array, avsc.Map:
		return c.container(w, r, t)
	case avsc.Enum:
		return enum(w, r, t), nil
	case avsc.Fixed:
		if w.Kind != avsc.Fixed || w.Size != r.Size || !sameName(w, r) {
			return mismatch(w, r), nil
		}
		return one(decOp{code: decFixed, n: uintptr(r.Size)}), nil
	}
	return c.scalar(w, r, t), nil
}

// sameName compares without namespaces, as the specification has it. The
// reader's aliases are full names.
func sameName(w, r *avsc.Schema) bool {
	return avsc.Short(w.Name) == avsc.Short(r.Name) || slices.Contains(r.Aliases, w.Name)
}

func (c *resolver) writerUnion(w, r *avsc.Schema, t reflect.Type) ([]decOp, error) {
	o := decOp{code: decUnion}
	text := -1
	for i, b := range w.Branches {
		ops, err := c.ops(b, r, t)
		if err != nil {
			return nil, err
		}
		o.branches = append(o.branches, ops)
		if b.Kind == avsc.String {
			text = i
		}
	}
	// ["null", "string"] to *string, the most usual of all unions.
	if len(w.Branches) == 2 && text >= 0 && r.Kind == avsc.Union && t.Kind() == reflect.Pointer {
		some, null := o.branches[text], o.branches[1-text]
		if len(null) == 0 && len(some) == 1 && some[0].code == decPointer && some[0].inner[0].code == decString {
			c.root.cells++
			return one(decOp{code: decNullableString, some: text}), nil
		}
	}
	return one(o), nil
}

func (c *resolver) readerUnion(w, r *avsc.Schema, t reflect.Type) ([]decOp, error) {
	u, err := bindUnion(r, t)
	if err != nil {
		return nil, err
	}
	if w.Kind == avsc.Null {
		if u.null < 0 {
			return mismatch(w, r), nil
		}
		return nil, nil
	}
	inner, err := c.ops(w, u.of, u.inner)
	if err != nil || len(inner) == 0 || inner[0].code == decFail {
		return inner, err
	}
	switch u.wrap {
	case wrapPointer:
		return one(decOp{code: decPointer, inner: inner, typ: u.inner}), nil
	case wrapOptional:
		return one(decOp{code: decOptional, inner: inner, n: u.setOffset}), nil
	}
	return inner, nil
}

func enum(w, r *avsc.Schema, t reflect.Type) []decOp {
	if w.Kind != avsc.Enum || !sameName(w, r) {
		return mismatch(w, r)
	}
	o := decOp{code: decEnumNumber, kind: t.Kind(), schema: w}
	if t.Kind() == reflect.String {
		o.code = decEnumText
	}
	for _, y := range w.Symbols {
		if !slices.Contains(r.Symbols, y) {
			y = r.Default // "" if there is none, which is no symbol
		}
		o.symbols = append(o.symbols, y)
		o.numbers = append(o.numbers, int64(slices.Index(r.Symbols, y)))
	}
	return one(o)
}

func (c *resolver) container(w, r *avsc.Schema, t reflect.Type) ([]decOp, error) {
	if w.Kind != r.Kind {
		return mismatch(w, r), nil
	}
	elem := t.Elem()
	if isEntries(t) {
		elem = elem.Field(1).Type
	}
	inner, err := c.ops(w.Items, r.Items, elem)
	if err != nil {
		return nil, err
	}
	o := decOp{code: decArray, typ: t, inner: inner, n: t.Elem().Size(), min: w.Items.MinSize}
	if r.Kind == avsc.Array {
		o.empty = reflect.MakeSlice(t, 0, 0)
		return one(o), nil
	}
	o.min++ // the key's length
	c.root.texts = true
	switch {
	case isEntries(t):
		o.code = decEntries
		for i := range inner {
			inner[i].off = t.Elem().Field(1).Offset
		}
	case len(inner) == 1 && inner[0].code == decString && t.ConvertibleTo(reflect.TypeFor[map[string]string]()):
		o.code = decMapString
	case len(inner) == 1 && inner[0].code == decInt64 && t.ConvertibleTo(reflect.TypeFor[map[string]int64]()):
		o.code = decMapInt64
	default:
		o.code = decMap
		o.scratch = newScratch(t)
	}
	return one(o), nil
}

func (c *resolver) record(w, r *avsc.Schema, t reflect.Type) ([]decOp, error) {
	if w.Kind != avsc.Record {
		return mismatch(w, r), nil
	}
	key := decKey{w, r, t}
	p := c.plans[key]
	if p == nil {
		p = &decPlan{}
		c.plans[key] = p
		if err := c.fields(p, w, r, t); err != nil {
			return nil, err
		}
	}
	return one(decOp{code: decRecord, sub: p}), nil
}

func (c *resolver) fields(p *decPlan, w, r *avsc.Schema, t reflect.Type) error {
	bound, err := bindFields(r, t)
	if err != nil {
		return err
	}
	read := map[*avsc.Field]bool{}
	for _, wf := range w.Fields {
		rf := readerField(w, r, wf, read)
		g, ok := bound[rf]
		if !ok {
			// The reader has no such field, or the Go type leaves it out.
			p.ops = append(p.ops, decOp{code: decSkip, schema: wf.Type, name: wf.Name})
			continue
		}
		ops, err := c.ops(wf.Type, rf.Type, g.typ)
		if err != nil {
			return at(rf.Name, err)
		}
		for _, o := range ops {
			o.off, o.name = g.offset, rf.Name
			p.ops = append(p.ops, o)
		}
	}
	var missing []decOp
	for _, rf := range r.Fields {
		if read[rf] {
			continue
		}
		o, err := c.absent(rf, bound, w)
		if err != nil {
			return at(rf.Name, err)
		}
		missing = append(missing, o...)
	}
	p.ops = append(missing, p.ops...)
	return nil
}

// readerField returns the reader's field for a writer's, by name and then by
// alias, and nil if there is none. Record names are not compared, as in Java,
// but the aliases of fields hold only between records of one name.
func readerField(w, r *avsc.Schema, wf *avsc.Field, read map[*avsc.Field]bool) *avsc.Field {
	has := func(list []*avsc.Field, name string) bool {
		return slices.ContainsFunc(list, func(f *avsc.Field) bool { return f.Name == name })
	}
	for _, rf := range r.Fields {
		if rf.Name == wf.Name {
			read[rf] = true
			return rf
		}
	}
	for _, rf := range r.Fields {
		if sameName(w, r) && !read[rf] && slices.Contains(rf.Aliases, wf.Name) && !has(w.Fields, rf.Name) {
			read[rf] = true
			return rf
		}
	}
	return nil
}

// absent fills in a field that the writer's schema does not have.
func (c *resolver) absent(f *avsc.Field, bound map[*avsc.Field]goField, w *avsc.Schema) ([]decOp, error) {
	if !f.HasDefault {
		ops := fail("the schema it was written with (%s) has no such field, and there is no default", w.Name)
		ops[0].name = f.Name
		return ops, nil
	}
	g, ok := bound[f]
	if !ok {
		return nil, nil
	}
	data, err := avrojson.AppendDefault(nil, f)
	if err != nil {
		return nil, err
	}
	// The strings of a default are those of the plan: they cost no copy, and no
	// record's data has to be kept for them.
	texts, cells := c.root.texts, c.root.cells
	inner, err := c.ops(f.Type, f.Type, g.typ)
	c.root.texts, c.root.cells = texts, cells
	if err != nil {
		return nil, err
	}
	if len(inner) != 1 {
		return nil, errors.New("a default that cannot be read")
	}
	return one(decOp{code: decDefault, off: g.offset, inner: inner, bytes: data, text: string(data), name: f.Name}), nil
}
