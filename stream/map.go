package stream

import (
	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/topology"
)

// KeyValue is a key with its value, an element of what [FlatMap]'s function returns.
type KeyValue[K, V any] struct {
	Key   K
	Value V
}

// KV returns a KeyValue.
func KV[K, V any](key K, value V) KeyValue[K, V] { return KeyValue[K, V]{key, value} }

// mapped appends a one-to-one operator.
func mapped[K, V, K2, V2 any](s *KStream[K, V], prefix string, opts []Option, keepsKey bool, key serde.Serde[K2], value serde.Serde[V2],
	f func(graph.Task, *topology.Record[K, V], *topology.Record[K2, V2]) error) *KStream[K2, V2] {
	name := s.b.g.Name(s.b.options(prefix, opts, optName).name, prefix)
	op := s.changing(name, keepsKey, recordType[K2, V2](), newMapNode(f))
	return &KStream[K2, V2]{b: s.b, op: op, name: name, key: key, value: value, repartition: !keepsKey || s.repartition}
}

// Map makes each record another record. It marks the stream: a repartition
// follows where records must be grouped or joined. The serdes are dropped, nothing is
// stored. f is called for null keys and values too and sees nil, or the zero value of a
// type without nil; what it returns is null if it is nil. Kafka Streams: KStream.map.
func Map[K, V, K2, V2 any](s *KStream[K, V], f func(key K, value V) (K2, V2), opts ...Option) *KStream[K2, V2] {
	return mapped(s, "KSTREAM-MAP-", opts, false, nil, nil, func(_ graph.Task, in *topology.Record[K, V], out *topology.Record[K2, V2]) error {
		out.Key, out.Value = f(in.Key, in.Value)
		return nil
	})
}

// TryMap is [Map] with a function that can fail and sees the whole record.
func TryMap[K, V, K2, V2 any](s *KStream[K, V], f RecordFunc[K, V, KeyValue[K2, V2]], opts ...Option) *KStream[K2, V2] {
	return mapped(s, "KSTREAM-MAP-", opts, false, nil, nil, func(t graph.Task, in *topology.Record[K, V], out *topology.Record[K2, V2]) error {
		kv, err := f(t.Context(), *in)
		out.Key, out.Value = kv.Key, kv.Value
		return err
	})
}

// SelectKey gives each record another key. It marks the stream, as [Map] does, and drops
// the key serde. The value stays, a null one as well; f sees nulls as Map's does. Kafka
// Streams: KStream.selectKey.
func SelectKey[K, V, K2 any](s *KStream[K, V], f func(key K, value V) K2, opts ...Option) *KStream[K2, V] {
	return selectKey(s, "KSTREAM-KEY-SELECT-", f, opts)
}

func selectKey[K, V, K2 any](s *KStream[K, V], prefix string, f func(key K, value V) K2, opts []Option) *KStream[K2, V] {
	return mapped(s, prefix, opts, false, nil, s.value, func(_ graph.Task, in *topology.Record[K, V], out *topology.Record[K2, V]) error {
		out.Key, out.Value, out.NullValue = f(in.Key, in.Value), in.Value, in.NullValue
		return nil
	})
}

// TrySelectKey is [SelectKey] with a function that can fail and sees the whole record.
func TrySelectKey[K, V, K2 any](s *KStream[K, V], f RecordFunc[K, V, K2], opts ...Option) *KStream[K2, V] {
	return mapped(s, "KSTREAM-KEY-SELECT-", opts, false, nil, s.value, func(t graph.Task, in *topology.Record[K, V], out *topology.Record[K2, V]) (err error) {
		out.Value, out.NullValue = in.Value, in.NullValue
		out.Key, err = f(t.Context(), *in)
		return err
	})
}

// MapValues gives each record another value. Keys stay, so it does not cause a
// repartition; the value serde is dropped, nothing is stored. f is called for null values
// too and sees nil, or the zero value of a type without nil. A null key stays null. Kafka
// Streams: KStream.mapValues.
func MapValues[K, V, V2 any](s *KStream[K, V], f func(value V) V2, opts ...Option) *KStream[K, V2] {
	return MapValuesWithKey(s, func(_ K, v V) V2 { return f(v) }, opts...)
}

// MapValuesWithKey is [MapValues] with a function that sees the key, which it must
// not modify.
func MapValuesWithKey[K, V, V2 any](s *KStream[K, V], f func(key K, value V) V2, opts ...Option) *KStream[K, V2] {
	return mapped(s, "KSTREAM-MAPVALUES-", opts, true, s.key, nil, func(_ graph.Task, in *topology.Record[K, V], out *topology.Record[K, V2]) error {
		out.Key, out.NullKey, out.Value = in.Key, in.NullKey, f(in.Key, in.Value)
		return nil
	})
}

// TryMapValues is [MapValues] with a function that can fail and sees the whole
// record.
func TryMapValues[K, V, V2 any](s *KStream[K, V], f RecordFunc[K, V, V2], opts ...Option) *KStream[K, V2] {
	return mapped(s, "KSTREAM-MAPVALUES-", opts, true, s.key, nil, func(t graph.Task, in *topology.Record[K, V], out *topology.Record[K, V2]) (err error) {
		out.Key, out.NullKey = in.Key, in.NullKey
		out.Value, err = f(t.Context(), *in)
		return err
	})
}

// flatMapped appends a one-to-many operator.
func flatMapped[K, V, E, K2, V2 any](s *KStream[K, V], prefix string, opts []Option, keepsKey bool, key serde.Serde[K2],
	list func(graph.Task, *topology.Record[K, V]) ([]E, error), item func(*topology.Record[K, V], *E, *topology.Record[K2, V2])) *KStream[K2, V2] {
	name := s.b.g.Name(s.b.options(prefix, opts, optName).name, prefix)
	op := s.changing(name, keepsKey, recordType[K2, V2](), newFlatMapNode(list, item))
	return &KStream[K2, V2]{b: s.b, op: op, name: name, key: key, repartition: !keepsKey || s.repartition}
}

// FlatMap makes each record any number of records, all with its timestamp and headers. It
// marks the stream and drops the serdes, and f sees nulls, as with [Map]. Kafka Streams:
// KStream.flatMap.
func FlatMap[K, V, K2, V2 any](s *KStream[K, V], f func(key K, value V) []KeyValue[K2, V2], opts ...Option) *KStream[K2, V2] {
	return flatMapped(s, "KSTREAM-FLATMAP-", opts, false, nil,
		func(_ graph.Task, in *topology.Record[K, V]) ([]KeyValue[K2, V2], error) {
			return f(in.Key, in.Value), nil
		}, keyValueItem[K, V, K2, V2])
}

// TryFlatMap is [FlatMap] with a function that can fail and sees the whole record.
func TryFlatMap[K, V, K2, V2 any](s *KStream[K, V], f RecordFunc[K, V, []KeyValue[K2, V2]], opts ...Option) *KStream[K2, V2] {
	return flatMapped(s, "KSTREAM-FLATMAP-", opts, false, nil,
		func(t graph.Task, in *topology.Record[K, V]) ([]KeyValue[K2, V2], error) { return f(t.Context(), *in) }, keyValueItem[K, V, K2, V2])
}

func keyValueItem[K, V, K2, V2 any](_ *topology.Record[K, V], e *KeyValue[K2, V2], out *topology.Record[K2, V2]) {
	out.Key, out.Value = e.Key, e.Value
}

// FlatMapValues makes of each record any number of records with the same key, timestamp
// and headers. It does not cause a repartition; the value serde is dropped, and f sees
// nulls, as with [MapValues]. Kafka Streams: KStream.flatMapValues.
func FlatMapValues[K, V, V2 any](s *KStream[K, V], f func(value V) []V2, opts ...Option) *KStream[K, V2] {
	return FlatMapValuesWithKey(s, func(_ K, v V) []V2 { return f(v) }, opts...)
}

// FlatMapValuesWithKey is [FlatMapValues] with a function that sees the key, which it
// must not modify.
func FlatMapValuesWithKey[K, V, V2 any](s *KStream[K, V], f func(key K, value V) []V2, opts ...Option) *KStream[K, V2] {
	return flatMapped(s, "KSTREAM-FLATMAPVALUES-", opts, true, s.key,
		func(_ graph.Task, in *topology.Record[K, V]) ([]V2, error) { return f(in.Key, in.Value), nil }, valueItem[K, V, V2])
}

// TryFlatMapValues is [FlatMapValues] with a function that can fail and sees the whole
// record.
func TryFlatMapValues[K, V, V2 any](s *KStream[K, V], f RecordFunc[K, V, []V2], opts ...Option) *KStream[K, V2] {
	return flatMapped(s, "KSTREAM-FLATMAPVALUES-", opts, true, s.key,
		func(t graph.Task, in *topology.Record[K, V]) ([]V2, error) { return f(t.Context(), *in) }, valueItem[K, V, V2])
}

func valueItem[K, V, V2 any](in *topology.Record[K, V], e *V2, out *topology.Record[K, V2]) {
	out.Key, out.NullKey, out.Value = in.Key, in.NullKey, *e
}
