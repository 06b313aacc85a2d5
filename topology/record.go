package topology

import "github.com/streamweir/streamweir/serde"

// Record is a record between two processors: Kafka Streams' Record.
//
// Null is kept apart from the types: NullKey and NullValue say that the key or
// value has no bytes. For a type with a nil (pointer, slice, map) nil and null
// are the same thing, and either of the two is enough when a record is forwarded;
// for other types Key or Value is then the zero value.
type Record[K, V any] struct {
	Key   K
	Value V
	// Timestamp is in milliseconds since the epoch, not negative.
	Timestamp int64
	// Headers are shared by all that see the record; change them with With.
	Headers            Headers
	NullKey, NullValue bool
}

// Header is a header of a record.
type Header = serde.Header

// Headers are the headers of a record, in order. Names may repeat. Treat them as
// immutable: the same slice is seen by other processors.
type Headers []Header

// With returns the headers with one more at the end. The receiver is unchanged.
func (h Headers) With(name string, value []byte) Headers {
	return append(h[:len(h):len(h)], Header{Name: name, Value: value})
}

// Last returns the value of the last header of a name.
func (h Headers) Last(name string) (value []byte, ok bool) {
	for i := len(h) - 1; i >= 0; i-- {
		if h[i].Name == name {
			return h[i].Value, true
		}
	}
	return nil, false
}

// RecordMetadata says where the input record came from that is being processed.
type RecordMetadata struct {
	Topic     string
	Partition int32
	Offset    int64
}

// WithValue returns a copy of r with another value.
func WithValue[K, V, V2 any](r Record[K, V], value V2) Record[K, V2] {
	return Record[K, V2]{Key: r.Key, Value: value, Timestamp: r.Timestamp, Headers: r.Headers, NullKey: r.NullKey}
}

// WithKey returns a copy of r with another key.
func WithKey[K, V, K2 any](r Record[K, V], key K2) Record[K2, V] {
	return Record[K2, V]{Key: key, Value: r.Value, Timestamp: r.Timestamp, Headers: r.Headers, NullValue: r.NullValue}
}
