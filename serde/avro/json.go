package avro

import (
	"fmt"

	"github.com/streamweir/streamweir/serde/avro/avrojson"
	"github.com/streamweir/streamweir/serde/avro/avsc"
)

// ToJSON returns framed data in Avro's JSON encoding, on one line, as
// kafka-avro-console-consumer prints it: a union that is not null as
// {"type": value}, bytes as text with a character for each byte, a timestamp as
// its number. Fields come in the order of the writer's schema.
//
// It may wait for the registry. An error that may pass wraps
// [serde.ErrRetriable].
func ToJSON(r *Registry, data []byte) ([]byte, error) {
	id, err := SchemaID(data)
	if err != nil {
		return nil, err
	}
	w, err := r.lookup(id)
	if err != nil {
		return nil, err
	}
	text, rest, err := avrojson.Append(nil, w.schema, data[HeaderSize:])
	if err == nil && len(rest) > 0 {
		err = errLeft(len(rest))
	}
	if err != nil {
		return nil, fmt.Errorf("avro: not a %s (schema id %d): %w", w.schema.Label(), id, err)
	}
	return text, nil
}

// ToJSONAs is [ToJSON] of what the data is by a reader's schema, with its fields,
// defaults and units of time. The schema is compiled for each call.
func ToJSONAs(r *Registry, schema string, data []byte) ([]byte, error) {
	s, err := avsc.Parse(schema)
	if err != nil {
		return nil, fmt.Errorf("avro: reader's schema: %w", err)
	}
	in := input{resolver: &resolver{registry: r, schema: s}}
	body, id, err := in.resolved(data)
	if err != nil {
		return nil, err
	}
	text, rest, err := avrojson.Append(nil, s, body)
	if err == nil && len(rest) > 0 {
		err = errLeft(len(rest))
	}
	if err != nil {
		return nil, in.wrap(id, err)
	}
	return text, nil
}

// FromJSON encodes JSON with a schema and frames it for a subject, such as
// "orders-value", which it registers the schema under. It takes Avro's JSON
// encoding, as kafka-avro-console-producer does, and plain JSON: the value of a
// union may stand without its type, and is then of the first branch that takes
// it; fields that have a default may be left out.
//
// It may wait for the registry. An error that may pass wraps
// [serde.ErrRetriable].
func FromJSON(r *Registry, subject, schema string, text []byte, opts ...Option) ([]byte, error) {
	o := newOptions(opts)
	s, err := o.parse(schema)
	if err != nil {
		return nil, fmt.Errorf("avro: schema of subject %s: %w", subject, err)
	}
	v, err := avrojson.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("avro: %w", err)
	}
	body, err := avrojson.EncodePlain(nil, s, v)
	if err != nil {
		return nil, fmt.Errorf("avro: not a %s: %w", s.Label(), err)
	}
	out := output{registry: r, options: &o, subject: subject, text: schema, schema: s}
	if err := out.bind(); err != nil {
		return nil, err
	}
	if out.plan == nil {
		return append(AppendHeader(nil, out.id), body...), nil
	}
	framed, err := out.resolved(nil, body)
	if err != nil {
		return nil, fmt.Errorf("avro: not a %s: %w", s.Label(), err)
	}
	return framed, nil
}
