package avro

import (
	"fmt"
	"sync"

	"github.com/linkedin/goavro/v2"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/serde/avro/avsc"
)

// Record is a serde for records whose type is not known when the program is
// written. A record is a map from field name to goavro's native value: bool,
// int32, int64, float32, float64, string (also enum), []byte (also fixed),
// []any, map[string]any (map and record); a union is nil or a map of one entry,
// from the branch's name to the value; a timestamp or date is a [time.Time], a
// time a [time.Duration], a decimal a *big.Rat.
//
// It is written with the given schema, whose fields with a default may be left
// out, and read as the writer's schema has it, whatever that is. A nil map is
// null.
func Record(r *Registry, schema string) serde.Serde[map[string]any] {
	s := &dynamic{registry: r, text: schema}
	parsed, err := avsc.Parse(schema)
	switch {
	case err != nil:
		s.err = fmt.Errorf("avro: schema of a record: %w", err)
	case parsed.Kind != avsc.Record:
		s.err = fmt.Errorf("avro: schema of a record: it is of type %s", parsed.Kind)
	default:
		if s.native, err = goavro.NewCodec(parsed.Text()); err != nil {
			s.err = fmt.Errorf("avro: schema of record %s: %w", parsed.Name, err)
		}
		s.name = parsed.Name
	}
	return s
}

type dynamic struct {
	registry *Registry
	text     string
	name     string
	native   *goavro.Codec
	err      error
	readers  sync.Map // int32 id -> *goavro.Codec
}

// Validate returns the error that Bind would return.
func (s *dynamic) Validate() error { return s.err }

// Bind implements [serde.Serde]. The subject is <topic>-key or <topic>-value.
func (s *dynamic) Bind(topic string, role serde.Role) (serde.Codec[map[string]any], error) {
	if s.err != nil {
		return nil, s.err
	}
	return &dynamicCodec{dynamic: s, subject: topic + "-" + role.String()}, nil
}

type dynamicCodec struct {
	*dynamic
	subject string
	bound   bool
	id      int32
}

func (c *dynamicCodec) Append(dst []byte, v map[string]any) ([]byte, error) {
	if !c.bound {
		id, err := c.registry.register(c.subject, c.text)
		if err != nil {
			return dst, err
		}
		c.id, c.bound = id, true
	}
	out, err := c.native.BinaryFromNative(appendHeader(dst, c.id), v)
	if err != nil {
		return dst, fmt.Errorf("avro: cannot encode %s for subject %s: %w", c.name, c.subject, err)
	}
	return out, nil
}

func (c *dynamicCodec) Decode(data []byte) (map[string]any, error) {
	id, err := SchemaID(data)
	if err != nil {
		return nil, err
	}
	w, err := c.registry.lookup(id)
	if err != nil {
		return nil, err
	}
	native, err := c.reader(w)
	if err != nil {
		return nil, err
	}
	// goavro makes room for whatever number of elements is announced, so the
	// data is gone through first.
	if err := check(w.schema, data[headerSize:]); err != nil {
		return nil, fmt.Errorf("avro: not a %s (schema id %d): %w", w.schema.Label(), id, err)
	}
	v, _, err := native.NativeFromBinary(data[headerSize:])
	if err != nil {
		return nil, fmt.Errorf("avro: not a %s (schema id %d): %w", w.schema.Label(), id, err)
	}
	return v.(map[string]any), nil
}

// check returns an error unless data is exactly one value of the schema.
func check(s *avsc.Schema, data []byte) error {
	d := decoder{b: data}
	end, err := d.skip(s, 0)
	if err == nil && end < len(data) {
		err = errLeft(len(data) - end)
	}
	return err
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
