package state

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/streamweir/streamweir/store"
)

// DefaultCacheBytes is the budget of a set whose configuration names none.
const DefaultCacheBytes = 32 << 20

// Config says what a set is made of.
type Config struct {
	// Dir is the task's folder. It is not needed if no store is persistent.
	Dir string
	// Stores are the task's stores.
	Stores []store.Spec
	// Opener opens the engine of persistent stores that name none.
	Opener store.Opener
	// CacheBytes is how much memory entries may take before those that are in the
	// engine already are dropped; 0 is [DefaultCacheBytes], negative keeps none.
	// What is pending or not yet written is always kept.
	CacheBytes int
}

// A Changelog takes the records of one store's changelog, in order.
type Changelog interface {
	// Append adds a record to the output of the running transaction. A nil value
	// is a tombstone. key and value belong to the caller.
	Append(key, value []byte, timestamp int64) error
}

// A Set has the stores of one task. Its methods, and those of its stores, are
// called by the goroutine that owns the task, except where said otherwise.
type Set struct {
	stores   []*Store
	byName   map[string]*Store
	backings []*backing
	batch    store.Batch // of Restore and Wipe
	cache
	flight *Flush // the flush that was taken and not yet settled
	scans  []*scan

	life   sync.RWMutex // readers hold it while they use an engine
	closed bool         // written by the owner with life locked
}

// Open opens the stores of a task. It fails, naming the folder, if the folder
// has a format, a store kind or metadata that this version does not understand.
func Open(cfg Config) (*Set, error) {
	st := &Set{byName: map[string]*Store{}, cache: newCache(cfg.CacheBytes)}
	if err := st.open(cfg); err != nil {
		return nil, errors.Join(err, st.closeEngines())
	}
	return st, nil
}

func (st *Set) open(cfg Config) error {
	if err := checkSpecs(cfg.Stores); err != nil {
		return err
	}
	for _, spec := range cfg.Stores {
		if st.backing(spec) == nil {
			b, err := openBacking(cfg, spec.Persistent)
			if err != nil {
				return err
			}
			st.backings = append(st.backings, b)
			if err := b.checkFormat(); err != nil {
				return err
			}
		}
		if err := st.openStore(spec); err != nil {
			return err
		}
	}
	return nil
}

// backing is the engine of a store, nil if it is not open yet.
func (st *Set) backing(spec store.Spec) *backing {
	for _, b := range st.backings {
		if b.persistent == spec.Persistent {
			return b
		}
	}
	return nil
}

func (st *Set) openStore(spec store.Spec) error {
	s := newStore(st, spec, st.backing(spec))
	if err := s.open(); err != nil {
		return err
	}
	st.stores = append(st.stores, s)
	st.byName[spec.Name] = s
	return nil
}

// Add opens one more store, in an engine that other stores of the set have already.
// Nobody may call Store meanwhile.
func (st *Set) Add(spec store.Spec) error {
	names := []store.Spec{spec}
	for _, s := range st.stores {
		names = append(names, s.spec)
	}
	switch err := checkSpecs(names); {
	case err != nil:
		return err
	case st.closed:
		return fmt.Errorf("state: store %q is added to a set that is closed", spec.Name)
	case st.backing(spec) == nil:
		return fmt.Errorf("state: store %q is added to a set that has no engine for it", spec.Name)
	}
	return st.openStore(spec)
}

func checkSpecs(specs []store.Spec) error {
	var names []string
	for _, s := range specs {
		switch {
		case s.Name == "" || strings.ContainsRune(s.Name, 0):
			return fmt.Errorf("state: %q is not a name for a store", s.Name)
		case slices.Contains(names, s.Name):
			return fmt.Errorf("state: the task has two stores named %q: give one another name", s.Name)
		}
		names = append(names, s.Name)
	}
	return nil
}

// Store returns a store of the set; nil if there is none of that name. Any
// goroutine may call it.
func (st *Set) Store(name string) *Store { return st.byName[name] }

// Offset is the offset of the first changelog record whose effect is not in the
// store: where restoring begins. ok is false if none of the changelog is known
// to be in the store.
func (st *Set) Offset(name string) (next int64, ok bool) {
	s := st.byName[name]
	if s == nil || s.position == noPosition {
		return 0, false
	}
	return s.position, true
}

// Close writes what is committed to the engine, drops what is pending, and
// releases everything. It waits for a [Flush.Write] that is running. A second
// call does nothing.
func (st *Set) Close() error {
	if st.closed {
		return nil
	}
	st.land()
	var err error
	if f := st.take(true); f != nil {
		err = f.Write()
		st.settle()
	}
	return errors.Join(err, st.close())
}

// Abandon releases everything without writing what is not in the engine yet: the
// set is as after the end of the process. It waits for a [Flush.Write] that is
// running.
func (st *Set) Abandon() error {
	if st.closed {
		return nil
	}
	st.land()
	return st.close()
}

func (st *Set) close() error {
	st.life.Lock()
	st.closed = true
	st.life.Unlock()
	var errs []error
	for len(st.scans) > 0 {
		errs = append(errs, st.scans[0].Close())
	}
	return errors.Join(append(errs, st.closeEngines())...)
}

func (st *Set) closeEngines() error {
	var errs []error
	for _, b := range st.backings {
		if err := b.engine.Close(); err != nil {
			errs = append(errs, fmt.Errorf("state: %s: %w", b.name, err))
		}
	}
	return errors.Join(errs...)
}

// Size is how much a set holds.
type Size struct {
	Entries      int   // in memory
	CacheBytes   int   // memory that entries take, whether clean or not
	PendingBytes int   // written by the running transaction
	DirtyBytes   int   // committed, and not yet in an engine
	DiskBytes    int64 // of the persistent engine
	MemoryBytes  int64 // of the engine in memory
}

// Size measures the set, for metrics.
func (st *Set) Size() Size {
	st.settle()
	s := Size{CacheBytes: st.bytes, PendingBytes: st.pendingBytes, DirtyBytes: st.dirtyBytes}
	for _, o := range st.stores {
		s.Entries += o.entries.n
	}
	if st.closed {
		return s
	}
	for _, b := range st.backings {
		if b.persistent {
			s.DiskBytes = b.engine.Size()
		} else {
			s.MemoryBytes = b.engine.Size()
		}
	}
	return s
}

// DirtyBytes is about how many bytes are committed and not known to be in an
// engine.
func (st *Set) DirtyBytes() int {
	st.settle()
	return st.dirtyBytes
}

func (st *Set) store(name string) (*Store, error) {
	s := st.byName[name]
	switch {
	case s == nil:
		return nil, fmt.Errorf("state: the task has no store %q", name)
	case st.closed:
		return nil, s.errClosed()
	}
	return s, nil
}
