package stream

import (
	"context"
	"fmt"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/topology"
)

// KStream is a stream of records: each stands for itself. Kafka Streams: KStream.
//
// Operators that keep the types are methods, those that change one are functions
// of this package ([Map], [MapValues], [GroupBy], [Process]). An operator that
// changes the key marks the stream; the next operator that needs records of one
// key in one place then puts a repartition topic in between.
//
// Functions given to operators are called by one goroutine for each task, tasks
// running in parallel. They should be quick and pure; for work that can fail or
// wait, and for headers, time and stores, use the Try variants or [Process].
type KStream[K, V any] struct {
	b           *Builder
	op          *graph.Op
	name        string
	key         serde.Serde[K] // nil if unknown
	value       serde.Serde[V]
	repartition bool      // the key was changed since the source
	joined      *graph.Op // the repartition that joins without a name share
}

// RecordFunc is a function that sees the whole record and can fail; ctx is
// cancelled when the application must stop without waiting. An error goes to the
// application's error handler.
type RecordFunc[K, V, R any] func(ctx context.Context, r topology.Record[K, V]) (R, error)

// add appends an operator of one processor node.
func (s *KStream[K, V]) add(name string, node func(*graph.Wiring) (any, error)) *graph.Op {
	op := &graph.Op{Name: name, Write: func(t *graph.Topology, parents []string) error {
		return t.AddProcessor(&graph.Node{Name: name, Parents: parents, New: node})
	}}
	s.b.g.Add(op, s.op)
	return op
}

// changing is add for an operator that changes keys, or at least values.
func (s *KStream[K, V]) changing(name string, keepsKey bool, typ string, node func(*graph.Wiring) (any, error)) *graph.Op {
	op := s.add(name, node)
	op.KeyChanging, op.ValueChanging, op.Type = !keepsKey, keepsKey, typ
	return op
}

// recordType names the type of a stream's records, for what has to compare types
// that are erased.
func recordType[K, V any]() string { return fmt.Sprintf("%T", *new(topology.Record[K, V])) }

// same returns the stream behind an operator that keeps the types.
func (s *KStream[K, V]) same(name string, op *graph.Op) *KStream[K, V] {
	return &KStream[K, V]{b: s.b, op: op, name: name, key: s.key, value: s.value, repartition: s.repartition}
}

func (s *KStream[K, V]) filter(prefix string, opts []Option, f func(graph.Task, *topology.Record[K, V]) (bool, error)) *KStream[K, V] {
	name := s.b.g.Name(s.b.options(prefix, opts, optName).name, prefix)
	return s.same(name, s.add(name, newFilterNode(f)))
}

// Filter keeps the records for which f is true. It keeps the serdes, does not
// repartition and stores nothing. For a null key or value of a type without nil, f sees
// the zero value. What is filtered out does not count as dropped. Kafka Streams:
// KStream.filter.
func (s *KStream[K, V]) Filter(f func(key K, value V) bool, opts ...Option) *KStream[K, V] {
	return s.filter("KSTREAM-FILTER-", opts, func(_ graph.Task, r *topology.Record[K, V]) (bool, error) {
		return f(r.Key, r.Value), nil
	})
}

// FilterNot is [KStream.Filter] for the records for which f is not true. Kafka Streams:
// KStream.filterNot.
func (s *KStream[K, V]) FilterNot(f func(key K, value V) bool, opts ...Option) *KStream[K, V] {
	return s.Filter(func(k K, v V) bool { return !f(k, v) }, opts...)
}

// TryFilter is [KStream.Filter] with a function that can fail and sees the whole record.
func (s *KStream[K, V]) TryFilter(f RecordFunc[K, V, bool], opts ...Option) *KStream[K, V] {
	return s.filter("KSTREAM-FILTER-", opts, func(t graph.Task, r *topology.Record[K, V]) (bool, error) {
		return f(t.Context(), *r)
	})
}

// Peek calls f for each record, null keys and values included, and passes the record on:
// nothing is stored or repartitioned. f must not modify what key and value refer to. It
// runs before the record is committed: a record that is processed again is seen again.
// Kafka Streams: KStream.peek.
func (s *KStream[K, V]) Peek(f func(key K, value V), opts ...Option) *KStream[K, V] {
	return s.filter("KSTREAM-PEEK-", opts, func(_ graph.Task, r *topology.Record[K, V]) (bool, error) {
		f(r.Key, r.Value)
		return true, nil
	})
}

// TryPeek is [KStream.Peek] with a function that can fail and sees the whole record. One
// whose error is skipped goes no further.
func (s *KStream[K, V]) TryPeek(f func(ctx context.Context, r topology.Record[K, V]) error, opts ...Option) *KStream[K, V] {
	return s.filter("KSTREAM-PEEK-", opts, func(t graph.Task, r *topology.Record[K, V]) (bool, error) {
		return true, f(t.Context(), *r)
	})
}

// Foreach calls f for each record and ends the stream. What is said of [KStream.Peek]
// holds here. Kafka Streams: KStream.foreach.
func (s *KStream[K, V]) Foreach(f func(key K, value V), opts ...Option) {
	s.filter("KSTREAM-FOREACH-", opts, func(_ graph.Task, r *topology.Record[K, V]) (bool, error) {
		f(r.Key, r.Value)
		return false, nil
	})
}

// TryForeach is [KStream.Foreach] with a function that can fail and sees the whole record.
func (s *KStream[K, V]) TryForeach(f func(ctx context.Context, r topology.Record[K, V]) error, opts ...Option) {
	s.filter("KSTREAM-FOREACH-", opts, func(t graph.Task, r *topology.Record[K, V]) (bool, error) {
		return false, f(t.Context(), *r)
	})
}

// Merge makes one stream of two of the same types. Records of the two come in no
// particular order; nulls stay as they are, and nothing is stored. The serdes are
// dropped. Merge does not repartition, but the result needs a repartition if one of the
// two does. Kafka Streams: KStream.merge.
func (s *KStream[K, V]) Merge(other *KStream[K, V], opts ...Option) *KStream[K, V] {
	name := s.b.g.Name(s.b.options("KSTREAM-MERGE-", opts, optName).name, "KSTREAM-MERGE-")
	if s.b != other.b {
		s.b.g.Failf(name, "the two streams belong to different builders")
		return &KStream[K, V]{b: s.b, op: s.op, name: name}
	}
	op := &graph.Op{Name: name, Merging: true, Type: recordType[K, V](), Write: func(t *graph.Topology, parents []string) error {
		return t.AddProcessor(&graph.Node{Name: name, Parents: parents, New: newFilterNode(pass[K, V])})
	}}
	s.b.g.Add(op, s.op, other.op)
	return &KStream[K, V]{b: s.b, op: op, name: name, repartition: s.repartition || other.repartition}
}

// To writes the stream to a topic, which must exist. with may be nil if the
// stream's serdes are known. Null keys and values are written as null, timestamps and
// headers as they are. The partition is Kafka's: murmur2 of the encoded key, any for a
// null key, or what the Partitioner of with chooses; for a key in a window, that of the
// key. Kafka Streams: KStream.to.
func (s *KStream[K, V]) To(topic string, with *Serdes[K, V], opts ...Option) {
	s.to(topology.Sink[K, V]{Topic: topic}, with, opts)
}

// ToDynamic is [KStream.To] with a topic that f chooses for each record; topics must
// exist. describe is what Describe prints in place of the topic. Kafka Streams:
// KStream.to(TopicNameExtractor).
func (s *KStream[K, V]) ToDynamic(describe string, f func(r topology.Record[K, V]) string, with *Serdes[K, V], opts ...Option) {
	s.to(topology.Sink[K, V]{TopicOf: f, Extractor: describe}, with, opts)
}

func (s *KStream[K, V]) to(sink topology.Sink[K, V], with *Serdes[K, V], opts []Option) {
	name := s.b.g.Name(s.b.options("KSTREAM-SINK-", opts, optName).name, "KSTREAM-SINK-")
	if sink.Topic == "" && sink.TopicOf == nil {
		s.b.g.Failf(name, "the topic has no name, and there is no function that chooses one")
	}
	sd := with.or(s.key, s.value)
	sd.complete(s.b.g, name)
	sink.Key, sink.Value, sink.Partitioner = sd.key, sd.value, sd.partitioner
	sink.HashedKey = keyInWindow(sd.key)
	s.b.g.Add(&graph.Op{Name: name, Write: func(t *graph.Topology, parents []string) error {
		w := topology.Of(t)
		topology.AddSink(w, name, sink, parents...)
		return w.Err()
	}}, s.op)
}
