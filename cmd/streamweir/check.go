package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/streamweir/streamweir/serde/avro"
	"github.com/streamweir/streamweir/serde/avro/avsc"
)

// Exit codes of check and register.
const (
	incompatible = 1
	unknown      = 2
)

var errIncompatible = errors.New("the schema is not compatible")

type check struct {
	registryFlags
	File      string   `arg:"" help:"The new schema."`
	Against   []string `placeholder:"FILE" help:"Files of earlier versions, oldest first, with commas between them or an option for each."`
	Subject   string   `placeholder:"SUBJECT" help:"The registry's subject whose versions are the earlier ones, such as orders-value."`
	Mode      string   `placeholder:"MODE" help:"BACKWARD, FORWARD, FULL, or one of these with _TRANSITIVE; without it BACKWARD for files, and for a subject its own in the registry, which is then asked for its verdict too."`
	Reference []string `sep:"none" placeholder:"NAME=SUBJECT:VERSION" help:"A schema in the registry with a type that the file uses and does not define. The option may be repeated."`
}

// Validate is called by the parser of the arguments.
func (c *check) Validate() error {
	switch {
	case (len(c.Against) == 0) == (c.Subject == ""):
		return errors.New("what is the schema to be compared with? Give either --against FILE or --subject SUBJECT")
	case c.Mode == "":
		return nil
	}
	_, err := avsc.ParseMode(c.Mode)
	return err
}

func (c *check) Run(std stdio) error {
	var v verdict
	var err error
	if c.Subject == "" {
		v, err = c.files()
	} else {
		v, err = c.registered()
	}
	if err != nil {
		return outcome{err, unknown}
	}
	fmt.Fprintln(std.out, v)
	if !v.ok() {
		return outcome{errIncompatible, incompatible}
	}
	return nil
}

func (c *check) files() (verdict, error) {
	mode := avsc.Backward
	if c.Mode != "" {
		mode, _ = avsc.ParseMode(c.Mode)
	}
	v := verdict{file: c.File}
	var known []*avsc.Schema
	if len(c.Reference) > 0 {
		r, err := c.open()
		if err != nil {
			return v, err
		}
		defer r.Close()
		if _, known, err = findAll(r, c.Reference); err != nil {
			return v, err
		}
	}
	text, err := os.ReadFile(c.File)
	if err != nil {
		return v, err
	}
	schema, err := avsc.ParseFile(avsc.Source{Name: c.File, Text: string(text)}, known...)
	if err != nil {
		return v, err
	}
	var old []*avsc.Schema
	for _, name := range c.Against {
		text, err := os.ReadFile(name)
		if err != nil {
			return v, err
		}
		s, err := avsc.ParseStored(string(text), known...)
		if err != nil {
			return v, fmt.Errorf("%s: %w", name, err)
		}
		old = append(old, s)
	}
	v.report = mode.Check(schema, old)
	v.report.Names = c.Against
	return v, nil
}

func (c *check) registered() (verdict, error) {
	r, err := c.open()
	if err != nil {
		return verdict{}, err
	}
	defer r.Close()
	f, err := readFor(r, c.File, c.Subject, c.Reference)
	if err != nil {
		return verdict{}, err
	}
	v, _, err := judge(r, f, c.Mode)
	return v, err
}

// judge compares a schema with those of its subject. In the subject's own mode, which
// "" is, the registry is asked as well.
func judge(r *avro.Registry, f subjectFile, mode string) (verdict, []avro.Registered, error) {
	v := verdict{file: f.name, subject: f.subject}
	level := mode
	if level == "" {
		var err error
		if level, err = r.Compatibility(f.subject); err != nil {
			return v, nil, err
		}
	}
	m, err := avsc.ParseMode(level)
	if err != nil {
		return v, nil, err
	}
	old, err := r.Versions(f.subject)
	if err != nil {
		return v, nil, err
	}
	var schemas []*avsc.Schema
	var names []string
	for _, o := range old {
		schemas, names = append(schemas, o.Schema), append(names, o.String())
	}
	v.report = m.Check(f.schema, schemas)
	v.report.Names = names
	if mode == "" && v.report.OK() {
		var compatible bool
		if compatible, v.reasons, err = r.Check(f.subject, f.text, f.options...); err != nil {
			return v, nil, err
		}
		v.refused = !compatible
	}
	return v, old, nil
}

// verdict is the outcome of a comparison.
type verdict struct {
	file, subject string
	report        avsc.Report
	refused       bool // by the registry, for reasons of its own
	reasons       []string
}

func (v verdict) ok() bool { return v.report.OK() && !v.refused }

// String is the report, for people: for each earlier schema who cannot read what, and
// below it where and why.
func (v verdict) String() string {
	with := v.subject
	if with == "" {
		with = strings.Join(v.report.Names, ", ")
	}
	var b strings.Builder
	switch {
	case v.ok() && len(v.report.Names) == 0:
		fmt.Fprintf(&b, "%s: compatible (%s): %s has no schema yet", v.file, v.report.Mode, with)
	case v.ok():
		fmt.Fprintf(&b, "%s: compatible with %s (%s)", v.file, with, v.report.Mode)
	default:
		fmt.Fprintf(&b, "%s: NOT compatible with %s (%s)", v.file, with, v.report.Mode)
	}
	b.WriteString(v.report.Details())
	if v.refused {
		b.WriteString("\nthe registry does not take it")
		for _, reason := range v.reasons {
			b.WriteString("\n  " + reason)
		}
	}
	return b.String()
}
