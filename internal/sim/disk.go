package sim

import (
	"os"

	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/store/badger"
)

// A Disk has the folders of tasks, which outlive a crash.
type Disk interface {
	// Open is a store.Opener.
	Open(dir string) (store.Engine, error)
	// Lose empties a folder that is not open.
	Lose(dir string) error
}

// Memory is a disk in memory.
type Memory map[string]store.Engine

// Open implements Disk.
func (m Memory) Open(dir string) (store.Engine, error) {
	if m[dir] == nil {
		e, err := store.Memory()(dir)
		if err != nil {
			return nil, err
		}
		m[dir] = e
	}
	return kept{m[dir]}, nil
}

// Lose implements Disk.
func (m Memory) Lose(dir string) error {
	delete(m, dir)
	return nil
}

type kept struct{ store.Engine }

func (kept) Close() error { return nil }

// Badger is a disk with Badger databases.
type Badger struct{}

// Open implements Disk.
func (Badger) Open(dir string) (store.Engine, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return badger.Open(dir)
}

// Lose implements Disk.
func (Badger) Lose(dir string) error { return os.RemoveAll(dir) }
