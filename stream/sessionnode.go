package stream

import (
	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/topology"
)

// sessionNode folds records into sessions. A record at t joins all sessions of its
// key that end at t-gap or later and begin at t+gap or earlier: they are removed, each
// with a deletion forwarded, and one session from the first to the last timestamp
// takes their place. Kafka Streams: KStreamSessionWindowAggregate.
//
// All functions of the user are called before anything is written, so an error that
// the error handler skips changes nothing. In Kafka Streams an aggregator that fails
// loses the sessions that it was to join.
type sessionNode[K, V, A any] struct {
	name       string
	task       graph.Task
	w          windows
	init       func() A // nil: there is no aggregate to begin with
	step       windowStep[K, V, A]
	merge      func(key K, a, b A) (A, error)
	table      *windowTable[K, A]
	store      store.SessionStore[K, A]
	emission   emission
	streamTime int64

	// Of the record at hand: the sessions it joins, the one it makes, and that one's
	// aggregate.
	joined  []Window
	session Window
	sofar   A
	isNull  bool
}

func newSessionNode[K, V, A any](w *graph.Wiring, t *windowTableOp[K, A], init func() A, step windowStep[K, V, A],
	merge func(K, A, A) (A, error)) (*sessionNode[K, V, A], error) {
	n := &sessionNode[K, V, A]{name: w.Name, task: w.Task, w: t.w, init: init, step: step, merge: merge, streamTime: -1}
	w.Task.KeepTime(w.Name, &n.streamTime)
	var err error
	n.table, n.store, err = newWindowTable[K, A, store.SessionStore[K, A]](w, t.m, t.store.Spec(), t.flags, t.emit == OnWindowUpdate)
	if err == nil {
		n.emission = newEmission(w.Task, t.emit, t.m.name)
		if n.emission.onClose {
			w.Task.OnAdvance(n.advance)
		}
	}
	return n, err
}

func (n *sessionNode[K, V, A]) Receive(r *topology.Record[K, V]) error {
	if r.NullKey {
		n.task.Dropped(n.name, "null key")
		return nil
	}
	n.streamTime = max(n.streamTime, r.Timestamp)
	closeTime := n.streamTime - n.w.grace - n.w.size
	if err := n.emitExpiring(r, closeTime); err != nil {
		return err
	}
	for {
		late, err := n.join(r, closeTime)
		if err == nil && !late {
			return n.replace(r, closeTime)
		}
		if err == nil {
			n.task.Dropped(n.name, "late for its session")
			return n.emitClosed(r, closeTime)
		}
		if retry, err := n.task.Handle(graph.Processing, n.name, err); !retry {
			return err
		}
	}
}

// join computes the session that r makes and its aggregate. It is late, and has no
// aggregate, if it has closed already.
func (n *sessionNode[K, V, A]) join(r *topology.Record[K, V], closeTime int64) (late bool, err error) {
	defer graph.Recover(&err)
	n.joined, n.session = n.joined[:0], Window{Start: r.Timestamp, End: r.Timestamp}
	var sofar *A
	if n.init != nil {
		n.sofar = n.init()
		sofar = &n.sofar
	}
	it := n.store.FindSessions(r.Key, r.Timestamp-n.w.size, plus(r.Timestamp, n.w.size))
	for it.Next() {
		w := it.Key().Window
		n.joined = append(n.joined, w)
		n.session.Start, n.session.End = min(n.session.Start, w.Start), max(n.session.End, w.End)
		if sofar == nil {
			n.sofar = it.Value()
			sofar = &n.sofar
		} else if n.sofar, err = n.merge(r.Key, n.sofar, it.Value()); err != nil {
			it.Close()
			return false, err
		}
		if n.init == nil && n.table.isNull != nil && n.table.isNull(sofar) {
			sofar = nil // a reducer is not called with null
		}
	}
	if err := it.Close(); err != nil {
		return false, err
	}
	if n.session.End < closeTime {
		return true, nil
	}
	n.sofar, n.isNull, err = n.step(n.task, r, sofar)
	return false, err
}

// replace puts the session that r makes in the place of those it joins.
func (n *sessionNode[K, V, A]) replace(r *topology.Record[K, V], closeTime int64) error {
	if len(n.joined) != 1 || n.joined[0] != n.session || n.session.Start != n.session.End {
		for _, w := range n.joined {
			if ok, err := n.write(r, w, true); !ok {
				return err
			}
		}
	}
	if ok, err := n.write(r, n.session, false); !ok {
		return err
	}
	return n.emitClosed(r, closeTime)
}

// write removes a session, or stores the one that r makes, and forwards.
func (n *sessionNode[K, V, A]) write(r *topology.Record[K, V], w Window, remove bool) (ok bool, err error) {
	for {
		before := n.task.At(graph.Moment{Timestamp: r.Timestamp, Headers: r.Headers})
		if remove {
			err = n.remove(r.Key, w)
		} else {
			err = n.put(r.Key, w)
		}
		n.task.At(before)
		switch {
		case err == nil && n.emission.onClose:
			return true, nil
		case err == nil:
			err = n.table.forward(nil)
			return err == nil, err
		}
		if retry, err := n.task.Handle(graph.Processing, n.name, err); !retry {
			return false, err
		}
	}
}

func (n *sessionNode[K, V, A]) remove(key K, w Window) (err error) {
	defer graph.Recover(&err)
	var none, old A
	ok := false
	if n.table.flags.sendOld {
		if old, ok, err = n.store.FetchSession(key, w.Start, w.End); err != nil {
			return err
		}
	}
	n.table.update(key, w, none, true, old, !ok, w.End)
	return n.store.Remove(Windowed[K]{Key: key, Window: w})
}

func (n *sessionNode[K, V, A]) put(key K, w Window) (err error) {
	defer graph.Recover(&err)
	var none A
	if n.table.update(key, w, n.sofar, n.isNull, none, true, w.End) {
		return n.store.Remove(Windowed[K]{Key: key, Window: w})
	}
	return n.table.stored(n.store.Put(Windowed[K]{Key: key, Window: w}, n.sofar))
}

// emitClosed emits the sessions that r has closed, if it is time: those that end before
// closeTime.
func (n *sessionNode[K, V, A]) emitClosed(r *topology.Record[K, V], closeTime int64) error {
	if !n.emission.due(n.task, closeTime) {
		return nil
	}
	lower, upper := max(0, n.emission.last), closeTime-1
	if upper < lower {
		return nil
	}
	if ok, err := n.emit(r, max(lower, n.emission.saved+1), upper); !ok {
		return err
	}
	n.emission.done(n.task, closeTime)
	return nil
}

// emitExpiring emits, before r is stored, those closed sessions that it would make the
// store forget.
func (n *sessionNode[K, V, A]) emitExpiring(r *topology.Record[K, V], closeTime int64) error {
	from, to, ok := n.emission.expiring(max(0, n.emission.last), closeTime-1, n.table.spec.OldestEnded(r.Timestamp))
	if !ok {
		return nil
	}
	if ok, err := n.emit(r, from, to); !ok {
		return err
	}
	n.emission.saved = to
	return nil
}

// emit forwards the sessions of all keys that end from lower to upper.
func (n *sessionNode[K, V, A]) emit(r *topology.Record[K, V], lower, upper int64) (ok bool, err error) {
	return emitAll(n.task, n.name, n.store.FindEnded(lower, upper), func(key Windowed[K], value A) error {
		n.emission.sent++
		return n.table.emit(key, value, key.Window.End, r.Headers)
	})
}
