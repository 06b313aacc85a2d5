package avro

import (
	"errors"
	"fmt"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/serde/avro/avsc"
)

// An Option changes how a serde uses the registry.
type Option func(*options)

type options struct {
	subject    SubjectStrategy
	internal   SubjectStrategy
	references []Reference
	normalize  bool
	latest     bool
	fixed      bool
	id         int32 // if fixed
	mode       avsc.Mode
}

func newOptions(opts []Option) options {
	o := options{subject: TopicNameStrategy, internal: internalStrategy}
	for _, set := range opts {
		set(&o)
	}
	return o
}

// Subject names the subjects of topics that are not internal; the default is
// [TopicNameStrategy]. Confluent: key.subject.name.strategy,
// value.subject.name.strategy.
func Subject(s SubjectStrategy) Option { return func(o *options) { o.subject = s } }

// InternalSubject names the subjects of internal topics: changelogs and repartition
// topics. By default a record has the subject of [RecordNameStrategy], and what is no
// record that of [TopicNameStrategy]. InternalSubject(TopicNameStrategy) makes a subject
// for each topic, as Kafka Streams with Confluent's serdes does.
func InternalSubject(s SubjectStrategy) Option { return func(o *options) { o.internal = s } }

// NormalizeSchemas asks the registry to normalise the schema before it looks whether
// it has it, so that other white space and another order of attributes make no new
// version. Confluent: normalize.schemas.
func NormalizeSchemas() Option { return func(o *options) { o.normalize = true } }

// UseLatestVersion writes with the latest schema of the subject, as it is when the
// registry is asked for it, once, and registers nothing. A value is written with the
// serde's schema and resolved into the latest one; if that cannot be the first record
// has an error with the path where they differ. Confluent: use.latest.version.
func UseLatestVersion() Option { return func(o *options) { o.latest = true } }

// UseSchemaID writes with the schema of an id, like [UseLatestVersion], whatever its
// subject. Confluent: use.schema.id.
func UseSchemaID(id int32) Option { return func(o *options) { o.id, o.fixed = id, true } }

// RequireCompatible refuses to register a schema that is not compatible, in a mode, with
// what its subject has, whether or not the registry minds. The error is a report with
// the places where they differ. A schema that the subject has already is not checked.
func RequireCompatible(m avsc.Mode) Option { return func(o *options) { o.mode = m } }

// References are the schemas with the types that the serde's schema uses and does not
// define.
func References(refs ...Reference) Option {
	return func(o *options) { o.references = append(o.references, refs...) }
}

// Reference is a schema that another one refers to.
type Reference struct {
	// Name is the full name of the type, and Subject where its schema is registered.
	Name, Subject string
	// Version is the one that is referred to. 0 registers Schema under Subject and
	// refers to the version that it then is.
	Version int
	// Schema is the text of the schema: what refers to it is compiled before the
	// registry is asked. References are those of this schema.
	Schema     string
	References []Reference
}

func (o *options) check() error {
	switch {
	case o.subject == nil || o.internal == nil:
		return errors.New("a subject strategy is nil")
	case o.latest && o.fixed:
		return errors.New("UseLatestVersion and UseSchemaID exclude each other")
	case o.fixed && o.id < 0:
		return fmt.Errorf("UseSchemaID(%d): ids are not negative", o.id)
	}
	return nil
}

// parse parses a schema after those it refers to.
func (o *options) parse(text string) (*avsc.Schema, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	known, err := parseReferences(o.references, 0)
	if err != nil {
		return nil, err
	}
	return avsc.Parse(text, known...)
}

func parseReferences(refs []Reference, depth int) ([]*avsc.Schema, error) {
	if depth > maxReferences {
		return nil, fmt.Errorf("references are nested more than %d deep", maxReferences)
	}
	var known []*avsc.Schema
	for _, ref := range refs {
		inner, err := parseReferences(ref.References, depth+1)
		if err != nil {
			return nil, err
		}
		s, err := avsc.Parse(ref.Schema, inner...)
		if err != nil {
			return nil, fmt.Errorf("reference %s (subject %q): %w", ref.Name, ref.Subject, err)
		}
		if s.Name != ref.Name {
			return nil, fmt.Errorf("reference %s (subject %q): its schema is %s", ref.Name, ref.Subject, s.Label())
		}
		known = append(known, s)
	}
	return known, nil
}

// subjectOf is the subject of a topic's keys or values.
func (o *options) subjectOf(topic string, role serde.Role, schema *avsc.Schema) (string, error) {
	if role.IsInternal() {
		return o.internal(topic, role, schema)
	}
	return o.subject(topic, role, schema)
}
