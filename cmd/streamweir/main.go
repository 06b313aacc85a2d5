// Command streamweir has the tools that go with the library. streamweir --help and
// streamweir avro COMMAND --help list the options.
//
//	streamweir avro generate [-package p] [-o dir] [-raw] FILES.avsc
//
// makes Go types of Avro schemas; as a line of go:generate:
//
//	//go:generate go run github.com/streamweir/streamweir/cmd/streamweir avro generate schemas/Order.avsc
//
// Its exit code is 0 if all went well and 1 if not.
//
//	streamweir avro check FILE.avsc --against FILE,... [--mode MODE]
//	streamweir avro check FILE.avsc --registry URL --subject SUBJECT [--mode MODE]
//	streamweir avro register FILE.avsc --registry URL --subject SUBJECT [--reference NAME=SUBJECT:VERSION]
//
// tell whether a schema is compatible with earlier ones and where it is not, and
// register it if it is. Their exit code is 0 for yes, 1 for no, and 2 if it cannot be
// told: a file that is no schema, a registry that does not answer.
//
//	streamweir avro tojson [FILE] [--schema FILE.avsc] [--as FILE.avsc]
//	streamweir avro fromjson [FILE] [--schema FILE.avsc] [--subject SUBJECT]
//
// turn records into lines of JSON and back, in the encoding of kafka-avro-console-consumer
// and -producer. Records are in the registry's wire format, or bare with the schema of a
// file. In binary they stand one behind the other, each after its length in four bytes,
// which is what kcat writes:
//
//	kcat -b BROKER -t TOPIC -C -e -q -f '%R%s' | streamweir avro tojson
//
// or, with --format, as lines of hex or base64, or raw. Their exit code is 0 if all went
// well and 1 if not.
//
// The registry is that of --registry or SCHEMA_REGISTRY_URL; --help names the options
// and environment variables for credentials and TLS. Arguments that make no sense are
// exit code 80.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"
)

// commands are the subcommands; each has a file of its own.
type commands struct {
	Avro avroCommands `cmd:"" help:"Avro schemas and data."`
}

type avroCommands struct {
	Generate generate `cmd:"" help:"Make Go types of schema files."`
	Check    check    `cmd:"" help:"Tell whether a schema is compatible with earlier ones. Exit code 0: it is; 1: it is not; 2: it cannot be told."`
	Register register `cmd:"" help:"Register a schema, after a check. Exit code 0: it is registered; 1: it is not compatible; 2: anything else."`
	ToJSON   toJSON   `cmd:"" name:"tojson" help:"Turn records into lines of JSON."`
	FromJSON fromJSON `cmd:"" name:"fromjson" help:"Turn lines of JSON into records."`
}

// An outcome is an error with an exit code of its own.
type outcome struct {
	error
	code int
}

func (o outcome) Unwrap() error { return o.error }

func main() { os.Exit(run(os.Args[1:], stdio{os.Stdin, os.Stdout, os.Stderr})) }

// stdio is where a command reads and writes.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

// run is the command. Options may be written with one dash or with two.
func run(args []string, std stdio) int {
	exited := -1
	parser, err := kong.New(&commands{}, kong.Name("streamweir"), kong.Description("Tools of Streamweir."),
		kong.Writers(std.out, std.err), kong.Exit(func(code int) { exited = code }), kong.Bind(std))
	if err != nil {
		fmt.Fprintln(std.err, "streamweir:", err)
		return 1
	}
	c, err := parser.Parse(twoDashes(args))
	switch {
	case exited >= 0: // help was asked for
		return exited
	case err != nil:
		fmt.Fprintf(std.err, "streamweir: %v\ntry streamweir --help\n", err)
		return 80
	}
	if err := c.Run(); err != nil {
		fmt.Fprintln(std.err, "streamweir:", err)
		if o := (outcome{}); errors.As(err, &o) {
			return o.code
		}
		return 1
	}
	return 0
}

// twoDashes turns -package into --package, as tools of Go write it.
func twoDashes(args []string) []string {
	out := make([]string, len(args))
	for i, a := range args {
		if len(a) > 2 && a[0] == '-' && a[1] != '-' && !strings.HasPrefix(a, "-o=") {
			a = "-" + a
		}
		out[i] = a
	}
	return out
}
