package store

import (
	"container/list"
	"fmt"
)

// LRU makes a key-value store keep no more than n entries, in memory: a put that would
// be one too many deletes the entry that was least recently put or got. The deletion is
// logged, but not forwarded by a table. Such a store is never cached. The order of use is
// not kept: when a task begins, or begins again after an error, entries count as used in
// the order of their keys. Kafka Streams: Stores.lruMap.
func LRU(n int) Option {
	if n < 1 {
		n = -1 // an error, not none
	}
	return func(s *Spec) { s.MaxEntries = n }
}

// limited puts a limit in front of a store that has one.
func limited[K, V any](s Spec, kv *keyValue[K, V]) (KeyValueStore[K, V], error) {
	if s.MaxEntries == 0 {
		return kv, nil
	}
	if err := s.Validate(); err != nil {
		return nil, err
	}
	l := &lru[K, V]{keyValue: kv, limit: s.MaxEntries, used: list.New(), places: map[string]*list.Element{}}
	it := kv.bytes.Scan(nil, nil, false)
	for it.Next() {
		l.use(it.Key())
	}
	if err := it.Close(); err != nil {
		return nil, fmt.Errorf("store: %q: %w", s.Name, err)
	}
	return l, nil
}

// lru is a key-value store that forgets. Kafka Streams: MemoryNavigableLRUCache.
type lru[K, V any] struct {
	*keyValue[K, V]
	limit  int
	used   *list.List // keys, the least recently used first
	places map[string]*list.Element
}

// use makes a key the most recently used.
func (l *lru[K, V]) use(key []byte) {
	if e := l.places[string(key)]; e != nil {
		l.used.MoveToBack(e)
		return
	}
	k := string(key)
	l.places[k] = l.used.PushBack(k)
}

func (l *lru[K, V]) forget(key string) {
	if e := l.places[key]; e != nil {
		l.used.Remove(e)
		delete(l.places, key)
	}
}

func (l *lru[K, V]) Get(key K) (v V, ok bool, err error) {
	if v, ok, err = l.keyValue.Get(key); ok {
		l.use(l.keyData)
	}
	return v, ok, err
}

// GetInto hides that of the store below: values are not used again.
func (l *lru[K, V]) GetInto(_ V, key K) (V, bool, error) { return l.Get(key) }

func (l *lru[K, V]) Put(key K, value V) error {
	if err := l.encodeKey(key); err != nil {
		return err
	}
	data, timestamp, err := l.writer.encode(value)
	if err != nil {
		return err
	}
	if data == nil {
		l.forget(string(l.keyData))
		return l.put(nil, timestamp)
	}
	l.use(l.keyData)
	for l.used.Len() > l.limit {
		eldest := l.used.Front().Value.(string)
		if err := l.bytes.Put([]byte(eldest), nil, l.writer.now()); err != nil {
			return fmt.Errorf("store: %q: %w", l.name, err)
		}
		l.forget(eldest)
	}
	return l.put(data, timestamp)
}

func (l *lru[K, V]) PutIfAbsent(key K, value V) (existing V, ok bool, err error) {
	if existing, ok, err = l.Get(key); ok || err != nil {
		return existing, ok, err
	}
	return existing, false, l.Put(key, value)
}

func (l *lru[K, V]) Delete(key K) (old V, ok bool, err error) {
	if old, ok, err = l.keyValue.Delete(key); err == nil {
		l.forget(string(l.keyData))
	}
	return old, ok, err
}
