package stream

import (
	"bytes"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/null"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/topology"
)

// KGroupedTable is a table grouped by another key, to be aggregated: what an entry
// contributes is added when it appears, and subtracted when it changes or
// disappears. Kafka Streams: KGroupedTable.
type KGroupedTable[K, V any] struct {
	b      *Builder
	op     *graph.Op // of the node that selects keys
	serdes Serdes[K, V]
	named  string    // of the repartition topic, "" if generated
	topics *[]string // the repartition topics
	shared *graph.Op // the repartition, once there is one
}

// GroupTableBy groups the entries of a table by a new key, with a new value. Kafka
// Streams: KTable.groupBy.
//
// A repartition topic always follows, named after the store of the aggregation or by
// [Named]; with gives its serdes. The table is kept in a store, so that what a change
// takes away is known. A change that leaves the key the same is one record in the
// topic (KIP-904), any other is two, first what is taken away, then what is added:
// these are for different keys, so what aggregations make of them is not seen at
// once. f is called with old values too, and must give the same again; it is not
// called for deletions. An entry for which it returns nil, of types that have a nil,
// as the key or as the value takes no part.
func GroupTableBy[K, V, K2, V2 any](t *KTable[K, V], f func(key K, value V) (K2, V2), with *Serdes[K2, V2], opts ...Option) *KGroupedTable[K2, V2] {
	b := t.b
	o := b.options("KTABLE-SELECT-", opts, optName)
	name := b.g.Name(o.name, "KTABLE-SELECT-")
	sd := with.or(nil, nil)
	sd.complete(b.g, name)
	t.old(true)
	topics := new([]string)
	op := &graph.Op{Name: name, Write: func(g *graph.Topology, parents []string) error {
		return g.AddProcessor(&graph.Node{Name: name, Parents: parents, New: func(w *graph.Wiring) (any, error) {
			return newSelectNode(w, f, t.versioned, sd.key, *topics)
		}})
	}}
	b.g.Add(op, t.op)
	return &KGroupedTable[K2, V2]{b: b, op: op, serdes: sd, named: o.name, topics: topics}
}

// repartitioned returns the operator behind the repartition topic, which has no
// filter for null keys: there are none. A topic with a name of its own is shared by
// all aggregations of this group; forgotten tells that it was there already, which
// Kafka Streams fails to see where it lists what must be co-partitioned.
func (g *KGroupedTable[K, V]) repartitioned(named, store string) (op *graph.Op, forgotten bool) {
	sink := g.b.g.Suffixed(named, "-sink", "KSTREAM-SINK-")
	source := g.b.g.Suffixed(named, "-source", "KSTREAM-SOURCE-")
	if forgotten = g.shared != nil && g.named != ""; !forgotten {
		topic := g.named
		if topic == "" {
			topic = store
		}
		g.shared = g.repartition(topic+"-repartition", sink, source)
	}
	g.b.g.Add(g.shared, g.op) // also if it is there: it becomes the last one again
	return g.shared, forgotten
}

func (g *KGroupedTable[K, V]) repartition(topic, sink, source string) *graph.Op {
	values := changeSerde[V]{g.serdes.value}
	*g.topics = append(*g.topics, topic)
	return &graph.Op{Name: source, Sources: []string{source}, Write: func(t *graph.Topology, parents []string) error {
		if err := t.AddRepartitionTopic(graph.RepartitionTopic{Name: topic}); err != nil {
			return err
		}
		w := topology.Of(t)
		topology.AddSink(w, sink, topology.Sink[K, change[V]]{Key: g.serdes.key, Value: values, Topic: topic}, parents...)
		topology.AddSource(w, source, topology.Source[K, change[V]]{Key: g.serdes.key, Value: values, Topics: []string{topic}})
		return w.Err()
	}}
}

// selectNode makes of each change of a table what it takes away from the aggregate of
// one key and adds to that of another. Kafka Streams: KTableRepartitionMap.
type selectNode[K, V, K2, V2 any] struct {
	name      string
	task      graph.Task
	versioned bool // only the latest updates of a key count
	f         func(K, V) (K2, V2)
	key       serde.Codec[K2] // by whose bytes keys are compared; nil: nobody asks
	nullKey   func(*K2) bool
	nullValue func(*V2) bool
	out       graph.Out[topology.Record[K2, change[V2]]]
	old, new  topology.Record[K2, change[V2]]
	buf       []byte
}

func newSelectNode[K, V, K2, V2 any](w *graph.Wiring, f func(K, V) (K2, V2), versioned bool, keys serde.Serde[K2], topics []string) (any, error) {
	n := &selectNode[K, V, K2, V2]{name: w.Name, task: w.Task, versioned: versioned, f: f, nullKey: null.Check[K2](), nullValue: null.Check[V2]()}
	var err error
	if len(topics) > 0 {
		// Bound as the sink binds it: a schema registry knows of no other subject.
		if n.key, err = keys.Bind(w.Internal(topics[0]), serde.Key.Internal()); err != nil {
			return nil, err
		}
	}
	n.out, err = graph.Connect[topology.Record[K2, change[V2]]](w)
	return n, err
}

func (n *selectNode[K, V, K2, V2]) Receive(r *topology.Record[K, change[V]]) error {
	if n.versioned && r.Value.late {
		return nil
	}
	var old, add bool
	for {
		var err error
		if old, add, err = n.call(r); err == nil {
			break
		}
		if retry, err := n.task.Handle(graph.Processing, n.name, err); !retry {
			return err
		}
	}
	if old && add && n.key != nil && n.sameKey() {
		n.new.Value.old, n.new.Value.nullOld = n.old.Value.old, false
		old = false
	}
	if old {
		if err := n.out.Forward(&n.old); err != nil {
			return err
		}
	}
	if add {
		return n.out.Forward(&n.new)
	}
	return nil
}

// call finds keys and values, and reports whether there is something to take away and
// something to add.
func (n *selectNode[K, V, K2, V2]) call(r *topology.Record[K, change[V]]) (old, add bool, err error) {
	defer graph.Recover(&err)
	c := &r.Value
	n.old = topology.Record[K2, change[V2]]{Timestamp: r.Timestamp, Headers: r.Headers, Value: change[V2]{nullNew: true}}
	n.new = topology.Record[K2, change[V2]]{Timestamp: r.Timestamp, Headers: r.Headers, Value: change[V2]{nullOld: true}}
	if !c.nullNew {
		n.new.Key, n.new.Value.new = n.f(r.Key, c.new)
		add = n.part(&n.new.Key, &n.new.Value.new)
	}
	if !c.nullOld {
		n.old.Key, n.old.Value.old = n.f(r.Key, c.old)
		old = n.part(&n.old.Key, &n.old.Value.old)
	}
	return old, add, nil
}

// part tells whether an entry takes part: neither key nor value is nil.
func (n *selectNode[K, V, K2, V2]) part(k *K2, v *V2) bool {
	return (n.nullKey == nil || !n.nullKey(k)) && (n.nullValue == nil || !n.nullValue(v))
}

// sameKey tells whether what is taken away and what is added have the same key. A key
// that cannot be encoded is reported by the sink.
func (n *selectNode[K, V, K2, V2]) sameKey() (same bool) {
	defer func() {
		if recover() != nil {
			same = false
		}
	}()
	var err error
	if n.buf, err = n.key.Append(n.buf[:0], n.old.Key); err != nil {
		return false
	}
	k := len(n.buf)
	if n.buf, err = n.key.Append(n.buf, n.new.Key); err != nil {
		return false
	}
	return bytes.Equal(n.buf[:k], n.buf[k:])
}
