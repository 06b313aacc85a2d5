package task

import (
	"github.com/streamweir/streamweir/internal/graph"
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
