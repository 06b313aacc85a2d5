package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamweir/streamweir/internal/bench/peer"
)

const root = "../.." // of the module

var jvm = peer.JVM{Dir: filepath.Join(root, "internal", "bench", "peer")}

// number is a number from the environment.
func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q is not a positive number", name, text)
	}
	return n
}

// world is what a test works with: a cluster whose topics are the test's own, and
// the application under test.
type world struct {
	t             *testing.T
	ctx           context.Context
	client        *kgo.Client
	app           peer.Application
	id            string // application id
	records, skus int
}

var build = sync.OnceValues(func() (peer.Application, error) {
	if os.Getenv("E2E_APPLICATION") == "jvm" {
		return jvm, nil
	}
	dir, err := os.MkdirTemp("", "streamweir-e2e-")
	if err != nil {
		return nil, err
	}
	binaries = dir
	return peer.Build(context.Background(), root, dir)
})

var binaries string // folder to remove in the end

func TestMain(m *testing.M) {
	code := m.Run()
	if binaries != "" {
		_ = os.RemoveAll(binaries)
	}
	os.Exit(code)
}

// loaded is the size of what lies in the input topic, if it was put there by a
// test before: the Loader always produces the same.
var loaded [2]int

// newWorld skips the test without a cluster, loads the input unless it is there,
// and empties the output.
func newWorld(t *testing.T) *world {
	t.Helper()
	brokers := os.Getenv("KAFKA_BROKERS")
	if brokers == "" || os.Getenv("SCHEMA_REGISTRY_URL") == "" {
		t.Skip("needs a real Kafka: KAFKA_BROKERS and SCHEMA_REGISTRY_URL are not set; make integration starts one")
	}
	app, err := build()
	if err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	w := &world{t: t, ctx: t.Context(), client: client, app: app, id: fmt.Sprintf("e2e-%d", time.Now().UnixNano()),
		records: number(t, "E2E_RECORDS", 200_000), skus: number(t, "E2E_SKUS", 5_000)}
	t.Cleanup(func() {
		if err := jvm.Topics(context.Background(), w.id+"-*"); err != nil {
			t.Error(err)
		}
	})
	if size := [2]int{w.records, w.skus}; loaded != size {
		w.check(jvm.Load(w.ctx, w.records, w.skus))
		loaded = size
	} else {
		w.check(jvm.Topics(w.ctx, peer.Aggregates, peer.DeadLetter))
	}
	return w
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// verify fails the test unless every update of every valid event came out exactly
// once, and every invalid one as a dead letter.
func (w *world) verify() {
	w.t.Helper()
	w.check(jvm.Verify(w.ctx, "--every-update"))
}

// verifySoFar is verify for an application that was stopped on the way.
func (w *world) verifySoFar() {
	w.t.Helper()
	w.check(jvm.Verify(w.ctx, "--every-update", "--half-way", w.id))
}

// committed is the number of input records that the group has committed.
func (w *world) committed() int64 {
	w.t.Helper()
	request := kmsg.NewPtrOffsetFetchRequest()
	group := kmsg.NewOffsetFetchRequestGroup()
	group.Group = w.id
	request.Groups = append(request.Groups, group)
	response, err := request.RequestWith(w.ctx, w.client)
	for deadline := time.Now().Add(30 * time.Second); kerr.IsRetriable(err) && time.Now().Before(deadline); {
		<-time.After(100 * time.Millisecond) // a broker that was just started makes its offsets topic first
		response, err = request.RequestWith(w.ctx, w.client)
	}
	w.check(err)
	sum := int64(0)
	for _, g := range response.Groups {
		for _, topic := range g.Topics {
			for _, p := range topic.Partitions {
				if topic.Topic == peer.Events {
					sum += max(p.Offset, 0)
				}
			}
		}
	}
	return sum
}

// await polls until a condition holds, one of the processes ends, or the time is
// over.
func (w *world) await(what string, limit time.Duration, holds func() bool, running ...*process) {
	w.t.Helper()
	deadline := time.After(limit)
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for !holds() {
		for _, p := range running {
			if p.ended() {
				w.t.Fatalf("%s ended before %s: %v", p.name, what, p.err)
			}
		}
		select {
		case <-poll.C:
		case <-deadline:
			w.t.Fatalf("%s did not happen within %v; %d of %d records are committed", what, limit, w.committed(), w.records)
		}
	}
}

// awaitCommitted waits until the group has committed share of the input.
func (w *world) awaitCommitted(share float64, running ...*process) {
	w.t.Helper()
	want := int64(share * float64(w.records))
	w.await(fmt.Sprintf("%d records were committed", want), 3*time.Minute, func() bool { return w.committed() >= want }, running...)
}

// process is a running application.
type process struct {
	t              *testing.T
	name           string
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer // to be read after done
	done           chan struct{}
	err            error // of the process, after done
}

// start starts an application under the test's id. What is still running at the end of the test is
// killed.
func (w *world) start(app peer.Application, s peer.Settings) *process {
	w.t.Helper()
	s.ApplicationID = w.id
	p := &process{t: w.t, name: app.Name(), done: make(chan struct{}), cmd: app.Command(s)}
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	w.check(p.cmd.Start())
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	w.t.Cleanup(func() {
		p.kill()
		if w.t.Failed() {
			w.t.Logf("%s, process %d, wrote:\n%s%s", p.name, p.cmd.Process.Pid, tail(p.stdout.Bytes()), tail(p.stderr.Bytes()))
		}
	})
	return p
}

func tail(b []byte) []byte { return b[max(0, len(b)-4000):] }

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// kill is kill -9, and waits for the end.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // an error means that it is gone
	<-p.done
}

// stop asks the process to end, and fails the test unless it does so cleanly.
func (p *process) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
	p.wait(time.Minute)
	var exit *exec.ExitError
	if p.err != nil && !(errors.As(p.err, &exit) && exit.ExitCode() == 128+int(syscall.SIGTERM)) { // a JVM's clean end
		p.t.Fatalf("%s after SIGTERM: %v", p.name, p.err)
	}
}

func (p *process) wait(limit time.Duration) {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(limit):
		p.t.Fatalf("%s did not end within %v", p.name, limit)
	}
}

// finish waits for an application that ends by itself, and returns its report.
func (p *process) finish() peer.Report {
	p.t.Helper()
	p.wait(5 * time.Minute)
	if p.err != nil {
		p.t.Fatalf("%s: %v", p.name, p.err)
	}
	report, err := peer.ParseReport(p.stdout.Bytes())
	if err != nil {
		p.t.Fatal(err)
	}
	if !report.Committed {
		p.t.Fatalf("%s reports that not all is committed: %+v", p.name, report)
	}
	return report
}
