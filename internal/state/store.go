package state

import (
	"fmt"
	"sync"

	"github.com/tidwall/btree"

	"github.com/streamweir/streamweir/store"
)

// A Store is one store of a task, as bytes. It implements [store.Bytes]; its
// methods are called by the goroutine that owns the task, except Committed, Name
// and Spec.
//
// A key that was read or written is found without asking the engine again while
// its entry is in memory, also if it has no value.
type Store struct {
	set       *Set
	spec      store.Spec
	backing   *backing
	prefix    []byte // of its keys in the engine
	end       []byte // the first key after them
	changelog Changelog

	// The owner locks mu to change what is below up to complete, and the committed
	// part of entries; it reads them without. Others lock it to read.
	mu      sync.RWMutex
	entries table
	index   *btree.BTreeG[indexed] // all entries in order; nil until the first scan
	// complete: what has no entry is not in the engine either.
	complete bool
	hand     int // of the clock, see [Set.evict]

	iterators int  // open iterators of the owner
	copied    bool // index is none that an open iterator reads

	last     *entry // found last: a read is often followed by a write
	pending  []*entry
	dirty    []*entry
	position int64 // of what is committed
	saved    int64 // position that is in the engine
	recorded bool  // the engine has the store's record
	key      []byte
	times    times // of a segmented store
	versions *store.VersionWriter
}

func newStore(st *Set, spec store.Spec, b *backing) *Store {
	s := &Store{
		set: st, spec: spec, backing: b, entries: newTable(),
		prefix: append([]byte(spec.Name), 0), end: append([]byte(spec.Name), 1),
		position: noPosition, saved: noPosition, times: newTimes(),
	}
	s.sortSegments()
	if spec.Kind == store.KindVersionedKeyValue {
		s.versions = store.NewVersionWriter(spec, versionRows{s})
	}
	return s
}

// open reads the store's position. Data without a position are what is left of
// a first flush, or of a wipe, that did not come to its end.
func (s *Store) open() error {
	var err error
	var m marks
	if s.position, m, s.recorded, err = s.backing.readRecord(s.spec); err != nil {
		return err
	}
	s.saved = s.position
	s.times.set(m)
	if !s.recorded {
		s.set.batch.Reset()
		if err := s.backing.deleteRange(&s.set.batch, s.prefix, s.end); err != nil {
			return err
		}
	}
	s.complete, err = s.backing.empty(s.prefix, s.end)
	return err
}

// Name is the store's name.
func (s *Store) Name() string { return s.spec.Name }

// Spec is the store's description.
func (s *Store) Spec() store.Spec { return s.spec }

// LogTo makes c take a record for every Put from now on; nil for none. A record
// of a timestamped store has the value without its timestamp, and one of a segmented
// store the key without its segment.
func (s *Store) LogTo(c Changelog) { s.changelog = c }

func (s *Store) find(key []byte) *entry {
	if e := s.last; e != nil && e.key == string(key) {
		return e
	}
	e := s.entries.get(key)
	if e != nil {
		e.used = true
		s.last = e
	}
	return e
}

// KeyOf is the key as a string: the store's own where it has the key, which takes no copy.
func (s *Store) KeyOf(key []byte) string {
	if e := s.find(key); e != nil {
		return e.key
	}
	return string(key)
}

// Get implements [store.Reader].
func (s *Store) Get(key []byte) ([]byte, error) {
	e := s.find(key)
	if e == nil {
		if s.set.closed {
			return nil, s.errClosed()
		}
		if s.complete {
			return nil, nil
		}
		e = s.insert(key)
		if err := s.load(e); err != nil {
			return nil, err
		}
		s.set.evict(evictAtInsert)
		return e.value, nil
	}
	switch {
	case e.staged == put:
		return e.pending, nil
	case e.staged == deleted:
		return nil, nil
	case e.known == unknown:
		if err := s.load(e); err != nil {
			return nil, err
		}
	}
	return e.value, nil
}

// load asks the engine for the committed value of an entry.
func (s *Store) load(e *entry) error {
	if s.set.closed {
		return s.errClosed()
	}
	s.key = append(append(s.key[:0], s.prefix...), e.key...)
	value, found, err := s.backing.engine.Get(s.key, nil)
	if err != nil {
		return fmt.Errorf("state: store %q: %w", s.spec.Name, err)
	}
	if found && value == nil {
		value = []byte{}
	}
	s.mu.Lock()
	if found {
		e.value, e.known = value, present
	} else {
		e.value, e.known = nil, absent
	}
	s.mu.Unlock()
	s.set.measure(e)
	return nil
}

// Put implements [store.Bytes]. It refuses a key or a value that is too large
// for the engine.
func (s *Store) Put(key, value []byte, timestamp int64) error {
	if err := s.Check(key, value); err != nil {
		return err
	}
	switch {
	case s.spec.Kind.Windowed():
		s.putRow(key, value)
	case s.versions != nil:
		return fmt.Errorf("state: store %q has versions: it takes no values without", s.spec.Name)
	default:
		s.put(key, value)
	}
	return s.log(s.spec.ChangelogKey(key), s.spec.ChangelogValue(value), timestamp)
}

func (s *Store) log(key, value []byte, timestamp int64) error {
	if s.changelog == nil {
		return nil
	}
	if err := s.changelog.Append(key, value, timestamp); err != nil {
		return fmt.Errorf("state: store %q: append to the changelog: %w", s.spec.Name, err)
	}
	return nil
}

func (s *Store) put(key, value []byte) {
	e := s.find(key)
	if e == nil {
		e = s.insert(key)
		s.stage(e, value)
		s.set.evict(evictAtInsert)
	} else {
		s.stage(e, value)
	}
}

// timestampBytes is the size of the timestamp before a value.
const timestampBytes = 8

// Check tells whether Put would refuse a key or a value.
func (s *Store) Check(key, value []byte) error {
	switch {
	case s.set.closed:
		return s.errClosed()
	case len(key) > s.backing.maxKey-len(s.prefix):
		return fmt.Errorf("state: store %q: a key of %d bytes is too large: the engine takes %d", s.spec.Name, len(key), s.backing.maxKey-len(s.prefix))
	case len(value) > s.backing.maxValue:
		return fmt.Errorf("state: store %q: a value of %d bytes is too large: the engine takes %d", s.spec.Name, len(value), s.backing.maxValue)
	case value != nil && len(value) < timestampBytes && s.spec.Kind.Timestamped():
		return fmt.Errorf("state: store %q: a value of %d bytes has no timestamp, which a %s store needs", s.spec.Name, len(value), s.spec.Kind)
	}
	return nil
}

func (s *Store) stage(e *entry, value []byte) {
	c := &s.set.cache
	if e.staged == untouched {
		s.pending = append(s.pending, e)
		c.pendingBytes += len(e.key)
	}
	c.pendingBytes += len(value) - len(e.pending)
	switch {
	case value == nil:
		c.recycle(e.pending)
		e.pending, e.staged = nil, deleted
	case cap(e.pending) < len(value) || e.pending == nil:
		c.recycle(e.pending)
		e.pending, e.staged = c.copy(value), put
	default:
		e.pending, e.staged = append(e.pending[:0], value...), put
	}
	c.measure(e)
}

// insert adds an entry for a key that has none.
func (s *Store) insert(key []byte) *entry {
	e := newEntry(s, key)
	if s.complete {
		e.known = absent
	}
	s.mu.Lock()
	s.entries.add(e)
	if index := s.mutableIndex(); index != nil {
		index.Set(indexed{e.key, e})
	}
	s.mu.Unlock()
	s.set.measure(e)
	s.last = e
	return e
}

// drop removes an entry that the engine has, from the account too.
func (s *Store) drop(e *entry) {
	s.mu.Lock()
	s.entries.remove(e)
	if index := s.mutableIndex(); index != nil {
		index.Delete(indexed{key: e.key})
	}
	if e.known != absent {
		s.complete = false
	}
	e.gone = true
	s.mu.Unlock()
	s.set.bytes -= int(e.size)
	if s.last == e {
		s.last = nil
	}
}

// indexed is an entry in the order of the keys.
type indexed struct {
	key   string
	entry *entry
}

// buildIndex sorts the entries, the first time. Any goroutine may call it.
func (s *Store) buildIndex() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.index == nil {
		s.sort()
	}
}

func (s *Store) sort() {
	less := func(a, b indexed) bool { return a.key < b.key }
	s.index = btree.NewBTreeGOptions(less, btree.Options{NoLocks: true, Degree: 16})
	for e := range s.entries.all() {
		s.index.Set(indexed{e.key, e})
	}
}

// mutableIndex returns the index to be changed, nil if there is none. Open
// iterators keep the one they read, which costs a copy of the nodes that change.
func (s *Store) mutableIndex() *btree.BTreeG[indexed] {
	if s.index != nil && s.iterators > 0 && !s.copied {
		s.index, s.copied = s.index.Copy(), true
	}
	return s.index
}

func (s *Store) errClosed() error {
	return fmt.Errorf("state: store %q is closed: its task has ended here or moved", s.spec.Name)
}
