package avro

import (
	"reflect"
	"sync"

	"github.com/streamweir/streamweir/serde/avro/avsc"
	"github.com/streamweir/streamweir/serde/avro/wire"
)

type decCode uint8

const (
	decSkip decCode = iota
	decBool
	decInt32
	decInt64
	decString
	decNullableString // union of null and string to *string
	decFloat32
	decFloat64
	decRecord
	decUnion   // of null and what inner reads, or of one type
	decInteger // an integer of another width than the schema's
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
)

// decOp reads one value into what lies at an offset from the base pointer, which holds
// the zero value.
type decOp struct {
	code    decCode
	kind    reflect.Kind // of an integer
	clock   clock
	isInt   bool // the integer is an int in the schema
	some    int  // decUnion, decNullableString: branch that is not null
	off     uintptr
	n       uintptr // decFixed: size; decArray, decEntries: size of an element; decOptional: offset of Set
	min     int     // fewest bytes of an element; decUnion: branches
	schema  *avsc.Schema
	sub     *decPlan
	inner   []decOp
	symbols []string
	typ     reflect.Type
	empty   reflect.Value
	scratch *sync.Pool
	name    string
}

type decPlan struct{ ops []decOp }

// rootPlan reads data of one schema as one Go type.
type rootPlan struct {
	ops   []decOp
	cells int // *string fields
}

type decKey struct {
	s *avsc.Schema
	t reflect.Type
}

type decCompiler struct {
	plans map[decKey]*decPlan
	root  *rootPlan
}

// compileDecode makes the plan by which data of a schema is read as a Go type that
// compileEncode accepted for it.
func compileDecode(s *avsc.Schema, t reflect.Type) (*rootPlan, error) {
	c := decCompiler{map[decKey]*decPlan{}, &rootPlan{}}
	o, err := c.op(s, t)
	if err != nil {
		return nil, err
	}
	c.root.ops = []decOp{o}
	if o.code == decRecord {
		c.root.ops = o.sub.ops
	}
	return c.root, nil
}

func (c *decCompiler) op(s *avsc.Schema, t reflect.Type) (decOp, error) {
	if s.Kind == avsc.Union {
		return c.union(s, t)
	}
	if t.Kind() == reflect.Pointer && s.Kind == avsc.Record {
		inner, err := c.op(s, t.Elem())
		return decOp{code: decPointer, inner: []decOp{inner}, typ: t.Elem()}, err
	}
	o := decOp{kind: t.Kind(), isInt: s.Kind == avsc.Int, schema: s}
	switch s.Kind {
	case avsc.Boolean:
		o.code = decBool
	case avsc.Float:
		o.code = decFloat32
	case avsc.Double:
		o.code = decFloat64
	case avsc.String:
		o.code = decString
	case avsc.Bytes:
		o.code = decBytes
	case avsc.Fixed:
		o.code, o.n = decFixed, uintptr(s.Size)
	case avsc.Enum:
		o.code, o.symbols = decEnumNumber, s.Symbols
		if t.Kind() == reflect.String {
			o.code = decEnumText
		}
	case avsc.Record:
		p, err := c.record(s, t)
		return decOp{code: decRecord, sub: p}, err
	case avsc.Array, avsc.Map:
		return c.container(s, t)
	default:
		o.code, o.clock = integer(s, t)
	}
	return o, nil
}

// integer chooses how a long or int is kept.
func integer(s *avsc.Schema, t reflect.Type) (decCode, clock) {
	switch {
	case t == timeType:
		return decTime, clockOf(s)
	case t == durationType:
		return decDuration, clockOf(s)
	case t.Kind() == reflect.Int32 && s.Kind == avsc.Int:
		return decInt32, clockNone
	case t.Size() == 8 && s.Kind == avsc.Long:
		return decInt64, clockNone
	}
	return decInteger, clockNone
}

func (c *decCompiler) union(s *avsc.Schema, t reflect.Type) (decOp, error) {
	u, err := bindUnion(s, t)
	if err != nil {
		return decOp{}, err
	}
	inner, err := c.op(u.of, u.inner)
	if err != nil {
		return decOp{}, err
	}
	o := decOp{code: decUnion, some: u.some, min: len(s.Branches), inner: []decOp{inner}}
	switch u.wrap {
	case wrapPointer:
		if inner.code == decString {
			c.root.cells++
			return decOp{code: decNullableString, some: u.some}, nil
		}
		o.inner = []decOp{{code: decPointer, inner: o.inner, typ: u.inner}}
	case wrapOptional:
		o.inner = []decOp{{code: decOptional, inner: o.inner, n: u.setOffset}}
	}
	return o, nil
}

func (c *decCompiler) container(s *avsc.Schema, t reflect.Type) (decOp, error) {
	elem := t.Elem()
	if isEntries(t) {
		elem = elem.Field(1).Type
	}
	inner, err := c.op(s.Items, elem)
	if err != nil {
		return decOp{}, err
	}
	o := decOp{code: decArray, typ: t, inner: []decOp{inner}, n: t.Elem().Size(), min: s.Items.MinSize}
	if s.Kind == avsc.Array {
		o.empty = reflect.MakeSlice(t, 0, 0)
		return o, nil
	}
	o.min++ // the key's length
	switch {
	case isEntries(t):
		o.code = decEntries
		o.inner[0].off = t.Elem().Field(1).Offset
	case inner.code == decString && t.ConvertibleTo(reflect.TypeFor[map[string]string]()):
		o.code = decMapString
	case inner.code == decInt64 && t.ConvertibleTo(reflect.TypeFor[map[string]int64]()):
		o.code = decMapInt64
	default:
		o.code = decMap
		o.scratch = newScratch(t)
	}
	return o, nil
}

func (c *decCompiler) record(s *avsc.Schema, t reflect.Type) (*decPlan, error) {
	key := decKey{s, t}
	if p := c.plans[key]; p != nil {
		return p, nil
	}
	p := &decPlan{}
	c.plans[key] = p
	bound, err := bindFields(s, t)
	if err != nil {
		return nil, err
	}
	for _, f := range s.Fields {
		o := decOp{code: decSkip, schema: f.Type} // the Go type leaves it out
		if g, ok := bound[f]; ok {
			if o, err = c.op(f.Type, g.typ); err != nil {
				return nil, wire.At(err, f.Name)
			}
			o.off = g.offset
		}
		o.name = f.Name
		p.ops = append(p.ops, o)
	}
	return p, nil
}
