package state

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/streamweir/streamweir/store"
)

// A Flush is what was committed and not in the engines when it was taken. It is
// written by one call of Write, on any goroutine.
type Flush struct {
	parts []part
	state atomic.Int32
	done  chan struct{}
	err   error // once done is closed
}

const (
	taken int32 = iota
	writing
	finished
)

// part is what goes to one engine.
type part struct {
	backing *backing
	values  []flushed
	records []position
	sweeps  []sweep // of expired segments
}

// flushed is a value to write. The entry's value may be replaced while the flush
// is under way; the bytes here stay as they are.
type flushed struct {
	entry *entry
	value []byte
	known known
	bytes int
}

type position struct {
	store *Store
	next  int64
	marks marks
}

// errNotWritten is the outcome of a flush that was taken back.
var errNotWritten = errors.New("state: the flush was taken back before it was written")

// Flush takes what is committed and not in the engines, with the changelog
// positions it stands for. It is nil if there is nothing to write, or if the
// flush taken before has not been written. It copies no values: its cost is that of
// a walk over the keys that changed.
//
// The owner goes on while another goroutine calls [Flush.Write]. If that fails
// its content is part of the next flush. A flush that is never written keeps the
// next from being taken until Close.
func (st *Set) Flush() *Flush {
	st.settle()
	if st.flight != nil || st.closed {
		return nil
	}
	return st.take(false)
}

func (st *Set) take(persistent bool) *Flush {
	f := &Flush{done: make(chan struct{})}
	for _, b := range st.backings {
		if persistent && !b.persistent {
			continue
		}
		p := part{backing: b}
		for _, s := range st.stores {
			if s.backing == b {
				s.take(&p)
			}
		}
		if len(p.values)+len(p.records)+len(p.sweeps) > 0 {
			f.parts = append(f.parts, p)
		}
	}
	if len(f.parts) == 0 {
		return nil
	}
	st.flight = f
	return f
}

func (s *Store) take(p *part) {
	live, first := s.liveSegment(), len(p.values)
	for i, e := range s.dirty {
		if s.dirty[i] = nil; e.gone {
			continue // expired
		}
		if live > 0 && s.segmentOf(e.key) < live {
			e.dirty = false
			s.set.dirtyBytes -= int(e.unsaved)
			continue
		}
		e.dirty, e.inFlight = false, true
		p.values = append(p.values, flushed{e, e.value, e.known, int(e.unsaved)})
	}
	if s.versions != nil { // a part of a flush must have what it moved
		slices.SortFunc(p.values[first:], func(a, b flushed) int { return strings.Compare(a.entry.key, b.entry.key) })
	}
	if len(s.dirty) > 0 && !s.recorded || s.position != s.saved || s.times.committed != s.times.saved {
		p.records = append(p.records, position{s, s.position, s.times.committed})
	}
	s.dirty = s.dirty[:0]
	if live > s.times.swept {
		p.sweeps = append(p.sweeps, sweep{s, live})
	}
}

// Write writes the flush to the engines, each store's position after all values.
// It is called once, by any goroutine.
func (f *Flush) Write() error {
	if !f.state.CompareAndSwap(taken, writing) {
		return errors.New("state: a flush is written once, and not after its set was closed")
	}
	for _, p := range f.parts {
		if f.err = p.write(); f.err != nil {
			break
		}
	}
	err := f.err
	f.state.Store(finished)
	close(f.done)
	return err
}

func (p *part) write() error {
	var batch store.Batch
	var key []byte
	for _, v := range p.values {
		key = append(append(key[:0], v.entry.store.prefix...), v.entry.key...)
		if v.known == present {
			batch.Put(key, v.value)
		} else {
			batch.Delete(key)
		}
		if batch.Bytes() >= batchBytes {
			if err := p.backing.write(&batch); err != nil {
				return err
			}
			batch.Reset()
		}
	}
	for _, r := range p.records {
		batch.Put(recordKey(r.store.spec.Name), recordValue(r.store.spec.Kind, r.next, r.marks))
	}
	if err := p.backing.write(&batch); err != nil {
		return err
	}
	for _, w := range p.sweeps {
		if err := w.store.sweep(&batch, w.live); err != nil {
			return err
		}
	}
	return nil
}

// settle takes notice of a flush that has been written.
func (st *Set) settle() {
	f := st.flight
	if f == nil || f.state.Load() != finished {
		return
	}
	<-f.done
	st.flight = nil
	for _, p := range f.parts {
		for _, v := range p.values {
			st.clean(v, f.err == nil)
		}
		for _, r := range p.records {
			if f.err == nil {
				r.store.saved, r.store.recorded = r.next, true
				r.store.times.saved = r.marks
			}
		}
		for _, w := range p.sweeps {
			if f.err == nil {
				w.store.times.swept = w.live
			}
		}
	}
}

// clean makes a flushed entry clean, or dirty again if it was not written.
func (st *Set) clean(v flushed, written bool) {
	e := v.entry
	e.inFlight = false
	st.dirtyBytes -= v.bytes
	if !written && !e.dirty && !e.gone {
		st.soil(e)
	}
}

// land ends the flush that is under way, if any: it waits for its write, or
// takes it back if that has not begun.
func (st *Set) land() {
	f := st.flight
	if f == nil {
		return
	}
	if f.state.CompareAndSwap(taken, writing) {
		f.err = errNotWritten
		f.state.Store(finished)
		close(f.done)
	}
	<-f.done
	st.settle()
}

// flush writes what is committed now, before it returns.
func (st *Set) flush() error {
	st.land()
	f := st.take(false)
	if f == nil {
		return nil
	}
	err := f.Write()
	st.settle()
	if err != nil {
		return fmt.Errorf("state: flush: %w", err)
	}
	return nil
}
