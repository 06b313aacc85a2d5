package avro

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/riferrei/srclient"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/serde/avro/avsc"
)

// registerKey is what makes a schema of a subject another one.
type registerKey struct {
	subject, text string
	references    string
	normalize     bool
}

// Register registers a schema under a subject, after those of its [References], and
// returns its id; with [Config.LookupOnly] it only asks for the id. Of the options
// References and [NormalizeSchemas] matter. It may wait for the registry; an error that
// may pass wraps [serde.ErrRetriable], and a schema that the subject's rule forbids is
// refused with the registry's reasons.
func (r *Registry) Register(subject, schema string, opts ...Option) (int32, error) {
	o := newOptions(opts)
	if _, err := o.parse(schema); err != nil {
		return 0, fmt.Errorf("avro: schema of subject %q: %w", subject, err)
	}
	return r.register(subject, schema, &o)
}

// register returns the id of a schema under a subject.
func (r *Registry) register(subject, text string, o *options) (int32, error) {
	refs, err := r.references(o.references, o.normalize)
	if err != nil {
		return 0, err
	}
	key := registerKey{subject, text, fmt.Sprintf("%#v", refs), o.normalize}
	return answer(r, key, func() (int32, error) {
		if o.mode != avsc.NoCheck && !r.config.LookupOnly {
			if id, err := r.admit(subject, text, refs, o); id > 0 || err != nil {
				return id, err
			}
		}
		var id int
		err := r.ask(opRegister, query(o.normalize), func(c client) error {
			send := c.CreateSchema
			if r.config.LookupOnly {
				send = c.LookupSchema
			}
			s, err := send(subject, text, srclient.Avro, refs...)
			if err != nil {
				return err
			}
			if id = s.ID(); id <= 0 {
				return errors.New("the answer holds no id")
			}
			return nil
		})
		switch {
		case err == nil:
			return int32(id), nil
		case hasStatus(err, http.StatusConflict):
			err = r.explain(err, subject, text, o)
		}
		return 0, fmt.Errorf("avro: cannot register the schema of subject %q: %w", subject, err)
	})
}

func query(normalize bool) string {
	if normalize {
		return "normalize=true"
	}
	return ""
}

// versioned are references as the registry knows them. version finds the version of one
// that names none.
func versioned(refs []Reference, version func(Reference) (int, error)) ([]srclient.Reference, error) {
	var list []srclient.Reference
	for _, ref := range refs {
		v := ref.Version
		if v == 0 {
			var err error
			if v, err = version(ref); err != nil {
				return nil, err
			}
		}
		list = append(list, srclient.Reference{Name: ref.Name, Subject: ref.Subject, Version: v})
	}
	return list, nil
}

// references registers those that name no version.
func (r *Registry) references(refs []Reference, normalize bool) ([]srclient.Reference, error) {
	return versioned(refs, func(ref Reference) (int, error) { return r.versionOf(ref, normalize) })
}

// versionKey of a schema that is referred to.
type referenceKey struct{ registerKey }

// versionOf registers a schema that is referred to, and returns its version.
func (r *Registry) versionOf(ref Reference, normalize bool) (int, error) {
	o := options{references: ref.References, normalize: normalize}
	if _, err := r.register(ref.Subject, ref.Schema, &o); err != nil {
		return 0, err
	}
	refs, err := r.references(ref.References, normalize)
	if err != nil {
		return 0, err
	}
	key := referenceKey{registerKey{ref.Subject, ref.Schema, fmt.Sprintf("%#v", refs), normalize}}
	return answer(r, key, func() (int, error) { return r.registeredAs(ref, refs, normalize) })
}

// registeredAs returns the version that a schema that is referred to has.
func (r *Registry) registeredAs(ref Reference, refs []srclient.Reference, normalize bool) (version int, err error) {
	err = r.ask(opSubject, query(normalize), func(c client) error {
		s, err := c.LookupSchema(ref.Subject, ref.Schema, srclient.Avro, refs...)
		if err != nil {
			return err
		}
		if version = s.Version(); version <= 0 {
			return errors.New("the answer holds no version")
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("avro: version of the schema of subject %q, which is referred to: %w", ref.Subject, err)
	}
	return version, err
}

// Check asks the registry whether a schema may be registered under a subject, by the
// subject's compatibility level, and returns its reasons if not. A subject without
// schemas takes all. Nothing is registered, not even what the schema refers to, which
// must have a Version or be registered. It may wait for the registry; an error that may
// pass wraps [serde.ErrRetriable].
func (r *Registry) Check(subject, schema string, opts ...Option) (compatible bool, reasons []string, err error) {
	o := newOptions(opts)
	if _, err := o.parse(schema); err != nil {
		return false, nil, fmt.Errorf("avro: schema of subject %q: %w", subject, err)
	}
	refs, err := r.known(o.references, o.normalize)
	if err != nil {
		return false, nil, err
	}
	return r.check(subject, schema, refs, o.normalize)
}

func (r *Registry) check(subject, schema string, refs []srclient.Reference, normalize bool) (compatible bool, reasons []string, err error) {
	q := strings.TrimPrefix(query(normalize)+"&verbose=true", "&")
	err = r.ask(opCheck, q, func(c client) (err error) {
		compatible, err = c.IsSchemaCompatible(subject, schema, "", srclient.Avro, refs...)
		if err == nil && !compatible {
			reasons = reasonsOf(c.answer)
		}
		return err
	})
	switch {
	case hasStatus(err, http.StatusNotFound):
		return true, nil, nil
	case err != nil:
		return false, nil, fmt.Errorf("avro: compatibility of the schema with subject %q: %w", subject, err)
	}
	return compatible, reasons, nil
}

// known are references to what is registered already.
func (r *Registry) known(refs []Reference, normalize bool) ([]srclient.Reference, error) {
	return versioned(refs, func(ref Reference) (int, error) {
		inner, err := r.known(ref.References, normalize)
		if err != nil {
			return 0, err
		}
		return r.registeredAs(ref, inner, normalize)
	})
}

// reasonsOf finds what a registry says about an incompatible schema: messages are
// Confluent's, a reason Apicurio's.
func reasonsOf(answer []byte) []string {
	var a struct {
		Messages []string `json:"messages"`
		Reason   string   `json:"reason"`
	}
	if json.Unmarshal(answer, &a) != nil || len(a.Messages) == 0 && a.Reason == "" {
		return nil
	}
	if a.Reason != "" {
		a.Messages = append(a.Messages, a.Reason)
	}
	return a.Messages
}

// Compatibility returns the compatibility level of a subject, such as "BACKWARD": its
// own, or the registry's. It may wait for the registry; an error that may pass wraps
// [serde.ErrRetriable].
func (r *Registry) Compatibility(subject string) (string, error) {
	var level string
	err := r.ask(opSubject, "", func(c client) error {
		l, err := c.GetCompatibilityLevel(subject, true)
		if err == nil {
			level = l.String()
		}
		return err
	})
	if hasStatus(err, http.StatusNotFound) {
		// Without a level of its own some registries do not know the subject.
		err = r.ask(opSubject, "", func(c client) error {
			l, err := c.GetGlobalCompatibilityLevel()
			if err == nil {
				level = l.String()
			}
			return err
		})
	}
	switch {
	case err != nil:
		return "", fmt.Errorf("avro: compatibility level of subject %q: %w", subject, err)
	case level == "":
		return "", fmt.Errorf("avro: compatibility level of subject %q: %w: the answer holds none", subject, serde.ErrRetriable)
	}
	return level, nil
}

// admit returns the id of a schema that its subject has, and 0 for one that may be
// registered by the mode of the options.
func (r *Registry) admit(subject, text string, refs []srclient.Reference, o *options) (int32, error) {
	var id int
	err := r.ask(opSubject, query(o.normalize), func(c client) error {
		s, err := c.LookupSchema(subject, text, srclient.Avro, refs...)
		if err == nil {
			id = s.ID()
		}
		return err
	})
	switch {
	case err == nil && id > 0:
		return int32(id), nil
	case err != nil && !hasStatus(err, http.StatusNotFound):
		return 0, fmt.Errorf("avro: cannot look up the schema of subject %q: %w", subject, err)
	}
	report, err := r.compare(subject, text, o, o.mode)
	if err == nil && !report.OK() {
		err = fmt.Errorf("avro: the schema of subject %q is not registered: %v", subject, report)
	}
	return 0, err
}

// compare checks a schema against what its subject has, without the registry's help.
func (r *Registry) compare(subject, text string, o *options, m avsc.Mode) (report avsc.Report, err error) {
	s, err := o.parse(text)
	if err != nil {
		return report, err
	}
	versions, err := r.Versions(subject)
	if err != nil {
		return report, err
	}
	var earlier []*avsc.Schema
	var names []string
	for _, v := range versions {
		earlier, names = append(earlier, v.Schema), append(names, v.String())
	}
	report = m.Check(s, earlier)
	report.Names = names
	return report, nil
}

// explain adds to a refusal where the schema differs from what its subject has. The
// registry's message says so as well, on one line.
func (r *Registry) explain(refusal error, subject, text string, o *options) error {
	level, err := r.Compatibility(subject)
	if err != nil {
		return refusal
	}
	mode, err := avsc.ParseMode(level)
	if err != nil {
		return refusal
	}
	report, err := r.compare(subject, text, o, mode)
	if err != nil || report.OK() {
		return refusal
	}
	return fmt.Errorf("%w\n%v", refusal, report)
}
