// Command streamweir has the tools that go with the library.
//
//	streamweir avro generate [-package p] [-o dir] [-raw] FILES.avsc
//
// makes Go types of Avro schemas; as a line of go:generate:
//
//	//go:generate go run github.com/streamweir/streamweir/cmd/streamweir avro generate schemas/Order.avsc
//
// The exit code is 0 if all went well, 1 if not, and 80 if the arguments make no sense.
package main

import (
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
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is the command. Options may be written with one dash or with two.
func run(args []string, stdout, stderr io.Writer) int {
	exited := -1
	parser, err := kong.New(&commands{}, kong.Name("streamweir"), kong.Description("Tools of Streamweir."),
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { exited = code }), kong.BindTo(stdout, (*io.Writer)(nil)))
	if err != nil {
		fmt.Fprintln(stderr, "streamweir:", err)
		return 1
	}
	c, err := parser.Parse(twoDashes(args))
	switch {
	case exited >= 0: // help was asked for
		return exited
	case err != nil:
		fmt.Fprintf(stderr, "streamweir: %v\ntry streamweir --help\n", err)
		return 80
	}
	if err := c.Run(); err != nil {
		fmt.Fprintln(stderr, "streamweir:", err)
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
