package badger

import (
	"errors"
	"fmt"
	"math"
	"sync/atomic"

	"github.com/dgraph-io/badger/v4"
)

// latest reads what was written last. Badger's own choice of a version waits for
// the writes under way, which stalls a reader for as long as a part of a flush
// takes; a reader of an Engine may see a part of a batch, so it need not wait.
const latest = math.MaxUint64

// engine implements store.Engine and store.Limiter. The database is in managed
// mode: versions are given here.
type engine struct {
	db      *badger.DB
	opts    badger.Options
	version uint64       // of the last transaction
	written atomic.Int64 // bytes since the database was opened
	large   int64        // bytes of values in the value log since it was last collected
}

func (e *engine) Limits() (key, value int) { return maxKey, int(e.opts.ValueLogFileSize) }

// attempts bounds how often Get looks for a value that was moved.
const attempts = 10

func (e *engine) Get(key, dst []byte) (value []byte, found bool, err error) {
	for range attempts {
		value, found, err = e.get(key, dst)
		if err == nil {
			return value, found, nil
		}
		// A large value may have been moved to another log between the search for
		// its place and the read. Its key knows the new place by now.
	}
	return dst, false, fmt.Errorf("badger: get from %s: %w", e.opts.Dir, err)
}

func (e *engine) get(key, dst []byte) (value []byte, found bool, err error) {
	txn := e.db.NewTransactionAt(latest, false)
	defer txn.Discard()
	item, err := txn.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return dst, false, nil
	}
	if err != nil {
		return dst, false, err
	}
	err = item.Value(func(v []byte) error {
		value = append(dst, v...)
		return nil
	})
	return value, err == nil, err
}

// Size is the size of the tables and value logs, plus what may still be in
// memory tables, whose files are sparse. The value logs are measured once a
// minute.
func (e *engine) Size() int64 {
	_, size := e.db.Size()
	for _, l := range e.db.Levels() {
		size += l.Size
	}
	return size + min(e.written.Load(), e.opts.MemTableSize)
}

func (e *engine) Close() error {
	if err := e.db.Close(); err != nil {
		return fmt.Errorf("badger: close %s: %w", e.opts.Dir, err)
	}
	return nil
}
