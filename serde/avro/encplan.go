package avro

import (
	"errors"
	"fmt"
	"reflect"
	"sync"

	"github.com/streamweir/streamweir/serde/avro/avrojson"
	"github.com/streamweir/streamweir/serde/avro/avsc"
	"github.com/streamweir/streamweir/serde/avro/wire"
)

type encCode uint8

const (
	encBool encCode = iota
	encInt32
	encInt64
	encString
	encStringPointer // nullable *string
	encFloat32
	encFloat64
	encRecord
	encInteger // an integer of another width than the schema's
	encBytes
	encFixed
	encConst
	encEnumText
	encEnumNumber
	encTime
	encDuration
	encBranch    // union of one type
	encNilable   // nullable, first word nil is null
	encPointer   // nullable pointer
	encReference // pointer that is not nullable
	encOptional
	encArray
	encMapString
	encMapInt64
	encMap
	encEntries
)

// encOp encodes what lies at an offset from the base pointer. A plan is a list
// of them, made once for a Go type and run for each record without a look at
// the type.
type encOp struct {
	code       encCode
	kind       reflect.Kind // of an integer
	clock      clock
	long       bool // the integer is a long in the schema
	some, null byte // branches of a nullable union, encoded
	off        uintptr
	n          uintptr // encFixed: size; encArray, encEntries: size of an element; encOptional: offset of Set
	sub        *encPlan
	inner      []encOp // one op, for what is inside
	bytes      []byte  // encConst
	symbols    []string
	scratch    *sync.Pool // encMap: of *mapScratch
	typ        reflect.Type
	name       string // of the field, for errors
}

type encPlan struct{ ops []encOp }

type encKey struct {
	s *avsc.Schema
	t reflect.Type
}

type encCompiler struct{ plans map[encKey]*encPlan }

// compileEncode makes the plan by which a Go type is written with a schema. It
// is also the check that the type fits the schema.
func compileEncode(s *avsc.Schema, t reflect.Type) ([]encOp, error) {
	c := encCompiler{map[encKey]*encPlan{}}
	o, err := c.op(s, t)
	if err != nil {
		return nil, err
	}
	if o.code == encRecord {
		return o.sub.ops, nil
	}
	return []encOp{o}, nil
}

func (c *encCompiler) op(s *avsc.Schema, t reflect.Type) (encOp, error) {
	if s.Kind == avsc.Union {
		return c.union(s, t)
	}
	if t.Kind() == reflect.Pointer && s.Kind == avsc.Record && t.Elem().Kind() == reflect.Struct {
		inner, err := c.op(s, t.Elem())
		return encOp{code: encReference, inner: []encOp{inner}, typ: t}, err
	}
	if k, err := bindClock(s, t); err != nil || k != clockNone {
		code := encTime
		if t == durationType {
			code = encDuration
		}
		return encOp{code: code, clock: k}, err
	}
	if !fits(s, t) {
		return encOp{}, errType(s, t)
	}
	switch s.Kind {
	case avsc.Record:
		p, err := c.record(s, t)
		return encOp{code: encRecord, sub: p}, err
	case avsc.Array:
		inner, err := c.op(s.Items, t.Elem())
		if err != nil {
			err = wire.At(err, "[]")
		}
		return encOp{code: encArray, n: t.Elem().Size(), inner: []encOp{inner}}, err
	case avsc.Map:
		return c.mapping(s, t)
	}
	return scalar(s, t), nil
}

func scalar(s *avsc.Schema, t reflect.Type) encOp {
	o := encOp{kind: t.Kind(), typ: t}
	switch s.Kind {
	case avsc.Boolean:
		o.code = encBool
	case avsc.Float:
		o.code = encFloat32
	case avsc.Double:
		o.code = encFloat64
	case avsc.String:
		o.code = encString
	case avsc.Bytes:
		o.code = encBytes
	case avsc.Fixed:
		o.code, o.n = encFixed, uintptr(s.Size)
	case avsc.Enum:
		o.code, o.symbols = encEnumNumber, s.Symbols
		if t.Kind() == reflect.String {
			o.code = encEnumText
		}
	default:
		o.long = s.Kind == avsc.Long
		switch {
		case t.Kind() == reflect.Int32:
			o.code = encInt32
		case t.Size() == 8 && o.long:
			o.code = encInt64
		default:
			o.code = encInteger
		}
	}
	return o
}

func (c *encCompiler) record(s *avsc.Schema, t reflect.Type) (*encPlan, error) {
	if p := c.plans[encKey{s, t}]; p != nil {
		return p, nil
	}
	p := &encPlan{}
	c.plans[encKey{s, t}] = p
	bound, err := bindFields(s, t)
	if err != nil {
		return nil, err
	}
	for _, f := range s.Fields {
		g, ok := bound[f]
		var o encOp
		switch {
		case ok:
			o, err = c.op(f.Type, g.typ)
			o.off = g.offset
		case f.HasDefault:
			o.code = encConst
			o.bytes, err = avrojson.AppendDefault(nil, f)
		default:
			err = fmt.Errorf("%v has no field for it, and it has no default", t)
		}
		if err != nil {
			return nil, wire.At(err, f.Name)
		}
		o.name = f.Name
		p.ops = append(p.ops, o)
	}
	return p, nil
}

func (c *encCompiler) mapping(s *avsc.Schema, t reflect.Type) (encOp, error) {
	elem := t.Elem()
	if isEntries(t) {
		elem = elem.Field(1).Type
	}
	inner, err := c.op(s.Items, elem)
	if err != nil {
		return encOp{}, wire.At(err, `[""]`)
	}
	o := encOp{inner: []encOp{inner}, typ: t}
	if isEntries(t) {
		o.code, o.n = encEntries, t.Elem().Size()
		o.inner[0].off = t.Elem().Field(1).Offset
		return o, nil
	}
	// A map type of its own has the layout of its underlying type; another
	// element or key type might not, and is left to reflect.
	switch {
	case t.ConvertibleTo(reflect.TypeFor[map[string]string]()) && inner.code == encString:
		o.code = encMapString
	case t.ConvertibleTo(reflect.TypeFor[map[string]int64]()) && inner.code == encInt64:
		o.code = encMapInt64
	default:
		o.code = encMap
		o.scratch = newScratch(t)
	}
	return o, nil
}

func (c *encCompiler) union(s *avsc.Schema, t reflect.Type) (encOp, error) {
	u, err := bindUnion(s, t)
	if err != nil {
		return encOp{}, err
	}
	inner, err := c.op(u.of, u.inner)
	if err != nil {
		return encOp{}, err
	}
	// There are at most two branches, so the index is one byte.
	o := encOp{inner: []encOp{inner}, some: byte(u.some << 1), null: byte(u.null << 1), n: u.setOffset, typ: t}
	switch u.wrap {
	case wrapNone:
		o.code = encBranch
	case wrapNil:
		o.code = encNilable
	case wrapOptional:
		o.code = encOptional
	case wrapPointer:
		o.code = encPointer
		if inner.code == encString {
			o.code = encStringPointer
		}
	}
	return o, nil
}

// checkDefaults returns an error if a default in the schema is not of its
// field's type.
func checkDefaults(s *avsc.Schema, seen map[*avsc.Schema]bool) error {
	if s == nil || seen[s] {
		return nil
	}
	seen[s] = true
	var all []error
	for _, f := range s.Fields {
		if f.HasDefault {
			if _, err := avrojson.AppendDefault(nil, f); err != nil {
				all = append(all, fmt.Errorf("%s.%s: %w", s.Name, f.Name, err))
			}
		}
		all = append(all, checkDefaults(f.Type, seen))
	}
	for _, b := range s.Branches {
		all = append(all, checkDefaults(b, seen))
	}
	return errors.Join(append(all, checkDefaults(s.Items, seen))...)
}
