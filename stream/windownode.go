package stream

import (
	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/topology"
)

// windowStep folds a record into an aggregate. old is nil where there is none and
// nothing makes one to begin with. isNull says that the result is none.
type windowStep[K, V, A any] func(t graph.Task, r *topology.Record[K, V], old *A) (v A, isNull bool, err error)

// windowNode folds records into their windows. Kafka Streams: KStreamWindowAggregate,
// and for sliding windows, in slidingnode.go, KStreamSlidingWindowAggregate.
//
// Each window is an update of its own: stored, then forwarded, before the next. An
// error that the error handler skips ends the record at its window; what it did to
// windows before stays, as in Kafka Streams.
type windowNode[K, V, A any] struct {
	name       string
	task       graph.Task
	w          windows
	init       func() A // nil: step begins without an aggregate
	step       windowStep[K, V, A]
	table      *windowTable[K, A]
	store      store.TimestampedWindowStore[K, A]
	emission   emission
	streamTime int64
	old        A // that step is given; a local variable would be moved to the heap

	// Of the record at hand, for sliding windows.
	found       []slidingWindow
	right, left store.ValueAndTimestamp[A]
	leftAgain   A // left, if the old value is sent
}

func newWindowNode[K, V, A any](w *graph.Wiring, t *windowTableOp[K, A], init func() A, step windowStep[K, V, A]) (*windowNode[K, V, A], error) {
	n := &windowNode[K, V, A]{name: w.Name, task: w.Task, w: t.w, init: init, step: step, streamTime: -1}
	w.Task.KeepTime(w.Name, &n.streamTime)
	var err error
	n.table, n.store, err = newWindowTable[K, A, store.TimestampedWindowStore[K, A]](w, t.m, t.store.Spec(), t.flags, t.emit == OnWindowUpdate)
	if err == nil {
		n.emission = newEmission(w.Task, t.emit, t.m.name)
		if n.emission.onClose {
			w.Task.OnAdvance(n.advance)
		}
	}
	return n, err
}

// In place of the start of the window that an aggregate is to be taken from: there is
// none, or it was read before.
const (
	noWindow   = -1
	leftWindow = -2
)

func (n *windowNode[K, V, A]) Receive(r *topology.Record[K, V]) error {
	if r.NullKey || n.w.sliding && r.NullValue {
		n.task.Dropped(n.name, "null key or value")
		return nil
	}
	n.streamTime = max(n.streamTime, r.Timestamp)
	closeTime := n.streamTime - n.w.grace
	if n.w.sliding {
		return n.slide(r, closeTime)
	}
	if n.w.unlimited {
		if r.Timestamp < n.w.start {
			return nil
		}
		_, err := n.update(r, Window{Start: n.w.start, End: n.w.end(n.w.start)}, n.w.start)
		return err
	}
	first, last := n.w.first(r.Timestamp), r.Timestamp/n.w.advance*n.w.advance
	if err := n.emitExpiring(r, closeTime, last); err != nil {
		return err
	}
	for start := first; start >= first && start <= last; start += n.w.advance {
		w := Window{Start: start, End: n.w.end(start)}
		if w.End <= closeTime {
			n.task.Dropped(n.name, "late for its window")
			continue
		}
		if ok, err := n.update(r, w, start); !ok {
			return err
		}
	}
	return n.emitClosed(r, closeTime)
}

// update folds r into a window, and forwards. The aggregate to begin with is that of the
// window that begins at from. ok is false if that is the end of the record.
func (n *windowNode[K, V, A]) update(r *topology.Record[K, V], w Window, from int64) (ok bool, err error) {
	for {
		before := n.task.At(graph.Moment{Timestamp: r.Timestamp, Headers: r.Headers})
		err := n.fold(r, w, from)
		n.task.At(before)
		switch {
		case err == nil && n.emission.onClose:
			return true, nil
		case err == nil:
			err = n.table.forward(r.Headers)
			return err == nil, err
		}
		if retry, err := n.task.Handle(graph.Processing, n.name, err); !retry {
			return false, err
		}
	}
}

func (n *windowNode[K, V, A]) fold(r *topology.Record[K, V], w Window, from int64) (err error) {
	defer graph.Recover(&err)
	var old store.ValueAndTimestamp[A]
	ok := false
	switch from {
	case noWindow:
	case leftWindow:
		old, ok = n.left, true
	default:
		if old, ok, err = n.store.Get(r.Key, from); err != nil {
			return err
		}
	}
	ts, p := r.Timestamp, (*A)(nil)
	switch {
	case ok:
		n.old = old.Value
		ts, p = max(ts, old.Timestamp), &n.old
	case n.init != nil:
		n.old = n.init()
		p = &n.old
	}
	// step may modify what it is given, so what is sent as the old value is read, or
	// made, again. As in Kafka Streams the initial value is the old one of what is new.
	switch {
	case !n.table.flags.sendOld:
	case from == leftWindow:
		old.Value = n.leftAgain
	case ok:
		if old, _, err = n.store.Get(r.Key, from); err != nil {
			return err
		}
	case n.init != nil:
		old.Value = n.init()
	}
	v, isNull, err := n.step(n.task, r, p)
	if err != nil {
		return err
	}
	if n.table.update(r.Key, w, v, isNull, old.Value, p == nil, ts) {
		return n.store.Delete(r.Key, w.Start)
	}
	return n.table.stored(n.store.Put(r.Key, store.ValueAndTimestamp[A]{Value: v, Timestamp: ts}, w.Start))
}

// closed are the starts, from lower to upper, of the windows that have closed and are
// not yet emitted.
func (n *windowNode[K, V, A]) closed(closeTime int64) (lower, upper int64) {
	last := n.emission.last
	switch {
	case n.w.sliding: // its end belongs to it, so a window that ends at closeTime is open
		return max(0, last-n.w.size), closeTime - n.w.size - 1
	case last < 0:
		return 0, closeTime - n.w.size
	}
	return max(0, last-n.w.size) + 1, closeTime - n.w.size
}

// emitClosed emits the windows that r has closed, if it is time.
func (n *windowNode[K, V, A]) emitClosed(r *topology.Record[K, V], closeTime int64) error {
	if !n.emission.due(n.task, closeTime) {
		return nil
	}
	lower, upper := n.closed(closeTime)
	if upper < 0 {
		return nil
	}
	if a := n.w.advance; !n.w.sliding && n.emission.last >= 0 &&
		n.w.first(upper) == n.w.first(lower-1) && upper/a == (lower-1)/a {
		return nil // no window begins in between
	}
	if ok, err := n.emit(r, max(lower, n.emission.saved+1), upper); !ok {
		return err
	}
	n.emission.done(n.task, closeTime)
	return nil
}

// emitExpiring emits, before r is stored, those closed windows that a row of the given
// time would make the store forget.
func (n *windowNode[K, V, A]) emitExpiring(r *topology.Record[K, V], closeTime, newest int64) error {
	if !n.emission.onClose {
		return nil
	}
	lower, upper := n.closed(closeTime)
	from, to, ok := n.emission.expiring(lower, upper, n.table.spec.Oldest(newest))
	if !ok {
		return nil
	}
	if ok, err := n.emit(r, from, to); !ok {
		return err
	}
	n.emission.saved = to
	return nil
}

// emit forwards the windows of all keys that begin from lower to upper.
func (n *windowNode[K, V, A]) emit(r *topology.Record[K, V], lower, upper int64) (ok bool, err error) {
	return emitAll(n.task, n.name, n.store.FetchAll(lower, upper), func(key Windowed[K], v store.ValueAndTimestamp[A]) error {
		n.emission.sent++
		return n.table.emit(key, v.Value, v.Timestamp, r.Headers)
	})
}
