package state

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/streamweir/streamweir/store"
)

// What is in an engine:
//
//	0 "format"        format version, decimal
//	0 "store" 0 name  kind (1 byte), position (8 bytes, big-endian; -1: none);
//	                  of a segmented store also its stream time (8 bytes) and the
//	                  sequence of its last row (4 bytes)
//	name 0 key        value
//
// A store's record is the last that is written of it and the first that is
// deleted: a store without one has nothing of value.
const formatVersion = "1"

var (
	formatKey   = []byte("\x00format")
	storePrefix = []byte("\x00store\x00")
)

const noPosition = -1

// batchBytes is about how much is given to an engine at once.
const batchBytes = 1 << 20

// backing is an engine and what the stores on it share.
type backing struct {
	engine           store.Engine
	name             string // for messages
	persistent       bool
	maxKey, maxValue int
	apply            sync.Mutex // an engine takes one batch at a time
}

// maxBytes is what a key or a value can have at most, whatever the engine takes: an
// entry counts its bytes in 32 bits.
const maxBytes = 1 << 30

func openBacking(cfg Config, persistent bool) (*backing, error) {
	b := &backing{name: "memory", persistent: persistent, maxKey: maxBytes, maxValue: maxBytes}
	open := store.Memory()
	if persistent {
		b.name, open = cfg.Dir, cfg.Opener
		for _, s := range cfg.Stores {
			if s.Persistent && s.Opener != nil {
				open = s.Opener
				break
			}
		}
		if open == nil {
			return nil, errors.New("state: a persistent store needs an engine: configure an opener, or keep the store in memory")
		}
	}
	var err error
	if b.engine, err = open(cfg.Dir); err != nil {
		return nil, fmt.Errorf("state: open the engine in %s: %w", b.name, err)
	}
	if l, ok := b.engine.(store.Limiter); ok {
		key, value := l.Limits()
		b.maxKey, b.maxValue = min(key, maxBytes), min(value, maxBytes)
	}
	return b, nil
}

// write applies a batch. Any goroutine may call it.
func (b *backing) write(batch *store.Batch) error {
	b.apply.Lock()
	defer b.apply.Unlock()
	if err := b.engine.Apply(batch); err != nil {
		return fmt.Errorf("state: write to the engine in %s: %w", b.name, err)
	}
	return nil
}

// checkFormat accepts an engine of this version's format, and writes the version
// to an empty one.
func (b *backing) checkFormat() error {
	version, found, err := b.engine.Get(formatKey, nil)
	if err != nil {
		return fmt.Errorf("state: read the format version in %s: %w", b.name, err)
	}
	if !found {
		empty, err := b.empty(nil, nil)
		if err != nil {
			return err
		}
		if !empty {
			return fmt.Errorf("state: the engine in %s has data but no format version: it was not written by this library, or is damaged. Remove the folder to restore its stores from their changelogs", b.name)
		}
		var batch store.Batch
		batch.Put(formatKey, []byte(formatVersion))
		return b.write(&batch)
	}
	if string(version) != formatVersion {
		return fmt.Errorf("state: the engine in %s has format version %q, this version of the library reads %q: use the version that wrote it, or remove the folder to restore its stores from their changelogs",
			b.name, version, formatVersion)
	}
	return nil
}

func (b *backing) empty(from, to []byte) (bool, error) {
	it := b.engine.Scan(from, to, false)
	empty := !it.Next()
	if err := it.Close(); err != nil {
		return false, fmt.Errorf("state: read the engine in %s: %w", b.name, err)
	}
	return empty, nil
}

func recordKey(name string) []byte { return append(bytes.Clone(storePrefix), name...) }

func recordValue(kind store.Kind, position int64, m marks) []byte {
	r := binary.BigEndian.AppendUint64([]byte{byte(kind)}, uint64(position))
	if kind.Segmented() {
		r = binary.BigEndian.AppendUint64(r, uint64(m.time))
		r = binary.BigEndian.AppendUint32(r, uint32(m.sequence))
	}
	return r
}

// readRecord reads what an engine says of a store.
func (b *backing) readRecord(spec store.Spec) (position int64, m marks, found bool, err error) {
	m = noMarks
	data, found, err := b.engine.Get(recordKey(spec.Name), nil)
	if err != nil || !found {
		return noPosition, m, false, err
	}
	kind := spec.Kind
	if len(data) > 0 {
		kind = store.Kind(data[0])
	}
	if want := len(recordValue(kind, 0, m)); len(data) != want {
		return noPosition, m, false, fmt.Errorf("state: the record of store %q in %s has %d bytes instead of %d: it is damaged. Remove the folder to restore its stores from their changelogs", spec.Name, b.name, len(data), want)
	}
	position = int64(binary.BigEndian.Uint64(data[1:]))
	if kind.Segmented() {
		m.time, m.sequence = int64(binary.BigEndian.Uint64(data[9:])), int32(binary.BigEndian.Uint32(data[17:]))
	}
	switch {
	case position < noPosition:
		return noPosition, noMarks, false, fmt.Errorf("state: the record of store %q in %s has changelog position %d: it is damaged. Remove the folder to restore its stores from their changelogs", spec.Name, b.name, position)
	case m.time < noMarks.time:
		return noPosition, noMarks, false, fmt.Errorf("state: the record of store %q in %s has stream time %d: it is damaged. Remove the folder to restore its stores from their changelogs", spec.Name, b.name, m.time)
	case kind != spec.Kind:
		return noPosition, noMarks, false, fmt.Errorf("state: store %q in %s was written as a %s store, the topology has it as a %s store: give it another name, or remove the folder to restore its stores from their changelogs",
			spec.Name, b.name, kind, spec.Kind)
	}
	return position, m, true, nil
}

// deleteRange removes the keys from <= k < to in batches.
func (b *backing) deleteRange(batch *store.Batch, from, to []byte) error {
	it := b.engine.Scan(from, to, false)
	for it.Next() {
		batch.Delete(it.Key())
		if batch.Bytes() >= batchBytes {
			if err := b.write(batch); err != nil {
				return errors.Join(err, it.Close())
			}
			batch.Reset()
		}
	}
	if err := it.Close(); err != nil {
		return fmt.Errorf("state: read the engine in %s: %w", b.name, err)
	}
	if batch.Len() == 0 {
		return nil
	}
	return b.write(batch)
}
