package store

import (
	"encoding/binary"
	"errors"
	"time"
)

// TTL makes entries of a timestamped key-value store, a table's for instance, end when
// they were not written for a time: one whose timestamp is more than d behind the
// store's stream time, the greatest timestamp of a record for which the store was used,
// is not there any more. So a table forgets the keys that nothing is heard of. Kafka
// Streams has no such option.
//
// An entry that has ended is not seen from that moment on. It is deleted, in the
// changelog too, a little later: puts look through the store as they go, at four entries
// each on average, so its size stays bounded and no put pays for many. The deletion is
// not forwarded by a table, and such a store is never cached. Nothing ends while there
// are no records. After a restart stream time begins again with the first record, and
// entries that had ended but were not yet deleted may be seen if it is older.
func TTL(d time.Duration) Option {
	ms := d.Milliseconds()
	if ms < 1 {
		ms = -1 // an error, not none
	}
	return func(s *Spec) { s.TTL = ms }
}

const (
	sweepEvery = 64
	sweepRows  = 4 * sweepEvery
)

// expiring is the bytes of a store whose entries end.
type expiring struct {
	Bytes
	ttl    int64
	time   int64 // stream time, -1 before the first record
	now    func() int64
	puts   int
	cursor []byte // where the sweep goes on; nil: at the first key
	ended  [][]byte
}

// mortal puts a TTL in front of a store that has one.
func mortal(s Spec, to Binding) Bytes {
	if s.TTL == 0 || to.Bytes == nil {
		return to.Bytes
	}
	return &expiring{Bytes: to.Bytes, ttl: s.TTL, time: -1, now: to.Timestamp}
}

func (e *expiring) alive(value []byte) bool {
	e.time = max(e.time, e.now())
	return len(value) < 8 || int64(binary.BigEndian.Uint64(value)) >= e.time-e.ttl
}

// Get implements Reader.
func (e *expiring) Get(key []byte) ([]byte, error) {
	value, err := e.Bytes.Get(key)
	if err != nil || !e.alive(value) {
		return nil, err
	}
	return value, nil
}

// Scan implements Reader.
func (e *expiring) Scan(from, to []byte, reverse bool) Iterator {
	return living{e.Bytes.Scan(from, to, reverse), e}
}

// living leaves out what has ended.
type living struct {
	Iterator
	e *expiring
}

func (i living) Next() bool {
	for i.Iterator.Next() {
		if i.e.alive(i.Value()) {
			return true
		}
	}
	return false
}

// Put implements Bytes.
func (e *expiring) Put(key, value []byte, timestamp int64) error {
	if len(value) >= 8 {
		e.time = max(e.time, int64(binary.BigEndian.Uint64(value)))
	}
	if err := e.Bytes.Put(key, value, timestamp); err != nil {
		return err
	}
	if e.puts++; e.puts%sweepEvery != 0 {
		return nil
	}
	return e.sweep()
}

// sweep deletes what has ended among the next rows.
func (e *expiring) sweep() error {
	e.ended = e.ended[:0]
	it := e.Bytes.Scan(e.cursor, nil, false)
	rows := 0
	for ; rows < sweepRows && it.Next(); rows++ {
		if !e.alive(it.Value()) {
			e.ended = append(e.ended, append([]byte(nil), it.Key()...))
		}
		e.cursor = append(e.cursor[:0], it.Key()...)
	}
	e.cursor = append(e.cursor, 0) // behind the last one
	if rows < sweepRows {
		e.cursor = nil
	}
	err := it.Close()
	for _, key := range e.ended {
		err = errors.Join(err, e.Bytes.Put(key, nil, e.now()))
	}
	return err
}
