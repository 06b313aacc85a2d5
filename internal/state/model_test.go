package state

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/store"
)

// TestSetAgreesWithAModel runs random transactions, flushes, failures and ends of
// the process, and compares with maps all the time. After an end what the disk
// lacks is restored from the model's changelog.
func TestSetAgreesWithAModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine(t)
		defer func() { m.kill(t) }()
		t.Repeat(map[string]func(*rapid.T){
			"":           m.check,
			"put":        m.put,
			"put2":       m.put,
			"get":        m.get,
			"scan":       m.scan,
			"commit":     m.commit,
			"abort":      m.abort,
			"take flush": m.takeFlush,
			"write":      m.write,
			"fail":       m.failWrite,
			"wipe":       m.wipe,
			"close":      func(t *rapid.T) { m.close(t); m.open(t) },
			"kill":       func(t *rapid.T) { m.kill(t); m.open(t) },
			"restore":    m.restoreRunning,
		})
	})
}

var modelSpecs = []store.Spec{
	spec("plain", store.KindKeyValue, true),
	spec("stamped", store.KindTimestampedKeyValue, true),
	spec("mem", store.KindKeyValue, false),
	segmentedSpec("windows", store.KindWindow, true, false),
	segmentedSpec("ordered", store.KindTimestampedWindow, true, true),
	segmentedSpec("sessions", store.KindSession, false, false),
	segmentedSpec("versions", store.KindVersionedKeyValue, true, false),
}

// modelStore is what a store must have, and its changelog.
type modelStore struct {
	spec               store.Spec
	committed, pending map[string]string
	records            []record.Record // of the running transaction
	log                []record.Record // committed
	end                int64           // of the changelog

	// Stream time of a segmented store: committed, and pending.
	then, now int64
}

// Append implements Changelog.
func (s *modelStore) Append(key, value []byte, timestamp int64) error {
	r := record.Record{Key: append([]byte{}, key...), Timestamp: timestamp}
	if value != nil {
		r.Value = append([]byte{}, value...)
	}
	s.records = append(s.records, r)
	return nil
}

type machine struct {
	disk   *disk
	budget int
	set    *Set
	flush  *Flush
	stores []*modelStore
}

func newMachine(t *rapid.T) *machine {
	m := &machine{disk: newDisk(t), budget: rapid.SampledFrom([]int{-1, 3 * entryOverhead, 0}).Draw(t, "budget")}
	for _, s := range modelSpecs {
		m.stores = append(m.stores, &modelStore{spec: s, committed: map[string]string{}, pending: map[string]string{}, then: -1, now: -1})
	}
	m.open(t)
	return m
}

// open opens the set and restores its stores.
func (m *machine) open(t *rapid.T) {
	m.set = openSet(t, m.disk, m.budget, modelSpecs...)
	for _, s := range m.stores {
		m.set.Store(s.spec.Name).LogTo(s)
		m.restore(t, s)
	}
}

func (m *machine) restore(t *rapid.T, s *modelStore) {
	from, ok := m.set.Offset(s.spec.Name)
	if from > s.end || ok && from < 0 || !s.spec.Persistent && ok && m.set.Store(s.spec.Name).entries.n == 0 && s.end == 0 {
		t.Fatalf("%s: offset %d, %v; the changelog ends at %d", s.spec.Name, from, ok, s.end)
	}
	for from < s.end {
		to := min(s.end, from+int64(rapid.IntRange(1, 20).Draw(t, "records")))
		var batch []record.Record
		for _, r := range s.log {
			if r.Offset >= from && r.Offset < to {
				batch = append(batch, r)
			}
		}
		if err := m.set.Restore(s.spec.Name, batch, to); err != nil {
			t.Fatalf("restore: %v", err)
		}
		from = to
	}
}

var keys = rapid.SampledFrom([]string{"", "a", "a\x00", "aa", "ab", "b", "ba", "c", "\xff", "\xff\xff"})

func (m *machine) draw(t *rapid.T) *modelStore {
	return m.stores[rapid.IntRange(0, len(m.stores)-1).Draw(t, "store")]
}

func (m *machine) put(t *rapid.T) {
	s := m.draw(t)
	if s.spec.Kind == store.KindVersionedKeyValue {
		m.putVersion(t, s)
		return
	}
	key := s.drawKey(t)
	var value []byte
	ts := rapid.Int64Range(-1, 1000).Draw(t, "timestamp")
	if rapid.IntRange(0, 3).Draw(t, "delete") > 0 {
		value = []byte{}
		if s.spec.Kind.Timestamped() {
			value = binary.BigEndian.AppendUint64(value, uint64(ts))
		}
		value = append(value, rapid.StringOfN(rapid.RuneFrom([]rune("xyz")), 0, 20, -1).Draw(t, "value")...)
	}
	k, v := []byte(key), slices.Clone(value)
	if err := m.set.Store(s.spec.Name).Put(k, v, ts); err != nil {
		t.Fatalf("put: %v", err)
	}
	clear(k) // the caller may use its slices again
	clear(v)
	if s.advance(key) {
		s.set(s.pending, key, value)
	}
}

func (m *machine) get(t *rapid.T) {
	s := m.draw(t)
	if s.spec.Kind == store.KindVersionedKeyValue {
		m.compareVersions(t, s)
		return
	}
	key := s.drawKey(t)
	if !s.visible(key, s.now) {
		return // nobody asks for it
	}
	want, ok := s.pending[key]
	got, err := m.set.Store(s.spec.Name).Get([]byte(key))
	if err != nil || (got != nil) != ok || string(got) != want {
		t.Fatalf("%s: Get(%q) = %q, %v; want %q, %v", s.spec.Name, key, got, err, want, ok)
	}
}

func (m *machine) scan(t *rapid.T) {
	s := m.draw(t)
	switch {
	case s.spec.Kind == store.KindVersionedKeyValue:
		m.compareVersions(t, s)
		return
	case s.spec.Kind.Segmented():
		m.scanSegments(t, s)
		return
	}
	bounds := rapid.OneOf(rapid.Just("-"), keys)
	from, to, reverse := bounds.Draw(t, "from"), bounds.Draw(t, "to"), rapid.Bool().Draw(t, "reverse")
	st := m.set.Store(s.spec.Name)
	what := fmt.Sprintf("%s: scan %q to %q, reverse %v", s.spec.Name, from, to, reverse)
	m.compare(t, what, list(t, st.Scan(bytesOf(from), bytesOf(to), reverse)), entries(s.pending, from, to, reverse))
	m.compare(t, what+" committed", list(t, st.Committed().Scan(bytesOf(from), bytesOf(to), reverse)), entries(s.committed, from, to, reverse))
}

func (m *machine) compare(t *rapid.T, what string, got, want []string) {
	if !slices.Equal(got, want) {
		t.Fatalf("%s: %q, want %q", what, got, want)
	}
}

func entries(m map[string]string, from, to string, reverse bool) []string {
	all := []string{}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if (from == "-" || k >= from) && (to == "-" || k < to) {
			all = append(all, k+"="+m[k])
		}
	}
	if reverse {
		slices.Reverse(all)
	}
	return all
}

// commit ends the transaction; its marker takes an offset of the changelog.
func (m *machine) commit(t *rapid.T) {
	ends := map[string]int64{}
	for _, s := range m.stores {
		if len(s.records) == 0 {
			continue
		}
		for _, r := range s.records {
			r.Offset = s.end
			s.end++
			s.log = append(s.log, r)
		}
		s.records = nil
		s.end++
		s.committed, s.then = maps.Clone(s.pending), s.now
		ends[s.spec.Name] = s.end
	}
	m.set.Commit(ends)
}

func (m *machine) abort(*rapid.T) {
	m.set.Abort()
	m.drop()
}

func (m *machine) drop() {
	for _, s := range m.stores {
		s.records, s.pending, s.now = nil, maps.Clone(s.committed), s.then
	}
}

func (m *machine) takeFlush(t *rapid.T) {
	f := m.set.Flush()
	if f != nil && m.flush != nil {
		t.Fatalf("two flushes at once")
	}
	if f != nil {
		m.flush = f
	}
}

func (m *machine) write(t *rapid.T) {
	if m.flush == nil {
		return
	}
	if err := m.flush.Write(); err != nil {
		t.Fatalf("write: %v", err)
	}
	m.flush = nil
}

// failWrite writes a part of a flush.
func (m *machine) failWrite(t *rapid.T) {
	if m.flush == nil {
		return
	}
	m.disk.fuse = rapid.IntRange(0, 6).Draw(t, "fuse")
	_ = m.flush.Write() // it may also fit
	m.disk.fuse, m.flush = -1, nil
}

// wipe discards a store, perhaps only in part, and restores it.
func (m *machine) wipe(t *rapid.T) {
	m.abort(t)
	s := m.draw(t)
	m.flush = nil // taken back, if it was not written
	if rapid.Bool().Draw(t, "fail") {
		m.disk.fuse = rapid.IntRange(0, 6).Draw(t, "fuse")
		err := m.set.Wipe(s.spec.Name)
		m.disk.fuse = -1
		if err != nil {
			m.kill(t)
			m.open(t)
			return
		}
	} else if err := m.set.Wipe(s.spec.Name); err != nil {
		t.Fatalf("wipe: %v", err)
	}
	if got := list(t, m.set.Store(s.spec.Name).Scan(nil, nil, false)); len(got) > 0 {
		t.Fatalf("after a wipe there is %q", got)
	}
	m.restore(t, s)
}

// restoreRunning restores records again that a store has already.
func (m *machine) restoreRunning(t *rapid.T) {
	m.abort(t)
	s := m.draw(t)
	from := rapid.Int64Range(0, s.end).Draw(t, "from")
	var batch []record.Record
	for _, r := range s.log {
		if r.Offset >= from {
			batch = append(batch, r)
		}
	}
	m.flush = nil
	if err := m.set.Restore(s.spec.Name, batch, s.end); err != nil {
		t.Fatalf("restore: %v", err)
	}
}

func (m *machine) close(t *rapid.T) {
	mustClose(t, m.set)
	m.flush = nil
	for _, s := range m.stores {
		if next, ok := storedPosition(t, m.disk, s.spec); s.spec.Persistent && s.end > 0 && (next != s.end || !ok) {
			t.Fatalf("%s: position %d, %v after Close; want %d", s.spec.Name, next, ok, s.end)
		}
	}
	m.drop()
}

// kill ends the process, perhaps in the middle of writing a flush.
func (m *machine) kill(t *rapid.T) {
	if m.flush != nil && rapid.Bool().Draw(t, "while writing") {
		m.failWrite(t)
	}
	m.disk.open, m.flush = false, nil
	m.drop()
}

func storedPosition(t errorer, d *disk, spec store.Spec) (int64, bool) {
	next, _, found := storedRecord(t, d, spec)
	return next, found
}

func storedRecord(t errorer, d *disk, spec store.Spec) (int64, marks, bool) {
	next, m, found, err := (&backing{engine: d.Engine, name: "disk"}).readRecord(spec)
	if err != nil {
		t.Fatalf("read position: %v", err)
	}
	return next, m, found
}

// check runs after each step. What is on the disk, with the rest of the changelog
// after its position, must be what is committed.
func (m *machine) check(t *rapid.T) {
	for _, s := range m.stores {
		s.checkTimes(t, m.set.Store(s.spec.Name))
		if !s.spec.Persistent {
			continue
		}
		m.checkDisk(t, s)
	}
	if size := m.set.Size(); size.DirtyBytes < 0 || size.PendingBytes < 0 || size.CacheBytes < 0 {
		t.Fatalf("sizes %+v", size)
	}
}

func (m *machine) checkDisk(t *rapid.T, s *modelStore) {
	position, marks, found := storedRecord(t, m.disk, s.spec)
	if !found {
		return // its data are worth nothing
	}
	onDisk := map[string]string{}
	prefix := s.spec.Name + "\x00"
	it := m.disk.Engine.Scan([]byte(prefix), []byte(s.spec.Name+"\x01"), false)
	for it.Next() {
		onDisk[string(it.Key()[len(prefix):])] = string(it.Value())
	}
	if err := it.Close(); err != nil {
		t.Fatalf("scan disk: %v", err)
	}
	if s.spec.Kind == store.KindVersionedKeyValue {
		s.checkVersions(t, onDisk, marks.time, position)
		return
	}
	for _, r := range s.log {
		if r.Offset < position {
			continue
		}
		value := r.Value
		if value != nil && s.spec.Kind.Timestamped() {
			value = append(binary.BigEndian.AppendUint64(nil, uint64(r.Timestamp)), value...)
		}
		s.set(onDisk, string(s.spec.AppendEngineKey(nil, r.Key)), value)
	}
	onDisk, committed := s.seen(onDisk, s.then), s.seen(s.committed, s.then)
	if !maps.Equal(onDisk, committed) {
		t.Fatalf("%s: the disk at position %d and the changelog after it give %q, committed is %q", s.spec.Name, position, onDisk, committed)
	}
}
