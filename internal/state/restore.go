package state

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/store"
)

// Restore writes records of a store's changelog straight to the engine, in their
// order, and then next, the offset after them, as the store's position. A null
// value deletes; a record with a null key is left out, as in Kafka Streams. When
// it returns without error the records are in the engine; after an error a prefix
// of them is, the position is as before, and the call can be repeated.
//
// What is committed and not yet written is written first. It is an error to call
// Restore while something is pending.
func (st *Set) Restore(name string, records []record.Record, next int64) error {
	s, err := st.store(name)
	if err != nil {
		return err
	}
	if len(s.pending) > 0 {
		return fmt.Errorf("state: store %q is restored while a transaction is pending: commit or abort it first", name)
	}
	if st.flight != nil || len(s.dirty) > 0 {
		if err := st.flush(); err != nil {
			return err
		}
	}
	if s.versions != nil {
		return s.restoreVersions(records, next)
	}
	if s.spec.Kind.Windowed() {
		if err := s.restoreTimes(records); err != nil {
			return err
		}
	}
	if err := s.restore(records); err != nil {
		return err
	}
	if err := s.setPosition(next); err != nil {
		return err
	}
	return s.dropSegments()
}

// restore leaves the end of the records in the batch.
func (s *Store) restore(records []record.Record) error {
	batch := &s.set.batch
	batch.Reset()
	var value []byte
	for i := range records {
		r := &records[i]
		if r.Key == nil {
			continue
		}
		if s.spec.Kind.Windowed() && s.spec.Expired(s.spec.RowTime(r.Key), s.times.committed.time) {
			continue
		}
		s.key = s.spec.AppendEngineKey(append(s.key[:0], s.prefix...), r.Key)
		s.overtake(s.key[len(s.prefix):], r.Value != nil)
		switch {
		case r.Value == nil:
			batch.Delete(s.key)
		case s.spec.Kind == store.KindBuffer:
			if err := checkBuffer(s.spec.Name, r); err != nil {
				return err
			}
			batch.Put(s.key, r.Value)
		case s.spec.Kind.Timestamped():
			value = binary.BigEndian.AppendUint64(value[:0], uint64(r.Timestamp))
			value = append(value, r.Value...)
			batch.Put(s.key, value)
		default:
			batch.Put(s.key, r.Value)
		}
		if s.spec.TimeOrdered {
			s.key = s.spec.AppendIndexKey(append(s.key[:0], s.prefix...), r.Key)
			s.overtake(s.key[len(s.prefix):], r.Value != nil)
			if r.Value == nil {
				batch.Delete(s.key)
			} else {
				batch.Put(s.key, nil)
			}
		}
		if batch.Bytes() >= batchBytes {
			if err := s.backing.write(batch); err != nil {
				return err
			}
			batch.Reset()
		}
	}
	return nil
}

// checkBuffer refuses a record of a buffer's changelog in a format that Kafka Streams
// wrote before 2.6: its header "v" has another version than 3, or is not there.
func checkBuffer(name string, r *record.Record) error {
	var version []byte
	for _, h := range r.Headers {
		if h.Name == "v" {
			version = h.Value
		}
	}
	if len(version) != 1 || version[0] != 3 {
		return fmt.Errorf("state: store %q: the changelog record at offset %d has format version %x, this version of the library reads 03: a Kafka Streams application of version 2.6 or later must write it anew first", name, r.Offset, version)
	}
	return nil
}

// overtake forgets what is known of a key that the engine is about to change.
func (s *Store) overtake(key []byte, put bool) {
	if !s.complete && s.entries.n == 0 {
		return
	}
	s.mu.Lock()
	if put {
		s.complete = false
	}
	e := s.entries.get(key)
	if e != nil {
		e.value, e.known = nil, unknown
	}
	s.mu.Unlock()
	if e != nil {
		s.set.measure(e)
	}
}

// setPosition writes the batch and, after it, the position.
func (s *Store) setPosition(next int64) error {
	batch := &s.set.batch
	batch.Put(recordKey(s.spec.Name), recordValue(s.spec.Kind, next, s.times.committed))
	if err := s.backing.write(batch); err != nil {
		return err
	}
	s.position, s.saved, s.recorded = next, next, true
	s.times.saved = s.times.committed
	return nil
}

// Wipe discards the content of a store and its position, in the engine and in
// memory: its changelog does not go on from where it stood. What is pending in the
// store is dropped. If it fails, or the process ends in the middle, the store has
// no position, and [Open] removes the rest.
func (st *Set) Wipe(name string) error {
	s, err := st.store(name)
	if err != nil {
		return err
	}
	st.land()
	for _, e := range s.pending {
		st.pendingBytes -= len(e.key) + len(e.pending)
	}
	for e := range s.entries.all() {
		if st.bytes -= int(e.size); e.dirty {
			st.dirtyBytes -= int(e.unsaved)
		}
	}
	s.pending, s.dirty, s.last = nil, nil, nil
	s.position, s.saved, s.recorded = noPosition, noPosition, false
	s.mu.Lock()
	for e := range s.entries.all() {
		e.gone = true
	}
	s.entries, s.index, s.complete = newTable(), nil, false
	s.times.set(noMarks)
	s.sortSegments()
	s.mu.Unlock()
	st.batch.Reset()
	st.batch.Delete(recordKey(name))
	if err := s.backing.write(&st.batch); err != nil {
		return err
	}
	st.batch.Reset()
	if err := s.backing.deleteRange(&st.batch, s.prefix, s.end); err != nil {
		return err
	}
	s.mu.Lock()
	s.complete = s.entries.n == 0
	s.mu.Unlock()
	return nil
}

// forgetScan takes an iterator that was closed off the list.
func (st *Set) forgetScan(i *scan) {
	if at := slices.Index(st.scans, i); at >= 0 {
		st.scans = slices.Delete(st.scans, at, at+1)
	}
}
