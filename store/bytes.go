package store

// A Reader reads the bytes of one store. It is used by one goroutine at a time.
type Reader interface {
	// Get returns the value of key, nil if there is none; an empty value is not
	// nil. The value is valid until the next call on the store and must not be
	// modified. key is not kept.
	Get(key []byte) (value []byte, err error)
	// Scan iterates over the keys k with from <= k < to in ascending order of
	// their bytes, or descending if reverse. A nil bound is open. The store may be
	// written to while the iterator is open. Its keys are those that the store had
	// at the call; a key deleted since is left out, and a value put since is seen.
	Scan(from, to []byte, reverse bool) Iterator
}

// Bytes is one store of one task, below its serdes. It is used by the task's
// goroutine.
type Bytes interface {
	Reader
	// Put sets key to value; a nil value deletes key. If the store is logged, a
	// record with the timestamp, in milliseconds since the epoch, goes to the
	// changelog. key and value are not kept. After an error the transaction must
	// be aborted.
	Put(key, value []byte, timestamp int64) error
}

// A TimedReader reads a store whose rows have a time: see [Spec.Retention].
type TimedReader interface {
	Reader
	// StreamTime is the greatest time of a row that was put, -1 before the first.
	StreamTime() int64
}

// TimedBytes is a store whose rows have a time.
//
// Its keys begin with the segment; see [Spec.AppendEngineKey]. Put raises the stream
// time to the time of the row. A row that is expired by then, see [Spec.Expired], is
// logged, and otherwise left out. Put maintains the index of a time-ordered store.
type TimedBytes interface {
	Bytes
	TimedReader
	// NextSequence returns the number of the next row of a store with duplicates: one
	// more than that of the last, after 2^31-1 comes 0. The first is 1.
	NextSequence() int32
}

// VersionedBytes is a versioned store, below its serdes.
type VersionedBytes interface {
	TimedReader
	// PutVersion adds a version of key, or a deletion if value is nil, and logs it. It
	// returns the timestamp of the next version, [StillValid] if there is none, or
	// [NotPut] if it is beyond the history retention, which is logged and counted all the
	// same. key and value are not kept.
	PutVersion(key, value []byte, timestamp int64) (validTo int64, err error)
}

// A Binding is what a typed store is made over.
type Binding struct {
	Bytes Bytes
	// ChangelogTopic is the topic the serdes are bound to, whether or not the
	// store is logged. Kafka Streams does the same, so a schema registry subject
	// of a store is named after its changelog.
	ChangelogTopic string
	// Timestamp returns the timestamp of the record that is being processed. The
	// changelog record of a put that has no timestamp of its own carries it.
	Timestamp func() int64
}
