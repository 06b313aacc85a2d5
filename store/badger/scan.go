package badger

import (
	"bytes"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"github.com/streamweir/streamweir/store"
)

// Scan reads the tables that can have keys of the range: those with the prefix
// that both bounds have in common.
func (e *engine) Scan(from, to []byte, reverse bool) store.Iterator {
	txn := e.db.NewTransactionAt(latest, false)
	opts := badger.IteratorOptions{Reverse: reverse, Prefix: commonPrefix(from, to)}
	it := &iterator{dir: e.opts.Dir, txn: txn, from: from, to: to, reverse: reverse, value: []byte{}}
	if to != nil && bytes.Compare(from, to) >= 0 {
		it.end()
		return it
	}
	it.it = txn.NewIterator(opts)
	return it
}

func commonPrefix(a, b []byte) []byte {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return bytes.Clone(a[:n])
}

type iterator struct {
	dir      string
	txn      *badger.Txn
	it       *badger.Iterator // nil at the end
	from, to []byte
	reverse  bool
	started  bool
	key      []byte
	value    []byte
	err      error
}

func (i *iterator) Next() bool {
	if i.it == nil {
		return false
	}
	if i.started {
		i.it.Next()
	} else {
		i.start()
	}
	if !i.it.Valid() || i.beyond(i.it.Item().Key()) {
		i.end()
		return false
	}
	item := i.it.Item()
	i.key = item.Key()
	err := item.Value(func(v []byte) error {
		i.value = append(i.value[:0], v...)
		return nil
	})
	if err != nil {
		i.err = fmt.Errorf("badger: scan %s: %w", i.dir, err)
		i.end()
		return false
	}
	return true
}

func (i *iterator) start() {
	i.started = true
	if !i.reverse {
		i.it.Seek(i.from)
		return
	}
	i.it.Seek(i.to)
	if i.to != nil && i.it.Valid() && bytes.Equal(i.it.Item().Key(), i.to) {
		i.it.Next() // to itself is not part of the range
	}
}

func (i *iterator) beyond(key []byte) bool {
	if i.reverse {
		return i.from != nil && bytes.Compare(key, i.from) < 0
	}
	return i.to != nil && bytes.Compare(key, i.to) >= 0
}

// end releases what Badger holds for the iterator as soon as there is nothing
// more to read.
func (i *iterator) end() {
	if i.it != nil {
		i.it.Close()
		i.it = nil
	}
	i.txn.Discard()
}

func (i *iterator) Key() []byte { return i.key }

func (i *iterator) Value() []byte { return i.value }

func (i *iterator) Close() error {
	i.end()
	return i.err
}
