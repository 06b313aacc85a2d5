package stream

import (
	"slices"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/topology"
)

// Sliding windows. There is one for each distinct set of records of a key that lie in
// a span of d. A record at t changes the windows it lies in, and makes up to three new
// ones:
//
//	its left window           [t-d, t]     it, and the records up to d before it
//	its right window          [t+1, t+1+d] the records up to d after it, if there are any
//	the right window of the   [p+1, p+1+d] it, and what else came after p, the last
//	record before it                       record before t, if t <= p+1+d
//
// No record need be read again for their aggregates: the left one goes on from that of
// the latest window that ends before t; the right one is that of the latest window that
// t lies in, before t is in it, if that has a record after t. A window's timestamp is
// that of its last record. Kafka Streams: KStreamSlidingWindowAggregate.

// slidingWindow is a window that the store has, by its start, and its last record.
type slidingWindow struct{ start, last int64 }

// slide folds r into its sliding windows.
func (n *windowNode[K, V, A]) slide(r *topology.Record[K, V], closeTime int64) error {
	t, d := r.Timestamp, n.w.size
	if plus(t, d) < closeTime {
		n.task.Dropped(n.name, "late for its windows")
		return nil
	}
	if err := n.emitExpiring(r, closeTime, t+1); err != nil {
		return err
	}
	if t < d {
		_, err := n.slideEarly(r, closeTime) // after which Kafka Streams emits nothing
		return err
	}
	if ok, err := n.slideIn(r, closeTime); !ok {
		return err
	}
	return n.emitClosed(r, closeTime)
}

func (n *windowNode[K, V, A]) slideIn(r *topology.Record[K, V], closeTime int64) (ok bool, err error) {
	t, d := r.Timestamp, n.w.size
	if ok, err := n.find(r, max(0, t-2*d), true); !ok {
		return false, err
	}
	right, left := slidingWindow{start: noWindow}, int64(noWindow)
	previous := int64(noWindow) // timestamp of the last record before r
	rightExists, leftExists, again := false, false, false
	for _, w := range n.found {
		switch end := plus(w.start, d); {
		case w.start == t+1:
			rightExists = true
		case end > t:
			if right.start == noWindow {
				right = w
			}
		case end == t:
			leftExists, previous = true, w.last
			again = w.last >= t // there was a record at t, which made all windows
		case !again:
			left, previous = w.start, w.last
		}
	}
	makeRight := !again && !rightExists && right.start != noWindow && right.last > t
	if previous < t-d {
		left = noWindow
	}
	if !makeRight {
		right.start = noWindow
	}
	if ok, err := n.keep(r, left, right.start); !ok {
		return false, err
	}
	for _, w := range n.found {
		if w.start != t+1 && plus(w.start, d) >= t {
			if ok, err := n.slideInto(r, w.start, w.start, closeTime); !ok {
				return false, err
			}
		}
	}
	if again {
		return true, nil
	}
	if previous != noWindow && !n.exists(previous+1) && plus(previous+1, d) >= t {
		if ok, err := n.slideInto(r, previous+1, noWindow, closeTime); !ok {
			return false, err
		}
	}
	if !leftExists {
		if left != noWindow {
			left = leftWindow
		}
		if ok, err := n.slideInto(r, t-d, left, closeTime); !ok {
			return false, err
		}
	}
	if makeRight {
		return n.makeRight(r)
	}
	return true, nil
}

// slideEarly folds in a record with t < d, whose left window would begin before the
// epoch: it is in the window [0, d] instead.
func (n *windowNode[K, V, A]) slideEarly(r *topology.Record[K, V], closeTime int64) (ok bool, err error) {
	t := r.Timestamp
	if ok, err := n.find(r, 0, false); !ok {
		return false, err
	}
	right, first := slidingWindow{start: noWindow}, int64(noWindow)
	previous := int64(noWindow)
	rightExists := false
	for _, w := range n.found {
		switch {
		case w.start == 0:
			first = 0
			if w.last < t {
				previous = w.last
			} else {
				right = w // unless there is a later one
			}
		case w.start <= t:
			right = w
		default:
			rightExists = true
		}
	}
	makeRight := !rightExists && right.start != noWindow && right.last > t
	if makeRight {
		if ok, err := n.keep(r, noWindow, right.start); !ok {
			return false, err
		}
	}
	for _, w := range n.found {
		if w.start != 0 && w.start <= t {
			if ok, err := n.slideInto(r, w.start, w.start, closeTime); !ok {
				return false, err
			}
		}
	}
	if makeRight {
		if ok, err := n.makeRight(r); !ok {
			return false, err
		}
	}
	if previous != noWindow && !n.exists(previous+1) {
		if ok, err := n.slideInto(r, previous+1, noWindow, closeTime); !ok {
			return false, err
		}
	}
	return n.slideInto(r, 0, first, closeTime)
}

// slideInto folds r into the window that begins at start, going on from the
// aggregate of the one that begins at from.
func (n *windowNode[K, V, A]) slideInto(r *topology.Record[K, V], start, from, closeTime int64) (ok bool, err error) {
	w := Window{Start: start, End: n.w.end(start)}
	if w.End < closeTime {
		n.task.Dropped(n.name, "late for its window")
		return true, nil
	}
	return n.update(r, w, from)
}

// find lists the windows of r's key that begin between from and r's right window, in
// ascending order; or backwards, up to the first that ends before r.
func (n *windowNode[K, V, A]) find(r *topology.Record[K, V], from int64, backwards bool) (ok bool, err error) {
	for {
		err := n.list(r, from, backwards)
		if err == nil {
			return true, nil
		}
		if retry, err := n.task.Handle(graph.Processing, n.name, err); !retry {
			return false, err
		}
	}
}

func (n *windowNode[K, V, A]) list(r *topology.Record[K, V], from int64, backwards bool) (err error) {
	defer graph.Recover(&err)
	n.found = n.found[:0]
	var it store.KeyValueIterator[int64, store.ValueAndTimestamp[A]]
	if backwards {
		it = n.store.BackwardFetch(r.Key, from, r.Timestamp+1)
	} else {
		it = n.store.Fetch(r.Key, from, r.Timestamp+1)
	}
	for it.Next() {
		w := slidingWindow{it.Key(), it.Value().Timestamp}
		n.found = append(n.found, w)
		if backwards && plus(w.start, n.w.size) < r.Timestamp {
			break
		}
	}
	return it.Close()
}

func (n *windowNode[K, V, A]) exists(start int64) bool {
	return slices.ContainsFunc(n.found, func(w slidingWindow) bool { return w.start == start })
}

// keep reads the aggregates that r's left and right window go on from, before r changes
// them, and before it makes the store forget the former.
func (n *windowNode[K, V, A]) keep(r *topology.Record[K, V], left, right int64) (ok bool, err error) {
	for {
		err := n.read(r.Key, left, right)
		if err == nil {
			return true, nil
		}
		if retry, err := n.task.Handle(graph.Processing, n.name, err); !retry {
			return false, err
		}
	}
}

func (n *windowNode[K, V, A]) read(key K, left, right int64) (err error) {
	defer graph.Recover(&err)
	if right != noWindow {
		if n.right, _, err = n.store.Get(key, right); err != nil {
			return err
		}
	}
	if left == noWindow {
		return nil
	}
	if n.left, _, err = n.store.Get(key, left); err != nil || !n.table.flags.sendOld {
		return err
	}
	again, _, err := n.store.Get(key, left)
	n.leftAgain = again.Value
	return err
}

// makeRight stores r's right window, and forwards.
func (n *windowNode[K, V, A]) makeRight(r *topology.Record[K, V]) (ok bool, err error) {
	for {
		before := n.task.At(graph.Moment{Timestamp: r.Timestamp, Headers: r.Headers})
		err := n.putRight(r)
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

func (n *windowNode[K, V, A]) putRight(r *topology.Record[K, V]) (err error) {
	defer graph.Recover(&err)
	var none A
	start := r.Timestamp + 1
	n.table.update(r.Key, Window{Start: start, End: n.w.end(start)}, n.right.Value, false, none, true, n.right.Timestamp)
	return n.table.stored(n.store.Put(r.Key, store.ValueAndTimestamp[A]{Value: n.right.Value, Timestamp: n.right.Timestamp}, start))
}
