package stream

import (
	"fmt"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/null"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/topology"
)

// selfJoinNode joins a stream with itself over one store: each record with those
// before it, those with it, and itself. Kafka Streams: KStreamKStreamSelfJoin.
type selfJoinNode[K, L, R, V any] struct {
	name                     string
	task                     graph.Task
	store                    store.WindowStore[K, L]
	before, after, retention int64
	join                     streamJoinFunc[K, L, R, V]
	isNull                   func(*V) bool
	out                      graph.Out[topology.Record[K, V]]
	r                        topology.Record[K, V]
	value, other             L     // that join is given
	asRight, otherAsRight    *R    // the same as values of the right stream
	time                     int64 // the largest timestamp so far
}

func newSelfJoinNode[K, L, R, V any](w *graph.Wiring, storeName string, windows JoinWindows, f streamJoinFunc[K, L, R, V]) (any, error) {
	n := &selfJoinNode[K, L, R, V]{name: w.Name, task: w.Task, join: f, isNull: null.Check[V](), time: -1,
		before: windows.before.Milliseconds(), after: windows.after.Milliseconds(), retention: windows.retention().Milliseconds()}
	var ok, ok2 bool
	n.asRight, ok = any(&n.value).(*R)
	n.otherAsRight, ok2 = any(&n.other).(*R)
	if !ok || !ok2 {
		return nil, fmt.Errorf("stream: operator %q: joins a stream with itself as values of two types, %T and %T", w.Name, n.value, *new(R))
	}
	var err error
	if n.store, err = windowsOf[K, L](w, storeName); err != nil {
		return nil, err
	}
	w.Task.KeepTime(w.Name, &n.time)
	n.out, err = graph.Connect[topology.Record[K, V]](w)
	return n, err
}

func (n *selfJoinNode[K, L, R, V]) Receive(r *topology.Record[K, L]) error {
	if r.NullKey || r.NullValue {
		n.task.Dropped(n.name, "null key or value")
		return nil
	}
	n.time = max(n.time, r.Timestamp)
	n.value = r.Value
	itself := r.Timestamp > n.time-n.retention+1 // one that is too late to be kept is not joined with itself

	ok, err := n.each(r, n.before, n.after, func(at int64) (bool, error) {
		return n.send(r, max(r.Timestamp, at), &n.value, n.otherAsRight)
	})
	if !ok {
		return err
	}
	ok, err = n.each(r, n.after, n.before, func(at int64) (bool, error) {
		if itself && at > r.Timestamp { // so that results come in the order of their timestamps
			itself = false
			if ok, err := n.send(r, r.Timestamp, &n.value, n.asRight); !ok {
				return ok, err
			}
		}
		return n.send(r, max(r.Timestamp, at), &n.other, n.asRight)
	})
	if ok && itself {
		_, err = n.send(r, r.Timestamp, &n.value, n.asRight)
	}
	return err
}

// each calls f for the records in a span of time around r, until it returns false.
func (n *selfJoinNode[K, L, R, V]) each(r *topology.Record[K, L], before, after int64, f func(at int64) (bool, error)) (ok bool, err error) {
	it := n.store.Fetch(r.Key, max(0, r.Timestamp-before), max(0, r.Timestamp+after))
	for it.Next() {
		n.other = it.Value()
		if ok, err := f(it.Key()); !ok {
			_ = it.Close() // there is an error already, or one that was skipped
			return false, err
		}
	}
	if err := it.Close(); err != nil {
		_, err := n.task.Handle(graph.Processing, n.name, err)
		return false, err
	}
	return true, nil
}

// send forwards the result of a pair; ok is false if there is none.
func (n *selfJoinNode[K, L, R, V]) send(r *topology.Record[K, L], timestamp int64, left *L, right *R) (ok bool, err error) {
	for {
		v, err := n.call(r.Key, left, right)
		if err == nil {
			n.r = topology.Record[K, V]{Key: r.Key, Value: v, Timestamp: timestamp, Headers: r.Headers}
			break
		}
		if retry, err := n.task.Handle(graph.Processing, n.name, err); !retry {
			return false, err
		}
	}
	n.r.NullValue = n.isNull != nil && n.isNull(&n.r.Value)
	err = n.out.Forward(&n.r)
	return err == nil, err
}

func (n *selfJoinNode[K, L, R, V]) call(key K, left *L, right *R) (v V, err error) {
	defer graph.Recover(&err)
	return n.join(n.task, key, left, right)
}
