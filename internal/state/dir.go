package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/uuid"
)

// The files of a state directory besides the folders of its tasks.
const (
	lockFile    = ".lock"
	formatFile  = "format-version"
	processFile = "process-id"

	// dirFormat is the version of the layout of the directory; the engines in it
	// have one of their own.
	dirFormat = "1"

	// removed begins the name of a task's folder whose removal has begun, and
	// unfinished that of a file that is being written.
	removed    = ".removed-"
	unfinished = ".new-"
)

// GlobalTask is the folder of the global stores, besides those of tasks such as
// "0_3".
const GlobalTask = "global"

// A Dir is the state directory of an application on this machine, locked for
// this process:
//
//	<base>/<application id>/.lock
//	                        format-version
//	                        process-id
//	                        <task>/...
//
// Its methods may be called by several goroutines.
type Dir struct {
	path    string
	process string
	lock    *flock.Flock

	mu    sync.Mutex
	inUse map[string]bool
}

// OpenDir opens the state directory of an application, and makes it if there is
// none. It fails if another process has it open, or if a version of the library
// that this one does not know has written it.
func OpenDir(base, applicationID string) (*Dir, error) {
	switch {
	case base == "":
		return nil, errors.New("state: no state directory: configure one that outlives the process, it is never a temporary one by default")
	case applicationID == "" || applicationID == "." || applicationID == ".." || strings.ContainsAny(applicationID, `/\`+"\x00"):
		return nil, fmt.Errorf("state: application id %q cannot be the name of a folder", applicationID)
	}
	d := &Dir{path: filepath.Join(base, applicationID), inUse: map[string]bool{}}
	if err := os.MkdirAll(d.path, 0o750); err != nil {
		return nil, fmt.Errorf("state: make the state directory: %w", err)
	}
	d.lock = flock.New(filepath.Join(d.path, lockFile))
	ok, err := d.lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("state: lock %s: %w", d.path, err)
	}
	if !ok {
		return nil, fmt.Errorf("state: %s is in use by another process with application id %q: stop it, or give this process a state directory of its own", d.path, applicationID)
	}
	if err := d.open(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *Dir) open() error {
	if err := d.checkFormat(); err != nil {
		return err
	}
	if err := d.identify(); err != nil {
		return err
	}
	return d.finishRemovals()
}

func (d *Dir) checkFormat() error {
	path := filepath.Join(d.path, formatFile)
	data, err := os.ReadFile(path)
	switch version := strings.TrimSpace(string(data)); {
	case errors.Is(err, fs.ErrNotExist):
		return writeFile(path, dirFormat+"\n")
	case err != nil:
		return fmt.Errorf("state: read the format version: %w", err)
	case version != dirFormat:
		return fmt.Errorf("state: %s has format version %q, this version of the library reads %q: use the version that wrote it, or remove the directory to restore its stores from their changelogs",
			d.path, version, dirFormat)
	}
	return nil
}

// identify reads the process id, or makes one.
func (d *Dir) identify() error {
	path := filepath.Join(d.path, processFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		id, err := uuid.NewRandom()
		if err != nil {
			return fmt.Errorf("state: make a process id: %w", err)
		}
		d.process = id.String()
		return writeFile(path, d.process+"\n")
	}
	if err != nil {
		return fmt.Errorf("state: read the process id: %w", err)
	}
	id, err := uuid.Parse(strings.TrimSpace(string(data)))
	if err != nil {
		return fmt.Errorf("state: %s does not hold a process id: remove the file to get a new one: %w", path, err)
	}
	d.process = id.String()
	return nil
}

// Path is the directory of the application.
func (d *Dir) Path() string { return d.path }

// ProcessID identifies the process to the group and in transactional ids. It was
// made when the directory was first opened, and stays the same from then on.
func (d *Dir) ProcessID() string { return d.process }

// TaskDir returns the folder of a task, "0_3" or [GlobalTask], made if there is
// none, for the caller alone until [Dir.Release].
func (d *Dir) TaskDir(task string) (string, error) {
	if !isTask(task) {
		return "", fmt.Errorf("state: %q is not a task", task)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.inUse[task] {
		return "", fmt.Errorf("state: the folder of task %s in %s is still in use: close the task first", task, d.path)
	}
	path := filepath.Join(d.path, task)
	if err := os.Mkdir(path, 0o750); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("state: make the folder of task %s: %w", task, err)
	}
	d.inUse[task] = true
	return path, nil
}

// Release gives a task's folder back at a time; it is idle from then on.
func (d *Dir) Release(task string, now time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.inUse[task] {
		return nil
	}
	delete(d.inUse, task)
	if err := os.Chtimes(filepath.Join(d.path, task), now, now); err != nil {
		return fmt.Errorf("state: release the folder of task %s: %w", task, err)
	}
	return nil
}

// Tasks returns the tasks that have a folder which is not empty, in order of
// their names.
func (d *Dir) Tasks() ([]string, error) {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return nil, fmt.Errorf("state: list the tasks: %w", err)
	}
	var tasks []string
	for _, e := range entries {
		if !e.IsDir() || !isTask(e.Name()) {
			continue
		}
		files, err := os.ReadDir(filepath.Join(d.path, e.Name()))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("state: list the tasks: %w", err)
		}
		if len(files) > 0 {
			tasks = append(tasks, e.Name())
		}
	}
	slices.Sort(tasks)
	return tasks, nil
}

// RemoveTask removes a task's folder and all that is in it. It refuses one that
// is in use; one that does not exist is no error.
func (d *Dir) RemoveTask(task string) error {
	if !isTask(task) {
		return fmt.Errorf("state: %q is not a task", task)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.inUse[task] {
		return fmt.Errorf("state: the folder of task %s in %s is in use: close the task first", task, d.path)
	}
	return d.remove(task)
}

// remove gives the folder another name first: a task is there as a whole or not
// at all, also when the process ends in the middle.
func (d *Dir) remove(task string) error {
	to := filepath.Join(d.path, removed+task)
	if err := os.RemoveAll(to); err != nil {
		return fmt.Errorf("state: remove task %s: %w", task, err)
	}
	err := os.Rename(filepath.Join(d.path, task), to)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = errors.Join(syncDir(d.path), os.RemoveAll(to))
	}
	if err != nil {
		return fmt.Errorf("state: remove task %s: %w", task, err)
	}
	return nil
}

// finishRemovals removes what a process left that ended in the middle.
func (d *Dir) finishRemovals() error {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return fmt.Errorf("state: read the state directory: %w", err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), removed) || strings.HasPrefix(e.Name(), unfinished) {
			if err := os.RemoveAll(filepath.Join(d.path, e.Name())); err != nil {
				return fmt.Errorf("state: finish a removal: %w", err)
			}
		}
	}
	return nil
}

// Clean removes the folders of tasks that nobody has used for longer than idle,
// and returns the tasks. One folder that cannot be removed does not keep it from
// the others.
func (d *Dir) Clean(now time.Time, idle time.Duration) ([]string, error) {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return nil, fmt.Errorf("state: clean: %w", err)
	}
	var cleaned []string
	var errs []error
	for _, e := range entries {
		if !e.IsDir() || !isTask(e.Name()) {
			continue
		}
		if ok, err := d.clean(e.Name(), now.Add(-idle)); err != nil {
			errs = append(errs, err)
		} else if ok {
			cleaned = append(cleaned, e.Name())
		}
	}
	return cleaned, errors.Join(errs...)
}

func (d *Dir) clean(task string, before time.Time) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	info, err := os.Stat(filepath.Join(d.path, task))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("state: clean task %s: %w", task, err)
	case d.inUse[task] || !info.ModTime().Before(before):
		return false, nil
	}
	return true, d.remove(task)
}

// Close unlocks the directory. The folders of its tasks must not be used any
// more.
func (d *Dir) Close() error {
	if err := d.lock.Close(); err != nil {
		return fmt.Errorf("state: unlock %s: %w", d.path, err)
	}
	return nil
}

// isTask tells whether a name is that of a task's folder: "0_3" or "global".
func isTask(name string) bool {
	sub, partition, ok := strings.Cut(name, "_")
	return ok && isNumber(sub) && isNumber(partition) || name == GlobalTask
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
