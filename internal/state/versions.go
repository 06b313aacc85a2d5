package state

import (
	"fmt"

	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/store"
)

// PutVersion implements [store.VersionedBytes]. One version may change several rows; the
// changelog has the version.
func (s *Store) PutVersion(key, value []byte, timestamp int64) (validTo int64, err error) {
	if s.versions == nil {
		return 0, fmt.Errorf("state: store %q has no versions", s.spec.Name)
	}
	if validTo, err = s.putVersion(key, value, timestamp); err != nil {
		return 0, err
	}
	return validTo, s.log(key, value, timestamp)
}

func (s *Store) putVersion(key, value []byte, timestamp int64) (validTo int64, err error) {
	m := &s.times.running
	if s.spec.TooOld(timestamp, m.time) {
		if s.times.expired != nil {
			s.times.expired()
		}
		return store.NotPut, nil
	}
	m.time = max(m.time, timestamp)
	return s.versions.Put(m.time, key, value, timestamp)
}

// versionRows are the rows of a versioned store without its changelog.
type versionRows struct{ *Store }

func (r versionRows) Set(key, value []byte) error {
	if err := r.Check(key, value); err != nil {
		return err
	}
	r.put(key, value)
	return nil
}

// restoreVersions puts the versions of changelog records again. Rows depend on those
// before, so they go through memory, and to the engine with the position.
func (s *Store) restoreVersions(records []record.Record, next int64) error {
	expired, before, pending := s.times.expired, s.position, s.set.pendingBytes
	s.times.expired = nil
	defer func() { s.times.expired, s.set.pendingBytes = expired, pending }()
	for i := range records {
		r := &records[i]
		if r.Key == nil || r.Timestamp < 0 {
			continue
		}
		if _, err := s.putVersion(r.Key, r.Value, r.Timestamp); err != nil {
			s.abort()
			return err
		}
	}
	written := len(s.pending)
	s.commit()
	s.commitTimes(written)
	s.position = next
	s.set.evict(evictAtCommit)
	err := s.set.flush()
	if err != nil {
		s.position = before
	}
	return err
}
