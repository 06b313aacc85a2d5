package store

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"slices"
)

// segmentRows walks over the rows between two keys, segment by segment. A store has
// few segments: its retention's worth.
type segmentRows struct {
	r            *rows
	want         wanted
	lower, upper []byte // of the rows in each segment; nil: open
	next, last   int64  // segments
	latest       int64  // the greatest time
	reverse      bool
	it           Iterator // of the segment before next; nil: there is none
	from, to     []byte
	err          error
}

// segments iterates over the segments that can have what is wanted, with a time of latest
// at most. The slices must stay as they are.
func (r *rows) segments(w wanted, latest int64, lower, upper []byte, reverse bool) *segmentRows {
	to := min(r.r.StreamTime(), w.latest(), latest)
	i := &segmentRows{r: r, want: w, lower: lower, upper: upper, reverse: reverse, latest: latest}
	i.next, i.last = w.from/r.spec.SegmentInterval, max(to, 0)/r.spec.SegmentInterval
	if reverse {
		i.next, i.last = i.last, i.next
	}
	return i
}

func (i *segmentRows) Next() bool {
	for i.err == nil {
		if i.it == nil && !i.open() {
			return false
		}
		for i.it.Next() {
			if row := i.Row(); i.want.has(row) && (i.latest == math.MaxInt64 || i.r.spec.RowTime(row) <= i.latest) {
				return true
			}
		}
		i.err = i.it.Close()
		i.it = nil
	}
	return false
}

// open begins the next segment.
func (i *segmentRows) open() bool {
	segment := i.next
	switch {
	case i.reverse && segment < i.last || !i.reverse && segment > i.last:
		return false
	case i.reverse:
		i.next--
	default:
		i.next++
	}
	i.from = append(binary.BigEndian.AppendUint64(i.from[:0], uint64(segment)), i.lower...)
	if i.upper == nil {
		i.to = binary.BigEndian.AppendUint64(i.to[:0], uint64(segment)+1)
	} else {
		i.to = append(binary.BigEndian.AppendUint64(i.to[:0], uint64(segment)), i.upper...)
	}
	i.it = i.r.r.Scan(i.from, i.to, i.reverse)
	return true
}

func (i *segmentRows) Row() []byte { return i.it.Key()[segmentBytes:] }

func (i *segmentRows) Value() []byte { return i.it.Value() }

func (i *segmentRows) Close() error {
	if i.it != nil {
		if err := i.it.Close(); i.err == nil {
			i.err = err
		}
		i.it = nil
	}
	i.next, i.last = 1, 0
	if i.reverse {
		i.next, i.last = 0, 1
	}
	return i.err
}

// timeRows walks over the rows of a time-ordered store by its index.
type timeRows struct {
	r        *rows
	want     wanted
	it       Iterator
	from, to []byte
	key      []byte
	value    []byte
	err      error
}

// byTime iterates over what is wanted up to the time last.
func (r *rows) byTime(w wanted, last int64, reverse bool) *timeRows {
	i := &timeRows{r: r, want: w}
	i.from = r.spec.AppendIndexBound(nil, w.from)
	if last < math.MaxInt64 {
		i.to = r.spec.AppendIndexBound(nil, max(last, 0)+1)
	}
	i.it = r.r.Scan(i.from, i.to, reverse)
	return i
}

func (i *timeRows) Next() bool {
	for i.err == nil && i.it.Next() {
		if !i.want.has(i.Row()) {
			continue
		}
		i.key = i.r.spec.AppendEngineKey(i.key[:0], i.Row())
		if i.value, i.err = i.r.r.Get(i.key); i.value != nil {
			return i.err == nil
		}
	}
	return false
}

func (i *timeRows) Row() []byte { return i.r.spec.indexed(i.it.Key()) }

func (i *timeRows) Value() []byte { return i.value }

func (i *timeRows) Close() error {
	if err := i.it.Close(); i.err == nil {
		i.err = err
	}
	return i.err
}

// sortedRows gives rows of a store in memory in the order of Kafka Streams' stores in
// memory: by time and then by key. It has the keys, and asks for each value when it gets
// there.
type sortedRows struct {
	r       *rows
	reverse bool
	source  rowIterator // nil once it was read
	keys    [][]byte
	at      int
	key     []byte
	value   []byte
	err     error
}

func (r *rows) sorted(source rowIterator, reverse bool) *sortedRows {
	return &sortedRows{r: r, source: source, reverse: reverse}
}

func (i *sortedRows) read() {
	for i.source.Next() {
		i.keys = append(i.keys, bytes.Clone(i.source.Row()))
	}
	i.err = i.source.Close()
	i.source = nil
	suffix, session := i.r.spec.suffix(), i.r.spec.Kind == KindSession
	slices.SortFunc(i.keys, func(a, b []byte) int {
		m, n := len(a)-suffix, len(b)-suffix
		c := cmp.Or(bytes.Compare(a[m:m+8], b[n:n+8]), bytes.Compare(a[:m], b[:n]))
		if c == 0 {
			c = bytes.Compare(a[m+8:], b[n+8:])
			if session {
				c = -c
			}
		}
		if i.reverse {
			c = -c
		}
		return c
	})
}

func (i *sortedRows) Next() bool {
	if i.source != nil {
		i.read()
	} else {
		i.at++
	}
	for ; i.err == nil && i.at < len(i.keys); i.at++ {
		i.key = i.r.spec.AppendEngineKey(i.key[:0], i.keys[i.at])
		if i.value, i.err = i.r.get(i.key, i.r.spec.RowTime(i.keys[i.at])); i.value != nil {
			return i.err == nil
		}
	}
	return false
}

func (i *sortedRows) Row() []byte { return i.keys[i.at] }

func (i *sortedRows) Value() []byte { return i.value }

func (i *sortedRows) Close() error {
	if i.source != nil {
		i.err = i.source.Close()
		i.source = nil
	}
	i.keys = nil
	return i.err
}
