package stream

import (
	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/null"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/topology"
)

// subscriptionStore is where subscriptions are kept beside the right table.
type subscriptionStore = store.TimestampedKeyValueStore[[]byte, []byte]

func storeOf[S any](w *graph.Wiring, name string) (s S, err error) {
	any, err := w.Store(name)
	if err == nil {
		s = any.(S)
	}
	return s, err
}

// receiveNode keeps subscriptions and passes them on. Kafka Streams:
// SubscriptionReceiveProcessorSupplier.
type receiveNode[K, KO any] struct {
	name    string
	task    graph.Task
	store   subscriptionStore
	keys    serde.Codec[KO]
	primary serde.Codec[K]
	values  subscriptionCodec[K]
	out     graph.Out[topology.Record[KO, subscription[K]]]
	key     []byte
	value   []byte
}

func newReceiveNode[K, V, KO, VO, R any](w *graph.Wiring, j *foreignKeyJoin[K, V, KO, VO, R]) (any, error) {
	n := &receiveNode[K, KO]{name: w.Name, task: w.Task}
	var err error
	if n.store, err = storeOf[subscriptionStore](w, j.store); err != nil {
		return nil, err
	}
	if n.keys, err = j.foreign.Bind(j.bound(w, "-fk"), serde.Key.Internal()); err != nil {
		return nil, err
	}
	if n.primary, err = j.keys.Bind(j.bound(w, "-pk"), serde.Key.Internal()); err != nil {
		return nil, err
	}
	n.values = subscriptionCodec[K]{n.primary}
	n.out, err = graph.Connect[topology.Record[KO, subscription[K]]](w)
	return n, err
}

func (n *receiveNode[K, KO]) Receive(r *topology.Record[KO, subscription[K]]) error {
	if r.NullValue || r.NullKey && r.Value.instruction != subscribeAndTell {
		n.task.Dropped(n.name, "null foreign key")
		return nil
	}
	for !r.NullKey {
		before := n.task.At(graph.Moment{Timestamp: r.Timestamp, Headers: r.Headers})
		err := n.keep(r)
		n.task.At(before)
		if err == nil {
			break
		}
		if retry, err := n.task.Handle(graph.Processing, n.name, err); !retry {
			return err
		}
	}
	return n.out.Forward(r)
}

func (n *receiveNode[K, KO]) keep(r *topology.Record[KO, subscription[K]]) (err error) {
	defer graph.Recover(&err)
	if n.key, err = appendForeign(n.key[:0], n.keys, r.Key); err != nil {
		return err
	}
	if n.key, err = n.primary.Append(n.key, r.Value.key); err != nil {
		return err
	}
	if i := r.Value.instruction; i == deleteSilently || i == deleteAndTell {
		_, _, err := n.store.Delete(n.key)
		return err
	}
	if n.value, err = n.values.Append(n.value[:0], r.Value); err != nil {
		return err
	}
	return n.store.Put(n.key, store.ValueAndTimestamp[[]byte]{Value: n.value, Timestamp: r.Timestamp})
}

// subscriptionNode answers a subscription with what the right table has. Kafka
// Streams: SubscriptionJoinProcessorSupplier.
type subscriptionNode[K, KO, VO any] struct {
	name  string
	task  graph.Task
	table tableView[KO, VO]
	out   graph.Out[topology.Record[K, response[VO]]]
	r     topology.Record[K, response[VO]]
}

func newSubscriptionNode[K, V, KO, VO, R any](w *graph.Wiring, j *foreignKeyJoin[K, V, KO, VO, R]) (any, error) {
	n := &subscriptionNode[K, KO, VO]{name: w.Name, task: w.Task}
	var err error
	if n.table, err = j.rightTable.open(w); err != nil {
		return nil, err
	}
	n.out, err = graph.Connect[topology.Record[K, response[VO]]](w)
	return n, err
}

func (n *subscriptionNode[K, KO, VO]) Receive(r *topology.Record[KO, subscription[K]]) error {
	return forward(n.task, n.name, r, n.answer, &n.out, &n.r)
}

func (n *subscriptionNode[K, KO, VO]) answer(r *topology.Record[KO, subscription[K]]) (ok bool, err error) {
	defer graph.Recover(&err)
	s := &r.Value
	var v store.ValueAndTimestamp[VO]
	found := false
	if !r.NullKey {
		if v, found, err = n.table.get(r.Key); err != nil {
			return false, err
		}
	}
	n.r = topology.Record[K, response[VO]]{Key: s.key, Timestamp: r.Timestamp, Headers: r.Headers,
		Value: response[VO]{hash: s.hash, hashed: s.hashed, isNull: true, partition: s.partition}}
	if found {
		n.r.Timestamp = max(n.r.Timestamp, v.Timestamp)
		if s.instruction != deleteAndTell {
			n.r.Value.value, n.r.Value.isNull = v.Value, false
		}
	}
	switch s.instruction {
	case deleteSilently:
		return false, nil
	case subscribe:
		return found, nil
	}
	return true, nil
}

// foreignNode tells a change of the right table to all that subscribed to its key.
// Kafka Streams: ForeignTableJoinProcessorSupplier.
type foreignNode[K, KO, VO any] struct {
	name      string
	task      graph.Task
	versioned bool // only the latest updates of a key count
	store     subscriptionStore
	keys      serde.Codec[KO]
	primary   serde.Codec[K]
	out       graph.Out[topology.Record[K, response[VO]]]
	r         topology.Record[K, response[VO]]
	prefix    []byte
}

func newForeignNode[K, V, KO, VO, R any](w *graph.Wiring, j *foreignKeyJoin[K, V, KO, VO, R]) (any, error) {
	n := &foreignNode[K, KO, VO]{name: w.Name, task: w.Task, versioned: j.versioned.right}
	var err error
	if n.store, err = storeOf[subscriptionStore](w, j.store); err != nil {
		return nil, err
	}
	if n.keys, err = j.foreign.Bind(j.bound(w, "-fk"), serde.Key.Internal()); err != nil {
		return nil, err
	}
	if n.primary, err = j.keys.Bind(j.bound(w, "-pk"), serde.Key.Internal()); err != nil {
		return nil, err
	}
	n.out, err = graph.Connect[topology.Record[K, response[VO]]](w)
	return n, err
}

func (n *foreignNode[K, KO, VO]) Receive(r *topology.Record[KO, change[VO]]) error {
	if r.NullKey {
		n.task.Dropped(n.name, "null key")
		return nil
	}
	if n.versioned && r.Value.late {
		n.task.Dropped(n.name, "out-of-order update of a versioned table")
		return nil
	}
	for {
		forwarded, err := n.tell(r)
		if forwarded != nil || err == nil {
			return forwarded
		}
		if retry, err := n.task.Handle(graph.Processing, n.name, err); !retry {
			return err
		}
	}
}

// tell returns what forwarding returned apart from what went wrong here.
func (n *foreignNode[K, KO, VO]) tell(r *topology.Record[KO, change[VO]]) (forwarded, err error) {
	if err := n.scanned(r.Key); err != nil {
		return nil, err
	}
	it := n.store.PrefixScan(n.prefix)
	for it.Next() {
		if err = n.response(r, it.Key(), it.Value().Value); err != nil {
			break
		}
		if forwarded = n.out.Forward(&n.r); forwarded != nil {
			break
		}
	}
	if closing := it.Close(); err == nil {
		err = closing
	}
	return forwarded, err
}

func (n *foreignNode[K, KO, VO]) scanned(key KO) (err error) {
	defer graph.Recover(&err)
	n.prefix, err = appendForeign(n.prefix[:0], n.keys, key)
	return err
}

func (n *foreignNode[K, KO, VO]) response(r *topology.Record[KO, change[VO]], combined, value []byte) (err error) {
	defer graph.Recover(&err)
	s, _, err := decodeSubscription[K](value)
	if err != nil {
		return err
	}
	n.r = topology.Record[K, response[VO]]{Timestamp: r.Timestamp, Headers: r.Headers, Value: response[VO]{
		hash: s.hash, hashed: s.hashed, value: r.Value.new, isNull: r.Value.nullNew, partition: s.partition}}
	primary, err := primaryOf(combined)
	if err == nil {
		n.r.Key, err = n.primary.Decode(primary)
	}
	return err
}

// resolveNode makes the result of a response, if the left table still has the value
// that was asked for. Kafka Streams: ResponseJoinProcessorSupplier.
type resolveNode[K, V, VO, R any] struct {
	name   string
	task   graph.Task
	left   bool
	table  tableView[K, V]
	hasher hasher[V]
	f      foreignJoinFunc[K, V, VO, R]
	isNull func(*R) bool
	out    graph.Out[topology.Record[K, R]]
	r      topology.Record[K, R]
}

func newResolveNode[K, V, KO, VO, R any](w *graph.Wiring, j *foreignKeyJoin[K, V, KO, VO, R]) (any, error) {
	n := &resolveNode[K, V, VO, R]{name: w.Name, task: w.Task, left: j.left, f: j.f, isNull: null.Check[R]()}
	var err error
	if n.table, err = j.leftTable.open(w); err != nil {
		return nil, err
	}
	if n.hasher.values, err = j.values.Bind(j.bound(w, "-vh"), serde.Value.Internal()); err != nil {
		return nil, err
	}
	n.out, err = graph.Connect[topology.Record[K, R]](w)
	return n, err
}

func (n *resolveNode[K, V, VO, R]) Receive(r *topology.Record[K, response[VO]]) error {
	return forward(n.task, n.name, r, n.resolve, &n.out, &n.r)
}

func (n *resolveNode[K, V, VO, R]) resolve(r *topology.Record[K, response[VO]]) (current bool, err error) {
	defer graph.Recover(&err)
	v, found, err := n.table.get(r.Key)
	if err != nil {
		return false, err
	}
	var h hash
	if found {
		if h, err = n.hasher.hash(v.Value); err != nil {
			return false, err
		}
	}
	a := &r.Value
	if found != a.hashed || found && h != a.hash {
		n.task.Dropped(n.name, "response to a value that has changed")
		return false, nil
	}
	n.r = topology.Record[K, R]{Key: r.Key, Timestamp: r.Timestamp, Headers: r.Headers, NullValue: true}
	if found && (n.left || !a.isNull) {
		if n.r.Value, err = n.f(n.task, r.Key, v.Value, a.value, !a.isNull); err != nil {
			return false, err
		}
		n.r.NullValue = n.isNull != nil && n.isNull(&n.r.Value)
	}
	return true, nil
}
