package avro

import (
	"fmt"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/serde/avro/avsc"
	"github.com/streamweir/streamweir/serde/avro/resolve"
)

// output is what a codec writes with: a subject, and the id of a schema, which it has
// once the first record needs it. It belongs to one codec.
type output struct {
	registry *Registry
	options  *options
	subject  string
	text     string
	schema   *avsc.Schema

	bound bool
	id    int32
	plan  *resolve.Plan // to the schema of id; nil: it is the serde's own
	buf   []byte        // what the plan is given
}

func newOutput(r *Registry, o *options, text string, schema *avsc.Schema, topic string, role serde.Role) (output, error) {
	subject, err := o.subjectOf(topic, role, schema)
	return output{registry: r, options: o, subject: subject, text: text, schema: schema}, err
}

// bind finds out the id.
func (o *output) bind() (err error) {
	switch {
	case o.options.latest:
		latest, err := o.registry.Latest(o.subject)
		if err != nil {
			return err
		}
		if err := o.fit(latest.Schema); err != nil {
			return fmt.Errorf("avro: %s cannot be written as version %d, the latest, of subject %q (schema id %d): %w", o.schema.Label(), latest.Version, o.subject, latest.ID, err)
		}
		o.id = latest.ID
	case o.options.fixed:
		w, err := o.registry.lookup(o.options.id)
		if err != nil {
			return err
		}
		if err := o.fit(w.schema); err != nil {
			return fmt.Errorf("avro: %s cannot be written as schema id %d: %w", o.schema.Label(), w.id, err)
		}
		o.id = w.id
	default:
		if o.id, err = o.registry.register(o.subject, o.text, o.options); err != nil {
			return err
		}
	}
	o.bound = true
	return nil
}

// fit compiles how a value of the serde's schema becomes one of another. Whoever reads
// it goes by the other's unit of time.
func (o *output) fit(to *avsc.Schema) error {
	plan, err := resolve.New(o.schema, to, resolve.Options{Times: true})
	if err == nil && !plan.Equal() {
		o.plan = plan
	}
	return err
}

// copied appends what another output of the same serde wrote. ok is false if the schema
// is not the serde's own, here or there.
func (o *output) copied(dst, data []byte, by *output) (out []byte, ok bool, err error) {
	if id, err := SchemaID(data); err != nil || !by.bound || by.plan != nil || id != by.id {
		return dst, false, nil
	}
	if !o.bound {
		if err := o.bind(); err != nil {
			return dst, false, err
		}
	}
	if o.plan != nil {
		return dst, false, nil
	}
	return append(AppendHeader(dst, o.id), data[HeaderSize:]...), true, nil
}

// resolved appends a framed value. data is the value by the serde's schema, in buf.
func (o *output) resolved(dst, data []byte) ([]byte, error) {
	o.buf = data
	out, rest, err := o.plan.Append(AppendHeader(dst, o.id), data)
	if err == nil && len(rest) > 0 {
		err = errLeft(len(rest))
	}
	return out, err
}
