package state

import (
	"fmt"
	"maps"

	"pgregory.net/rapid"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
)

// versionsIn are the rows of a versioned store in a map: what it must have, written by
// the same rules but without transactions, memory and crashes.
type versionsIn struct {
	m    map[string]string
	time int64
}

func (v versionsIn) Get(key []byte) ([]byte, error) {
	if row, ok := v.m[string(key)]; ok {
		return []byte(row), nil
	}
	return nil, nil
}

func (v versionsIn) Set(key, value []byte) error {
	if v.m[string(key)] = string(value); value == nil {
		delete(v.m, string(key))
	}
	return nil
}

func (v versionsIn) Scan([]byte, []byte, bool) store.Iterator { return nil }

func (v versionsIn) StreamTime() int64 { return v.time }

// put puts a version and returns the stream time after it.
func (v versionsIn) put(t *rapid.T, s store.Spec, key string, value []byte, timestamp int64) (validTo, now int64) {
	if s.TooOld(timestamp, v.time) {
		return store.NotPut, v.time
	}
	v.time = max(v.time, timestamp)
	validTo, err := store.NewVersionWriter(s, v).Put(v.time, []byte(key), value, timestamp)
	if err != nil {
		t.Fatal(err)
	}
	return validTo, v.time
}

var versionedKeys = []string{"", "a", "aa"}

func (m *machine) putVersion(t *rapid.T, s *modelStore) {
	key := rapid.SampledFrom(versionedKeys).Draw(t, "key")
	ts := max(0, s.now+rapid.OneOf(rapid.Int64Range(-25, 12), rapid.Just[int64](1000)).Draw(t, "timestamp"))
	var value []byte
	if rapid.IntRange(0, 3).Draw(t, "delete") > 0 {
		value = append([]byte{}, rapid.StringOfN(rapid.RuneFrom([]rune("xyz")), 0, 3, -1).Draw(t, "value")...)
	}
	got, err := m.set.Store(s.spec.Name).PutVersion([]byte(key), value, ts)
	want, now := versionsIn{s.pending, s.now}.put(t, s.spec, key, value, ts)
	if s.now = now; err != nil || got != want {
		t.Fatalf("PutVersion(%q, %q, %d) = %d, %v; want %d", key, value, ts, got, err, want)
	}
}

func (m *machine) compareVersions(t *rapid.T, s *modelStore) {
	st := m.set.Store(s.spec.Name)
	equalVersions(t, s.spec, st, versionsIn{s.pending, s.now})
	equalVersions(t, s.spec, st.Committed().(store.TimedReader), versionsIn{s.committed, s.then})
}

func equalVersions(t *rapid.T, spec store.Spec, got, want store.TimedReader) {
	if g, w := allVersions(t, spec, got), allVersions(t, spec, want); g != w {
		t.Fatalf("versions at %d: %s, want those at %d: %s", got.StreamTime(), g, want.StreamTime(), w)
	}
}

// allVersions is all that can be asked of a versioned store.
func allVersions(t *rapid.T, spec store.Spec, r store.TimedReader) string {
	b := store.VersionedKeyValue(spec.Name, serde.String(), serde.String(), 20e6, store.SegmentInterval(10e6))
	view, err := b.View(r, "topic")
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, key := range versionedKeys {
		v, ok, err := view.Get(key)
		text += fmt.Sprintf(" %q %v %v", key, v, ok)
		for at := max(0, r.StreamTime()-25); at <= r.StreamTime()+1 && err == nil; at++ {
			if v, ok, err = view.GetAsOf(key, at); ok {
				text += fmt.Sprintf(" %d:%v", at, v)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return text
}

// checkVersions puts the rest of the changelog into what is on the disk.
func (s *modelStore) checkVersions(t *rapid.T, onDisk map[string]string, now, position int64) {
	rows := versionsIn{maps.Clone(onDisk), now}
	for _, r := range s.log {
		if r.Offset >= position {
			_, rows.time = rows.put(t, s.spec, string(r.Key), r.Value, r.Timestamp)
		}
	}
	equalVersions(t, s.spec, rows, versionsIn{s.committed, s.then})
}
