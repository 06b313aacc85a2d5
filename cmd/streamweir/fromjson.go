package main

import (
	"bufio"
	"errors"
	"fmt"

	"github.com/streamweir/streamweir/serde/avro"
	"github.com/streamweir/streamweir/serde/avro/avrojson"
	"github.com/streamweir/streamweir/serde/avro/avsc"
)

type fromJSON struct {
	registryFlags
	File      string   `arg:"" optional:"" help:"The values, one on each line; without it, or as -, the standard input."`
	Schema    string   `placeholder:"FILE" help:"The schema to write with. It is registered under the subject if there is one; otherwise the records are bare data."`
	Subject   string   `placeholder:"SUBJECT" help:"The records are in the wire format for this subject, with its latest schema if no --schema is given."`
	Reference []string `sep:"none" placeholder:"NAME=SUBJECT:VERSION" help:"A schema in the registry with a type that the schema uses and does not define. The option may be repeated."`
	Format    string   `short:"f" enum:"length,hex,base64,raw,delimited" default:"length" help:"How the records are written: after their lengths in four bytes (length), as lines of hex or base64, one behind the other (raw), or with the delimiter behind each (delimited), for kcat -P -D."`
	Delimiter string   `short:"D" placeholder:"TEXT" help:"The text behind each record with --format delimited. A record that has it in it is refused."`
}

// Validate is called by the parser of the arguments.
func (c *fromJSON) Validate() error {
	switch {
	case c.Schema == "" && c.Subject == "":
		return errors.New("which schema are the values of? Give --schema FILE for bare data, --subject SUBJECT for the wire format, or both")
	case (c.Format == delimited) != (c.Delimiter != ""):
		return errors.New("--format delimited and --delimiter TEXT go together")
	case c.Subject == "" && len(c.Reference) > 0:
		return errors.New("--reference takes a --subject")
	}
	return nil
}

func (c *fromJSON) Run(std stdio) error {
	e, err := c.encoder()
	if err != nil {
		return err
	}
	in, name, err := input(c.File, std)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out := bufio.NewWriter(std.out)
	n := 0
	err = readLines(in, func(line []byte) error {
		n++
		if len(line) == 0 {
			return nil
		}
		data, err := e.encode(line)
		if err == nil {
			err = writeFrame(out, c.Format, c.Delimiter, data)
		}
		if err != nil {
			return fmt.Errorf("line %d of %s: %w", n, name, err)
		}
		return nil
	})
	return errors.Join(err, out.Flush())
}

// encoder turns JSON into records.
type encoder struct {
	schema *avsc.Schema
	header []byte // empty for bare data
	data   []byte
}

func (c *fromJSON) encoder() (*encoder, error) {
	if c.Subject == "" {
		_, s, err := readSchema(c.Schema)
		return &encoder{schema: s}, err
	}
	r, err := c.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if c.Schema == "" {
		latest, err := r.Latest(c.Subject)
		return &encoder{schema: latest.Schema, header: avro.AppendHeader(nil, latest.ID)}, err
	}
	f, err := readFor(r, c.Schema, c.Subject, c.Reference)
	if err != nil {
		return nil, err
	}
	id, err := r.Register(c.Subject, f.text, f.options...)
	return &encoder{schema: f.schema, header: avro.AppendHeader(nil, id)}, err
}

// encode returns a record, which the next call overwrites: nil for null where the
// schema has no null, which deletes a key in a compacted topic.
func (e *encoder) encode(text []byte) ([]byte, error) {
	v, err := avrojson.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%w: each value takes a line of its own", err)
	}
	if v == nil && len(e.header) > 0 && e.schema.Kind != avsc.Null && e.schema.Kind != avsc.Union {
		return nil, nil
	}
	if e.data, err = avrojson.EncodePlain(append(e.data[:0], e.header...), e.schema, v); err != nil {
		return nil, fmt.Errorf("not a %s: %w", e.schema.Label(), err)
	}
	if e.data == nil {
		e.data = []byte{} // a value of no bytes
	}
	return e.data, nil
}
