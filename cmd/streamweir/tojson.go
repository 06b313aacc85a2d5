package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/streamweir/streamweir/serde/avro"
	"github.com/streamweir/streamweir/serde/avro/avrojson"
	"github.com/streamweir/streamweir/serde/avro/avsc"
	"github.com/streamweir/streamweir/serde/avro/resolve"
)

type toJSON struct {
	registryFlags
	File   string `arg:"" optional:"" help:"The records; without it, or as -, the standard input."`
	Schema string `placeholder:"FILE" help:"The records are bare data of the schema in this file, not in the registry's wire format."`
	As     string `placeholder:"FILE" help:"Read the records with the schema in this file, as a consumer that has it does."`
	Format string `short:"f" enum:"length,hex,base64,raw" default:"length" help:"How the records stand in the input: after their lengths, as kcat -f '%R%s' writes them (length); as lines of hex or base64; or one record alone (raw), with --schema any number of them."`
}

func (c *toJSON) Run(std stdio) error {
	p, err := c.printer()
	if err != nil {
		return err
	}
	if p.registry != nil {
		defer p.registry.Close()
	}
	in, name, err := input(c.File, std)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out := bufio.NewWriter(std.out)
	n := 0
	err = readFrames(in, c.Format, func(data []byte) error {
		n++
		if err := p.print(out, data); err != nil {
			return fmt.Errorf("record %d of %s: %w", n, name, err)
		}
		return nil
	})
	return errors.Join(err, out.Flush())
}

// input is a file or the standard input, with its name.
func input(file string, std stdio) (io.ReadCloser, string, error) {
	if file == "" || file == "-" {
		return io.NopCloser(std.in), "the input", nil
	}
	f, err := os.Open(file)
	return f, file, err
}

func readSchema(file string) (string, *avsc.Schema, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", nil, err
	}
	s, err := avsc.ParseFile(avsc.Source{Name: file, Text: string(text)})
	return string(text), s, err
}

// printer turns records into JSON.
type printer struct {
	registry *avro.Registry // nil for bare data
	schema   *avsc.Schema   // of bare data
	as       *avsc.Schema   // nil: as it was written
	many     bool           // bare values may follow each other

	plans map[*avsc.Schema]*resolve.Plan
	line  []byte
	data  []byte
}

func (c *toJSON) printer() (*printer, error) {
	p := &printer{plans: map[*avsc.Schema]*resolve.Plan{}, many: c.Format == raw}
	var err error
	if c.As != "" {
		if _, p.as, err = readSchema(c.As); err != nil {
			return nil, err
		}
	}
	if c.Schema != "" {
		_, p.schema, err = readSchema(c.Schema)
	} else {
		p.registry, err = c.open()
	}
	return p, err
}

func (p *printer) print(out *bufio.Writer, data []byte) error {
	if p.registry != nil {
		if data == nil {
			_, err := out.WriteString("null\n")
			return err
		}
		id, err := avro.SchemaID(data)
		if err != nil {
			return err
		}
		s, err := p.registry.Schema(id)
		if err != nil {
			return err
		}
		rest, err := p.value(out, s, data[avro.HeaderSize:])
		if err == nil && len(rest) > 0 {
			err = fmt.Errorf("%d bytes are left over after the value", len(rest))
		}
		if err != nil {
			return fmt.Errorf("not a %s (schema id %d): %w", s.Label(), id, err)
		}
		return nil
	}
	for {
		rest, err := p.value(out, p.schema, data)
		if err == nil && len(rest) > 0 && (!p.many || len(rest) == len(data)) {
			err = fmt.Errorf("%d bytes are left over after the value", len(rest))
		}
		if err != nil {
			return fmt.Errorf("not a %s: %w", p.schema.Label(), err)
		}
		if len(rest) == 0 {
			return nil
		}
		data = rest
	}
}

// value writes one value and returns what follows it.
func (p *printer) value(out *bufio.Writer, s *avsc.Schema, data []byte) (rest []byte, err error) {
	if p.as == nil {
		p.line, rest, err = avrojson.Append(p.line[:0], s, data)
	} else {
		plan := p.plans[s]
		if plan == nil {
			if plan, err = resolve.New(s, p.as, resolve.Options{Times: true}); err != nil {
				return nil, fmt.Errorf("it cannot be read as %s: %w", p.as.Label(), err)
			}
			p.plans[s] = plan
		}
		if p.data, rest, err = plan.Append(p.data[:0], data); err == nil {
			p.line, _, err = avrojson.Append(p.line[:0], p.as, p.data)
		}
	}
	if err != nil {
		return nil, err
	}
	_, err = out.Write(append(p.line, '\n'))
	return rest, err
}
