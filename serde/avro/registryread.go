package avro

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/riferrei/srclient"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/serde/avro/avsc"
)

// maxReferences bounds references between schemas, which may be a cycle.
const maxReferences = 100

// Registered is a schema of a subject.
type Registered struct {
	Subject string
	Version int
	ID      int32
	Schema  *avsc.Schema
}

// String is the version and the id, for reports.
func (r Registered) String() string { return fmt.Sprintf("version %d (id %d)", r.Version, r.ID) }

// writerSchema is the schema by which data was written.
type writerSchema struct {
	id     int32
	schema *avsc.Schema
}

// Keys of what is asked once.
type (
	idKey      struct{ id int32 }
	latestKey  struct{ subject string }
	versionKey struct {
		subject string
		version int
	}
)

// Schema returns the schema of an id, with the types that it refers to. It may wait
// for the registry; an error that may pass wraps [serde.ErrRetriable].
func (r *Registry) Schema(id int32) (*avsc.Schema, error) {
	w, err := r.lookup(id)
	return w.schema, err
}

// Latest returns the latest schema of a subject, as it was when it was asked for
// first. It may wait for the registry; an error that may pass wraps
// [serde.ErrRetriable].
func (r *Registry) Latest(subject string) (Registered, error) {
	return answer(r, latestKey{subject}, func() (Registered, error) {
		return r.version(subject, func(c client) (*srclient.Schema, error) { return c.GetLatestSchema(subject) }, "the latest schema")
	})
}

// Versions returns all schemas of a subject, oldest first; a subject that the registry
// does not know has none. The list is asked for each time. It may wait for the
// registry; an error that may pass wraps [serde.ErrRetriable].
func (r *Registry) Versions(subject string) ([]Registered, error) {
	var numbers []int
	err := r.ask(opSubject, "", func(c client) (err error) {
		numbers, err = c.GetSchemaVersions(subject)
		return err
	})
	switch {
	case hasStatus(err, http.StatusNotFound):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("avro: versions of subject %q: %w", subject, err)
	}
	var list []Registered
	for _, n := range numbers {
		v, err := answer(r, versionKey{subject, n}, func() (Registered, error) {
			return r.version(subject, func(c client) (*srclient.Schema, error) { return c.GetSchemaByVersion(subject, n) }, fmt.Sprint("version ", n))
		})
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func (r *Registry) version(subject string, get func(client) (*srclient.Schema, error), what string) (Registered, error) {
	v := Registered{Subject: subject}
	err := r.ask(opSubject, "", func(c client) error {
		s, err := get(c)
		if err != nil {
			return err
		}
		if s.Schema() == "" {
			return errors.New("the answer holds no schema")
		}
		v.Version, v.ID = s.Version(), int32(s.ID())
		v.Schema, err = r.parse(c, s, new(int))
		return err
	})
	if err != nil {
		err = fmt.Errorf("avro: %s of subject %q: %w", what, subject, err)
	}
	return v, err
}

// lookup returns the schema of an id.
func (r *Registry) lookup(id int32) (writerSchema, error) {
	if id < 0 {
		return writerSchema{}, fmt.Errorf("avro: schema id %d is not in the registry: ids are not negative", id)
	}
	return answer(r, idKey{id}, func() (writerSchema, error) { return r.fetch(id) })
}

func (r *Registry) fetch(id int32) (writerSchema, error) {
	w := writerSchema{id: id}
	err := r.ask(opLookup, "", func(c client) error {
		s, err := c.GetSchema(int(id))
		if err != nil {
			return err
		}
		if s.Schema() == "" {
			return errors.New("the answer holds no schema")
		}
		w.schema, err = r.parse(c, s, new(int))
		return err
	})
	var unusable *schemaError
	switch {
	case err == nil:
		return w, nil
	case errors.Is(err, serde.ErrRetriable):
		return w, fmt.Errorf("avro: schema id %d: %w", id, err)
	case hasStatus(err, http.StatusNotFound):
		return w, fmt.Errorf("avro: schema id %d is not in the registry: %w", id, err)
	case errors.As(err, &unusable):
		return w, fmt.Errorf("avro: schema id %d cannot be used: %w", id, unusable)
	}
	return w, fmt.Errorf("avro: schema id %d: the registry refuses: %w", id, err)
}

// schemaError is a schema that the registry has and this package cannot read.
type schemaError struct{ error }

func (e *schemaError) Unwrap() error { return e.error }

// parse parses a registry's schema after those it refers to. What a version of a
// subject is never changes, so each is asked for once.
func (r *Registry) parse(c client, s *srclient.Schema, seen *int) (*avsc.Schema, error) {
	if t := s.SchemaType(); t != nil && *t != srclient.Avro && *t != "" {
		return nil, &schemaError{fmt.Errorf("it is a schema of type %s, not Avro", string(*t))}
	}
	var known []*avsc.Schema
	for _, ref := range s.References() {
		if *seen++; *seen > maxReferences {
			return nil, &schemaError{fmt.Errorf("it refers to more than %d schemas", maxReferences)}
		}
		key := versionKey{ref.Subject, ref.Version}
		if v, ok := r.answers.Load(key); ok {
			known = append(known, v.(Registered).Schema)
			continue
		}
		other, err := c.GetSchemaByVersion(ref.Subject, ref.Version)
		if err != nil {
			err = fmt.Errorf("it refers to version %d of subject %q: %w", ref.Version, ref.Subject, err)
			if hasStatus(err, http.StatusNotFound) {
				err = &schemaError{err}
			}
			return nil, err
		}
		parsed, err := r.parse(c, other, seen)
		if err != nil {
			return nil, err
		}
		r.answers.Store(key, Registered{Subject: ref.Subject, Version: ref.Version, ID: int32(other.ID()), Schema: parsed})
		known = append(known, parsed)
	}
	parsed, err := avsc.ParseStored(s.Schema(), known...)
	if err != nil {
		return nil, &schemaError{err}
	}
	return parsed, nil
}
