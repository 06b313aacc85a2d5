package stream

import (
	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/store"
)

// An EmitStrategy says when a windowed aggregation forwards its results. Kafka
// Streams: EmitStrategy.
type EmitStrategy int8

const (
	// OnWindowUpdate forwards each update of a window, late ones included. With the
	// record cache that is once for each window and commit. It is the default.
	OnWindowUpdate EmitStrategy = iota
	// OnWindowClose forwards the result of a window once, when no more record can
	// change it: when stream time minus the grace period, and for sessions minus the
	// gap, has passed the window's end. Results come in the order of time. Only
	// input moves stream time, so the last windows of a topic that falls silent stay
	// open. An App emits at most once a second, by the wall clock.
	//
	// The store has an index by time, and the record cache does not hold results
	// back. Up to where results were emitted is committed with the offsets of
	// the input. There is no emission of results for an unlimited window, which never
	// closes.
	OnWindowClose
)

// emission is up to where the results of closed windows were emitted.
type emission struct {
	onClose bool
	store   string // the key under which it is kept
	last    int64  // the close time of the last emission, -1 before the first
	next    int64  // wall clock before which there is no emission
	exact   bool   // lose what Kafka Streams loses
	sent    int64  // results so far
	saved   int64  // windows with a time up to this were emitted before the store dropped them; -1: none
}

// newEmission begins where the store's results were emitted to.
func newEmission(t graph.Task, s EmitStrategy, store string) emission {
	e := emission{onClose: s == OnWindowClose, exact: t.Exact(), store: store, last: -1, saved: -1}
	if kept, ok := t.Kept(store); ok && e.onClose {
		e.last = kept
	}
	return e
}

// due tells whether windows that closed by now are to be emitted.
func (e *emission) due(t graph.Task, closeTime int64) bool {
	if now := t.WallClock(); !e.onClose || now < e.next {
		return false
	} else {
		e.next = now + t.EmitInterval()
	}
	return e.last < 0 || e.last < closeTime
}

// done notes that all windows that had closed at a time were emitted.
func (e *emission) done(t graph.Task, closeTime int64) {
	e.last = closeTime
	t.Keep(e.store, closeTime)
}

// expiring narrows the times of closed windows, from lower to upper, to those that the
// store is about to drop, whose oldest row will be that of the given time. Kafka
// Streams does not look at them and loses their results: the store keeps a window for
// its size and grace period by default, so a jump of stream time, or the interval
// between emissions while a backlog is read, drops windows that have closed only now.
func (e *emission) expiring(lower, upper, oldest int64) (from, to int64, ok bool) {
	from, to = max(lower, e.saved+1), min(upper, oldest-1)
	return from, to, e.onClose && !e.exact && from <= to
}

// emitAll emits all rows of an iterator. What cannot be read goes to the error handler,
// and is tried again with the next emission.
func emitAll[K, V any](t graph.Task, node string, it store.KeyValueIterator[K, V], emit func(K, V) error) (ok bool, err error) {
	for {
		ok, err := next(it)
		if !ok {
			if closing := it.Close(); err == nil {
				err = closing
			}
			if err == nil {
				return true, nil
			}
			_, fatal := t.Handle(graph.Processing, node, err)
			return false, fatal
		}
		if err := emit(it.Key(), it.Value()); err != nil {
			it.Close()
			return false, err
		}
	}
}

// next moves an iterator, whose serde may panic.
func next[K, V any](it store.KeyValueIterator[K, V]) (ok bool, err error) {
	defer graph.Recover(&err)
	return it.Next(), nil
}
