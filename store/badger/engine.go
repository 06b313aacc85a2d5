package badger

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/dgraph-io/badger/v4"
)

// engine implements store.Engine and store.Limiter.
type engine struct {
	db      *badger.DB
	opts    badger.Options
	maxTxn  int64
	written atomic.Int64 // bytes since the database was opened
	large   int64        // bytes of values in the value log since it was last collected
}

func (e *engine) Limits() (key, value int) { return maxKey, int(e.opts.ValueLogFileSize) }

func (e *engine) Get(key, dst []byte) ([]byte, bool, error) {
	txn := e.db.NewTransaction(false)
	defer txn.Discard()
	item, err := txn.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return dst, false, nil
	}
	if err == nil {
		err = item.Value(func(v []byte) error {
			dst = append(dst, v...)
			return nil
		})
	}
	if err != nil {
		return dst, false, fmt.Errorf("badger: get from %s: %w", e.opts.Dir, err)
	}
	return dst, true, nil
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
