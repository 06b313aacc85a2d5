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
	dirty map[string]int // -> the how many-eth to become so
	size  int            // of the table of Java's HashSet, a power of two
	order []dirtyKey
}

type dirtyKey struct {
	key    string
	bucket uint32
	turn   int
}

// bufferHeaders say which format the values have: version 3.
var bufferHeaders = []serde.Header{{Name: "v", Value: []byte{3}}}

func newBuffered(t *Task, s *state.Store, topic string) *buffered {
	return &buffered{Store: s, task: t, topic: topic, dirty: map[string]int{}, size: 16}
}

// Put implements store.Bytes.
func (b *buffered) Put(key, value []byte, timestamp int64) error {
	if err := b.Store.Put(key, value, timestamp); err != nil {
		return err
	}
	if _, ok := b.dirty[string(key)]; !ok {
		b.dirty[string(key)] = len(b.dirty)
		for 4*len(b.dirty) > 3*b.size {
			b.size *= 2
		}
	}
	return nil
}

func (b *buffered) pending() bool { return len(b.dirty) > 0 }

// manyDirty is from how many keys on the map of them is made anew: to walk and to
// clear a map takes as long as the most that were ever in it.
const manyDirty = 4096

func (b *buffered) drop() {
	if len(b.dirty) >= manyDirty {
		b.dirty = map[string]int{}
		return
	}
	clear(b.dirty)
}

// flush logs what the keys have become, in the order of Java's HashSet: by bucket,
// and in a bucket by age. Java's producer gives the records its clock's time.
func (b *buffered) flush() error {
	b.order = b.order[:0]
	for key, turn := range b.dirty {
		h := javaHash(key)
		b.order = append(b.order, dirtyKey{key, (h ^ h>>16) & uint32(b.size-1), turn})
	}
	slices.SortFunc(b.order, func(x, y dirtyKey) int {
		if x.bucket != y.bucket {
			return int(x.bucket) - int(y.bucket)
		}
		return x.turn - y.turn
	})
	b.drop()
	for _, d := range b.order {
		value, err := b.Get([]byte(d.key))
		if err != nil {
			return fmt.Errorf("store %q: %w", b.Name(), err)
		}
		var headers []serde.Header
		if value != nil {
			headers = bufferHeaders
		}
		if err := b.task.cfg.Output.Send(b.topic, b.task.cfg.ID.Partition, []byte(d.key), value, b.task.now, headers); err != nil {
			return fmt.Errorf("store %q: append to the changelog: %w", b.Name(), err)
		}
	}
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
