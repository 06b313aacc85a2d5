// Package peer runs the inventory job on a real broker and registry: the JVM
// Kafka Streams application in this folder, our own, and the Loader and the
// verifier that belong to neither. See README.md.
package peer

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// Topics of the job.
const (
	Events     = "inventory-events"
	Aggregates = "inventory-aggregates"
	DeadLetter = "inventory-events-dlq"
)

// Settings are what a run of an application can be told. Everything else is the
// same for both: one thread, no record cache, exactly once.
type Settings struct {
	ApplicationID string
	StateDir      string
	// UntilCaughtUp ends the application once all that was in the input at its
	// start is processed and committed; it prints a [Report] then. Without it the
	// application goes on until it is told to stop.
	UntilCaughtUp bool
	// CommitInterval replaces the default of 100 ms unless it is 0.
	CommitInterval time.Duration
	// HTTP is the address of our application's health and metrics; "" is none.
	HTTP string
}

// Application is one that can do the job.
type Application interface {
	Name() string
	// Command returns the process to start. The environment must have
	// KAFKA_BROKERS and SCHEMA_REGISTRY_URL.
	Command(Settings) *exec.Cmd
}

// JVM is the application in this folder. Dir is the path of the folder.
type JVM struct{ Dir string }

// Name returns "JVM".
func (j JVM) Name() string { return "JVM" }

// Command implements [Application].
func (j JVM) Command(s Settings) *exec.Cmd {
	args := []string{"app", "--application-id", s.ApplicationID, "--state-dir", s.StateDir,
		"--threads", "1", "--cache-bytes", "0", "--guarantee", "exactly_once_v2"}
	if s.UntilCaughtUp {
		args = append(args, "--until-caught-up")
	}
	if s.CommitInterval > 0 {
		args = append(args, "--commit-interval-ms", strconv.FormatInt(s.CommitInterval.Milliseconds(), 10))
	}
	return exec.Command(j.script(), args...)
}

func (j JVM) script() string { return filepath.Join(j.Dir, "run.sh") }

// Go is examples/inventory, built at Path.
type Go struct{ Path string }

// Name returns "Go".
func (g Go) Name() string { return "Go" }

// Command implements [Application].
func (g Go) Command(s Settings) *exec.Cmd {
	args := []string{"-brokers", os.Getenv("KAFKA_BROKERS"), "-registry", os.Getenv("SCHEMA_REGISTRY_URL"),
		"-application-id", s.ApplicationID, "-state-dir", s.StateDir,
		"-threads", "1", "-cache-bytes", "0", "-guarantee", "exactly_once", "-http", s.HTTP, "-json"}
	if s.UntilCaughtUp {
		args = append(args, "-until-caught-up")
	}
	if s.CommitInterval > 0 {
		args = append(args, "-commit-interval", s.CommitInterval.String())
	}
	return exec.Command(g.Path, args...)
}

// Build compiles examples/inventory of the module in root into dir.
func Build(ctx context.Context, root, dir string) (Go, error) {
	path := filepath.Join(dir, "inventory")
	build := exec.CommandContext(ctx, "go", "build", "-o", path, "./examples/inventory")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return Go{}, fmt.Errorf("peer: go build ./examples/inventory: %w\n%s", err, out)
	}
	return Go{Path: path}, nil
}

// Report is what an application prints, as far as it is used; README.md explains
// the fields.
type Report struct {
	Records                      int64   `json:"records"`
	Committed                    bool    `json:"committed"`
	RecordsPerSecond             float64 `json:"recordsPerSecond"`
	RecordsPerSecondSecondHalf   float64 `json:"recordsPerSecondSecondHalf"`
	CPUMicrosPerRecord           float64 `json:"cpuMicrosPerRecord"`
	CPUMicrosPerRecordSecondHalf float64 `json:"cpuMicrosPerRecordSecondHalf"`
	PeakRSSMiB                   float64 `json:"peakRssMiB"`
	StartupMillis                float64 `json:"startupMs"`
	RestoreRecords               int64   `json:"restoreRecords"`
}

// ParseReport finds the report in what an application wrote to standard output:
// the last line that is a JSON object with records.
func ParseReport(stdout []byte) (Report, error) {
	lines := bytes.Split(bytes.TrimSpace(stdout), []byte("\n"))
	for i := len(lines) - 1; i >= 0; i-- {
		var fields map[string]json.RawMessage
		if json.Unmarshal(lines[i], &fields) != nil || fields["records"] == nil {
			continue
		}
		var r Report
		if err := json.Unmarshal(lines[i], &r); err != nil {
			return Report{}, fmt.Errorf("peer: report %s: %w", lines[i], err)
		}
		return r, nil
	}
	return Report{}, fmt.Errorf("peer: no report in the application's output %q", stdout)
}

// Load replaces the input by records events over skus keys, and empties the
// output.
func (j JVM) Load(ctx context.Context, records, skus int) error {
	return j.run(ctx, size(records, skus), "load")
}

// Fill adds to the input what Load would put there.
func (j JVM) Fill(ctx context.Context, records, skus int) error {
	return j.run(ctx, size(records, skus), "fill")
}

// Topics empties topics, and deletes those that begin with a name that ends
// in "*".
func (j JVM) Topics(ctx context.Context, names ...string) error {
	return j.run(ctx, nil, append([]string{"topics"}, names...)...)
}

// Verify compares the output with what the last Load must lead to. The flags are
// those of verify.py.
func (j JVM) Verify(ctx context.Context, flags ...string) error {
	return j.run(ctx, nil, append([]string{"verify"}, flags...)...)
}

func size(records, skus int) []string {
	return []string{"RECORDS=" + strconv.Itoa(records), "SKUS=" + strconv.Itoa(skus)}
}

func (j JVM) run(ctx context.Context, env []string, args ...string) error {
	cmd := exec.CommandContext(ctx, j.script(), args...)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("peer: run.sh %v: %w\n%s", args, err, out)
	}
	return nil
}
