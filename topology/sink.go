package topology

import (
	"fmt"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/murmur"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
)

// A Partitioner chooses the partitions, of n, that a record goes to: none (nil)
// drops it, several multicast it. ok is false for the default: Kafka's murmur2
// hash of the encoded key, any partition for a null key. Kafka Streams:
// StreamPartitioner.
type Partitioner[K, V any] func(topic string, r Record[K, V], n int32) (partitions []int32, ok bool)

// Sink describes a sink: where it writes and how.
type Sink[K, V any] struct {
	Key   serde.Serde[K]
	Value serde.Serde[V]
	// Topic is the topic to write to, or TopicOf chooses one for each record;
	// topics must exist. Extractor is what Describe prints for TopicOf.
	Topic     string
	TopicOf   func(r Record[K, V]) string
	Extractor string
	// Partitioner may be nil for the default.
	Partitioner Partitioner[K, V]
	// HashedKey is the part of an encoded key that the default partitioner hashes, so
	// that keys which share it go to one partition; nil: all of it. It must not modify
	// the key. Kafka Streams' WindowedStreamPartitioner leaves the window out.
	HashedKey func(key []byte) []byte
}

// AddSink adds a sink below parents, which must forward records of its types.
func AddSink[K, V any](t *Topology, name string, s Sink[K, V], parents ...string) {
	switch {
	case s.Key == nil || s.Value == nil:
		t.fail(fmt.Errorf("topology: sink %q needs a serde for its keys and one for its values", name))
		return
	case (s.Topic == "") == (s.TopicOf == nil):
		t.fail(fmt.Errorf("topology: sink %q needs either a topic or a function that chooses one", name))
		return
	}
	t.check(t.g.AddSink(&graph.Node{Name: name, Topic: s.Topic, Dynamic: s.Extractor, Parents: parents,
		New: func(w *graph.Wiring) (any, error) { return newSink(w, s) }}))
}

type sinkNode[K, V any] struct {
	name    string
	spec    Sink[K, V]
	task    graph.Task
	fixed   *target[K, V]            // of a fixed topic
	targets map[string]*target[K, V] // of topics chosen by record
	buf     []byte
}

// target is a topic with the codecs bound to it.
type target[K, V any] struct {
	topic  string
	key    serde.Codec[K]
	value  serde.Codec[V]
	copier serde.Copier // value, if it is one
}

func newSink[K, V any](w *graph.Wiring, s Sink[K, V]) (*sinkNode[K, V], error) {
	n := &sinkNode[K, V]{name: w.Name, spec: s, task: w.Task, targets: map[string]*target[K, V]{}, buf: make([]byte, 0, 512)}
	if s.TopicOf != nil {
		return n, nil
	}
	var err error
	key, value := rolesOf(s.Topic, w.Topics[0])
	n.fixed, err = n.target(w.Topics[0], key, value)
	return n, err
}

func (n *sinkNode[K, V]) target(topic string, key, value serde.Role) (*target[K, V], error) {
	t := &target[K, V]{topic: topic}
	var err error
	if t.key, err = n.spec.Key.Bind(topic, key); err != nil {
		return nil, fmt.Errorf("key serde: %w", err)
	}
	if t.value, err = n.spec.Value.Bind(topic, value); err != nil {
		return nil, fmt.Errorf("value serde: %w", err)
	}
	t.copier, _ = t.value.(serde.Copier)
	return t, nil
}

// appendValue appends a value's encoding, or a copy of the one that there is.
func (t *target[K, V]) appendValue(dst []byte, v V, encoded store.Encoding) ([]byte, error) {
	if t.copier != nil {
		if data, codec := encoded.Bytes(); data != nil {
			if out, ok, err := t.copier.AppendCopy(dst, data, codec); ok || err != nil {
				return out, err
			}
		}
	}
	return t.value.Append(dst, v)
}

func (n *sinkNode[K, V]) Receive(r *Record[K, V]) error { return n.ReceiveEncoded(r, store.Encoding{}) }

// ReceiveEncoded implements [graph.EncodedReceiver].
func (n *sinkNode[K, V]) ReceiveEncoded(r *Record[K, V], value store.Encoding) error {
	for {
		err := n.send(r, value)
		if err == nil {
			return nil
		}
		retry, err := n.task.Handle(graph.Production, n.name, err)
		if !retry {
			return err
		}
	}
}

func (n *sinkNode[K, V]) send(r *Record[K, V], encoded store.Encoding) (err error) {
	defer graph.Recover(&err)
	to := n.fixed
	if to == nil {
		if to, err = n.choose(r); err != nil {
			return err
		}
	}
	var key, value []byte
	n.buf = n.buf[:0]
	if !r.NullKey {
		if n.buf, err = to.key.Append(n.buf, r.Key); err != nil {
			return fmt.Errorf("topic %s: key: %w", to.topic, err)
		}
		key = n.buf
	}
	if k := len(n.buf); !r.NullValue {
		if n.buf, err = to.appendValue(n.buf, r.Value, encoded); err != nil {
			return fmt.Errorf("topic %s: value: %w", to.topic, err)
		}
		value = n.buf[k:]
		if !r.NullKey {
			key = n.buf[:k]
		}
	}
	if n.spec.Partitioner != nil {
		return n.partition(to.topic, r, key, value)
	}
	if n.spec.HashedKey != nil && key != nil {
		count, err := n.task.Partitions(to.topic)
		if err != nil {
			return err
		}
		return n.task.Send(to.topic, murmur.Partition(n.spec.HashedKey(key), count), key, value, r.Timestamp, r.Headers)
	}
	return n.task.Send(to.topic, -1, key, value, r.Timestamp, r.Headers)
}

func (n *sinkNode[K, V]) choose(r *Record[K, V]) (*target[K, V], error) {
	topic := n.spec.TopicOf(*r)
	if t := n.targets[topic]; t != nil {
		return t, nil
	}
	if topic == "" {
		return nil, fmt.Errorf("the function that chooses the topic returned an empty name")
	}
	t, err := n.target(topic, serde.Key, serde.Value)
	if err == nil {
		n.targets[topic] = t
	}
	return t, err
}

func (n *sinkNode[K, V]) partition(topic string, r *Record[K, V], key, value []byte) error {
	count, err := n.task.Partitions(topic)
	if err != nil {
		return err
	}
	chosen, ok := n.spec.Partitioner(topic, *r, count)
	if !ok {
		return n.task.Send(topic, -1, key, value, r.Timestamp, r.Headers)
	}
	for _, p := range chosen {
		if p < 0 || p >= count {
			return fmt.Errorf("topic %s: the partitioner chose partition %d of %d", topic, p, count)
		}
		if err := n.task.Send(topic, p, key, value, r.Timestamp, r.Headers); err != nil {
			return err
		}
	}
	if len(chosen) == 0 {
		n.task.Dropped(n.name, "the partitioner chose no partition")
	}
	return nil
}
