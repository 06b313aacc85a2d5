package main

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestReadme runs the commands of README.md and compares what they print.
func TestReadme(t *testing.T) {
	for _, tool := range []string{"bash", "curl", "go"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("the commands of the README need bash, curl and go:", err)
		}
	}
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	r := readme{T: t, dir: t.TempDir()}
	for _, part := range strings.Split(strings.ReplaceAll(string(text), "/tmp/weir", r.dir), "\n    $ ")[1:] {
		lines := strings.Split(part, "\n")
		var want strings.Builder
		for _, line := range lines[1:] {
			printed, ok := strings.CutPrefix(line, "    ")
			if !ok {
				break
			}
			want.WriteString(printed + "\n")
		}
		r.command(lines[0], want.String())
	}
	if r.commands < 15 {
		t.Errorf("only %d commands were found", r.commands)
	}
}

type readme struct {
	*testing.T
	dir      string
	exports  []string
	registry string // where the embedded one is
	commands int
}

func (r *readme) command(line, want string) {
	r.Helper()
	r.commands++
	if strings.HasPrefix(line, "export ") {
		r.exports = append(r.exports, line)
		return
	}
	if server, ok := strings.CutSuffix(line, " &"); ok {
		r.serve(server)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Minute)
	defer cancel()
	got, err := r.bash(ctx, line).CombinedOutput()
	// curl prints what it gets, which may end without a line's end.
	if d := cmp.Diff(strings.TrimSpace(want), strings.TrimSpace(string(got))); d != "" {
		r.Errorf("$ %s\n%v %s", line, err, d)
	}
}

func (r *readme) bash(ctx context.Context, line string) *exec.Cmd {
	script := strings.Join(append(r.exports, line), "\n")
	if r.registry != "" {
		script = strings.ReplaceAll(script, "http://127.0.0.1:18081", r.registry)
	}
	c := exec.CommandContext(ctx, "bash", "-c", script)
	c.Dir = filepath.Join("..", "..")
	return c
}

// serve starts the application, and waits until its registry answers.
func (r *readme) serve(line string) {
	r.Helper()
	c := r.bash(context.Background(), "exec "+line)
	if err := c.Start(); err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		if err := c.Wait(); err != nil {
			r.Errorf("the application: %v", err)
		}
	})
	state := filepath.Join(r.dir, "state")
	for deadline := time.Now().Add(30 * time.Second); ; {
		if _, err := os.Stat(addressFile(state)); err == nil {
			r.registry = readAddresses(state).Registry
			if answer, err := http.Get(r.registry + "/subjects"); err == nil {
				_ = answer.Body.Close()
				return
			}
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(filepath.Join(r.dir, "log"))
			r.Fatalf("the application does not answer:\n%s", log)
		}
		<-time.After(50 * time.Millisecond)
	}
}
