package task

import (
	"fmt"
	"slices"

	"github.com/streamweir/streamweir/internal/state"
	"github.com/streamweir/streamweir/serde"
)

// buffered is the store of a buffer: a change is in it at once, and logged when the
// task commits, so that what is buffered and let go in between costs a tombstone at
// most. Kafka Streams: InMemoryTimeOrderedKeyValueChangeBuffer.
type buffered struct {
	*state.Store
	task  *Task
	topic string
	dirty map[string]struct{}
	keys  []string // of dirty, as they became so
	size  int      // of the table of Java's HashSet, a power of two
	order []uint64 // bucket, and position in keys
	key   []byte
}

// bufferHeaders say which format the values have: version 3.
var bufferHeaders = []serde.Header{{Name: "v", Value: []byte{3}}}

func newBuffered(t *Task, s *state.Store, topic string) *buffered {
	return &buffered{Store: s, task: t, topic: topic, dirty: map[string]struct{}{}, size: 16}
}

// Put implements store.Bytes.
func (b *buffered) Put(key, value []byte, timestamp int64) error {
	if err := b.Store.Put(key, value, timestamp); err != nil {
		return err
	}
	if _, ok := b.dirty[string(key)]; !ok {
		kept := b.KeyOf(key)
		b.dirty[kept] = struct{}{}
		b.keys = append(b.keys, kept)
		for 4*len(b.dirty) > 3*b.size {
			b.size *= 2
		}
	}
	return nil
}

func (b *buffered) pending() bool { return len(b.dirty) > 0 }

// manyDirty is from how many keys on the map of them is made anew: to clear a map takes
// as long as the most that were ever in it.
const manyDirty = 4096

func (b *buffered) drop() {
	if len(b.dirty) < manyDirty {
		clear(b.dirty)
	} else {
		b.dirty = map[string]struct{}{}
	}
	clear(b.keys)
	b.keys = b.keys[:0]
}

// flush logs what the keys have become, in the order of Java's HashSet: by bucket,
// and in a bucket by age. Java's producer gives the records its clock's time.
func (b *buffered) flush() error {
	b.order = b.order[:0]
	for turn, key := range b.keys {
		h := javaHash(key)
		b.order = append(b.order, uint64((h^h>>16)&uint32(b.size-1))<<32|uint64(turn))
	}
	slices.Sort(b.order)
	for _, at := range b.order {
		b.key = append(b.key[:0], b.keys[uint32(at)]...)
		value, err := b.Get(b.key)
		if err != nil {
			return fmt.Errorf("store %q: %w", b.Name(), err)
		}
		var headers []serde.Header
		if value != nil {
			headers = bufferHeaders
		}
		if err := b.task.cfg.Output.Send(b.topic, b.task.cfg.ID.Partition, b.key, value, b.task.now, headers); err != nil {
			return fmt.Errorf("store %q: append to the changelog: %w", b.Name(), err)
		}
	}
	b.drop()
	return nil
}

// javaHash is java.util.Arrays.hashCode(byte[]).
func javaHash(key string) uint32 {
	h := uint32(1)
	for _, c := range []byte(key) {
		h = 31*h + uint32(int8(c))
	}
	return h
}
