package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
)

// rows reads the rows of a window or session store; see the layout in segment.go.
type rows struct {
	spec  Spec
	r     TimedReader
	cache CachedReader // nil: there is no record cache

	lower, upper []byte // of a walk over the cache
}

func newRows(s Spec, r Reader) (rows, error) {
	timed, ok := r.(TimedReader)
	if !ok {
		return rows{}, fmt.Errorf("store: %s store %q is bound to a reader without stream time", s.Kind, s.Name)
	}
	cache, _ := r.(CachedReader)
	return rows{spec: s, r: timed, cache: cache}, s.Validate()
}

func timedBytes(s Spec, b Bytes) (TimedBytes, error) {
	timed, ok := b.(TimedBytes)
	if !ok {
		return nil, fmt.Errorf("store: %s store %q is bound to bytes without stream time", s.Kind, s.Name)
	}
	return timed, nil
}

// oldest is the smallest time that is seen below the cache.
func (r *rows) oldest() int64 { return r.spec.Oldest(r.r.StreamTime()) }

// A rowIterator walks over rows by their changelog keys. Its slices are valid until the
// next call of Next or Close, or the next call on the store.
type rowIterator interface {
	Next() bool
	Row() []byte
	Value() []byte
	Close() error
}

// wanted is which rows an iterator returns.
type wanted struct {
	suffix   int
	session  bool
	key      []byte // nil: any between fromKey and toKey, which nil leaves open
	fromKey  []byte
	toKey    []byte
	from, to int64 // window: of the start; session: the earliest end and the latest start
}

func (w *wanted) has(row []byte) bool {
	n := len(row) - w.suffix
	key, time := row[:n], int64(binary.BigEndian.Uint64(row[n:]))
	if time < w.from {
		return false
	}
	if w.session {
		time = int64(binary.BigEndian.Uint64(row[n+8:]))
	}
	switch {
	case time > w.to:
		return false
	case w.key != nil:
		return bytes.Equal(key, w.key)
	}
	return (w.fromKey == nil || bytes.Compare(key, w.fromKey) >= 0) && (w.toKey == nil || bytes.Compare(key, w.toKey) <= 0)
}

// latest is the greatest time that is wanted.
func (w *wanted) latest() int64 {
	if w.session {
		return math.MaxInt64
	}
	return w.to
}

// want begins what an iterator returns: with a cache all that is asked for, without one
// what is seen of it.
func (r *rows) want(from, to, oldest int64) wanted {
	if r.cache != nil {
		oldest = 0
	}
	return wanted{suffix: r.spec.suffix(), session: r.spec.Kind == KindSession, from: max(from, oldest), to: to}
}

// ofKey iterates over the rows of one key by time, or the ends of sessions.
func (r *rows) ofKey(key []byte, from, to int64, reverse bool) rowIterator {
	oldest := r.oldest()
	w := r.want(from, to, oldest)
	if !w.session && to < w.from {
		return noRows{}
	}
	last := uint64(math.MaxInt64)
	if !w.session {
		last = uint64(to)
	}
	// The bounds go into one allocation, since the store uses key for the next.
	n := len(key)
	bounds := make([]byte, 0, 3*n+2*8)
	bounds = append(bounds, key...)
	w.key = bounds[:n:n]
	bounds = binary.BigEndian.AppendUint64(append(bounds, key...), uint64(w.from))
	lower := bounds[n:]
	bounds = binary.BigEndian.AppendUint64(append(bounds, key...), last+1)
	upper := bounds[n+len(lower):]
	it := r.walk(w, oldest, math.MaxInt64, lower[:n+8:n+8], upper, reverse)
	if w.session && !r.spec.Persistent {
		return r.sorted(it, reverse) // sessions with one end go by their starts, descending
	}
	return it
}

// between iterates over the rows of a range of keys in the store's order.
func (r *rows) between(fromKey, toKey []byte, from, to int64, reverse bool) rowIterator {
	oldest := r.oldest()
	w := r.want(from, to, oldest)
	if fromKey != nil && toKey != nil && bytes.Compare(fromKey, toKey) > 0 || !w.session && to < w.from {
		return noRows{}
	}
	w.fromKey, w.toKey = fromKey, toKey
	if r.spec.TimeOrdered && !w.session && fromKey == nil && toKey == nil {
		return r.walkByTime(w, oldest, to, reverse)
	}
	it := r.walk(w, oldest, math.MaxInt64, fromKey, r.after(toKey), reverse)
	if !r.spec.Persistent {
		return r.sorted(it, reverse)
	}
	return it
}

// ended iterates over the sessions that end in a span of time.
func (r *rows) ended(from, to int64) rowIterator {
	oldest := r.spec.OldestEnded(r.r.StreamTime())
	w := r.want(from, math.MaxInt64, oldest)
	if to < w.from {
		return noRows{}
	}
	var it rowIterator
	if r.spec.TimeOrdered {
		it = r.walkByTime(w, oldest, to, false)
	} else {
		it = r.walk(w, oldest, to, nil, nil, false)
	}
	if !r.spec.Persistent { // in memory sessions with one end go by their keys first
		return r.sorted(it, false)
	}
	return it
}

// after returns a key, without the segment, that is greater than all rows of a key
// and the keys before it. Those are no prefix of it, and less, or a prefix with a suffix
// of its own, of which the greatest counts.
func (r *rows) after(key []byte) []byte {
	if key == nil {
		return nil
	}
	greatest := bytes.Repeat([]byte{0xff}, r.spec.suffix()+1)
	greatest[0] = 0x7f
	for i := range key {
		if bytes.Compare(key[i:], greatest) < 0 {
			return append(bytes.Clone(key[:i]), greatest...)
		}
	}
	return append(bytes.Clone(key), greatest...)
}

type noRows struct{}

func (noRows) Next() bool    { return false }
func (noRows) Row() []byte   { return nil }
func (noRows) Value() []byte { return nil }
func (noRows) Close() error  { return nil }
