package store

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// Window and session stores have rows with a time: the start of a window, or the end
// of a session. In the changelog they are as Kafka Streams has them:
//
//	window   key, start (8 bytes), sequence (4 bytes)      time = start
//	session  key, end (8 bytes), start (8 bytes)           time = end
//
// In the engine, rows are kept by segments of time, each of which expires as a whole:
//
//	segment (8 bytes), changelog key                       segment = time / SegmentInterval
//	time with the highest bit set (8 bytes), start of a session (8 bytes), changelog key
//	                               index of a time-ordered store, without value
//
// All numbers are big-endian. Times are not negative, so the index comes after the
// rows. With stream time the greatest time that was put, a row is
//
//	seen     if time > stream time - Retention (but see Oldest)
//	dropped  if segment < (stream time - Retention) / SegmentInterval, some time later
//
// so what is dropped is never seen, and when it is dropped makes no difference.

const (
	segmentBytes  = 8
	windowSuffix  = 8 + 4
	sessionSuffix = 8 + 8
	indexBit      = 1 << 63
	// minSegmentInterval is Kafka Streams'.
	minSegmentInterval = 60_000
)

func (s *Spec) suffix() int {
	if s.Kind == KindSession {
		return sessionSuffix
	}
	return windowSuffix
}

// CheckChangelogKey refuses the key of a changelog record that cannot be one of the
// store.
func (s *Spec) CheckChangelogKey(key []byte) error {
	if !s.Kind.Windowed() {
		return nil
	}
	if len(key) < s.suffix() {
		return fmt.Errorf("a key of %d bytes is none of a %s store, which has %d after the key proper", len(key), s.Kind, s.suffix())
	}
	if t := s.RowTime(key); t < 0 {
		return fmt.Errorf("a key with the negative time %d is none of a %s store", t, s.Kind)
	}
	return nil
}

// RowTime is the time in a changelog key.
func (s *Spec) RowTime(changelogKey []byte) int64 {
	return int64(binary.BigEndian.Uint64(changelogKey[len(changelogKey)-s.suffix():]))
}

// Sequence is the number of a row in a window store with duplicates, by its changelog
// key.
func (s *Spec) Sequence(changelogKey []byte) int32 {
	return int32(binary.BigEndian.Uint32(changelogKey[len(changelogKey)-4:]))
}

// AppendEngineKey appends the key in the engine of a row with the given changelog
// key.
func (s *Spec) AppendEngineKey(dst, changelogKey []byte) []byte {
	if s.Kind.Windowed() {
		dst = binary.BigEndian.AppendUint64(dst, uint64(s.RowTime(changelogKey)/s.SegmentInterval))
	}
	return append(dst, changelogKey...)
}

// AppendIndexKey appends the key in the index of a time-ordered store.
func (s *Spec) AppendIndexKey(dst, changelogKey []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, indexBit|uint64(s.RowTime(changelogKey)))
	if s.Kind == KindSession {
		dst = append(dst, changelogKey[len(changelogKey)-8:]...) // the start
	}
	return append(dst, changelogKey...)
}

// indexed is the changelog key in a key of the index.
func (s *Spec) indexed(indexKey []byte) []byte {
	if s.Kind == KindSession {
		return indexKey[16:]
	}
	return indexKey[8:]
}

// AppendIndexBound appends the key in the index below which all rows have a time less
// than the given one.
func (s *Spec) AppendIndexBound(dst []byte, time int64) []byte {
	return binary.BigEndian.AppendUint64(dst, indexBit|uint64(time))
}

// AppendSegmentBound appends the key in the engine below which all rows are of smaller
// segments.
func (s *Spec) AppendSegmentBound(dst []byte, segment int64) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(segment))
}

// ChangelogKey is the key of the changelog record of a row in the engine. It is a part
// of engineKey.
func (s *Spec) ChangelogKey(engineKey []byte) []byte {
	if s.Kind.Windowed() {
		return engineKey[segmentBytes:]
	}
	return engineKey
}

// ChangelogValue is the value of the changelog record of a row in the engine, nil for a
// deletion. It is a part of value.
func (s *Spec) ChangelogValue(value []byte) []byte {
	if value != nil && s.Kind.Timestamped() {
		return value[8:]
	}
	return value
}

// Split takes the key of a row of a window or session store in the engine, as a
// flush of the record cache has it, apart. The key is a part of engineKey.
func (s *Spec) Split(engineKey []byte) (key []byte, w Window) {
	return s.split(engineKey[segmentBytes:])
}

func (s *Spec) split(row []byte) (key []byte, w Window) {
	n := len(row) - s.suffix()
	w.Start = int64(binary.BigEndian.Uint64(row[n:]))
	if s.Kind == KindSession {
		w.Start, w.End = int64(binary.BigEndian.Uint64(row[n+8:])), w.Start
	} else {
		w.End = addTime(w.Start, s.WindowSize)
	}
	return row[:n:n], w
}

// addTime adds without going beyond the greatest time.
func addTime(a, b int64) int64 {
	if sum := a + b; sum >= a {
		return sum
	}
	return math.MaxInt64
}

// Oldest is the smallest time that is seen at a stream time. As in Kafka Streams a
// time-ordered window store on disk shows a millisecond more: with a retention of the
// windows' size, and no grace period, a window that the next one closes is seen.
func (s *Spec) Oldest(streamTime int64) int64 {
	oldest := streamTime - s.Retention + 1
	if s.TimeOrdered && s.Persistent && s.Kind != KindSession {
		oldest--
	}
	return max(0, oldest)
}

// OldestEnded is the smallest end of a session that FindEnded shows at a stream time.
// As in Kafka Streams, a store on disk shows what it has not yet dropped.
func (s *Spec) OldestEnded(streamTime int64) int64 {
	if s.Persistent {
		return s.LiveSegment(streamTime) * s.SegmentInterval
	}
	return s.Oldest(streamTime)
}

// LiveSegment is the smallest segment that is kept at a stream time.
func (s *Spec) LiveSegment(streamTime int64) int64 {
	return max(0, (streamTime-s.Retention)/s.SegmentInterval)
}

// Expired tells whether a row of that time is too old to be put. As in Kafka Streams a
// persistent store takes what belongs to a segment that it keeps, even if nobody
// will see it.
func (s *Spec) Expired(time, streamTime int64) bool {
	if s.Persistent {
		return time/s.SegmentInterval < s.LiveSegment(streamTime)
	}
	return time < s.Oldest(streamTime)
}

// setTimes fills in what makes a store segmented.
func (s *Spec) setTimes(retention, windowSize time.Duration) {
	s.Retention, s.WindowSize = millis(retention), millis(windowSize)
	s.SegmentInterval = max(s.Retention/2, minSegmentInterval)
}

func millis(d time.Duration) int64 {
	if d == Forever {
		return math.MaxInt64
	}
	return d.Milliseconds()
}
