package task

import (
	"bytes"
	"context"
	"fmt"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/internal/state"
	"github.com/streamweir/streamweir/store"
)

// Cache is the budget of the record cache that tasks of one worker share. Entries
// count as in Kafka Streams, whose results depend on when the cache is full: see
// [held.count]. Kafka Streams: ThreadCache.
type Cache struct {
	Max  int64 // bytes; 0: there is no cache
	used int64
}

// cached is a store with the record cache in front: a change is in the store at
// once, but it is logged, and forwarded, only when the task commits or the cache
// is full, and then once for each key. To a window or session store, which has an eye
// on the time, it is written only then too: see [heldRows]. Kafka Streams: NamedCache
// with CachingKeyValueStore, CachingWindowStore, CachingSessionStore.
//
// The rules of eviction are Kafka Streams', since the output shows them. The cache
// that is written to gives up its least recently used entries until the budget is
// met; keys that were only read are entries too. When an entry with a change is
// given up, so are all other changes of the cache, that one first. Each operation
// costs the same however many keys are held.
type cached struct {
	*state.Store
	task     *Task
	log      *changelog // nil: not logged
	listener graph.FlushListener
	held     map[string]*held
	used     heldList // the least recently used first
	dirty    heldList // with changes, in the order of their last change
	bytes    int64
	counted  int64 // of bytes, what is part of the budget's use
	batch    []*held
	reads    bool      // a key that is read becomes an entry
	rows     *heldRows // of a window or session store
}

// held is a key that the cache knows: with a change that is not yet logged and
// forwarded, or clean.
type held struct {
	key       string
	bytes     []byte // of key
	size      int64
	changed   bool
	value     []byte // of a row; nil: deleted
	old       []byte // before the change, if there was something
	hadOld    bool
	timestamp int64        // of the last change
	source    graph.Source // of the last change, and its moment
	caused    bool         // source is a record
	moment    graph.Moment
	links     [2]links
}

// count is the size of an entry as Kafka Streams counts it: LRUNode.size.
func (h *held) count(value []byte) {
	h.size = int64(len(h.key) + 24 + 1 + len(value) + 20)
	if !h.changed {
		return
	}
	h.size += int64(len(h.source.Topic))
	for _, header := range h.moment.Headers {
		h.size += int64(len(header.Name) + len(header.Value))
	}
}

func newCached(t *Task, s *state.Store, log *changelog) *cached {
	c := &cached{Store: s, task: t, log: log, held: map[string]*held{}, used: heldList{which: 0}, dirty: heldList{which: 1}}
	switch kind := s.Spec().Kind; {
	case kind == store.KindKeyValue || kind == store.KindTimestampedKeyValue:
		c.reads = true
	case kind.Windowed():
		c.rows = newHeldRows()
	}
	return c
}

// Get implements store.Bytes.
func (c *cached) Get(key []byte) ([]byte, error) {
	value, err := c.Store.Get(key)
	if h := c.held[string(key)]; h != nil {
		c.used.moveToBack(h)
		return value, err
	}
	if err != nil || value == nil || !c.reads {
		return value, err
	}
	h := c.insert(key)
	h.count(value)
	c.bytes += h.size
	if !c.full() {
		return value, nil
	}
	if err := c.evict(); err != nil {
		return nil, err
	}
	// What was read before is valid no longer, and neither is key if what was given up
	// led to a read of the same store.
	return c.Store.Get(h.bytes)
}

// Scan implements store.Bytes.
func (c *cached) Scan(from, to []byte, reverse bool) store.Iterator {
	if c.rows != nil {
		return c.Store.Scan(from, to, reverse)
	}
	return &cachedScan{c.Store.Scan(from, to, reverse), c}
}

// cachedScan uses the entries that it comes across.
type cachedScan struct {
	store.Iterator
	c *cached
}

func (i *cachedScan) Next() bool {
	if !i.Iterator.Next() {
		return false
	}
	if h := i.c.held[string(i.Key())]; h != nil {
		i.c.used.moveToBack(h)
	}
	return true
}

// Put implements store.Bytes.
func (c *cached) Put(key, value []byte, timestamp int64) error {
	var h *held
	var err error
	if c.rows != nil {
		h, err = c.hold(key, value)
	} else {
		h, err = c.write(key, value, timestamp)
	}
	if err != nil {
		return err
	}
	h.changed, h.timestamp, h.moment = true, timestamp, c.task.moment
	h.source, h.caused = c.task.cause()
	c.used.moveToBack(h)
	c.dirty.moveToBack(h)
	c.bytes -= h.size
	h.count(value)
	c.bytes += h.size
	if c.full() {
		return c.evict()
	}
	return nil
}

// write writes a change to the store, and keeps what was there when the key was last
// given up.
func (c *cached) write(key, value []byte, timestamp int64) (*held, error) {
	h := c.held[string(key)]
	if h == nil || !h.changed {
		old, err := c.Store.Get(key)
		if err != nil {
			return nil, err
		}
		if h == nil {
			h = c.insert(key)
		}
		h.old, h.hadOld = append(h.old[:0], old...), old != nil
	}
	return h, c.Store.Put(key, value, timestamp)
}

func (c *cached) insert(key []byte) *held {
	h := &held{key: string(key)}
	h.bytes = []byte(h.key)
	c.held[h.key] = h
	if c.rows != nil {
		c.rows.Set(h)
	}
	c.used.moveToBack(h)
	return h
}

// forget takes an entry out of the cache.
func (c *cached) forget(h *held) {
	c.used.remove(h)
	c.dirty.remove(h)
	delete(c.held, h.key)
	if c.rows != nil {
		c.rows.Delete(h)
	}
	c.bytes -= h.size
}

// full brings the budget up to date and tells whether it is exceeded.
func (c *cached) full() bool {
	cache := c.task.cfg.Cache
	cache.used += c.bytes - c.counted
	c.counted = c.bytes
	return cache.used > cache.Max
}

// evict gives entries up until the budget is met. What a flush leads to is done
// before its entries are taken off the budget, as in Kafka Streams: a cache behind
// this one then finds it exceeded, and passes on at once what it is given.
func (c *cached) evict() error {
	for c.used.first != nil {
		h := c.used.first
		changed := h.changed
		c.forget(h)
		if changed {
			if err := c.flushFrom(h); err != nil {
				return err
			}
		}
		if !c.full() {
			break
		}
	}
	return nil
}

// drop forgets what is held.
func (c *cached) drop() {
	clear(c.held)
	if c.rows != nil {
		c.rows.Clear()
	}
	c.used, c.dirty, c.bytes = heldList{which: 0}, heldList{which: 1}, 0
	c.full()
}

// pending tells whether there is something to flush.
func (c *cached) pending() bool { return c.dirty.first != nil }

// flush gives up all changes: each is logged and forwarded with the source of its
// last change. The entries stay as clean ones.
func (c *cached) flush() error {
	err := c.flushFrom(nil)
	c.full()
	return err
}

// flushFrom flushes an entry that was evicted, and then the others.
func (c *cached) flushFrom(evicted *held) error {
	all := c.batch[:0]
	c.batch = nil // a listener may lead back to this store
	if evicted != nil {
		all = append(all, evicted)
	}
	for h := c.dirty.first; h != nil; h = h.links[c.dirty.which].next {
		all = append(all, h)
	}
	t := c.task
	current, source, moment, when := t.current, t.source, t.moment, t.when
	for _, e := range t.edges {
		e.Save()
	}
	defer func() {
		t.current, t.source, t.moment, t.when = current, source, moment, when
		for _, e := range t.edges {
			e.Restore()
		}
	}()
	for _, h := range all {
		if !h.changed {
			continue // flushed by what another one led to
		}
		if err := c.give(h, h == evicted); err != nil {
			return fmt.Errorf("store %q: %w", c.Name(), err)
		}
	}
	clear(all)
	c.batch = all
	return nil
}

// give logs and forwards a change. A key that was created and deleted since it was
// last given up leaves no trace, if somebody listens.
func (c *cached) give(h *held, evicted bool) error {
	h.changed = false
	c.dirty.remove(h)
	value, err := c.given(h)
	if err != nil {
		return err
	}
	if value != nil || h.hadOld || c.listener == nil {
		if err := c.pass(h, value); err != nil {
			return err
		}
	}
	if value == nil && !evicted && !h.changed {
		c.forget(h)
	}
	return nil
}

// given is what a key became, and stays as it is when a listener writes to the store.
func (c *cached) given(h *held) (value []byte, err error) {
	if c.rows != nil {
		if value = bytes.Clone(h.value); c.listener != nil {
			err = c.readOld(h)
		}
		return value, err
	}
	if value, err = c.Store.Get(h.bytes); value != nil {
		value = append([]byte{}, value...)
	}
	return value, err
}

func (c *cached) pass(h *held, value []byte) error {
	t := c.task
	t.moment, t.source = h.moment, h.source
	if t.current = nil; h.caused {
		t.current = &t.source
	}
	t.when = h.moment.Timestamp
	if c.rows != nil {
		if err := c.Store.Put(h.bytes, value, h.timestamp); err != nil {
			return err
		}
	}
	if c.log != nil {
		spec := c.Spec()
		if err := c.log.Append(spec.ChangelogKey(h.bytes), spec.ChangelogValue(value), h.timestamp); err != nil {
			return err
		}
	}
	if c.listener == nil {
		return nil
	}
	old := h.old
	if !h.hadOld {
		old = nil
	} else if old == nil {
		old = []byte{}
	}
	return c.listener(h.bytes, value, old, h.moment)
}

// cause is the source of what is being done; ok is false in a punctuation.
func (t *Task) cause() (s graph.Source, ok bool) {
	if t.current == nil {
		return s, false
	}
	return *t.current, true
}

// keepSource returns a source that stays as it is when the task goes on.
func (t *Task) keepSource() *graph.Source {
	if s, ok := t.cause(); ok {
		return &s
	}
	return &graph.Source{Partition: -1, Record: &record.Record{Offset: -1, Timestamp: t.when}}
}

// Listen is part of graph.Task.
func (t *Task) Listen(store string, f graph.FlushListener) bool {
	for _, l := range t.late {
		if c, ok := l.(*cached); ok && c.Name() == store {
			c.listener = f
			return true
		}
	}
	return false
}

// A lateStore logs its changes when the task commits.
type lateStore interface {
	pending() bool
	flush() error
	drop()
}

// Flush waits for asynchronous calls, gives up what the record cache holds back, and
// logs what stores have not logged yet. The driver calls it before it commits.
func (t *Task) Flush(ctx context.Context, now int64) error {
	t.begin(ctx, now)
	if err := t.drain(); err != nil {
		if t.failed != nil {
			return t.failed
		}
		return fmt.Errorf("task %s: %w", t.cfg.ID, err)
	}
	// What one store gives up may be written to another that was flushed before it,
	// since a processor's store may be added first: a second round reaches it. No
	// chain of stores is longer than their number.
	for round, pending := 0, true; pending && round < len(t.late); round++ {
		pending = false
		for _, l := range t.late {
			pending = pending || l.pending()
			if err := l.flush(); err != nil {
				if t.failed != nil {
					return t.failed
				}
				return fmt.Errorf("task %s: %w", t.cfg.ID, err)
			}
		}
	}
	return t.failed
}
