package store

import (
	"encoding/binary"
	"errors"
	"math"
)

// A versioned store keeps, for each key, the latest version by itself and older ones in
// segments of time, as Kafka Streams' RocksDBVersionedStore does. A version is in the
// segment of the time until which it is valid, so a segment can be dropped when its
// time is beyond the history retention. In the engine:
//
//	segment (8 bytes), key               the versions that were valid until a time in the segment
//	the highest bit set (8 bytes), key   timestamp (8 bytes), value: the latest version
//
// The first has the time until which the last of its versions is valid (8 bytes), and the
// versions from old to new: timestamp (8 bytes), length of the value (4 bytes, -1 for a
// deletion), value. Each is valid until the next. A single deletion that is valid until
// its own time says that the key was deleted then.
//
// A value moves from newer places to older ones only. So if rows are written to an
// engine in the order of their keys, whatever part of them is there after a crash has
// all the values, and putting the versions again leads to the same as without the
// crash.

// What a put into a versioned store returns instead of the time of the next version.
const (
	// StillValid says that there is none.
	StillValid int64 = -1
	// NotPut says that the version was too old to be put.
	NotPut int64 = math.MinInt64
)

// VersionRows are the rows of a versioned store in the engine.
type VersionRows interface {
	Get(key []byte) ([]byte, error)
	// Set sets a row; a nil value deletes it.
	Set(key, value []byte) error
}

type version struct {
	from  int64
	value []byte // nil: deleted
}

// history is a row in a segment.
type history struct {
	next     int64 // until when the last version is valid
	versions []version
}

var errHistory = errors.New("a row of versions is damaged")

func (h *history) decode(row []byte) error {
	if len(row) < 8 {
		return errHistory
	}
	h.next, h.versions = int64(binary.BigEndian.Uint64(row)), h.versions[:0]
	for row = row[8:]; len(row) > 0; {
		if len(row) < 12 {
			return errHistory
		}
		v := version{from: int64(binary.BigEndian.Uint64(row))}
		n := int(int32(binary.BigEndian.Uint32(row[8:])))
		if row = row[12:]; n > len(row) {
			return errHistory
		}
		if n >= 0 {
			v.value, row = row[:n:n], row[n:]
		}
		h.versions = append(h.versions, v)
	}
	if len(h.versions) == 0 {
		return errHistory
	}
	return nil
}

func (h *history) append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(h.next))
	for _, v := range h.versions {
		dst = binary.BigEndian.AppendUint64(dst, uint64(v.from))
		if v.value == nil {
			dst = binary.BigEndian.AppendUint32(dst, math.MaxUint32)
			continue
		}
		dst = append(binary.BigEndian.AppendUint32(dst, uint32(len(v.value))), v.value...)
	}
	return dst
}

func (h *history) first() int64 { return h.versions[0].from }

// deletion tells whether the row is a deletion that is valid until its own time.
func (h *history) deletion() bool { return len(h.versions) == 1 && h.first() == h.next }

// find returns the version that is valid at a time from first to next, and until when.
func (h *history) find(at int64) (i int, validTo int64) {
	validTo = h.next
	for i = len(h.versions) - 1; i > 0 && h.versions[i].from > at; i-- {
		validTo = h.versions[i].from
	}
	return i, validTo
}

func (h *history) set(from, next int64, value []byte) {
	h.next, h.versions = next, append(h.versions[:0], version{from, value})
}

// addLast adds a version after all others. What the row has beyond from comes from a
// write that a crash cut off, and is superseded.
func (h *history) addLast(from, next int64, value []byte) {
	for len(h.versions) > 0 && h.next > from {
		last := len(h.versions) - 1
		if h.versions[last].from < from {
			h.next = from
			break
		}
		h.next, h.versions = h.versions[last].from, h.versions[:last]
	}
	switch {
	case len(h.versions) == 0 || h.deletion() && h.next == from:
		h.set(from, next, value)
		return
	case h.deletion():
		h.next = from // the deletion is valid until then
	case h.next < from:
		h.versions = append(h.versions, version{from: h.next})
	}
	h.versions = append(h.versions, version{from, value})
	h.next = next
}

// addFirst adds a version before all others.
func (h *history) addFirst(from int64, value []byte) {
	if h.deletion() {
		h.set(from, h.next, value)
		return
	}
	h.insert(0, from, value)
}

func (h *history) insert(i int, from int64, value []byte) {
	h.versions = append(h.versions, version{})
	copy(h.versions[i+1:], h.versions[i:])
	h.versions[i] = version{from, value}
}
