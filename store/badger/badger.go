// Package badger is a persistent engine for state stores: a Badger database per
// task.
//
// Badger's own defaults are made for one database per process: they cost 2 GB of
// sparse files and 30 goroutines each. [Opener] changes them to what suits a
// database per task, about 12 goroutines and 30 MB of sparse files, because a task
// writes in large batches and keeps what it uses often in memory of its own.
//
// What Apply has written survives the end of the process, also by kill -9: it is
// in a memory-mapped log. It survives a crash of the machine from Close on; what
// is lost then is the end of what was written, which the changelog restores.
//
// Keys that begin with "!badger!" and the empty key are refused, and the key
// "\xff\xff\xff\xff\xff\xff\xff\xffcollect" is the engine's own: the stores of a task
// have none of them. Values of 1 MiB and more are in logs of their own, which are
// collected while they are written.
package badger

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"

	"github.com/streamweir/streamweir/store"
)

// maxKey is what Badger accepts; it has no name for it.
const maxKey = 65000

// maxThreshold is the largest size of a value that Badger keeps beside its key.
// Larger ones are in a log of their own.
const maxThreshold = 1 << 20

// Options configures the databases. The zero value is the tuned default.
type Options struct {
	// MemTableSize is the size in bytes of the table in memory that takes the
	// writes; 0 is 4 MiB. Memory grows with it, speed hardly does.
	MemTableSize int64
	// MaxValueSize is the size in bytes of the largest value, 1 MiB to 2 GiB - 1;
	// 0 is 16 MiB. A log file for large values of twice that size is reserved, but
	// not filled, on disk.
	MaxValueSize int64
	// SyncWrites makes every batch survive a crash of the machine, at the price of
	// an fsync for each part of it.
	SyncWrites bool
	// Logger gets Badger's warnings and errors; nil drops them.
	Logger *slog.Logger
	// Tune may change Badger's options after all others; nil changes nothing.
	Tune func(badger.Options) badger.Options
}

// Opener returns the opener of databases with these options. When Badger cannot
// open damaged files, two idle goroutines of its own may stay behind.
func Opener(o Options) store.Opener {
	return func(dir string) (store.Engine, error) { return open(dir, o) }
}

// Open opens a database with the default options; it is a [store.Opener].
func Open(dir string) (store.Engine, error) { return open(dir, Options{}) }

func (o Options) badger(dir string) badger.Options {
	memTable, value := int64(4<<20), int64(16<<20)
	if o.MemTableSize > 0 {
		memTable = o.MemTableSize
	}
	if o.MaxValueSize > 0 {
		value = o.MaxValueSize
	}
	// Badger refuses a threshold above the size of its transactions.
	threshold := min(maxThreshold, memTable*15/100)
	b := badger.DefaultOptions(dir).
		WithLogger(nil).
		WithMetricsEnabled(false).
		WithSyncWrites(o.SyncWrites).
		WithDetectConflicts(false).
		WithNumVersionsToKeep(1).
		WithMemTableSize(memTable).
		WithNumMemtables(3).
		WithNumLevelZeroTables(5).
		WithNumLevelZeroTablesStall(15).
		WithNumCompactors(2).
		WithBaseTableSize(2 << 20).
		WithValueThreshold(threshold).
		WithValueLogFileSize(value).
		WithCompression(options.None).
		WithBlockCacheSize(0).
		WithIndexCacheSize(0)
	if o.Logger != nil {
		b = b.WithLogger(logger{o.Logger})
	}
	if o.Tune != nil {
		b = o.Tune(b)
	}
	return b
}

func open(dir string, o Options) (store.Engine, error) {
	if dir == "" {
		return nil, errors.New("badger: no folder: a persistent store needs one")
	}
	if err := checkFolder(dir); err != nil {
		return nil, err
	}
	opts := o.badger(dir)
	db, err := badger.OpenManaged(opts)
	switch {
	case err == nil:
	case strings.Contains(err.Error(), "directory lock"):
		return nil, fmt.Errorf("badger: %s is in use by another process or another task: stop it, or give this one a folder of its own: %w", dir, err)
	default:
		return nil, fmt.Errorf("badger: open %s: if the files are damaged remove the folder, and the stores are restored from their changelogs: %w", dir, err)
	}
	version := db.MaxVersion()
	db.SetDiscardTs(version)
	e := &engine{db: db, opts: opts, version: version}
	if err := e.unmark(); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// unmark deletes the marker that a process left which ended inside collect.
func (e *engine) unmark() error {
	_, found, err := e.Get(marker, nil)
	if err != nil || !found {
		return err
	}
	return e.mark(nil)
}

// checkFolder refuses a folder with something else in it, where Badger would
// make a new database beside it.
func checkFolder(dir string) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("badger: %w", err)
	}
	if len(files) == 0 || slices.ContainsFunc(files, func(f os.DirEntry) bool { return f.Name() == badger.ManifestFilename }) {
		return nil
	}
	for _, f := range files {
		// These two may be there when a process ended while it made the database.
		if name := f.Name(); name != "LOCK" && name != "MANIFEST-REWRITE" {
			return fmt.Errorf("badger: %s is not a Badger database: it has %s but no %s. It may belong to another engine, or be damaged: remove it, or use another folder",
				dir, filepath.Base(name), badger.ManifestFilename)
		}
	}
	return nil
}

// logger passes on what may need attention.
type logger struct{ l *slog.Logger }

func (l logger) Errorf(format string, args ...any) { l.l.Error(message(format, args)) }

func (l logger) Warningf(format string, args ...any) { l.l.Warn(message(format, args)) }

func (l logger) Infof(string, ...any) {}

func (l logger) Debugf(string, ...any) {}

func message(format string, args []any) string {
	return "badger: " + strings.TrimSpace(fmt.Sprintf(format, args...))
}
