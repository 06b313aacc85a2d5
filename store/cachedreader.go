package store

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"slices"
)

// A CachedReader reads a window or session store behind the record cache. Get, Scan and
// StreamTime are those of the store below, which has what the cache has given up. What
// the cache holds, whether given up or not, is seen in its place however old it is, as
// in Kafka Streams' CachingWindowStore and CachingSessionStore: a row that has expired
// below is seen until the cache needs its room.
type CachedReader interface {
	TimedReader
	// Held returns the value that the cache holds at key, nil for a deletion, and
	// whether it holds one.
	Held(key []byte) (value []byte, ok bool)
	// NextHeld returns the first key that is held and not less than from, nil if there
	// is none.
	NextHeld(from []byte) []byte
	// AppendHeld appends the keys k with from <= k < to that are held, in ascending
	// order of their bytes. Keys stay as they are and must not be modified.
	AppendHeld(dst [][]byte, from, to []byte) [][]byte
}

// get returns the value of a row by its key in the engine and its time.
func (r *rows) get(key []byte, time int64) ([]byte, error) {
	if r.cache != nil {
		if value, ok := r.cache.Held(key); ok {
			return value, nil
		}
	}
	if time < r.oldest() {
		return nil, nil
	}
	return r.r.Get(key)
}

// held returns the keys of rows in the segments from that of a time up to last, by
// segments and in each between lower and upper.
func (r *rows) held(from, last int64, lower, upper []byte) (keys [][]byte) {
	for segment := from / r.spec.SegmentInterval; ; segment++ {
		next := r.cache.NextHeld(r.bound(&r.lower, segment, lower))
		if next == nil {
			return keys
		}
		if segment = int64(binary.BigEndian.Uint64(next)); segment > last {
			return keys
		}
		if upper == nil {
			r.bound(&r.upper, segment+1, nil)
		} else {
			r.bound(&r.upper, segment, upper)
		}
		keys = r.cache.AppendHeld(keys, r.bound(&r.lower, segment, lower), r.upper)
	}
}

// bound makes a key of the engine.
func (r *rows) bound(to *[]byte, segment int64, row []byte) []byte {
	*to = append(r.spec.AppendSegmentBound((*to)[:0], segment), row...)
	return *to
}

// bySegment is the order of rows in the engine.
func (r *rows) bySegment(a, b []byte) int {
	m, n := r.spec.RowTime(a)/r.spec.SegmentInterval, r.spec.RowTime(b)/r.spec.SegmentInterval
	return cmp.Or(cmp.Compare(m, n), bytes.Compare(a, b))
}

// inIndex is the order of rows in the index of a time-ordered store.
func (r *rows) inIndex(a, b []byte) int {
	suffix := r.spec.suffix()
	s, t := a[len(a)-suffix:], b[len(b)-suffix:]
	if r.spec.Kind != KindSession {
		s, t = s[:8], t[:8] // without the sequence
	}
	return cmp.Or(bytes.Compare(s, t), bytes.Compare(a, b))
}

// mergedRows walks over the rows that the cache holds and over those below. It has the
// rows that were there when it began, with the values that they have when it gets there.
type mergedRows struct {
	r       *rows
	want    wanted
	latest  int64    // the greatest time
	keys    [][]byte // of what is held and not yet returned
	below   rowIterator
	ahead   bool // below is at a row that was not yet returned
	end     bool // there is none below
	order   func(a, b []byte) int
	reverse bool
	key     []byte
	value   []byte
	err     error
}

// merge begins a walk over the keys, which are in ascending order of the engine, and
// what is below, which is in the given order.
func (r *rows) merge(w wanted, latest int64, keys [][]byte, below rowIterator, order func(a, b []byte) int, reverse bool) *mergedRows {
	slices.SortFunc(keys, func(a, b []byte) int { return order(a[segmentBytes:], b[segmentBytes:]) })
	if reverse {
		slices.Reverse(keys)
	}
	return &mergedRows{r: r, want: w, latest: latest, keys: keys, below: below, order: order, reverse: reverse}
}

func (i *mergedRows) Next() bool {
	for i.err == nil {
		fresh := !i.ahead
		if fresh && !i.end {
			i.ahead = i.below.Next()
			i.end = !i.ahead
		}
		if len(i.keys) == 0 && !i.ahead {
			return false
		}
		side := i.compare()
		if side <= 0 {
			i.key = append(i.key[:0], i.keys[0]...)
			i.keys = i.keys[1:]
		} else {
			i.key = i.r.spec.AppendEngineKey(i.key[:0], i.below.Row())
		}
		value, held := i.r.cache.Held(i.key)
		switch {
		case held:
		case side >= 0 && fresh:
			value = i.below.Value()
		default: // it was given up, or changed below, since the walk began
			value, i.err = i.r.get(i.key, i.r.spec.RowTime(i.Row()))
		}
		if side >= 0 {
			i.ahead = false
		}
		if i.value = value; value != nil && i.want.has(i.Row()) && i.r.spec.RowTime(i.Row()) <= i.latest {
			return i.err == nil
		}
	}
	return false
}

// compare tells where the next row is: held < 0, below > 0, both 0.
func (i *mergedRows) compare() int {
	switch {
	case !i.ahead:
		return -1
	case len(i.keys) == 0:
		return 1
	}
	c := i.order(i.keys[0][segmentBytes:], i.below.Row())
	if i.reverse {
		c = -c
	}
	return c
}

func (i *mergedRows) Row() []byte { return i.key[segmentBytes:] }

func (i *mergedRows) Value() []byte { return i.value }

func (i *mergedRows) Close() error {
	i.keys, i.ahead, i.end = nil, false, true
	if err := i.below.Close(); i.err == nil {
		i.err = err
	}
	return i.err
}

// walk iterates over what is wanted by segments, in each between lower and upper, with a
// time of latest at most. oldest is the smallest time that is seen below the cache.
func (r *rows) walk(w wanted, oldest, latest int64, lower, upper []byte, reverse bool) rowIterator {
	seen := w
	seen.from = max(w.from, oldest)
	below := r.segments(seen, latest, lower, upper, reverse)
	if r.cache == nil {
		return below
	}
	last := int64(math.MaxInt64)
	if latest = min(latest, w.latest()); latest < last {
		last = latest / r.spec.SegmentInterval
	}
	return r.merge(w, latest, r.held(w.from, last, lower, upper), below, r.bySegment, reverse)
}

// walkByTime is walk by the index of a time-ordered store.
func (r *rows) walkByTime(w wanted, oldest, latest int64, reverse bool) rowIterator {
	seen := w
	seen.from = max(w.from, oldest)
	below := r.byTime(seen, latest, reverse)
	if r.cache == nil {
		return below
	}
	keys := slices.DeleteFunc(r.held(w.from, latest/r.spec.SegmentInterval, nil, nil), func(key []byte) bool {
		return !w.has(key[segmentBytes:]) || r.spec.RowTime(key[segmentBytes:]) > latest
	})
	return r.merge(w, latest, keys, below, r.inIndex, reverse)
}
