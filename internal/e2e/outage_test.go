package e2e

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/streamweir/streamweir/internal/bench/peer"
)

// A registry that does not answer at the start, and a broker that is killed at work:
// the application waits for both, says so, and goes on without losing anything.
func TestOutagesLoseNothing(t *testing.T) {
	w, lab := newWorld(t), theLab(t)
	if w.app.Name() != "Go" {
		t.Skip("the JVM application has no /readyz")
	}
	lab.signal("registry", syscall.SIGSTOP)
	address := freeAddress(t)
	p := w.start(w.app, peer.Settings{StateDir: t.TempDir(), UntilCaughtUp: true, CommitInterval: 20 * time.Millisecond, HTTP: address})
	w.await("waiting for the registry", time.Minute, func() bool { return strings.Contains(unready(address), "schema registry") }, p)
	lab.signal("registry", syscall.SIGCONT)
	w.awaitCommitted(0.05, p)
	lab.run("kill-broker")
	w.await("waiting for the broker", time.Minute, func() bool { return strings.Contains(unready(address), "broker") }, p)
	lab.run("start-broker")
	if report := p.finish(); report.Records < int64(w.records) {
		t.Errorf("%d records reported, want at least %d", report.Records, w.records)
	}
	w.verify()
}

// unready is what /readyz complains about, "" if it does not answer.
func unready(address string) string {
	client := http.Client{Timeout: time.Second}
	answer, err := client.Get("http://" + address + "/readyz")
	if err != nil {
		return ""
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode == http.StatusOK {
		return ""
	}
	return string(text)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// A lab is the broker and the registry that internal/lab started.
type lab struct{ t *testing.T }

// theLab skips the test if the cluster is another one, which is not ours to kill.
func theLab(t *testing.T) lab {
	t.Helper()
	l := lab{t}
	if port := os.Getenv("LAB_PORT"); port == "" || os.Getenv("KAFKA_BROKERS") != "127.0.0.1:"+port || l.pid("broker-1") == 0 || l.pid("registry") == 0 {
		t.Skip("needs a broker and a registry that may be killed: make integration starts them")
	}
	t.Cleanup(func() {
		l.signal("registry", syscall.SIGCONT)
		l.run("start-broker")
	})
	return l
}

func (l lab) run(args ...string) string {
	l.t.Helper()
	cmd := exec.Command(filepath.Join(root, "internal", "lab", "lab"), args...)
	cmd.WaitDelay = time.Second // a broker it starts keeps its output open
	out, err := cmd.Output()
	if err != nil && !(cmd.ProcessState != nil && cmd.ProcessState.Success()) {
		l.t.Fatalf("lab %v: %v", args, err)
	}
	return string(out)
}

func (l lab) pid(name string) int {
	l.t.Helper()
	found := regexp.MustCompile(`(?m)^` + name + ` up \(pid ([0-9]+)\)`).FindStringSubmatch(l.run("status"))
	if found == nil {
		return 0
	}
	pid, err := strconv.Atoi(found[1])
	if err != nil {
		l.t.Fatal(err)
	}
	return pid
}

func (l lab) signal(name string, s syscall.Signal) {
	l.t.Helper()
	if pid := l.pid(name); pid == 0 {
		l.t.Errorf("the %s does not run", name)
	} else if err := syscall.Kill(pid, s); err != nil {
		l.t.Errorf("%s: %v", name, err)
	}
}
