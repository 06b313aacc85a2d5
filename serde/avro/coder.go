package avro

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/serde/avro/avsc"
	"github.com/streamweir/streamweir/serde/avro/resolve"
	"github.com/streamweir/streamweir/serde/avro/wire"
)

// Coder is implemented by *S, for a struct S, by code that was generated from a
// schema. [For] uses it in place of a plan of its own, for S and *S alike, if the schema
// is the one given to For, in canonical form and in the units of its times; S may then
// be any type. Data of another schema is resolved first.
type Coder interface {
	// AvroSchema returns the text of the schema; it may be called on nil.
	AvroSchema() string
	// AppendAvro appends the value in Avro's binary encoding, without a header.
	AppendAvro(dst []byte) ([]byte, error)
	// DecodeAvro sets the value, all of it, to what the head of data encodes, and
	// returns the rest of data. It must copy what it keeps; it may use the memory of
	// slices that the value has.
	DecodeAvro(data []byte) (rest []byte, err error)
}

// Of is a serde for a type that was generated from a schema, or a pointer to one: T or
// *T is a [Coder]. It is [For] with the type's own schema.
func Of[T any](r *Registry, opts ...Option) serde.Serde[T] {
	own, err := coderOf(reflect.TypeFor[T]())
	s := &typed[T]{registry: r, options: newOptions(opts), err: err}
	if err == nil {
		s.text = own.AvroSchema()
		s.err = s.compile()
	}
	return s
}

// coderOf returns a Coder of a type, to ask for the schema.
func coderOf(t reflect.Type) (Coder, error) {
	p := t
	if p.Kind() != reflect.Pointer {
		p = reflect.PointerTo(t)
	}
	if !p.Implements(reflect.TypeFor[Coder]()) {
		return nil, fmt.Errorf("avro: %v was not generated from a schema: %v has no AvroSchema, AppendAvro and DecodeAvro; use avro.For with a schema", t, p)
	}
	return reflect.New(p.Elem()).Interface().(Coder), nil
}

// hasCoder tells whether the type's own code is one for the schema.
func hasCoder(t reflect.Type, schema *avsc.Schema) bool {
	c, err := coderOf(t)
	if err != nil {
		return false
	}
	own, err := avsc.Parse(c.AvroSchema())
	if err != nil || own.Canonical() != schema.Canonical() {
		return false
	}
	p, err := resolve.New(own, schema, resolve.Options{Times: true})
	return err == nil && p.Equal()
}

// decodeCoder reads a value by its own code. An error gets its path.
func decodeCoder(c Coder, schema *avsc.Schema, data []byte) (rest []byte, err error) {
	rest, err = c.DecodeAvro(data)
	if err == nil {
		return rest, nil
	}
	if e, ok := errors.AsType[*wire.ByteError](err); ok {
		return nil, wire.At(e.Err, resolve.PathAt(schema, data, e.At))
	}
	if _, where := resolve.Check(schema, data); where != nil {
		err = where // code that was not generated need not say where
	}
	return nil, err
}
