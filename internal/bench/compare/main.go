// Command compare runs the JVM application and ours in turn over the same input
// on a real broker, verifies the output of both, and prints a table. It is what
// `make bench-peer` calls, from the root of the module.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/streamweir/streamweir/internal/bench/peer"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("compare: ")
	rounds := flag.Int("rounds", 2, "how often each application runs")
	records := flag.Int("records", 1_000_000, "input records")
	skus := flag.Int("skus", 50_000, "keys")
	flag.Parse()
	if *rounds < 1 {
		log.Fatal("-rounds must be 1 or more")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *rounds, *records, *skus); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, rounds, records, skus int) error {
	for _, name := range []string{"KAFKA_BROKERS", "SCHEMA_REGISTRY_URL"} {
		if os.Getenv(name) == "" {
			return fmt.Errorf("%s is not set: use make bench-peer, or internal/lab/lab up registry", name)
		}
	}
	dir, err := os.MkdirTemp("", "streamweir-compare-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	jvm := peer.JVM{Dir: filepath.Join("internal", "bench", "peer")}
	binary, err := peer.Build(ctx, ".", dir)
	if err != nil {
		return err
	}
	log.Printf("loading %d records with %d keys", records, skus)
	if err := jvm.Load(ctx, records, skus); err != nil {
		return err
	}
	b := bench{jvm: jvm, dir: dir, reports: map[string][]peer.Report{}}
	for round := range rounds {
		for _, app := range []peer.Application{jvm, binary} {
			if err := b.one(ctx, app, round+1); err != nil {
				return fmt.Errorf("%s, round %d: %w", app.Name(), round+1, err)
			}
		}
	}
	return table(os.Stdout, b.reports[jvm.Name()], b.reports[binary.Name()])
}

type bench struct {
	jvm     peer.JVM
	dir     string
	reports map[string][]peer.Report
}

// one runs an application from nothing to the end of the input.
func (b *bench) one(ctx context.Context, app peer.Application, round int) error {
	if err := b.jvm.Topics(ctx, peer.Aggregates, peer.DeadLetter); err != nil {
		return err
	}
	id := fmt.Sprintf("compare-%s-%d", app.Name(), time.Now().UnixNano())
	cmd := app.Command(peer.Settings{ApplicationID: id, StateDir: filepath.Join(b.dir, id), UntilCaughtUp: true})
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })()
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w\n%s%s", err, stdout.Bytes(), stderr.Bytes())
	}
	report, err := peer.ParseReport(stdout.Bytes())
	if err != nil {
		return err
	}
	if err := b.jvm.Verify(ctx, "--every-update"); err != nil {
		return err
	}
	b.reports[app.Name()] = append(b.reports[app.Name()], report)
	log.Printf("%s, round %d: %.1f us of CPU per record, %.0f records/s, output verified", app.Name(), round, report.CPUMicrosPerRecord, report.RecordsPerSecond)
	return errors.Join(b.jvm.Topics(ctx, id+"*"), os.RemoveAll(filepath.Join(b.dir, id)))
}

// row is a line of the table.
type row struct {
	name   string
	value  func(peer.Report) float64
	digits int
	least  bool // the smaller the better
}

var rows = []row{
	{"CPU us/record", func(r peer.Report) float64 { return r.CPUMicrosPerRecord }, 2, true},
	{"CPU us/record, second half", func(r peer.Report) float64 { return r.CPUMicrosPerRecordSecondHalf }, 2, true},
	{"records/s", func(r peer.Report) float64 { return r.RecordsPerSecond }, 0, false},
	{"records/s, second half", func(r peer.Report) float64 { return r.RecordsPerSecondSecondHalf }, 0, false},
	{"peak RSS MiB", func(r peer.Report) float64 { return r.PeakRSSMiB }, 0, true},
	{"startup ms", func(r peer.Report) float64 { return r.StartupMillis }, 0, true},
}

// table prints each application's median and range, and how many times better
// the median of ours is.
func table(w io.Writer, jvm, ours []peer.Report) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "median of %d (range)\tJVM\t\tGo\t\tGo is better by\t\n", len(ours))
	for _, r := range rows {
		a, b := r.spread(jvm), r.spread(ours)
		ratio := b.median / a.median
		if r.least {
			ratio = a.median / b.median
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%.2fx\t\n", r.name, r.format(a.median), r.between(a), r.format(b.median), r.between(b), ratio)
	}
	return t.Flush()
}

type spread struct{ low, median, high float64 }

func (r row) spread(reports []peer.Report) spread {
	var values []float64
	for _, report := range reports {
		values = append(values, r.value(report))
	}
	slices.Sort(values)
	n := len(values)
	return spread{values[0], (values[(n-1)/2] + values[n/2]) / 2, values[n-1]}
}

func (r row) format(v float64) string { return fmt.Sprintf("%.*f", r.digits, v) }

func (r row) between(s spread) string {
	return "(" + r.format(s.low) + ".." + r.format(s.high) + ")"
}
