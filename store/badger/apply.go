package badger

import (
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"github.com/streamweir/streamweir/store"
)

// Apply writes the batch in one transaction after the other. Each is atomic, and
// the next begins when the one before has been written: badger.WriteBatch, which
// has 16 on their way, may write a later one although an earlier one failed.
func (e *engine) Apply(b *store.Batch) error {
	w := writer{e: e, entries: make([]badger.Entry, 0, b.Len())}
	w.begin()
	defer func() { w.txn.Discard() }()
	err := b.Each(func(key, value []byte) error {
		if int64(len(value)) >= e.opts.ValueThreshold {
			e.large += int64(len(value))
		}
		return w.write(key, value)
	})
	if err == nil {
		err = w.commit()
	}
	if err != nil {
		return fmt.Errorf("badger: write to %s: %w", e.opts.Dir, err)
	}
	e.written.Add(int64(b.Bytes()))
	return e.collect()
}

type writer struct {
	e       *engine
	txn     *badger.Txn
	entries []badger.Entry // a transaction refers to its entries until it is committed
}

func (w *writer) write(key, value []byte) error {
	err := w.add(key, value)
	if !errors.Is(err, badger.ErrTxnTooBig) {
		return err
	}
	if err := w.commit(); err != nil {
		return err
	}
	w.begin()
	return w.add(key, value)
}

func (w *writer) begin() { w.txn = w.e.db.NewTransactionAt(latest, true) }

// commit gives the transaction the next version, and allows compactions to drop
// what it replaced.
func (w *writer) commit() error {
	w.e.version++
	if err := w.txn.CommitAt(w.e.version, nil); err != nil {
		return err
	}
	w.e.db.SetDiscardTs(w.e.version)
	return nil
}

func (w *writer) add(key, value []byte) error {
	if value == nil {
		return w.txn.Delete(key)
	}
	w.entries = append(w.entries, badger.Entry{Key: key, Value: value})
	return w.txn.SetEntry(&w.entries[len(w.entries)-1])
}

// marker is a key that is there while collect runs.
var marker = []byte("\xff\xff\xff\xff\xff\xff\xff\xffcollect")

// collect frees value logs that are mostly garbage, after as many bytes of large
// values as a few logs hold.
//
// Badger learns what is garbage when it compacts, and it compacts when a table in
// memory is full; large values fill none, since a table has only their places in
// the log. Dropping a key that is there is the one way to make it write the table.
func (e *engine) collect() error {
	if e.large < 4*e.opts.ValueLogFileSize {
		return nil
	}
	e.large = 0
	if err := e.compact(); err != nil {
		return fmt.Errorf("badger: compact %s: %w", e.opts.Dir, err)
	}
	for {
		err := e.db.RunValueLogGC(0.5)
		switch {
		case err == nil:
		case errors.Is(err, badger.ErrNoRewrite), errors.Is(err, badger.ErrRejected):
			return nil
		default:
			return fmt.Errorf("badger: collect the value log of %s: %w", e.opts.Dir, err)
		}
	}
}

func (e *engine) compact() error {
	if err := e.mark([]byte{}); err != nil {
		return err
	}
	if err := e.db.DropPrefix(marker); err != nil {
		return err
	}
	return e.db.Flatten(1)
}

// mark puts the marker, or deletes it if value is nil.
func (e *engine) mark(value []byte) error {
	w := writer{e: e, entries: make([]badger.Entry, 0, 1)}
	w.begin()
	defer func() { w.txn.Discard() }()
	if err := w.add(marker, value); err != nil {
		return err
	}
	return w.commit()
}
