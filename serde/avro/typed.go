package avro

import (
	"fmt"
	"reflect"
	"unsafe"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/serde/avro/avsc"
)

// For is a serde for a Go type T and the schema that T is written with and read
// as. T is usually a struct or a pointer to one; with a pointer nil is null.
// The package documentation says which Go types go with which schema.
//
// A T that does not fit the schema, or a schema that is not one, is an error of
// Bind; the serde also has a method Validate that tells it earlier. The
// registry is asked by the codec when the first record needs it: for the id
// when it writes, for the writer's schema when it reads an id for the first
// time. While the registry does not answer, errors wrap [serde.ErrRetriable].
func For[T any](r *Registry, schema string, opts ...Option) serde.Serde[T] {
	s := &typed[T]{registry: r, text: schema, options: newOptions(opts)}
	s.err = s.compile()
	return s
}

// typed is shared by the codecs of all tasks.
type typed[T any] struct {
	registry *Registry
	text     string
	options  options
	schema   *avsc.Schema
	coder    bool // *S is a Coder for the schema, and there are no plans
	encode   []encOp
	decode   *rootPlan
	resolver *resolver
	err      error
}

func (s *typed[T]) compile() error {
	t := reflect.TypeFor[T]()
	schema, err := s.options.parse(s.text)
	if err != nil {
		return fmt.Errorf("avro: schema of %v: %w", t, err)
	}
	if err := checkDefaults(schema, map[*avsc.Schema]bool{}); err != nil {
		return fmt.Errorf("avro: schema of %v: %w", t, err)
	}
	if s.coder = hasCoder(t, schema); !s.coder {
		if s.encode, err = compileEncode(schema, t); err == nil {
			s.decode, err = compileDecode(schema, t)
		}
		if err != nil {
			return fmt.Errorf("avro: %v does not fit schema %s: %w", t, schema.Label(), err)
		}
	}
	s.schema = schema
	s.resolver = &resolver{registry: s.registry, schema: schema}
	return nil
}

// Validate returns the error that Bind would return.
func (s *typed[T]) Validate() error { return s.err }

// Bind implements [serde.Serde].
func (s *typed[T]) Bind(topic string, role serde.Role) (serde.Codec[T], error) {
	if s.err != nil {
		return nil, s.err
	}
	out, err := newOutput(s.registry, &s.options, s.text, s.schema, topic, role)
	if err != nil {
		return nil, err
	}
	c := &typedCodec[T]{typed: s, out: out, in: input{resolver: s.resolver}}
	c.pointer = reflect.TypeFor[T]().Kind() == reflect.Pointer
	return c, nil
}

// typedCodec belongs to one task.
type typedCodec[T any] struct {
	*typed[T]
	pointer bool // T is a pointer

	// value is where a record is read to and written from. The plans work on
	// its address; that of a parameter would have to be moved to the heap for
	// each record.
	value T
	enc   encoder
	dec   decoder
	out   output
	in    input
}

func (c *typedCodec[T]) Append(dst []byte, v T) ([]byte, error) {
	if !c.out.bound {
		if err := c.out.bind(); err != nil {
			return dst, err
		}
	}
	c.value = v
	var err error
	if c.out.plan == nil {
		dst, err = c.append(AppendHeader(dst, c.out.id))
	} else {
		dst, err = c.appendResolved(dst)
	}
	var zero T
	c.value = zero
	if err != nil {
		return dst, fmt.Errorf("avro: cannot encode %s for subject %s: %w", c.schema.Label(), c.out.subject, err)
	}
	return dst, nil
}

// AppendCopy implements [serde.Copier].
func (c *typedCodec[T]) AppendCopy(dst, data []byte, codec any) ([]byte, bool, error) {
	by, ok := codec.(*typedCodec[T])
	if !ok || by.typed != c.typed {
		return dst, false, nil
	}
	return c.out.copied(dst, data, &by.out)
}

func (c *typedCodec[T]) append(dst []byte) ([]byte, error) {
	if c.coder {
		return c.target().AppendAvro(dst)
	}
	return c.enc.run(dst, c.encode, unsafe.Pointer(&c.value))
}

func (c *typedCodec[T]) appendResolved(dst []byte) ([]byte, error) {
	data, err := c.append(c.out.buf[:0])
	if err != nil {
		return dst, err
	}
	return c.out.resolved(dst, data)
}

// target returns the Coder that value is or that it points to.
func (c *typedCodec[T]) target() Coder {
	if c.pointer {
		return any(c.value).(Coder)
	}
	return any(&c.value).(Coder)
}

func (c *typedCodec[T]) Decode(data []byte) (T, error) {
	var none T
	return c.DecodeInto(none, data)
}

// DecodeInto implements [serde.Reuser] for generated types and pointers to them; others
// are not used again.
func (c *typedCodec[T]) DecodeInto(old T, data []byte) (T, error) {
	var zero T
	body, id, err := c.in.resolved(data)
	if err != nil {
		return zero, err
	}
	if c.coder {
		c.value = old
	}
	rest, err := c.read(body)
	v := c.value
	c.value = zero
	if err == nil && len(rest) > 0 {
		err = errLeft(len(rest))
	}
	if err != nil {
		return zero, c.in.wrap(id, err)
	}
	return v, nil
}

// read sets value, which is zero or a generated type's that was used.
func (c *typedCodec[T]) read(data []byte) (rest []byte, err error) {
	if !c.coder {
		rest, err = c.dec.decode(data, c.decode, unsafe.Pointer(&c.value))
		c.dec = decoder{}
		return rest, err
	}
	if none := *new(T); c.pointer && any(c.value) == any(none) {
		c.value = reflect.New(reflect.TypeFor[T]().Elem()).Interface().(T)
	}
	return decodeCoder(c.target(), c.schema, data)
}
