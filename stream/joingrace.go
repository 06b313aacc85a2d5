package stream

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/topology"
)

// addGraceNode appends the join of a stream with a table whose records wait.
func addGraceNode[K, V, W, R any](b *Builder, name string, grace time.Duration, t *KTable[K, W], table tableReader[K, W], left bool, sd Serdes[K, V],
	f tableJoinFunc[K, V, W, R], parent *graph.Op) *graph.Op {
	switch {
	case grace < 0:
		b.g.Failf(name, "the grace period is %s: it must not be negative", grace)
	case !t.versioned:
		b.g.Failf(name, "a grace period needs a versioned table: keep it in a store with versions, by Materialized.Versioned")
	case t.history < grace:
		b.g.Failf(name, "the grace period is %s, but the table's history goes back %s only", grace, t.history)
	}
	sd.complete(b.g, name)
	buffer := &bufferBuilder{spec: store.Spec{Name: name + "-Buffer", Kind: store.KindWaiting, Persistent: true, Logged: true}}
	op := &graph.Op{Name: name, Write: func(g *graph.Topology, parents []string) error {
		err := g.AddProcessor(&graph.Node{Name: name, Parents: parents, New: func(w *graph.Wiring) (any, error) {
			return newGraceNode(w, buffer.Name(), grace.Milliseconds(), table, left, sd, f)
		}})
		if err != nil {
			return err
		}
		err = g.AddStore(buffer, name) // first, as Describe shows
		for _, s := range table.stores {
			err = errors.Join(err, g.ConnectStore(name, s))
		}
		return err
	}}
	b.g.Add(op, parent)
	return op
}

// graceNode makes records wait for the grace period to pass. They are in its store, in
// the order in which they leave:
//
//	0 (1 byte), timestamp (8 bytes), key, sequence (4 bytes)
//
// with values as in a [bufferRow], both as in Kafka Streams' changelog. A record that
// finds nothing due costs one write. Kafka Streams: KStreamKTableJoinProcessor with
// RocksDBTimeOrderedKeyValueBuffer.
type graceNode[K, V, W, R any] struct {
	join   *streamTableNode[K, V, W, R]
	grace  int64
	buffer store.Bytes
	key    serde.Codec[K]
	value  serde.Codec[V]

	time     int64 // the greatest timestamp that was put
	oldest   int64 // no record that waits is older
	sequence int32
	row      bufferRow
	topic    []byte
	rowKey   []byte
	valData  []byte
	data     []byte
	r        topology.Record[K, V]
}

func newGraceNode[K, V, W, R any](w *graph.Wiring, buffer string, grace int64, table tableReader[K, W], left bool, sd Serdes[K, V], f tableJoinFunc[K, V, W, R]) (any, error) {
	n := &graceNode[K, V, W, R]{grace: grace, time: -1}
	w.Task.KeepTime(w.Name, &n.time)
	var err error
	if n.join, err = newStreamTableNode(w, table, left, f); err != nil {
		return nil, err
	}
	if n.buffer, err = bufferOf(w, buffer); err != nil {
		return nil, err
	}
	// Kafka Streams binds these serdes to the name of the operator.
	if n.key, err = sd.key.Bind(w.Name, serde.Key.Internal()); err == nil {
		n.value, err = sd.value.Bind(w.Name, serde.Value.Internal())
	}
	return n, err
}

// What is around a key.
const (
	waitingPrefix = 1 + 8
	waitingSuffix = 4
)

var errWaitingKey = errors.New("the key of a record that waits has less than 13 bytes: its changelog is damaged, or not of such a store")

// Start finds out from the records that wait where the sequence is, and the time, if it
// was not kept.
func (n *graceNode[K, V, W, R]) Start() error {
	n.oldest, n.sequence = math.MaxInt64, 0
	it := n.buffer.Scan(nil, nil, false)
	for it.Next() {
		key := it.Key()
		if len(key) < waitingPrefix+waitingSuffix {
			_ = it.Close() // the first error is returned
			return errWaitingKey
		}
		at := int64(binary.BigEndian.Uint64(key[1:]))
		n.time, n.oldest = max(n.time, at), min(n.oldest, at)
		n.sequence = max(n.sequence, int32(binary.BigEndian.Uint32(key[len(key)-waitingSuffix:])))
	}
	return it.Close()
}

func (n *graceNode[K, V, W, R]) Receive(r *topology.Record[K, V]) error {
	j := n.join
	if r.NullValue || r.NullKey && !j.left {
		return j.Receive(r) // which drops it
	}
	if r.Timestamp < n.time-n.grace {
		return j.Receive(r)
	}
	for {
		err := n.put(r)
		if err == nil {
			return n.release()
		}
		if retry, err := j.task.Handle(graph.Processing, j.name, err); !retry {
			return err
		}
	}
}

// put makes a record wait.
func (n *graceNode[K, V, W, R]) put(r *topology.Record[K, V]) (err error) {
	defer graph.Recover(&err) // of the serdes
	if r.NullKey {
		return errors.New("a record with a null key cannot wait for a grace period: Kafka Streams' buffer has no null keys, so filter such records out before")
	}
	sequence := (n.sequence + 1) & 0x7fffffff
	n.rowKey = binary.BigEndian.AppendUint64(append(n.rowKey[:0], 0), uint64(r.Timestamp))
	if n.rowKey, err = n.key.Append(n.rowKey, r.Key); err != nil {
		return fmt.Errorf("key: %w", err)
	}
	n.rowKey = binary.BigEndian.AppendUint32(n.rowKey, uint32(sequence))
	if n.valData, err = n.value.Append(n.valData[:0], r.Value); err != nil {
		return fmt.Errorf("value: %w", err)
	}
	if n.valData == nil {
		n.valData = []byte{}
	}
	n.row = bufferRow{topic: n.topic, new: n.valData}
	n.row.take(n.join.task.Source(), r.Timestamp, r.Headers)
	n.topic = n.row.topic
	n.data = n.row.append(n.data[:0])
	if err := n.buffer.Put(n.rowKey, n.data, r.Timestamp); err != nil {
		return err
	}
	n.sequence, n.time, n.oldest = sequence, max(n.time, r.Timestamp), min(n.oldest, r.Timestamp)
	return nil
}

// release joins the records whose grace period has passed.
func (n *graceNode[K, V, W, R]) release() error {
	due := n.time - n.grace
	if n.oldest > due {
		return nil
	}
	it := n.buffer.Scan(nil, binary.BigEndian.AppendUint64([]byte{0}, uint64(due+1)), false)
	for it.Next() {
		n.rowKey = append(n.rowKey[:0], it.Key()...)
		n.data = append(n.data[:0], it.Value()...)
		err := n.send()
		if err == nil {
			err = n.buffer.Put(n.rowKey, nil, n.row.timestamp)
		}
		if err != nil {
			return errors.Join(err, it.Close())
		}
	}
	n.oldest = due + 1
	return it.Close()
}

// send joins the record in rowKey and data.
func (n *graceNode[K, V, W, R]) send() error {
	j := n.join
	for {
		err := n.decode()
		if err == nil {
			break
		}
		if retry, err := j.task.Handle(graph.Processing, j.name, err); !retry {
			return err
		}
	}
	before := j.task.Resume(n.row.origin())
	err := j.Receive(&n.r)
	j.task.Resume(before)
	return err
}

func (n *graceNode[K, V, W, R]) decode() (err error) {
	defer graph.Recover(&err)
	if len(n.rowKey) < waitingPrefix+waitingSuffix {
		return errWaitingKey
	}
	if err := n.row.parse(n.data); err != nil {
		return err
	}
	n.r = topology.Record[K, V]{Timestamp: n.row.timestamp, Headers: n.row.headers}
	if n.r.Key, err = n.key.Decode(n.rowKey[waitingPrefix : len(n.rowKey)-waitingSuffix]); err != nil {
		return fmt.Errorf("key of a record that waits: %w", err)
	}
	if n.r.Value, err = n.value.Decode(n.row.new); err != nil {
		return fmt.Errorf("value of a record that waits: %w", err)
	}
	return nil
}
