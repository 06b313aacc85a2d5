package avro

import (
	"errors"
	"fmt"
	"sync"

	"github.com/linkedin/goavro/v2"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/serde/avro/avsc"
	"github.com/streamweir/streamweir/serde/avro/resolve"
)

// Record is a serde for records whose type is not known when the program is
// written. A record is a map from field name to goavro's native value: bool,
// int32, int64, float32, float64, string (also enum), []byte (also fixed),
// []any, map[string]any (map and record); a union is nil or a map of one entry,
// from the branch's name to the value; a timestamp or date is a [time.Time], a
// time a [time.Duration], a decimal a *big.Rat.
//
// It is written with the given schema, whose fields with a default may be left
// out, and read as the schema has it, after resolution of what another schema
// wrote. A nil map is null.
func Record(r *Registry, schema string, opts ...Option) serde.Serde[map[string]any] {
	s := &dynamic{registry: r, text: schema, options: newOptions(opts)}
	parsed, err := s.options.parse(schema)
	switch {
	case err != nil:
		s.err = fmt.Errorf("avro: schema of a record: %w", err)
	case parsed.Kind != avsc.Record:
		s.err = fmt.Errorf("avro: schema of a record: it is of type %s", parsed.Kind)
	default:
		if s.native, err = goavro.NewCodec(parsed.Text()); err != nil {
			s.err = fmt.Errorf("avro: schema of record %s: %w", parsed.Name, err)
		}
		s.resolver = &resolver{registry: r, schema: parsed}
	}
	return s
}

// RecordAsWritten is [Record] for whatever there is: each record is read as the schema
// has it that it was written with. It does not write.
func RecordAsWritten(r *Registry) serde.Serde[map[string]any] { return &dynamic{registry: r} }

type dynamic struct {
	registry *Registry
	text     string
	options  options
	native   *goavro.Codec
	resolver *resolver // nil: read as written
	err      error
	readers  sync.Map // int32 id -> *goavro.Codec, of what is read as written
}

// Validate returns the error that Bind would return.
func (s *dynamic) Validate() error { return s.err }

// Bind implements [serde.Serde].
func (s *dynamic) Bind(topic string, role serde.Role) (serde.Codec[map[string]any], error) {
	if s.err != nil {
		return nil, s.err
	}
	c := &dynamicCodec{dynamic: s, in: input{resolver: s.resolver}}
	if s.resolver == nil {
		return c, nil
	}
	var err error
	if c.out, err = newOutput(s.registry, &s.options, s.text, s.resolver.schema, topic, role); err != nil {
		return nil, err
	}
	return c, nil
}

type dynamicCodec struct {
	*dynamic
	out output
	in  input
}

func (c *dynamicCodec) Append(dst []byte, v map[string]any) ([]byte, error) {
	if c.native == nil {
		return dst, errors.New("avro: avro.RecordAsWritten has no schema to write with; use avro.Record")
	}
	if !c.out.bound {
		if err := c.out.bind(); err != nil {
			return dst, err
		}
	}
	out, err := c.append(dst, v)
	if err != nil {
		return dst, fmt.Errorf("avro: cannot encode %s for subject %s: %w", c.resolver.schema.Name, c.out.subject, err)
	}
	return out, nil
}

// AppendCopy implements [serde.Copier].
func (c *dynamicCodec) AppendCopy(dst, data []byte, codec any) ([]byte, bool, error) {
	by, ok := codec.(*dynamicCodec)
	if !ok || by.dynamic != c.dynamic {
		return dst, false, nil
	}
	return c.out.copied(dst, data, &by.out)
}

func (c *dynamicCodec) append(dst []byte, v map[string]any) ([]byte, error) {
	if c.out.plan == nil {
		return c.native.BinaryFromNative(AppendHeader(dst, c.out.id), v)
	}
	data, err := c.native.BinaryFromNative(c.out.buf[:0], v)
	if err != nil {
		return dst, err
	}
	return c.out.resolved(dst, data)
}

func (c *dynamicCodec) Decode(data []byte) (map[string]any, error) {
	if c.resolver == nil {
		return c.asWritten(data)
	}
	body, id, err := c.in.resolved(data)
	if err != nil {
		return nil, err
	}
	return native(c.native, c.resolver.schema, id, body)
}

func (c *dynamicCodec) asWritten(data []byte) (map[string]any, error) {
	id, err := SchemaID(data)
	if err != nil {
		return nil, err
	}
	w, err := c.registry.lookup(id)
	if err != nil {
		return nil, err
	}
	codec, err := c.reader(w)
	if err != nil {
		return nil, err
	}
	return native(codec, w.schema, id, data[HeaderSize:])
}

// native reads data of a schema. goavro makes room for whatever number of elements is
// announced, so the data is gone through first.
func native(c *goavro.Codec, s *avsc.Schema, id int32, data []byte) (map[string]any, error) {
	rest, err := resolve.Check(s, data)
	if err == nil && len(rest) > 0 {
		err = errLeft(len(rest))
	}
	var v any
	if err == nil {
		v, _, err = c.NativeFromBinary(data)
	}
	if err != nil {
		return nil, fmt.Errorf("avro: not a %s (schema id %d): %w", s.Label(), id, err)
	}
	return v.(map[string]any), nil
}

func (s *dynamic) reader(w writerSchema) (*goavro.Codec, error) {
	if c, ok := s.readers.Load(w.id); ok {
		return c.(*goavro.Codec), nil
	}
	if w.schema.Kind != avsc.Record {
		return nil, fmt.Errorf("avro: schema id %d is %s, not a record", w.id, w.schema.Label())
	}
	c, err := goavro.NewCodec(w.schema.Text())
	if err != nil {
		return nil, fmt.Errorf("avro: schema id %d cannot be used: %w", w.id, err)
	}
	s.readers.Store(w.id, c)
	return c, nil
}
