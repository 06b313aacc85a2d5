// Command pgo profiles examples/inventory at its job on a real broker, and writes what
// the compiler needs of it: `make pgo` calls it, from the root of the module, for
// examples/inventory/default.pgo, which go build finds by its name. The profile is of
// functions and lines, so it fits later versions of the code as well, only less and less.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/google/pprof/profile"

	"github.com/streamweir/streamweir/internal/bench/peer"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("pgo: ")
	rounds := flag.Int("rounds", 3, "runs to profile")
	records := flag.Int("records", 1_000_000, "input records")
	skus := flag.Int("skus", 50_000, "keys")
	out := flag.String("o", filepath.Join("examples", "inventory", "default.pgo"), "the profile to write")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *rounds, *records, *skus, *out); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, rounds, records, skus int, out string) error {
	dir, err := os.MkdirTemp("", "streamweir-pgo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	jvm := peer.JVM{Dir: filepath.Join("internal", "bench", "peer")}
	app, err := peer.Build(ctx, ".", dir)
	if err != nil {
		return err
	}
	if err := jvm.Load(ctx, records, skus); err != nil {
		return err
	}
	var profiles []*profile.Profile
	for round := range rounds {
		p, err := one(ctx, jvm, app, filepath.Join(dir, fmt.Sprint(round)))
		if err != nil {
			return err
		}
		profiles = append(profiles, p)
	}
	merged, err := profile.Merge(profiles)
	if err != nil {
		return err
	}
	strip(merged)
	var b bytes.Buffer
	if err := merged.Write(&b); err != nil {
		return err
	}
	return os.WriteFile(out, b.Bytes(), 0o644)
}

// one runs the application from nothing to the end of the input.
func one(ctx context.Context, jvm peer.JVM, app peer.Go, dir string) (*profile.Profile, error) {
	if err := jvm.Topics(ctx, peer.Aggregates, peer.DeadLetter); err != nil {
		return nil, err
	}
	id := fmt.Sprintf("pgo-%d", time.Now().UnixNano())
	args := append(app.Command(peer.Settings{ApplicationID: id, StateDir: dir, UntilCaughtUp: true}).Args[1:], "-cpuprofile", dir+".prof")
	if out, err := exec.CommandContext(ctx, app.Path, args...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	f, err := os.Open(dir + ".prof")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p, err := profile.Parse(f)
	if err != nil {
		return nil, err
	}
	return p, jvm.Topics(ctx, id+"*")
}

// strip leaves the names and lines of functions, and how often they were met: no file,
// address or time of the machine.
func strip(p *profile.Profile) {
	p.TimeNanos, p.DurationNanos = 0, 0
	for _, m := range p.Mapping {
		m.File, m.BuildID = "", ""
	}
	for _, f := range p.Function {
		f.Filename = ""
	}
}
