package stream

import (
	"context"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/topology"
)

// JoinForeignKey joins each entry of a table with the entry of another table whose key
// it refers to: many entries of the left table may refer to one of the right. The
// result has the left table's keys, with an entry for each that refers to an entry that
// exists, and changes when either side does. Kafka Streams: KTable.join with a
// foreign-key extractor.
//
// foreignKey returns the key that an entry refers to; with false, or a nil key, it
// refers to none. It is called with old values too, and must give the same again. m
// says in which store the result is kept; nil: in none, unless an operator needs one.
//
// The two tables need not have equally many partitions. What the left table refers to
// is written to the internal topic <application id>-<name>-subscription-registration-topic,
// kept beside the right table in the store <name>-subscription-store, and answered
// through <application id>-<name>-subscription-response-topic; without [Named] the
// names are generated. Both tables are kept in stores. Between the change of an entry
// and the answer the result is that of the value before, and an answer to a value that
// has changed again is dropped, and counted: it is told by the hash of the value's
// bytes, so the serde must give equal values equal bytes. Needless deletions may be
// sent. An entry that refers to none is counted as dropped. The result's timestamp is
// the larger of the two sides' if the left one changed, else the right one's. A right
// value without bytes is taken for none, by the format of the answer. A change of the
// right table costs in proportion to the entries that refer to it.
func JoinForeignKey[K, V, KO, VO, R any](left *KTable[K, V], right *KTable[KO, VO], foreignKey func(key K, value V) (KO, bool), f func(left V, right VO) R, m *Materialized[K, R], opts ...Option) *KTable[K, R] {
	return joinForeignKey(left, right, false, refers(foreignKey), func(_ graph.Task, _ K, v V, w VO, _ bool) (R, error) { return f(v, w), nil }, m, opts)
}

// TryJoinForeignKey is [JoinForeignKey] with functions that can fail, and a joiner that
// sees the key. foreignKey is called again with a value that is replaced: if it fails then
// too, and the error handler skips the error, the new value is left out as well. If f
// fails, the result of the value before stays.
func TryJoinForeignKey[K, V, KO, VO, R any](left *KTable[K, V], right *KTable[KO, VO], foreignKey func(ctx context.Context, key K, value V) (KO, bool, error),
	f func(ctx context.Context, key K, left V, right VO) (R, error), m *Materialized[K, R], opts ...Option) *KTable[K, R] {
	return joinForeignKey(left, right, false, tryRefers(foreignKey), func(t graph.Task, k K, v V, w VO, _ bool) (R, error) { return f(t.Context(), k, v, w) }, m, opts)
}

// LeftJoinForeignKey is [JoinForeignKey] with an entry for each of the left table:
// right is nil where it refers to none, or to one that does not exist. Kafka Streams:
// KTable.leftJoin with a foreign-key extractor.
func LeftJoinForeignKey[K, V, KO, VO, R any](left *KTable[K, V], right *KTable[KO, VO], foreignKey func(key K, value V) (KO, bool), f func(left V, right *VO) R, m *Materialized[K, R], opts ...Option) *KTable[K, R] {
	return joinForeignKey(left, right, true, refers(foreignKey), func(_ graph.Task, _ K, v V, w VO, ok bool) (R, error) { return f(v, optional(w, ok)), nil }, m, opts)
}

// TryLeftJoinForeignKey is [LeftJoinForeignKey] with functions that can fail; see
// [TryJoinForeignKey].
func TryLeftJoinForeignKey[K, V, KO, VO, R any](left *KTable[K, V], right *KTable[KO, VO], foreignKey func(ctx context.Context, key K, value V) (KO, bool, error),
	f func(ctx context.Context, key K, left V, right *VO) (R, error), m *Materialized[K, R], opts ...Option) *KTable[K, R] {
	return joinForeignKey(left, right, true, tryRefers(foreignKey), func(t graph.Task, k K, v V, w VO, ok bool) (R, error) {
		return f(t.Context(), k, v, optional(w, ok))
	}, m, opts)
}

// foreignKeyFunc finds what an entry refers to, and foreignJoinFunc makes a result; ok
// tells whether there is a right value.
type (
	foreignKeyFunc[K, V, KO any]     func(t graph.Task, key K, value V) (KO, bool, error)
	foreignJoinFunc[K, V, VO, R any] func(t graph.Task, key K, left V, right VO, ok bool) (R, error)
)

func refers[K, V, KO any](f func(K, V) (KO, bool)) foreignKeyFunc[K, V, KO] {
	return func(_ graph.Task, k K, v V) (KO, bool, error) {
		to, ok := f(k, v)
		return to, ok, nil
	}
}

func tryRefers[K, V, KO any](f func(context.Context, K, V) (KO, bool, error)) foreignKeyFunc[K, V, KO] {
	return func(t graph.Task, k K, v V) (KO, bool, error) { return f(t.Context(), k, v) }
}

// PartitionedBy returns the table with what chooses the partitions of its topic, if
// that is not the murmur2 hash of the encoded key: [JoinForeignKey] must send to the
// partitions in which the table's keys are. f returns one of n partitions. Kafka
// Streams: TableJoined.
func (t *KTable[K, V]) PartitionedBy(f func(topic string, key K, n int32) int32) *KTable[K, V] {
	c := *t
	c.partitioner = f
	return &c
}

// foreignKeyJoin is what the nodes of a foreign-key join have in common.
type foreignKeyJoin[K, V, KO, VO, R any] struct {
	left       bool // the result has an entry for each of the left table
	foreignKey foreignKeyFunc[K, V, KO]
	f          foreignJoinFunc[K, V, VO, R]
	keys       serde.Serde[K]
	values     serde.Serde[V]
	foreign    serde.Serde[KO]
	topic      string                     // of subscriptions
	store      string                     // of subscriptions
	versioned  struct{ left, right bool } // tables
	leftTable  tableReader[K, V]
	rightTable tableReader[KO, VO]
}

func joinForeignKey[K, V, KO, VO, R any](left *KTable[K, V], right *KTable[KO, VO], isLeft bool, foreignKey foreignKeyFunc[K, V, KO],
	f foreignJoinFunc[K, V, VO, R], m *Materialized[K, R], opts []Option) *KTable[K, R] {
	const prefix = "KTABLE-FK-JOIN-"
	b := left.b
	given := b.options(prefix+"SUBSCRIPTION-REGISTRATION-", opts, optName).name
	right.old(true)
	left.old(true)
	name := func(suffix, generated string) string { return b.g.Suffixed(given, suffix, generated) }
	j := &foreignKeyJoin[K, V, KO, VO, R]{left: isLeft, foreignKey: foreignKey, f: f, keys: left.key, values: left.value, foreign: right.key}
	j.topic = name("-subscription-registration", prefix+"SUBSCRIPTION-REGISTRATION-") + "-topic"
	send := name("-subscription-registration-processor", prefix+"SUBSCRIPTION-REGISTRATION-")
	subscriptions := internalTopic[KO, subscription[K]]{topic: j.topic, key: right.key, value: subscriptionSerde[K]{left.key}, partitioner: partitionByKey[KO, subscription[K]](right.partitioner)}
	subscriptions.sink = name("-subscription-registration-sink", "KTABLE-SINK-")
	subscriptions.source = name("-subscription-registration-source", "KTABLE-SOURCE-")
	j.store = name("-subscription-store", prefix+"SUBSCRIPTION-STATE-STORE-")
	receive := name("-subscription-receive", prefix+"SUBSCRIPTION-PROCESSOR-")
	join := name("-subscription-join-foreign", prefix+"SUBSCRIPTION-PROCESSOR-")
	foreign := name("-foreign-join-subscription", prefix+"SUBSCRIPTION-PROCESSOR-")
	responses := internalTopic[K, response[VO]]{key: left.key, value: responseSerde[VO]{right.value}, partitioner: partitionByKey[K, response[VO]](left.partitioner)}
	responses.topic = name("-subscription-response", prefix+"SUBSCRIPTION-RESPONSE-") + "-topic"
	responses.sink = name("-subscription-response-sink", "KTABLE-SINK-")
	responses.source = name("-subscription-response-source", "KTABLE-SOURCE-")
	if responses.partitioner == nil {
		responses.partitioner = backToTheLeft[K, VO]
	}
	resolve := name("-subscription-response-resolver", prefix+"SUBSCRIPTION-RESPONSE-RESOLVER-PROCESSOR-")
	result := name("-result", prefix+"OUTPUT-")
	queryable := m.queryable()
	m = m.named(b.g, prefix+"OUTPUT-").with(left.key, nil)
	flags := &tableFlags{store: m.name, materialized: queryable != "" || m.versioned}
	if b != right.b {
		b.g.Failf(result, "the two tables belong to different builders")
	}
	m.checkTimes(b.g, result)
	left.needSerdes(result, "left")
	right.needSerdes(result, "right")
	j.versioned.left, j.versioned.right = left.versioned, right.versioned
	j.rightTable, j.leftTable = right.read(), left.read()

	g := b.g
	sendOp := g.AddNode(send, nil, func(w *graph.Wiring) (any, error) { return newSendNode(w, j) }, left.op)
	subscriptionsOp := subscriptions.add(g, sendOp)
	g.Add(&graph.Op{Write: func(t *graph.Topology, _ []string) error {
		return t.AddStore(store.TimestampedKeyValue(j.store, serde.Bytes(), serde.Bytes(), store.LogHeaders()))
	}})
	receiveOp := g.AddNode(receive, []string{j.store}, func(w *graph.Wiring) (any, error) { return newReceiveNode(w, j) }, subscriptionsOp)
	joinOp := g.AddNode(join, j.rightTable.stores, func(w *graph.Wiring) (any, error) { return newSubscriptionNode(w, j) }, receiveOp)
	joinOp.Beside = []*graph.Op{right.op} // the subscriptions must be where the right table's keys are
	joinOp.Copartitioned = true
	foreignOp := g.AddNode(foreign, []string{j.store}, func(w *graph.Wiring) (any, error) { return newForeignNode(w, j) }, right.op)
	responsesOp := responses.add(g, joinOp, foreignOp)
	resolveOp := g.AddNode(resolve, j.leftTable.stores, func(w *graph.Wiring) (any, error) { return newResolveNode(w, j) }, responsesOp)
	resolveOp.Beside = []*graph.Op{left.op}
	resolveOp.Copartitioned = true
	op := &graph.Op{Name: result, Write: func(t *graph.Topology, parents []string) error {
		return addTableNode(t, result, parents, m, flags)
	}}
	g.Add(op, resolveOp)
	return &KTable[K, R]{b: b, op: op, name: result, key: m.key, value: m.value, store: m.name, old: flags.sendOldValues, read: readStore[K, R](flags.materialize),
		versioned: m.versioned, history: m.history}
}

// needSerdes reports the serdes that a table's records cannot be sent without.
func (t *KTable[K, V]) needSerdes(operator, side string) {
	missing := func(what string) {
		t.b.g.Failf(operator, "the %s table has no %s serde: give it one with WithSerdes", side, what)
	}
	if t.key == nil {
		missing("key")
	}
	if t.value == nil {
		missing("value")
	}
}

// internalTopic is a topic between the two sides of a join, with the sink and the
// source around it.
type internalTopic[K, V any] struct {
	topic, sink, source string
	key                 serde.Serde[K]
	value               serde.Serde[V]
	partitioner         topology.Partitioner[K, V]
}

// add appends sink and source, and returns the source.
func (i internalTopic[K, V]) add(g *graph.Builder, parents ...*graph.Op) *graph.Op {
	sink := &graph.Op{Name: i.sink, Write: func(t *graph.Topology, parents []string) error {
		if err := t.AddRepartitionTopic(graph.RepartitionTopic{Name: i.topic}); err != nil {
			return err
		}
		w := topology.Of(t)
		topology.AddSink(w, i.sink, topology.Sink[K, V]{Key: i.key, Value: i.value, Topic: i.topic, Partitioner: i.partitioner}, parents...)
		return w.Err()
	}}
	g.Add(sink, parents...)
	source := &graph.Op{Name: i.source, Sources: []string{i.source}, Write: func(t *graph.Topology, _ []string) error {
		return addSource(t, i.source, topology.Source[K, V]{Key: i.key, Value: i.value, Topics: []string{i.topic}})
	}}
	g.Add(source, sink)
	return source
}

func partitionByKey[K, V any](f func(topic string, key K, n int32) int32) topology.Partitioner[K, V] {
	if f == nil {
		return nil
	}
	return func(topic string, r topology.Record[K, V], n int32) ([]int32, bool) {
		if r.NullKey {
			return nil, false
		}
		return only(f(topic, r.Key, n)), true
	}
}

// backToTheLeft sends a response to the partition its subscription came from.
func backToTheLeft[K, V any](_ string, r topology.Record[K, response[V]], _ int32) ([]int32, bool) {
	if r.Value.partition < 0 {
		return nil, false
	}
	return only(r.Value.partition), true
}

// numbers are those of most partitions.
var numbers = func() (n [1024]int32) {
	for i := range n {
		n[i] = int32(i)
	}
	return n
}()

// only is a list of one partition, which must not be modified.
func only(partition int32) []int32 {
	if partition >= 0 && int(partition) < len(numbers) {
		return numbers[partition : partition+1 : partition+1]
	}
	return []int32{partition}
}
