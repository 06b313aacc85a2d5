package stream

import (
	"fmt"
	"math"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/null"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/topology"
)

// windowedNode passes the records of one side on to be joined, and then keeps them for
// those of the other side. Kafka Streams: KStreamJoinWindow.
type windowedNode[K, V any] struct {
	name  string
	task  graph.Task
	store store.WindowStore[K, V]
	out   graph.Out[topology.Record[K, V]]
}

func newWindowedNode[K, V any](storeName string) func(*graph.Wiring) (any, error) {
	return func(w *graph.Wiring) (any, error) {
		n := &windowedNode[K, V]{name: w.Name, task: w.Task}
		var err error
		if n.store, err = windowsOf[K, V](w, storeName); err != nil {
			return nil, err
		}
		n.out, err = graph.Connect[topology.Record[K, V]](w)
		return n, err
	}
}

func windowsOf[K, V any](w *graph.Wiring, name string) (store.WindowStore[K, V], error) {
	s, err := w.Store(name)
	if err != nil {
		return nil, err
	}
	typed, ok := s.(store.WindowStore[K, V])
	if !ok {
		return nil, fmt.Errorf("store %q is a %T, not the join's", name, s)
	}
	return typed, nil
}

func (n *windowedNode[K, V]) Receive(r *topology.Record[K, V]) error {
	if err := n.out.Forward(r); err != nil || r.NullKey {
		return err
	}
	for {
		before := n.task.At(graph.Moment{Timestamp: r.Timestamp, Headers: r.Headers})
		err := n.put(r)
		n.task.At(before)
		if err == nil {
			return nil
		}
		if retry, err := n.task.Handle(graph.Processing, n.name, err); !retry {
			return err
		}
	}
}

func (n *windowedNode[K, V]) put(r *topology.Record[K, V]) (err error) {
	defer graph.Recover(&err) // of the store's serdes
	if r.NullValue {
		return n.store.Delete(r.Key, r.Timestamp) // which only shows in the changelog
	}
	return n.store.Put(r.Key, r.Value, r.Timestamp)
}

// sideOf is what a side of a join is made of: L and R are the values of the left and the
// right stream, This those of the side itself, Other those of the other.
type sideOf[K, L, R, This, Other, V any] struct {
	store                string // of the other side's records
	shared               string // "" for an inner join
	before, after, grace int64  // milliseconds
	left                 bool
	outer                bool // this side has results without a partner
}

// joinSide joins the records of one side with those of the other. Kafka Streams:
// KStreamKStreamJoin.
type joinSide[K, L, R, This, Other, V any] struct {
	sideOf[K, L, R, This, Other, V]
	name    string
	task    graph.Task
	others  store.WindowStore[K, Other]
	pending *shared[K, L, R] // nil for an inner join
	join    streamJoinFunc[K, This, Other, V]
	whole   streamJoinFunc[K, L, R, V]
	isNull  func(*V) bool
	out     graph.Out[topology.Record[K, V]]
	r       topology.Record[K, V]
	value   This // that join is given, and with it
	other   Other
	windows [2]int64 // of a record of the right and of the left side that waits: how much later its last partner may be
}

func newJoinSide[K, L, R, This, Other, V any](w *graph.Wiring, of sideOf[K, L, R, This, Other, V], whole streamJoinFunc[K, L, R, V], join streamJoinFunc[K, This, Other, V]) (any, error) {
	n := &joinSide[K, L, R, This, Other, V]{sideOf: of, name: w.Name, task: w.Task, join: join, whole: whole, isNull: null.Check[V]()}
	n.windows = [2]int64{of.after, of.before}
	if of.left {
		n.windows = [2]int64{of.before, of.after}
	}
	var err error
	if n.others, err = windowsOf[K, Other](w, of.store); err != nil {
		return nil, err
	}
	if of.shared != "" {
		s, err := w.Store(of.shared)
		if err != nil {
			return nil, err
		}
		n.pending = s.(*shared[K, L, R]) // what sharedBuilder binds
		w.Task.OnAdvance(n.advance)
		if n.left { // the time is that of both sides
			w.Task.KeepTime(w.Name, &n.pending.time)
		}
	}
	n.out, err = graph.Connect[topology.Record[K, V]](w)
	return n, err
}

func (n *joinSide[K, L, R, This, Other, V]) Receive(r *topology.Record[K, This]) error {
	if n.pending != nil {
		n.pending.time = max(n.pending.time, r.Timestamp)
	}
	n.value = r.Value
	switch {
	case r.NullValue || r.NullKey && !n.outer:
		n.task.Dropped(n.name, "null key or value")
		return nil
	case r.NullKey:
		return n.alone(r)
	case n.pending != nil && r.Timestamp == n.pending.time:
		if err := n.emit(r); err != nil {
			return err
		}
	}
	matched, err := n.matches(r)
	if err != nil || matched || !n.outer {
		return err
	}
	if max(0, r.Timestamp+n.after) < n.pending.time {
		return n.alone(r)
	}
	n.pending.earliest = min(n.pending.earliest, r.Timestamp)
	_, err = n.try(func() error { return n.wait(r) })
	return err
}

// try is attempt at this node.
func (n *joinSide[K, L, R, This, Other, V]) try(f func() error) (ok bool, err error) {
	return attempt(n.task, n.name, f)
}

// matches joins a record with all its partners. matched is also true if that ended
// with an error that was skipped.
func (n *joinSide[K, L, R, This, Other, V]) matches(r *topology.Record[K, This]) (matched bool, err error) {
	it := n.others.Fetch(r.Key, max(0, r.Timestamp-n.before), max(0, r.Timestamp+n.after))
	for it.Next() {
		matched = true
		at := it.Key()
		n.other = it.Value()
		ok, err := n.try(func() error {
			if n.pending != nil {
				if err := n.pending.cancel(r.Key, at, !n.left, r.Timestamp); err != nil {
					return err
				}
			}
			return n.result(r, r.Key, max(r.Timestamp, at), func() (V, error) { return n.join(n.task, r.Key, &n.value, &n.other) })
		})
		if ok {
			err = n.out.Forward(&n.r)
		}
		if !ok || err != nil {
			_ = it.Close() // there is an error already
			return true, err
		}
	}
	if err := it.Close(); err != nil {
		_, err := n.task.Handle(graph.Processing, n.name, err)
		return true, err
	}
	return matched, nil
}

// result makes a record of what f returns.
func (n *joinSide[K, L, R, This, Other, V]) result(r *topology.Record[K, This], key K, timestamp int64, f func() (V, error)) error {
	v, err := f()
	if err != nil {
		return err
	}
	n.r = topology.Record[K, V]{Key: key, Value: v, Timestamp: timestamp, Headers: r.Headers}
	n.r.NullValue = n.isNull != nil && n.isNull(&n.r.Value)
	return nil
}

// alone sends the result of a record that has no partner.
func (n *joinSide[K, L, R, This, Other, V]) alone(r *topology.Record[K, This]) error {
	ok, err := n.try(func() error {
		return n.result(r, r.Key, r.Timestamp, func() (V, error) { return n.join(n.task, r.Key, &n.value, nil) })
	})
	if !ok {
		return err
	}
	n.r.NullKey = r.NullKey
	return n.out.Forward(&n.r)
}

// wait puts a record aside that has had no partner so far.
func (n *joinSide[K, L, R, This, Other, V]) wait(r *topology.Record[K, This]) error {
	if n.left {
		return n.pending.addLeft(r.Key, any(&n.value).(*L), r.Timestamp)
	}
	return n.pending.addRight(r.Key, any(&n.value).(*R), r.Timestamp)
}

// emit sends the results of the records, of both sides, that have waited until their
// windows ended. It looks at the records that may, in the order of their timestamps, and
// stops behind the first of each side whose window is open.
func (n *joinSide[K, L, R, This, Other, V]) emit(r *topology.Record[K, This]) error {
	p := n.pending
	// Until the store was looked at for the first time nothing is known of it, and the sum
	// is negative, as in Java.
	if p.earliest+n.after+n.grace >= p.time || n.task.WallClock() < p.nextEmit {
		return nil
	}
	p.nextEmit = n.task.WallClock() + n.task.EmitInterval()
	p.earliest = math.MaxInt64
	var open [2]bool
	w, err := p.walk()
	if err != nil {
		return err
	}
	for w.next() {
		p.earliest = w.timestamp
		if open[0] && open[1] {
			break
		}
		side := 0
		if w.left {
			side = 1
		}
		if p.earliest+n.windows[side]+n.grace >= p.time {
			open[side] = true
			w.keep()
			continue
		}
		ok, err := n.try(func() error {
			key, left, right, err := w.decode()
			if err != nil {
				return err
			}
			return n.result(r, key, w.timestamp, func() (V, error) { return n.whole(n.task, key, left, right) })
		})
		if ok {
			err = n.out.Forward(&n.r)
		}
		if err == nil {
			err = w.sent(r.Timestamp)
		}
		if err != nil {
			_ = w.close(r.Timestamp) // there is an error already
			return err
		}
	}
	return w.close(r.Timestamp)
}
