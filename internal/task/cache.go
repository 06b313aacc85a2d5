package task

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/internal/state"
)

// Cache is the budget of the record cache that tasks of one worker share.
type Cache struct {
	Max  int64 // bytes; 0: there is no cache
	used int64
}

// cached is a store with the record cache in front: a change is in the store at
// once, but it is logged, and forwarded, only when the task commits or the cache
// is full, and then once for each key. Kafka Streams: CachingKeyValueStore.
type cached struct {
	*state.Store
	task     *Task
	log      *changelog // nil: not logged
	listener graph.FlushListener
	held     map[string]*held
	seq      int64
	bytes    int64
}

// held is a key with changes that are not yet logged and forwarded.
type held struct {
	key       []byte
	old       []byte        // nil: there was none
	timestamp int64         // of the last change
	source    *graph.Source // of the last change, and its moment
	moment    graph.Moment
	seq       int64 // keys are given up in the order of their last change
}

const heldBytes = 160 // of a held key, besides its key and values

// Put implements store.Bytes.
func (c *cached) Put(key, value []byte, timestamp int64) error {
	h := c.held[string(key)]
	if h == nil {
		old, err := c.Store.Get(key)
		if err != nil {
			return err
		}
		h = &held{key: bytes.Clone(key)}
		if old != nil {
			h.old = append([]byte{}, old...)
		}
		c.held[string(h.key)] = h
		c.grow(heldBytes + int64(len(key)+len(old)))
	}
	c.seq++
	h.seq, h.timestamp, h.source, h.moment = c.seq, timestamp, c.task.keepSource(), c.task.moment
	if err := c.Store.Put(key, value, timestamp); err != nil {
		return err
	}
	c.grow(int64(len(value)))
	if cache := c.task.cfg.Cache; cache.used > cache.Max {
		return c.flush()
	}
	return nil
}

func (c *cached) grow(n int64) {
	c.bytes += n
	c.task.cfg.Cache.used += n
}

// drop forgets what is held.
func (c *cached) drop() {
	c.grow(-c.bytes)
	clear(c.held)
}

// flush gives up all keys: each is logged and forwarded with the source of its
// last change. A key that was created and deleted in between leaves no trace.
func (c *cached) flush() error {
	all := make([]*held, 0, len(c.held))
	for _, h := range c.held {
		all = append(all, h)
	}
	slices.SortFunc(all, func(a, b *held) int { return cmp.Compare(a.seq, b.seq) })
	c.drop()
	current, moment := c.task.current, c.task.moment
	defer func() { c.task.current, c.task.moment = current, moment }()
	for _, h := range all {
		if err := c.give(h); err != nil {
			return fmt.Errorf("store %q: %w", c.Name(), err)
		}
	}
	return nil
}

func (c *cached) give(h *held) error {
	value, err := c.Store.Get(h.key)
	if err != nil || value == nil && h.old == nil && c.listener != nil {
		return err
	}
	if value != nil {
		value = append([]byte{}, value...) // the listener may write to the store
	}
	c.task.current, c.task.moment = h.source, h.moment
	if c.log != nil {
		plain := value
		if value != nil && c.Spec().Kind.Timestamped() {
			plain = value[8:]
		}
		if err := c.log.Append(h.key, plain, h.timestamp); err != nil {
			return err
		}
	}
	if c.listener == nil {
		return nil
	}
	return c.listener(h.key, value, h.old, h.moment)
}

// keepSource returns a source that stays as it is when the task goes on.
func (t *Task) keepSource() *graph.Source {
	if t.current != nil {
		kept := *t.current
		return &kept
	}
	return &graph.Source{Partition: -1, Record: &record.Record{Offset: -1, Timestamp: t.when}}
}

// Listen is part of graph.Task.
func (t *Task) Listen(store string, f graph.FlushListener) bool {
	for _, c := range t.caches {
		if c.Name() == store {
			c.listener = f
			return true
		}
	}
	return false
}

// Flush waits for asynchronous calls and gives up what the record cache holds back.
// The driver calls it before it commits.
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
	for round, held := 0, true; held && round < len(t.caches); round++ {
		held = false
		for _, c := range t.caches {
			held = held || len(c.held) > 0
			if err := c.flush(); err != nil {
				if t.failed != nil {
					return t.failed
				}
				return fmt.Errorf("task %s: %w", t.cfg.ID, err)
			}
		}
	}
	return t.failed
}
