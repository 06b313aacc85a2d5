package stream

import (
	"bytes"
	"encoding/binary"

	"github.com/twmb/murmur3"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/null"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/topology"
)

// bound is the name of a topic of the join that exists for serdes alone.
func (j *foreignKeyJoin[K, V, KO, VO, R]) bound(w *graph.Wiring, suffix string) string {
	return w.Internal(j.topic + suffix)
}

// hasher hashes values of the left table. Kafka Streams: Murmur3.hash128.
type hasher[V any] struct {
	values serde.Codec[V]
	buf    []byte
}

func (h *hasher[V]) hash(v V) (out hash, err error) {
	const seed = 104729
	if h.buf, err = h.values.Append(h.buf[:0], v); err == nil {
		a, b := murmur3.SeedSum128(seed, seed, h.buf)
		binary.BigEndian.PutUint64(out[:8], a)
		binary.BigEndian.PutUint64(out[8:], b)
	}
	return out, err
}

// sendNode tells the right side what an entry of the left table refers to, and no
// longer refers to. Kafka Streams: SubscriptionSendProcessorSupplier, as of 4.0.
type sendNode[K, V, KO any] struct {
	name       string
	task       graph.Task
	left       bool
	versioned  bool // only the latest updates of a key count
	foreignKey foreignKeyFunc[K, V, KO]
	isNull     func(*KO) bool
	keys       serde.Codec[KO] // by whose bytes foreign keys are compared
	hasher     hasher[V]
	out        graph.Out[topology.Record[KO, subscription[K]]]
	r          topology.Record[KO, subscription[K]]
	buf        []byte
	old, new   reference[KO]
}

// reference is what an entry refers to, if it does.
type reference[KO any] struct {
	key KO
	ok  bool
}

func newSendNode[K, V, KO, VO, R any](w *graph.Wiring, j *foreignKeyJoin[K, V, KO, VO, R]) (any, error) {
	n := &sendNode[K, V, KO]{name: w.Name, task: w.Task, left: j.left, versioned: j.versioned.left, foreignKey: j.foreignKey, isNull: null.Check[KO]()}
	var err error
	if n.keys, err = j.foreign.Bind(j.bound(w, "-fk"), serde.Key.Internal()); err != nil {
		return nil, err
	}
	if n.hasher.values, err = j.values.Bind(j.bound(w, "-vh"), serde.Value.Internal()); err != nil {
		return nil, err
	}
	n.out, err = graph.Connect[topology.Record[KO, subscription[K]]](w)
	return n, err
}

func (n *sendNode[K, V, KO]) Receive(r *topology.Record[K, change[V]]) error {
	if n.versioned && r.Value.late {
		n.task.Dropped(n.name, "out-of-order update of a versioned table")
		return nil
	}
	var changed bool
	for {
		var err error
		if changed, err = n.prepare(r); err == nil {
			break
		}
		if retry, err := n.task.Handle(graph.Processing, n.name, err); !retry {
			return err
		}
	}
	c := &r.Value
	switch {
	case c.nullNew && c.nullOld:
		return nil
	case n.left:
		if n.old.ok && changed {
			if err := n.send(r, &n.old, deleteSilently); err != nil {
				return err
			}
		}
		return n.send(r, &n.new, subscribeAndTell)
	case c.nullNew, !n.new.ok:
		if !c.nullNew {
			n.task.Dropped(n.name, "null foreign key")
		}
		if n.old.ok {
			return n.send(r, &n.old, deleteAndTell)
		}
		return nil
	case n.old.ok && changed:
		if err := n.send(r, &n.old, deleteSilently); err != nil {
			return err
		}
		return n.send(r, &n.new, subscribeAndTell)
	}
	return n.send(r, &n.new, subscribe)
}

// prepare finds the references before and after and the hash, and reports whether the
// reference changed.
func (n *sendNode[K, V, KO]) prepare(r *topology.Record[K, change[V]]) (changed bool, err error) {
	defer graph.Recover(&err)
	c := &r.Value
	if err := n.refer(&n.old, r.Key, c.old, c.nullOld); err != nil {
		return false, err
	}
	if err := n.refer(&n.new, r.Key, c.new, c.nullNew); err != nil {
		return false, err
	}
	n.r = topology.Record[KO, subscription[K]]{Timestamp: r.Timestamp, Headers: r.Headers,
		Value: subscription[K]{key: r.Key, hashed: !c.nullNew, partition: n.task.ID().Partition}}
	if !c.nullNew {
		if n.r.Value.hash, err = n.hasher.hash(c.new); err != nil {
			return false, err
		}
	}
	if !n.old.ok || !n.new.ok {
		return n.old.ok != n.new.ok, nil
	}
	if n.buf, err = n.keys.Append(n.buf[:0], n.old.key); err != nil {
		return false, err
	}
	k := len(n.buf)
	if n.buf, err = n.keys.Append(n.buf, n.new.key); err != nil {
		return false, err
	}
	return !bytes.Equal(n.buf[:k], n.buf[k:]), nil
}

func (n *sendNode[K, V, KO]) refer(to *reference[KO], key K, v V, isNull bool) (err error) {
	if *to = (reference[KO]{}); !isNull {
		to.key, to.ok, err = n.foreignKey(n.task, key, v)
		to.ok = to.ok && (n.isNull == nil || !n.isNull(&to.key))
	}
	return err
}

func (n *sendNode[K, V, KO]) send(r *topology.Record[K, change[V]], to *reference[KO], i instruction) error {
	n.r.Key, n.r.NullKey, n.r.Value.instruction = to.key, !to.ok, i
	return n.out.Forward(&n.r)
}
