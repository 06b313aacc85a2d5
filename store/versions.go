package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// A VersionWriter puts versions into the rows of a versioned store.
type VersionWriter struct {
	spec         Spec
	rows         VersionRows
	live, newest int64 // segments
	key          []byte
	rowKey, row  []byte
	moved        []byte
	h, older     history
}

// NewVersionWriter returns a writer of rows of a versioned store.
func NewVersionWriter(s Spec, rows VersionRows) *VersionWriter {
	return &VersionWriter{spec: s, rows: rows}
}

// Put adds a version of key to a store whose stream time is streamTime, the timestamp
// included. It returns the timestamp of the next version, [StillValid] if there is none,
// or [NotPut] if nobody will see the version. Kafka Streams:
// RocksDBVersionedStore.doPut.
func (p *VersionWriter) Put(streamTime int64, key, value []byte, timestamp int64) (validTo int64, err error) {
	p.live, p.newest, p.key = p.spec.LiveSegment(streamTime), p.spec.segment(streamTime), key
	return p.put(value, timestamp)
}

func (s *Spec) segment(time int64) int64 { return time / s.SegmentInterval }

// TooOld tells whether a version is beyond the history retention.
func (s *Spec) TooOld(timestamp, streamTime int64) bool { return timestamp < streamTime-s.Retention }

func (s *Spec) appendLatestKey(dst, key []byte) []byte {
	return append(binary.BigEndian.AppendUint64(dst, indexBit), key...)
}

func (s *Spec) appendHistoryKey(dst []byte, segment int64, key []byte) []byte {
	return append(binary.BigEndian.AppendUint64(dst, uint64(segment)), key...)
}

func (p *VersionWriter) latestKey() []byte {
	p.rowKey = p.spec.appendLatestKey(p.rowKey[:0], p.key)
	return p.rowKey
}

func (p *VersionWriter) historyKey(segment int64) []byte {
	p.rowKey = p.spec.appendHistoryKey(p.rowKey[:0], segment, p.key)
	return p.rowKey
}

func (p *VersionWriter) put(value []byte, timestamp int64) (int64, error) {
	latest, err := p.rows.Get(p.latestKey())
	if err != nil {
		return 0, err
	}
	found := StillValid
	if latest != nil {
		if len(latest) < 8 {
			return 0, errHistory
		}
		from := int64(binary.BigEndian.Uint64(latest))
		if timestamp >= from {
			return StillValid, p.replaceLatest(from, latest[8:], value, timestamp)
		}
		found = from
	}
	// The next version is the smallest that is greater than timestamp.
	h := &p.h
	for segment := p.newest; segment >= max(p.live, p.spec.segment(timestamp)); segment-- {
		ok, err := p.load(h, segment)
		switch {
		case err != nil:
			return 0, err
		case !ok:
			continue
		case h.next <= timestamp:
			return p.finish(value, timestamp, found)
		case h.first() <= timestamp:
			return p.putInto(h, segment, value, timestamp)
		}
		found = h.first()
	}
	return p.finish(value, timestamp, found)
}

// replaceLatest makes a version the latest; the one before moves into a segment first.
func (p *VersionWriter) replaceLatest(from int64, old, value []byte, timestamp int64) error {
	if segment := p.spec.segment(timestamp); timestamp > from && segment >= p.live {
		p.moved = append(p.moved[:0], old...)
		if p.moved == nil {
			p.moved = []byte{} // an empty value is a value
		}
		if err := p.addLast(segment, from, timestamp, p.moved); err != nil {
			return err
		}
	}
	return p.setLatest(value, timestamp)
}

func (p *VersionWriter) setLatest(value []byte, timestamp int64) error {
	if value == nil {
		return p.rows.Set(p.latestKey(), nil)
	}
	p.row = append(binary.BigEndian.AppendUint64(p.row[:0], uint64(timestamp)), value...)
	return p.rows.Set(p.latestKey(), p.row)
}

// addLast adds a version to the end of a segment's row.
func (p *VersionWriter) addLast(segment, from, next int64, value []byte) error {
	h := &p.older
	ok, err := p.load(h, segment)
	if err != nil {
		return err
	}
	if ok {
		h.addLast(from, next, value)
	} else {
		h.set(from, next, value)
	}
	return p.save(h, segment)
}

// putInto puts a version between those of a row.
func (p *VersionWriter) putInto(h *history, segment int64, value []byte, timestamp int64) (int64, error) {
	i, validTo := h.find(timestamp)
	before := h.versions[i]
	switch older := p.spec.segment(timestamp); {
	case before.from == timestamp:
		h.versions[i].value = value
	case older == segment:
		h.insert(i+1, timestamp, value)
	default: // the version before is valid until a time in an older segment now
		h.versions[i] = version{timestamp, value}
		row := h.append(nil) // before the rows are touched, which h refers to
		if older >= p.live {
			if err := p.addLast(older, before.from, timestamp, bytes.Clone(before.value)); err != nil {
				return 0, err
			}
		}
		return validTo, p.rows.Set(p.historyKey(segment), row)
	}
	return validTo, p.save(h, segment)
}

// finish puts a version that no row contains, and that is valid until found.
func (p *VersionWriter) finish(value []byte, timestamp, found int64) (int64, error) {
	if found == StillValid && value != nil {
		return found, p.setLatest(value, timestamp)
	}
	until := found
	if found == StillValid {
		until = timestamp // a deletion is valid until its own time
	}
	segment := p.spec.segment(until)
	if segment < p.live {
		return NotPut, nil
	}
	h := &p.h
	ok, err := p.load(h, segment)
	switch {
	case err != nil:
		return 0, err
	case !ok:
		h.set(timestamp, until, value)
	case found == StillValid && h.next == timestamp:
		return found, nil // says so already
	case found == StillValid:
		h.addLast(h.next, timestamp, nil)
	case h.next <= timestamp:
		h.addLast(timestamp, found, value)
	default:
		h.addFirst(timestamp, value)
	}
	return found, p.save(h, segment)
}

func (p *VersionWriter) load(h *history, segment int64) (bool, error) {
	row, err := p.rows.Get(p.historyKey(segment))
	if err != nil || row == nil {
		return false, err
	}
	return true, h.decode(row)
}

func (p *VersionWriter) save(h *history, segment int64) error {
	p.row = h.append(p.row[:0])
	return p.rows.Set(p.historyKey(segment), p.row)
}

// versions reads the rows of a versioned store.
type versions struct {
	spec Spec
	r    TimedReader
	key  []byte
	h    history
}

// latest returns the latest version of key; value is nil if there is none.
func (v *versions) latest(key []byte) (value []byte, timestamp int64, err error) {
	v.key = v.spec.appendLatestKey(v.key[:0], key)
	row, err := v.r.Get(v.key)
	if err != nil || row == nil {
		return nil, 0, err
	}
	if len(row) < 8 {
		return nil, 0, errHistory
	}
	return row[8:], int64(binary.BigEndian.Uint64(row)), nil
}

// asOf returns the version of key that was valid at a time; value is nil if there was
// none.
func (v *versions) asOf(key []byte, at int64) (value []byte, from, validTo int64, err error) {
	if value, from, err = v.latest(key); err != nil || value != nil && from <= at {
		return value, from, StillValid, err
	}
	streamTime := v.r.StreamTime()
	if v.spec.TooOld(at, streamTime) {
		return nil, 0, 0, nil
	}
	for segment := v.spec.segment(max(at, 0)); segment <= v.spec.segment(max(streamTime, 0)); segment++ {
		v.key = v.spec.appendHistoryKey(v.key[:0], segment, key)
		row, err := v.r.Get(v.key)
		if err != nil {
			return nil, 0, 0, err
		}
		if row == nil {
			continue
		}
		if err := v.h.decode(row); err != nil {
			return nil, 0, 0, fmt.Errorf("at %d: %w", at, err)
		}
		if at >= v.h.next {
			continue
		}
		if at < v.h.first() {
			return nil, 0, 0, nil
		}
		i, validTo := v.h.find(at)
		return v.h.versions[i].value, v.h.versions[i].from, validTo, nil
	}
	return nil, 0, 0, nil
}
