package stream

import (
	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/topology"
)

// ToStream makes the table's changes a stream: new values, and null values for
// deletions. With the record cache, changes of one key between two commits are one.
// Nothing is repartitioned or stored. What was stored is not encoded again by a
// [KStream.To] right behind whose serde is the store's, if its codecs are a
// [serde.Copier]. Options: [Named]. Kafka Streams: KTable.toStream.
func (t *KTable[K, V]) ToStream(opts ...Option) *KStream[K, V] {
	name := t.b.g.Name(t.b.options("KTABLE-TOSTREAM-", opts, optName).name, "KTABLE-TOSTREAM-")
	op := &graph.Op{Name: name, Versions: &t.versioned, Write: func(g *graph.Topology, parents []string) error {
		return g.AddProcessor(&graph.Node{Name: name, Parents: parents, New: newToStreamNode[K, V]})
	}}
	t.b.g.Add(op, t.op)
	return &KStream[K, V]{b: t.b, op: op, name: name, key: t.key, value: t.value}
}

// toStreamNode forwards the new values of changes, and how they were stored.
type toStreamNode[K, V any] struct {
	out graph.Out[topology.Record[K, V]]
	r   topology.Record[K, V]
}

func newToStreamNode[K, V any](w *graph.Wiring) (any, error) {
	out, err := graph.Connect[topology.Record[K, V]](w)
	return &toStreamNode[K, V]{out: out}, err
}

func (n *toStreamNode[K, V]) Receive(r *topology.Record[K, change[V]]) error {
	c := &r.Value
	n.r = topology.Record[K, V]{Key: r.Key, Value: c.new, Timestamp: r.Timestamp, Headers: r.Headers, NullKey: r.NullKey, NullValue: c.nullNew}
	return n.out.ForwardEncoded(&n.r, c.encoded)
}
