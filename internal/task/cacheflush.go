package task

import (
	"bytes"
	"context"
	"fmt"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/record"
)

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
