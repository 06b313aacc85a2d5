package stream

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
)

// shared is the store of a left or outer join's records that have had no partner so far,
// and the time of both sides. Its bytes are Kafka Streams':
//
//	key: int64 timestamp ‖ byte 1 for left, 0 for right ‖ key
//	value: a list of (byte 1 for left, 0 for right ‖ value)
//	a list: byte 1 ‖ int32 number ‖ (int32 length ‖ bytes)*
//
// Kafka Streams: ListValueStore, TimestampedKeyAndJoinSide, LeftOrRightValue, and
// KStreamImplJoin.TimeTracker.
type shared[K, L, R any] struct {
	name  string
	bytes store.Bytes
	key   serde.Codec[K]
	left  serde.Codec[L]
	right serde.Codec[R]

	time     int64 // the largest timestamp of both sides, -1 at first
	earliest int64 // as far as known, that of a record in the store
	sent     int64 // results so far
	nextEmit int64 // when results may be sent next, by the wall clock
	// first is not greater than the timestamp of any record in the store. Reading begins
	// there: before it lie those that are gone, which cost time too.
	first int64

	keyData, data, list []byte
}

// sharedBuilder describes the store.
type sharedBuilder[K, L, R any] struct {
	spec  store.Spec
	keys  serde.Serde[K]
	left  serde.Serde[L]
	right serde.Serde[R]
}

func (b *sharedBuilder[K, L, R]) Name() string { return b.spec.Name }

func (b *sharedBuilder[K, L, R]) Spec() store.Spec { return b.spec }

func (b *sharedBuilder[K, L, R]) BindAny(to store.Binding) (any, error) {
	s := &shared[K, L, R]{name: b.spec.Name, bytes: to.Bytes, time: -1, earliest: math.MaxInt64}
	var err error
	if s.key, err = b.keys.Bind(to.ChangelogTopic, serde.Key.Internal()); err != nil {
		return nil, s.wrap("key serde", err)
	}
	if s.left, err = b.left.Bind(to.ChangelogTopic, serde.Value.Internal()); err != nil {
		return nil, s.wrap("left value serde", err)
	}
	if s.right, err = b.right.Bind(to.ChangelogTopic, serde.Value.Internal()); err != nil {
		return nil, s.wrap("right value serde", err)
	}
	return s, nil
}

func (b *sharedBuilder[K, L, R]) ViewAny(r store.Reader, _ string) (any, error) { return r, nil }

func (s *shared[K, L, R]) wrap(what string, err error) error {
	return fmt.Errorf("store %q: %s: %w", s.name, what, err)
}

// ApproximateNumEntries counts the keys, for tests.
func (s *shared[K, L, R]) ApproximateNumEntries() (n int64, err error) {
	it := s.bytes.Scan(nil, nil, false)
	for it.Next() {
		n++
	}
	return n, it.Close()
}

// encodeKey leaves the key of the records of a key, a time and a side in keyData.
func (s *shared[K, L, R]) encodeKey(key K, timestamp int64, left bool) (err error) {
	s.keyData = binary.BigEndian.AppendUint64(s.keyData[:0], uint64(timestamp))
	s.keyData = append(s.keyData, side(left))
	if s.keyData, err = s.key.Append(s.keyData, key); err != nil {
		return s.wrap("key", err)
	}
	return nil
}

func side(left bool) byte {
	if left {
		return 1
	}
	return 0
}

func (s *shared[K, L, R]) addLeft(key K, value *L, timestamp int64) (err error) {
	if err = s.encodeKey(key, timestamp, true); err != nil {
		return err
	}
	if s.data, err = s.left.Append(append(s.data[:0], side(true)), *value); err != nil {
		return s.wrap("left value", err)
	}
	return s.add(timestamp)
}

func (s *shared[K, L, R]) addRight(key K, value *R, timestamp int64) (err error) {
	if err = s.encodeKey(key, timestamp, false); err != nil {
		return err
	}
	if s.data, err = s.right.Append(append(s.data[:0], side(false)), *value); err != nil {
		return s.wrap("right value", err)
	}
	return s.add(timestamp)
}

// add appends data to the list of the key in keyData.
func (s *shared[K, L, R]) add(timestamp int64) error {
	list, err := s.bytes.Get(s.keyData)
	if err != nil {
		return err
	}
	if list == nil {
		list = []byte{1, 0, 0, 0, 0}
	} else if _, err := readList(list); err != nil {
		return s.wrap("value", err)
	}
	s.list = append(s.list[:0], list...)
	binary.BigEndian.PutUint32(s.list[1:], binary.BigEndian.Uint32(s.list[1:])+1)
	s.list = binary.BigEndian.AppendUint32(s.list, uint32(len(s.data)))
	s.list = append(s.list, s.data...)
	s.first = min(s.first, timestamp)
	return s.bytes.Put(s.keyData, s.list, timestamp)
}

// cancel removes the records of a key, a time and a side: they have a partner.
func (s *shared[K, L, R]) cancel(key K, at int64, left bool, timestamp int64) error {
	if err := s.encodeKey(key, at, left); err != nil {
		return err
	}
	list, err := s.bytes.Get(s.keyData)
	if err != nil || list == nil {
		return err
	}
	return s.bytes.Put(s.keyData, nil, timestamp)
}

var errList = errors.New("is not a list of records that wait for a partner: the changelog is damaged, or not that of a join")

// readList takes a list apart, and checks it.
func readList(data []byte) (items [][]byte, err error) {
	if len(data) < 5 || data[0] != 1 {
		return nil, errList
	}
	n := binary.BigEndian.Uint32(data[1:])
	data = data[5:]
	for range n {
		if len(data) < 4 {
			return nil, errList
		}
		length := binary.BigEndian.Uint32(data)
		data = data[4:]
		if length < 1 || uint64(length) > uint64(len(data)) {
			return nil, errList
		}
		items = append(items, data[:length])
		data = data[length:]
	}
	if len(data) > 0 {
		return nil, errList
	}
	return items, nil
}

// sharedWalk goes over the records in the order of their timestamps. A key is deleted
// when all its records were sent.
type sharedWalk[K, L, R any] struct {
	s         *shared[K, L, R]
	it        store.Iterator
	key       []byte
	items     [][]byte
	item      []byte
	timestamp int64
	left      bool
	gone      []byte // a key whose records were sent
	kept      int64  // the timestamp of the first record that stays
	err       error
}

func (s *shared[K, L, R]) walk() (*sharedWalk[K, L, R], error) {
	from := binary.BigEndian.AppendUint64(nil, uint64(s.first))
	return &sharedWalk[K, L, R]{s: s, it: s.bytes.Scan(from, nil, false), kept: math.MaxInt64}, nil
}

func (w *sharedWalk[K, L, R]) next() bool {
	for len(w.items) == 0 {
		if !w.it.Next() {
			return false
		}
		w.key = append(w.key[:0], w.it.Key()...)
		if len(w.key) < 9 {
			w.err = w.s.wrap("key", errList)
			return false
		}
		// The store is written to while its values are read.
		if w.items, w.err = readList(bytes.Clone(w.it.Value())); w.err != nil {
			w.err = w.s.wrap("value", w.err)
			return false
		}
		w.timestamp, w.left = int64(binary.BigEndian.Uint64(w.key)), w.key[8] == 1
	}
	w.item, w.items = w.items[0], w.items[1:]
	return true
}

// keep remembers that the record stays.
func (w *sharedWalk[K, L, R]) keep() { w.kept = min(w.kept, w.timestamp) }

// decode returns the key and the value of the record; the other value is nil.
func (w *sharedWalk[K, L, R]) decode() (key K, left *L, right *R, err error) {
	if key, err = w.s.key.Decode(w.key[9:]); err != nil {
		return key, nil, nil, w.s.wrap("key", err)
	}
	if w.left {
		left = new(L)
		*left, err = w.s.left.Decode(w.item[1:])
	} else {
		right = new(R)
		*right, err = w.s.right.Decode(w.item[1:])
	}
	if err != nil {
		err = w.s.wrap("value", err)
	}
	return key, left, right, err
}

// sent deletes the key before this one: all its records were sent.
func (w *sharedWalk[K, L, R]) sent(timestamp int64) error {
	w.s.sent++
	if w.gone != nil && !bytes.Equal(w.gone, w.key) {
		if err := w.s.bytes.Put(w.gone, nil, timestamp); err != nil {
			return err
		}
	}
	w.gone = append(w.gone[:0], w.key...)
	return nil
}

// close ends the walk, and deletes the last key.
func (w *sharedWalk[K, L, R]) close(timestamp int64) error {
	err := errors.Join(w.err, w.it.Close())
	if w.gone != nil {
		err = errors.Join(err, w.s.bytes.Put(w.gone, nil, timestamp))
	}
	if err == nil {
		w.s.first = w.kept
	}
	return err
}
