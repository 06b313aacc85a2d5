package avro

import (
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/serde/avro/avsc"
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
}

func newOutput(r *Registry, o *options, text string, schema *avsc.Schema, topic string, role serde.Role) (output, error) {
	subject, err := o.subjectOf(topic, role, schema)
	return output{registry: r, options: o, subject: subject, text: text, schema: schema}, err
}

// bind finds out the id.
func (o *output) bind() (err error) {
	if o.id, err = o.registry.register(o.subject, o.text, o.options); err != nil {
		return err
	}
	o.bound = true
	return nil
}
