// Inventory counts the stock of a retail chain: it reads the events of warehouses,
// stores and a web shop, and keeps the stock of each product, exactly once.
//
//	go run ./examples/inventory
//
// starts with nothing installed: a broker and a schema registry in the process, a
// simulator that makes events, and a live page on http://127.0.0.1:8080. With
// -brokers and -registry, or with -config, it works on real ones. See the
// [inventory] package for the application itself, which is all there is to copy.
//
// [inventory]: github.com/streamweir/streamweir/examples/inventory/inventory
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/streamweir/streamweir/examples/inventory/config"
)

func main() {
	// Most of the memory is state that stays; less garbage on top of it
	// costs little more CPU. GOGC and GOMEMLIMIT have the last word.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(80)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

const usage = `usage: inventory [flags]                  run the application; -h lists the flags
       inventory produce [flags] [FILE]    send events, one line of JSON each, from a file or the standard input
       inventory consume [flags] TOPIC     print the records of a topic as JSON
       inventory topics [flags]            create the topics
`

func run(ctx context.Context, args []string, in io.Reader, out, log io.Writer) int {
	slog.SetDefault(slog.New(slog.NewTextHandler(log, nil)))
	err := dispatch(ctx, args, in, out, log)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	}
	fmt.Fprintln(log, err)
	if errors.As(err, new(usageError)) {
		return exitUsage
	}
	return exitFailed
}

// A usageError is a mistake in flags, arguments or the configuration.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func dispatch(ctx context.Context, args []string, in io.Reader, out, log io.Writer) error {
	if len(args) > 0 {
		switch args[0] {
		case "produce":
			return produce(ctx, args[1:], in, log)
		case "consume":
			return consume(ctx, args[1:], out, log)
		case "topics":
			return topics(args[1:], out, log)
		case "help":
			fmt.Fprint(log, usage)
			return nil
		}
	}
	c, err := config.Parse(args, log)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(log, "\n"+usage)
		return err
	}
	if err != nil {
		return usageError{err}
	}
	return serve(ctx, c, out)
}
