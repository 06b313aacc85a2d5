package store

import (
	"encoding/binary"
	"fmt"

	"github.com/streamweir/streamweir/serde"
)

// ValueAndTimestamp is a value and its timestamp in milliseconds since the epoch.
type ValueAndTimestamp[V any] struct {
	Value     V
	Timestamp int64
}

// A ReadOnlyTimestampedKeyValueStore maps keys to values with timestamps.
type ReadOnlyTimestampedKeyValueStore[K, V any] interface {
	ReadOnlyKeyValueStore[K, ValueAndTimestamp[V]]
}

// A TimestampedKeyValueStore is a key-value store that keeps a timestamp with
// each value: the store of a table. Putting a ValueAndTimestamp whose Value is
// nil deletes the key, and so does Delete.
//
// The changelog record of a put has the value's timestamp; that of a delete has
// the timestamp of the record being processed, as in Kafka Streams.
type TimestampedKeyValueStore[K, V any] interface {
	KeyValueStore[K, ValueAndTimestamp[V]]
}

// A TimestampedKeyValueBuilder describes a [TimestampedKeyValueStore].
type TimestampedKeyValueBuilder[K, V any] struct{ description[K, V] }

// TimestampedKeyValue describes a timestamped key-value store, as Kafka Streams'
// timestampedKeyValueStoreBuilder does: what is stored is the timestamp in 8
// bytes, big-endian, and the serialised value; the changelog has the value alone.
func TimestampedKeyValue[K, V any](name string, keys serde.Serde[K], values serde.Serde[V], opts ...Option) *TimestampedKeyValueBuilder[K, V] {
	return &TimestampedKeyValueBuilder[K, V]{describe(name, KindTimestampedKeyValue, keys, values, opts)}
}

// Bind returns the typed store over a task's bytes.
func (b *TimestampedKeyValueBuilder[K, V]) Bind(to Binding) (TimestampedKeyValueStore[K, V], error) {
	if err := b.spec.Validate(); err != nil {
		return nil, err
	}
	to.Bytes = mortal(b.spec, to)
	kv, err := bindView(b.spec, b.keys, b.timestamped(), to.Bytes, to.ChangelogTopic)
	if err != nil {
		return nil, err
	}
	w, err := timestampedValues(b.spec, kv.values, to)
	if err != nil {
		return nil, err
	}
	return limited(b.spec, &keyValue[K, ValueAndTimestamp[V]]{keyValueView: kv, bytes: to.Bytes, writer: w})
}

// View returns a typed store that reads r. Each goroutine needs one of its own.
func (b *TimestampedKeyValueBuilder[K, V]) View(r Reader, changelogTopic string) (ReadOnlyTimestampedKeyValueStore[K, V], error) {
	kv, err := bindView(b.spec, b.keys, b.timestamped(), r, changelogTopic)
	if err != nil {
		return nil, err
	}
	return &kv, nil
}

// BindAny implements [Builder].
func (b *TimestampedKeyValueBuilder[K, V]) BindAny(to Binding) (any, error) { return b.Bind(to) }

// ViewAny implements [Builder].
func (b *TimestampedKeyValueBuilder[K, V]) ViewAny(r Reader, changelogTopic string) (any, error) {
	return b.View(r, changelogTopic)
}

func (b *TimestampedKeyValueBuilder[K, V]) timestamped() serde.Serde[ValueAndTimestamp[V]] {
	return timestamped(b.values)
}

func timestamped[V any](values serde.Serde[V]) serde.Serde[ValueAndTimestamp[V]] {
	if values == nil {
		return nil
	}
	return timestampedSerde[V]{values}
}

type timestampedSerde[V any] struct{ values serde.Serde[V] }

func (s timestampedSerde[V]) Bind(topic string, role serde.Role) (serde.Codec[ValueAndTimestamp[V]], error) {
	c, err := s.values.Bind(topic, role)
	if err != nil {
		return nil, err
	}
	if r, ok := c.(serde.Reuser[V]); ok {
		return timestampedReuser[V]{timestampedCodec[V]{c}, r}, nil
	}
	return timestampedCodec[V]{c}, nil
}

type timestampedCodec[V any] struct{ values serde.Codec[V] }

func (c timestampedCodec[V]) plain() serde.Codec[V] { return c.values }

func (c timestampedCodec[V]) Append(dst []byte, v ValueAndTimestamp[V]) ([]byte, error) {
	return c.values.Append(binary.BigEndian.AppendUint64(dst, uint64(v.Timestamp)), v.Value)
}

func (c timestampedCodec[V]) Decode(data []byte) (v ValueAndTimestamp[V], err error) {
	if v.Timestamp, err = timestampOf(data); err == nil {
		v.Value, err = c.values.Decode(data[timestampBytes:])
	}
	return v, err
}

// timestampBytes is the size of the timestamp before a value.
const timestampBytes = 8

func timestampOf(data []byte) (int64, error) {
	if len(data) < timestampBytes {
		return 0, fmt.Errorf("timestamped value has %d bytes, less than its timestamp of %d", len(data), timestampBytes)
	}
	return int64(binary.BigEndian.Uint64(data)), nil
}

type timestampedReuser[V any] struct {
	timestampedCodec[V]
	values serde.Reuser[V]
}

func (c timestampedReuser[V]) DecodeInto(old ValueAndTimestamp[V], data []byte) (v ValueAndTimestamp[V], err error) {
	if v.Timestamp, err = timestampOf(data); err == nil {
		v.Value, err = c.values.DecodeInto(old.Value, data[timestampBytes:])
	}
	return v, err
}
