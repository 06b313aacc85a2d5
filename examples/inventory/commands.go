package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/streamweir/streamweir/examples/inventory/client"
	"github.com/streamweir/streamweir/examples/inventory/config"
	"github.com/streamweir/streamweir/examples/inventory/inventory"
	"github.com/streamweir/streamweir/serde/avro"
)

// where are the addresses that a subcommand works with.
type where struct{ brokers, registry, stateDir string }

// flags begins the flags of a subcommand. arguments describes what follows them.
func (w *where) flags(name, arguments string, log io.Writer) *flag.FlagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(log)
	fs.StringVar(&w.brokers, "brokers", "", "Kafka brokers, `host:port,...`; none: those of the application that runs embedded here")
	fs.StringVar(&w.registry, "registry", "", "`URL` of the schema registry; none: as with -brokers")
	fs.StringVar(&w.stateDir, "state-dir", config.StateDir(), "`folder` that the embedded application was given")
	fs.Usage = func() {
		fmt.Fprintf(log, "usage: inventory %s [flags] %s\n", name, arguments)
		fs.PrintDefaults()
	}
	return fs
}

// parse parses flags wherever they stand among the arguments, which it returns.
func parse(fs *flag.FlagSet, args []string) ([]string, error) {
	var rest []string
	for {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, usageError{err}
		}
		if fs.NArg() == 0 {
			return rest, nil
		}
		rest, args = append(rest, fs.Arg(0)), fs.Args()[1:]
	}
}

// open connects to Kafka and the registry.
func (w *where) open() (*client.Client, *avro.Registry, error) {
	brokers, registry := strings.Split(w.brokers, ","), w.registry
	if w.brokers == "" {
		a := readAddresses(w.stateDir)
		brokers = a.Brokers
		if registry == "" {
			registry = a.Registry
		}
	}
	c, err := client.Open(brokers)
	if err != nil {
		return nil, nil, err
	}
	return c, avro.NewRegistry(registry, avro.Config{}), nil
}

func produce(ctx context.Context, args []string, in io.Reader, log io.Writer) error {
	var w where
	fs := w.flags("produce", "[FILE]", log)
	strict := fs.Bool("strict", false, "stop at the first bad line")
	file := fs.String("schema", "", "schema `file` to write the events with; none: the application's")
	files, err := parse(fs, args)
	if err != nil {
		return err
	}
	if len(files) > 1 {
		return usageError{fmt.Errorf("inventory: produce takes one file, not %d", len(files))}
	}
	if len(files) == 1 && files[0] != "-" {
		f, err := os.Open(files[0])
		if err != nil {
			return fmt.Errorf("inventory: %w", err)
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	schema, err := schemaOf(*file, inventory.InventoryEventSchema)
	if err != nil {
		return err
	}
	c, registry, err := w.open()
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	defer registry.Close()
	count, err := c.ProduceJSONAs(ctx, registry, schema, in, *strict, func(line int, err error) {
		fmt.Fprintf(log, "line %d: %v\n", line, err)
	})
	fmt.Fprintf(log, "%d sent, %d bad\n", count.Sent, count.Bad)
	if err == nil && count.Bad > 0 {
		err = fmt.Errorf("inventory: %d lines were not sent", count.Bad)
	}
	return err
}

// schemaOf reads a schema file if there is one.
func schemaOf(file, otherwise string) (string, error) {
	if file == "" {
		return otherwise, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("inventory: schema: %w", err)
	}
	return string(text), nil
}

var errEnough = errors.New("enough")

func consume(ctx context.Context, args []string, out, log io.Writer) error {
	var w where
	fs := w.flags("consume", "TOPIC", log)
	fromBeginning := fs.Bool("from-beginning", false, "begin with the oldest record, not the next one")
	file := fs.String("schema", "", "schema `file` to read the records with; none: that which they were written with")
	most := fs.Int("max", 0, "end after `N` records; 0: never")
	names, err := parse(fs, args)
	if err != nil {
		return err
	}
	if len(names) != 1 {
		return usageError{fmt.Errorf("inventory: consume takes the name of one topic, not %d", len(names))}
	}
	schema, err := schemaOf(*file, "")
	if err != nil {
		return err
	}
	c, registry, err := w.open()
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	defer registry.Close()
	n := 0
	err = c.Follow(ctx, names[0], *fromBeginning, func(m *client.Message) error {
		line, err := client.TextAs(registry, schema, m)
		if err != nil {
			return err
		}
		if _, err := out.Write(append(line, '\n')); err != nil {
			return fmt.Errorf("inventory: %w", err)
		}
		if n++; n == *most {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

func topics(args []string, out, log io.Writer) error {
	var w where
	fs := w.flags("topics", "", log)
	partitions := fs.Int("partitions", 4, "partitions of each topic")
	rest, err := parse(fs, args)
	if err != nil {
		return err
	}
	if len(rest) > 0 || *partitions < 1 {
		return usageError{fmt.Errorf("inventory: topics takes no arguments (got %q) and at least one partition (got %d)", rest, *partitions)}
	}
	c, registry, err := w.open()
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	defer registry.Close()
	created, err := c.CreateTopics(int32(*partitions))
	for _, topic := range created {
		fmt.Fprintln(out, "created", topic)
	}
	if len(created) == 0 && err == nil {
		fmt.Fprintln(out, "the topics exist")
	}
	return err
}
