package store

import (
	"bytes"
	"sync"
	"sync/atomic"

	"github.com/tidwall/btree"
)

// memoryDegree makes nodes of at most 31 entries: a batch copies each node it
// changes once, so that readers keep what they have.
const memoryDegree = 16

// memoryOverhead is the part of a tree and of an allocation that an entry takes
// besides its key and value.
const memoryOverhead = 56

// Memory returns the opener of an engine in memory: a B-tree. Readers work on
// the tree as the last batch left it, without locks, and never wait for Apply. An
// iterator sees the engine as it was at the call of Scan.
func Memory() Opener {
	return func(string) (Engine, error) {
		m := &memory{tree: btree.NewBTreeGOptions(lessEntry, btree.Options{NoLocks: true, Degree: memoryDegree})}
		m.current.Store(m.tree.Copy())
		return m, nil
	}
}

type memory struct {
	apply   sync.Mutex
	tree    *btree.BTreeG[memoryEntry] // changed by Apply alone
	current atomic.Pointer[btree.BTreeG[memoryEntry]]
	size    atomic.Int64
}

// memoryEntry is a key and its value in one allocation.
type memoryEntry struct {
	data []byte
	key  int // length
}

func (e memoryEntry) size() int64 { return int64(len(e.data) + memoryOverhead) }

func lessEntry(a, b memoryEntry) bool { return bytes.Compare(a.data[:a.key], b.data[:b.key]) < 0 }

func pivot(key []byte) memoryEntry { return memoryEntry{data: key, key: len(key)} }

func (m *memory) Get(key, dst []byte) ([]byte, bool, error) {
	e, ok := m.current.Load().Get(pivot(key))
	if !ok {
		return dst, false, nil
	}
	return append(dst, e.data[e.key:]...), true, nil
}

func (m *memory) Apply(b *Batch) error {
	m.apply.Lock()
	defer m.apply.Unlock()
	size := m.size.Load()
	err := b.Each(func(key, value []byte) error {
		if value == nil {
			if old, ok := m.tree.Delete(pivot(key)); ok {
				size -= old.size()
			}
			return nil
		}
		data := make([]byte, 0, len(key)+len(value))
		e := memoryEntry{data: append(append(data, key...), value...), key: len(key)}
		size += e.size()
		if old, ok := m.tree.Set(e); ok {
			size -= old.size()
		}
		return nil
	})
	m.size.Store(size)
	m.current.Store(m.tree.Copy())
	return err
}

func (m *memory) Size() int64 { return m.size.Load() }

func (m *memory) Close() error { return nil }

func (m *memory) Scan(from, to []byte, reverse bool) Iterator {
	it := &memoryIterator{it: m.current.Load().Iter(), from: from, to: to, reverse: reverse}
	it.move = it.start
	return it
}

type memoryIterator struct {
	it       btree.IterG[memoryEntry]
	from, to []byte
	reverse  bool
	move     func() bool
}

func (i *memoryIterator) start() bool {
	if !i.reverse {
		i.move = i.it.Next
		if i.from == nil {
			return i.it.First()
		}
		return i.it.Seek(pivot(i.from))
	}
	i.move = i.it.Prev
	if i.to == nil {
		return i.it.Last()
	}
	if i.it.Seek(pivot(i.to)) {
		return i.it.Prev() // to itself is not part of the range
	}
	return i.it.Last()
}

func (i *memoryIterator) Next() bool {
	if i.move == nil {
		return false
	}
	if !i.move() || i.beyond(i.Key()) {
		i.move = nil
		return false
	}
	return true
}

func (i *memoryIterator) beyond(key []byte) bool {
	if i.reverse {
		return i.from != nil && bytes.Compare(key, i.from) < 0
	}
	return i.to != nil && bytes.Compare(key, i.to) >= 0
}

func (i *memoryIterator) Key() []byte {
	e := i.it.Item()
	return e.data[:e.key:e.key]
}

func (i *memoryIterator) Value() []byte {
	e := i.it.Item()
	return e.data[e.key:]
}

func (i *memoryIterator) Close() error {
	i.move = nil
	i.it.Release()
	return nil
}
