package state

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func openDir(t *testing.T, base string) *Dir {
	t.Helper()
	d, err := OpenDir(base, "app")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func closeDir(t *testing.T, d *Dir) {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

func taskDir(t *testing.T, d *Dir, task string) string {
	t.Helper()
	path, err := d.TaskDir(task)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(path, "data"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func wantTasks(t *testing.T, d *Dir, want ...string) {
	t.Helper()
	if got, err := d.Tasks(); err != nil || !slices.Equal(got, want) {
		t.Errorf("Tasks = %q, %v; want %q", got, err, want)
	}
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Error("no error")
		return
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error %q does not say %q", err, p)
		}
	}
}

func TestProcessIDStays(t *testing.T) {
	base := t.TempDir()
	d := openDir(t, base)
	id := d.ProcessID()
	closeDir(t, d)
	d = openDir(t, base)
	if d.ProcessID() != id || len(id) != 36 {
		t.Errorf("process id %q after %q", d.ProcessID(), id)
	}
	if d.Path() != filepath.Join(base, "app") {
		t.Errorf("path %q", d.Path())
	}
	other, err := OpenDir(base, "app2")
	if err != nil || other.ProcessID() == id {
		t.Errorf("another application has process id %q, %v", other.ProcessID(), err)
	}
	closeDir(t, other)
	closeDir(t, d)
}

func TestOpenDirRefuses(t *testing.T) {
	base := t.TempDir()
	_, err := OpenDir("", "app")
	wantError(t, err, "no state directory")
	for _, id := range []string{"", ".", "..", "a/b", `a\b`, "a\x00"} {
		_, err := OpenDir(base, id)
		wantError(t, err, "application id")
	}
	d := openDir(t, base)
	_, err = OpenDir(base, "app")
	wantError(t, err, d.Path(), "in use by another process", "state directory of its own")
	closeDir(t, d)
	for _, tt := range []struct{ file, content, want string }{
		{formatFile, "2\n", `"2"`},
		{formatFile, "", `""`},
		{processFile, "not an id", "process id"},
	} {
		path := filepath.Join(d.Path(), tt.file)
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err = OpenDir(base, "app")
		wantError(t, err, d.Path(), tt.want)
		if err := os.WriteFile(path, before, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	closeDir(t, openDir(t, base)) // the refusals hold no lock
	if err := os.WriteFile(filepath.Join(base, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = OpenDir(filepath.Join(base, "file"), "app")
	wantError(t, err, "file")
}

func TestTaskDirIsForOne(t *testing.T) {
	d := openDir(t, t.TempDir())
	defer closeDir(t, d)
	wantTasks(t, d)
	path := taskDir(t, d, "0_1")
	if path != filepath.Join(d.Path(), "0_1") {
		t.Errorf("folder %q", path)
	}
	_, err := d.TaskDir("0_1")
	wantError(t, err, "0_1", "still in use")
	wantError(t, d.RemoveTask("0_1"), "0_1", "in use")
	taskDir(t, d, "1_10")
	taskDir(t, d, GlobalTask)
	if _, err := d.TaskDir("2_0"); err != nil { // empty: no state
		t.Fatal(err)
	}
	wantTasks(t, d, "0_1", "1_10", GlobalTask)
	for _, name := range []string{"", "0", "_", "0_", "_0", "0_1_2", "a_1", "../0_1", "-1_0", ".lock"} {
		_, err := d.TaskDir(name)
		wantError(t, err, "not a task")
		wantError(t, d.RemoveTask(name), "not a task")
	}
	if err := d.Release("0_1", time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := d.RemoveTask("0_1"); err != nil {
		t.Fatal(err)
	}
	wantTasks(t, d, "1_10", GlobalTask)
	if err := d.RemoveTask("0_1"); err != nil {
		t.Errorf("removing what is not there: %v", err)
	}
	taskDir(t, d, "0_1")
	wantTasks(t, d, "0_1", "1_10", GlobalTask)
	if err := d.Release("5_5", time.Now()); err != nil {
		t.Errorf("releasing what is not in use: %v", err)
	}
}

func TestCleanRemovesWhatIsIdle(t *testing.T) {
	d := openDir(t, t.TempDir())
	defer closeDir(t, d)
	now := time.Now()
	for _, task := range []string{"0_0", "0_1", "0_2"} {
		taskDir(t, d, task)
	}
	if err := d.Release("0_0", now.Add(-2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := d.Release("0_1", now.Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	cleaned, err := d.Clean(now.Add(24*time.Hour), 25*time.Hour)
	if err != nil || !slices.Equal(cleaned, []string{"0_0"}) {
		t.Errorf("cleaned %q, %v", cleaned, err)
	}
	cleaned, err = d.Clean(now.Add(24*time.Hour), time.Hour)
	if err != nil || !slices.Equal(cleaned, []string{"0_1"}) {
		t.Errorf("cleaned %q, %v", cleaned, err)
	}
	wantTasks(t, d, "0_2") // it is in use
}

func TestOpenDirFinishesWhatWasInterrupted(t *testing.T) {
	base := t.TempDir()
	d := openDir(t, base)
	taskDir(t, d, "0_0")
	closeDir(t, d)
	if err := os.Rename(filepath.Join(d.Path(), "0_0"), filepath.Join(d.Path(), removed+"0_0")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.Path(), unfinished+"1"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d = openDir(t, base)
	defer closeDir(t, d)
	files, err := os.ReadDir(d.Path())
	if err != nil || len(files) != 3 {
		t.Errorf("the directory has %v, %v", files, err)
	}
	wantTasks(t, d)
}
