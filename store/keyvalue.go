package store

import (
	"errors"
	"fmt"

	"github.com/streamweir/streamweir/serde"
)

// A ReadOnlyKeyValueStore maps keys to values, in the order of the keys' serialised
// bytes. It is used by one goroutine at a time.
//
// A nil key of a type that has a nil is an error, as in Kafka Streams. Methods
// that return an iterator report their errors when it is closed.
type ReadOnlyKeyValueStore[K, V any] interface {
	// Get returns the value of key and whether there is one.
	Get(key K) (value V, ok bool, err error)
	// Range iterates over the keys from and to and what is between them, both
	// included; nil leaves a side open.
	Range(from, to *K) KeyValueIterator[K, V]
	// ReverseRange is Range in descending order.
	ReverseRange(from, to *K) KeyValueIterator[K, V]
	// All iterates over all keys.
	All() KeyValueIterator[K, V]
	// ReverseAll is All in descending order.
	ReverseAll() KeyValueIterator[K, V]
	// PrefixScan iterates over the keys whose serialised bytes begin with prefix.
	PrefixScan(prefix []byte) KeyValueIterator[K, V]
	// ApproximateNumEntries is the number of keys. It counts them, in time
	// proportional to their number.
	ApproximateNumEntries() (int64, error)
}

// A KeyValueStore is a [ReadOnlyKeyValueStore] that can be written to. It belongs
// to a task and is used while the task processes a record or a punctuation. The
// store may be written to while an iterator is open; see [Reader].
type KeyValueStore[K, V any] interface {
	ReadOnlyKeyValueStore[K, V]
	// Put sets key to value. A nil value of a type that has a nil deletes key.
	Put(key K, value V) error
	// PutIfAbsent sets key to value if it has none. Otherwise it changes nothing
	// and returns the value it has, and true.
	PutIfAbsent(key K, value V) (existing V, ok bool, err error)
	// Delete removes key and returns the value it had and whether it had one.
	Delete(key K) (old V, ok bool, err error)
}

// A KeyValueIterator walks over keys and values in order. It must be closed; it
// is used by the goroutine of its store.
//
//	for it.Next() {
//		use(it.Key(), it.Value())
//	}
//	err := it.Close()
type KeyValueIterator[K, V any] interface {
	// Next moves to the next entry and reports whether there is one. It is false
	// at the end and after an error.
	Next() bool
	// Key and Value are those of the entry Next moved to.
	Key() K
	Value() V
	// Close releases the iterator and returns the error that ended it, if any.
	Close() error
}

// A KeyValueBuilder describes a [KeyValueStore].
type KeyValueBuilder[K, V any] struct{ description[K, V] }

// KeyValue describes a key-value store, as Kafka Streams' keyValueStoreBuilder
// does: what is stored for a value is its serialised bytes.
func KeyValue[K, V any](name string, keys serde.Serde[K], values serde.Serde[V], opts ...Option) *KeyValueBuilder[K, V] {
	return &KeyValueBuilder[K, V]{describe(name, KindKeyValue, keys, values, opts)}
}

// Bind returns the typed store over a task's bytes.
func (b *KeyValueBuilder[K, V]) Bind(to Binding) (KeyValueStore[K, V], error) {
	kv, err := bindView(b.spec, b.keys, b.values, to.Bytes, to.ChangelogTopic)
	if err != nil {
		return nil, err
	}
	w, err := plainValues(b.spec, kv.values, to)
	if err != nil {
		return nil, err
	}
	return limited(b.spec, &keyValue[K, V]{keyValueView: kv, bytes: to.Bytes, writer: w})
}

// View returns a typed store that reads r. Each goroutine needs one of its own.
func (b *KeyValueBuilder[K, V]) View(r Reader, changelogTopic string) (ReadOnlyKeyValueStore[K, V], error) {
	kv, err := bindView(b.spec, b.keys, b.values, r, changelogTopic)
	if err != nil {
		return nil, err
	}
	return &kv, nil
}

// BindAny implements [Builder].
func (b *KeyValueBuilder[K, V]) BindAny(to Binding) (any, error) { return b.Bind(to) }

// ViewAny implements [Builder].
func (b *KeyValueBuilder[K, V]) ViewAny(r Reader, changelogTopic string) (any, error) {
	return b.View(r, changelogTopic)
}

// keyValueView implements [ReadOnlyKeyValueStore].
type keyValueView[K, V any] struct {
	serialized[K, V]
	r      Reader
	toData []byte
}

func bindView[K, V any](s Spec, keys serde.Serde[K], values serde.Serde[V], r Reader, topic string) (v keyValueView[K, V], err error) {
	v.r = r
	v.serialized, err = bindSerdes(s, keys, values, r, topic)
	return v, err
}

// read returns the bytes of a key's value, nil if it has none.
func (s *keyValueView[K, V]) read(key K) ([]byte, error) {
	if err := s.encodeKey(key); err != nil {
		return nil, err
	}
	data, err := s.r.Get(s.keyData)
	if err != nil {
		return nil, fmt.Errorf("store: %q: %w", s.name, err)
	}
	return data, nil
}

func (s *keyValueView[K, V]) Get(key K) (v V, ok bool, err error) {
	data, err := s.read(key)
	if err != nil {
		return v, false, err
	}
	return s.decode(data)
}

// GetInto is Get by a [serde.Reuser], if the store's codec is one: old is zero, or what
// GetInto returned before. Operators find it by a type assertion.
func (s *keyValue[K, V]) GetInto(old V, key K) (v V, ok bool, err error) {
	data, err := s.read(key)
	if err != nil {
		return v, false, err
	}
	return s.decodeInto(old, data)
}

func (s *keyValueView[K, V]) Range(from, to *K) KeyValueIterator[K, V] {
	return s.between(from, to, false)
}

func (s *keyValueView[K, V]) ReverseRange(from, to *K) KeyValueIterator[K, V] {
	return s.between(from, to, true)
}

func (s *keyValueView[K, V]) All() KeyValueIterator[K, V] { return s.scan(nil, nil, false) }

func (s *keyValueView[K, V]) ReverseAll() KeyValueIterator[K, V] { return s.scan(nil, nil, true) }

func (s *keyValueView[K, V]) PrefixScan(prefix []byte) KeyValueIterator[K, V] {
	return s.scan(prefix, After(prefix), false)
}

func (s *keyValueView[K, V]) ApproximateNumEntries() (int64, error) {
	it := s.r.Scan(nil, nil, false)
	var n int64
	for it.Next() {
		n++
	}
	if err := it.Close(); err != nil {
		return 0, fmt.Errorf("store: %q: %w", s.name, err)
	}
	return n, nil
}

func (s *keyValueView[K, V]) between(from, to *K, reverse bool) KeyValueIterator[K, V] {
	var lower, upper []byte
	if to != nil && !s.isNilKey(*to) {
		if err := s.encodeKey(*to); err != nil {
			return &keyValueIterator[K, V]{err: err}
		}
		// The smallest key greater than to, which is part of the range.
		s.toData = append(append(s.toData[:0], s.keyData...), 0)
		upper = s.toData
	}
	if from != nil && !s.isNilKey(*from) {
		if err := s.encodeKey(*from); err != nil {
			return &keyValueIterator[K, V]{err: err}
		}
		lower = s.keyData
	}
	return s.scan(lower, upper, reverse)
}

// scan copies the bounds: an iterator may keep them, while the store uses the
// space they are in for the next key.
func (s *keyValueView[K, V]) scan(from, to []byte, reverse bool) KeyValueIterator[K, V] {
	it := &keyValueIterator[K, V]{s: s}
	it.bounds = append(append(it.bounds, from...), to...)
	if from != nil {
		from = it.bounds[:len(from):len(from)]
	}
	if to != nil {
		to = it.bounds[len(it.bounds)-len(to):]
	}
	it.it = s.r.Scan(from, to, reverse)
	return it
}

// After returns the smallest key that is greater than every key that begins
// with prefix; nil, an open bound, if there is none.
func After(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xff {
			after := append([]byte(nil), prefix[:i+1]...)
			after[i]++
			return after
		}
	}
	return nil
}

type keyValueIterator[K, V any] struct {
	s      *keyValueView[K, V]
	it     Iterator // nil after Close
	bounds []byte
	key    K
	value  V
	err    error
}

func (i *keyValueIterator[K, V]) Next() bool {
	if i.it == nil || i.err != nil || !i.it.Next() {
		return false
	}
	if i.key, i.err = i.s.keys.Decode(i.it.Key()); i.err != nil {
		i.err = fmt.Errorf("store: %q: decode key: %w", i.s.name, i.err)
		return false
	}
	if i.value, i.err = i.s.values.Decode(i.it.Value()); i.err != nil {
		i.err = fmt.Errorf("store: %q: decode value: %w", i.s.name, i.err)
		return false
	}
	return true
}

func (i *keyValueIterator[K, V]) Key() K { return i.key }

func (i *keyValueIterator[K, V]) Value() V { return i.value }

func (i *keyValueIterator[K, V]) Close() error {
	if i.it == nil {
		return i.err
	}
	if err := i.it.Close(); err != nil {
		i.err = errors.Join(i.err, fmt.Errorf("store: %q: %w", i.s.name, err))
	}
	i.it = nil
	return i.err
}

// keyValue implements [KeyValueStore].
type keyValue[K, V any] struct {
	keyValueView[K, V]
	bytes  Bytes
	writer valueWriter[V]
}

// Encodings is what the store's values are written as.
func (s *keyValue[K, V]) Encodings() *Encodings { return &s.writer.written }

func (s *keyValue[K, V]) Put(key K, value V) error {
	if err := s.encodeKey(key); err != nil {
		return err
	}
	return s.write(value)
}

// write sets the key in keyData.
func (s *keyValue[K, V]) write(value V) error {
	data, timestamp, err := s.writer.encode(value)
	if err != nil {
		return err
	}
	return s.put(data, timestamp)
}

func (s *keyValue[K, V]) put(data []byte, timestamp int64) error {
	if err := s.bytes.Put(s.keyData, data, timestamp); err != nil {
		return fmt.Errorf("store: %q: %w", s.name, err)
	}
	return nil
}

func (s *keyValue[K, V]) PutIfAbsent(key K, value V) (existing V, ok bool, err error) {
	if existing, ok, err = s.Get(key); ok || err != nil {
		return existing, ok, err
	}
	return existing, false, s.Put(key, value)
}

func (s *keyValue[K, V]) Delete(key K) (old V, ok bool, err error) {
	if old, ok, err = s.Get(key); err != nil {
		return old, false, err
	}
	// A read may make the record cache give up other keys, and what that leads to may
	// read this store: keyData is not this key's any more.
	if err := s.encodeKey(key); err != nil {
		return old, false, err
	}
	return old, ok, s.put(nil, s.writer.now())
}
