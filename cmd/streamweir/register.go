package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aymanbagabas/go-udiff"

	"github.com/streamweir/streamweir/serde/avro"
	"github.com/streamweir/streamweir/serde/avro/avsc"
)

type register struct {
	registryFlags
	File      string   `arg:"" help:"The schema."`
	Subject   string   `required:"" placeholder:"SUBJECT" help:"The subject, such as orders-value for the values of topic orders."`
	Reference []string `sep:"none" placeholder:"NAME=SUBJECT:VERSION" help:"A schema in the registry with a type that the file uses and does not define. The option may be repeated."`
}

// Run prints the id and the version on the standard output, so that scripts can read
// them; what changes, and why the schema is refused, goes to the other.
func (g *register) Run(std stdio) error {
	r, err := g.open()
	if err != nil {
		return outcome{err, unknown}
	}
	defer r.Close()
	f, err := readFor(r, g.File, g.Subject, g.Reference)
	if err != nil {
		return outcome{err, unknown}
	}
	v, old, err := judge(r, f, "")
	if err != nil {
		return outcome{err, unknown}
	}
	if len(old) > 0 {
		latest := old[len(old)-1]
		change, err := difference(g.Subject+" version "+fmt.Sprint(latest.Version), latest.Schema, g.File, f.schema)
		if err != nil {
			return outcome{err, unknown}
		}
		fmt.Fprint(std.err, change)
	}
	if fmt.Fprintln(std.err, v); !v.ok() {
		return outcome{fmt.Errorf("%w: it is not registered", errIncompatible), incompatible}
	}
	id, err := r.Register(g.Subject, f.text, f.options...)
	if err != nil {
		return outcome{err, unknown}
	}
	version, err := versionOf(r, g.Subject, id)
	if err != nil {
		return outcome{fmt.Errorf("the schema is registered with id %d, but its version is not known: %w", id, err), unknown}
	}
	fmt.Fprintf(std.out, "id %d version %d\n", id, version)
	return nil
}

func versionOf(r *avro.Registry, subject string, id int32) (int, error) {
	all, err := r.Versions(subject)
	if err != nil {
		return 0, err
	}
	for _, v := range all {
		if v.ID == id {
			return v.Version, nil
		}
	}
	return 0, errors.New("the subject does not have it")
}

// difference is what changes in the texts, laid out alike; "" if nothing does.
func difference(oldName string, old *avsc.Schema, newName string, now *avsc.Schema) (string, error) {
	var texts [2]bytes.Buffer
	for i, s := range []*avsc.Schema{old, now} {
		if err := json.Indent(&texts[i], []byte(s.Full()), "", "  "); err != nil {
			return "", err
		}
		texts[i].WriteByte('\n')
	}
	return udiff.Unified(oldName, newName, texts[0].String(), texts[1].String()), nil
}
