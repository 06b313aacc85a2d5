package store

import (
	"fmt"
	"strings"

	"github.com/streamweir/streamweir/internal/null"
	"github.com/streamweir/streamweir/serde"
)

// serialized turns the keys and values of a typed store into bytes and back.
type serialized[K, V any] struct {
	name    string
	keys    serde.Codec[K]
	values  serde.Codec[V]
	reuser  serde.Reuser[V] // values, if they are one
	nilKey  func(*K) bool   // nil: a K is never nil
	key     K               // what nilKey looks at; a local variable would be moved to the heap
	keyData []byte
}

func bindSerdes[K, V any](s Spec, keys serde.Serde[K], values serde.Serde[V], r Reader, topic string) (c serialized[K, V], err error) {
	if keys == nil || values == nil {
		return c, noSerdes(s)
	}
	if r == nil {
		return c, fmt.Errorf("store: %s store %q is bound to nothing", s.Kind, s.Name)
	}
	c = serialized[K, V]{name: s.Name, nilKey: null.Check[K]()}
	key, value := rolesOf(s, topic)
	if c.keys, err = keys.Bind(topic, key); err != nil {
		return c, fmt.Errorf("store: %q: key serde for topic %q: %w", s.Name, topic, err)
	}
	if c.values, err = values.Bind(topic, value); err != nil {
		return c, fmt.Errorf("store: %q: value serde for topic %q: %w", s.Name, topic, err)
	}
	c.reuser, _ = c.values.(serde.Reuser[V])
	return c, nil
}

// rolesOf are the halves of a record of the topic that a store is bound to: its own
// changelog, which is named after it, or a source topic that serves as one.
func rolesOf(s Spec, topic string) (key, value serde.Role) {
	if strings.HasSuffix(topic, "-"+s.Name+"-changelog") {
		return serde.Key.Internal(), serde.Value.Internal()
	}
	return serde.Key, serde.Value
}

func (s *serialized[K, V]) isNilKey(key K) bool {
	if s.nilKey == nil {
		return false
	}
	s.key = key
	isNil := s.nilKey(&s.key)
	var zero K
	s.key = zero
	return isNil
}

// encodeKey leaves the key's bytes in keyData.
func (s *serialized[K, V]) encodeKey(key K) (err error) {
	if s.isNilKey(key) {
		return fmt.Errorf("store: %q: key is nil: a store has no nil keys, drop the record", s.name)
	}
	if s.keyData, err = s.keys.Append(s.keyData[:0], key); err != nil {
		s.keyData = s.keyData[:0]
		return fmt.Errorf("store: %q: encode key: %w", s.name, err)
	}
	if s.keyData == nil {
		s.keyData = []byte{} // an empty key is a key, in the changelog too
	}
	return nil
}

func (s *serialized[K, V]) decode(data []byte) (v V, ok bool, err error) {
	if data == nil {
		return v, false, nil
	}
	v, err = s.values.Decode(data)
	return v, err == nil, s.undecoded(err)
}

// decodeInto is decode, into old if the codec can.
func (s *serialized[K, V]) decodeInto(old V, data []byte) (v V, ok bool, err error) {
	if s.reuser == nil || data == nil {
		return s.decode(data)
	}
	v, err = s.reuser.DecodeInto(old, data)
	return v, err == nil, s.undecoded(err)
}

func (s *serialized[K, V]) undecoded(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("store: %q: decode value: %w", s.name, err)
}

// valueWriter turns the values of a typed store into what is put.
type valueWriter[V any] struct {
	name      string
	values    serde.Codec[V]
	isNil     func(*V) bool  // nil: a V is never nil
	timestamp func(*V) int64 // of a put's changelog record
	now       func() int64   // of a delete's
	value     V              // what isNil and timestamp look at
	written   Encodings
}

// plainValues writes values whose changelog records have the timestamp of the record
// that is being processed.
func plainValues[V any](s Spec, values serde.Codec[V], to Binding) (valueWriter[V], error) {
	w := valueWriter[V]{
		name: s.Name, values: values, isNil: null.Check[V](), now: to.Timestamp,
		timestamp: func(*V) int64 { return to.Timestamp() },
		written:   Encodings{codec: values},
	}
	return w, checkClock(s, to)
}

// timestampedValues writes values whose changelog records have their timestamps. One
// whose Value is nil is a deletion.
func timestampedValues[V any](s Spec, values serde.Codec[ValueAndTimestamp[V]], to Binding) (valueWriter[ValueAndTimestamp[V]], error) {
	plain := values.(interface{ plain() serde.Codec[V] }).plain()
	w := valueWriter[ValueAndTimestamp[V]]{
		name: s.Name, values: values, now: to.Timestamp,
		timestamp: func(v *ValueAndTimestamp[V]) int64 { return v.Timestamp },
		written:   Encodings{codec: plain, skip: timestampBytes},
	}
	if isNil := null.Check[V](); isNil != nil {
		w.isNil = func(v *ValueAndTimestamp[V]) bool { return isNil(&v.Value) }
	}
	return w, checkClock(s, to)
}

func checkClock(s Spec, to Binding) error {
	if to.Timestamp == nil {
		return fmt.Errorf("store: %s store %q is bound without the timestamp of the current record", s.Kind, s.Name)
	}
	return nil
}

// encode returns the bytes to put for a value, nil to delete, and the timestamp of
// the changelog record. The bytes are valid until the next call.
func (w *valueWriter[V]) encode(value V) (data []byte, timestamp int64, err error) {
	w.value = value
	isNil := w.isNil != nil && w.isNil(&w.value)
	if !isNil {
		timestamp = w.timestamp(&w.value)
	}
	var zero V
	w.value = zero
	if isNil {
		return nil, w.now(), nil
	}
	w.written.count++ // before the codec writes, which may fail or panic half-way
	if data, err = w.values.Append(w.written.data[:0], value); data == nil {
		data = []byte{} // an empty value is a value
	}
	w.written.data = data
	if err != nil {
		return nil, 0, fmt.Errorf("store: %q: encode value: %w", w.name, err)
	}
	return data, timestamp, nil
}
