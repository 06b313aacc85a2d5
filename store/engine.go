package store

// An Engine keeps the stores of one task: an ordered map from bytes to bytes.
// Keys are ordered by bytes.Compare. The stores of a task share one engine
// under prefixes; what is written is a committed prefix of their history, so an
// engine needs no transactions of its own.
//
// Get and Scan may be called by several goroutines while one calls Apply; a
// reader sees a key either before or after a batch, and need not see a batch at
// once. Nothing is called after Close. The suite in store/storetest checks an
// implementation against this contract.
type Engine interface {
	// Get appends the value of key to dst and returns the extended slice and
	// whether the key exists. dst may be nil; key is not kept.
	Get(key, dst []byte) (value []byte, found bool, err error)
	// Scan iterates over the keys k with from <= k < to in ascending order, or
	// descending if reverse. A nil bound is open. from and to are not kept
	// after the iterator is closed. The iterator sees the engine as it was at
	// the call or later.
	Scan(from, to []byte, reverse bool) Iterator
	// Apply writes a batch in its order. After a crash in the middle of Apply a
	// prefix of the batch may be there; the caller puts what must come last at
	// the end. The engine keeps nothing of the batch after the call.
	Apply(b *Batch) error
	// Size is the approximate number of bytes the engine occupies, on disk for
	// a persistent one and in memory otherwise.
	Size() int64
	// Close makes everything applied durable and releases the engine.
	Close() error
}

// An Opener opens the engine in a folder, which exists and belongs to the
// caller alone. An engine in memory ignores dir and starts empty.
type Opener func(dir string) (Engine, error)

// An Iterator walks over keys in order. It must be closed; it is used by one
// goroutine.
//
//	for it.Next() {
//		use(it.Key(), it.Value())
//	}
//	err := it.Close()
type Iterator interface {
	// Next moves to the next entry and reports whether there is one. It is
	// false at the end and after an error.
	Next() bool
	// Key and Value are valid until the next call of Next or Close and must not
	// be modified.
	Key() []byte
	Value() []byte
	// Close releases the iterator and returns the error that ended it, if any.
	Close() error
}

// A Batch is a list of puts and deletes for [Engine.Apply]. The zero value is
// empty and ready. It copies what it is given, and keeps its memory on Reset.
type Batch struct {
	data []byte
	ops  []op
}

type op struct {
	key, value int // ends of key and value in data; the key begins where the op before ended
	del        bool
}

// Put sets key to value. A nil value is an empty one.
func (b *Batch) Put(key, value []byte) {
	b.data = append(b.data, key...)
	k := len(b.data)
	b.data = append(b.data, value...)
	b.ops = append(b.ops, op{key: k, value: len(b.data)})
}

// Delete removes key; a key that is not there is no error.
func (b *Batch) Delete(key []byte) {
	b.data = append(b.data, key...)
	b.ops = append(b.ops, op{key: len(b.data), value: len(b.data), del: true})
}

// Len is the number of puts and deletes.
func (b *Batch) Len() int { return len(b.ops) }

// Bytes is the number of key and value bytes.
func (b *Batch) Bytes() int { return len(b.data) }

// Reset empties the batch.
func (b *Batch) Reset() { b.data, b.ops = b.data[:0], b.ops[:0] }

// Each calls f for every put and delete in order; value is nil for a delete and
// never nil for a put. The slices are valid until the next Reset and must not
// be modified. An error of f ends the walk and is returned.
func (b *Batch) Each(f func(key, value []byte) error) error {
	at := 0
	for _, o := range b.ops {
		key, value := b.data[at:o.key:o.key], b.data[o.key:o.value:o.value]
		if o.del {
			value = nil
		}
		if err := f(key, value); err != nil {
			return err
		}
		at = o.value
	}
	return nil
}
