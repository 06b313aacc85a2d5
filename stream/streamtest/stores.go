package streamtest

import (
	"errors"
	"fmt"

	"github.com/streamweir/streamweir/internal/murmur"
	"github.com/streamweir/streamweir/internal/task"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/topology"
)

// Store returns the store of a name as the interface S, to look at or to fill:
//
//	counts, err := streamtest.Store[store.TimestampedKeyValueStore[string, int64]](d, "counts")
//
// In a driver with Config.Partitions each partition has its own, see [StoreOf]; global
// stores are found.
func Store[S any](d *Driver, name string) (S, error) {
	var none S
	if d.global != nil && d.global.stores(name) {
		return topology.Store[S](stores{d.global.task}, name)
	}
	if d.parts != nil {
		return none, fmt.Errorf("streamtest: each partition has a store %q: use StoreOf", name)
	}
	if d.task == nil {
		return none, d.failed
	}
	return topology.Store[S](stores{d.task}, name)
}

type stores struct{ t *task.Task }

func (s stores) StateStore(name string) (any, error) { return s.t.Store(name) }

// StoreOf returns the store of a name in the task of a partition, in a driver with
// Config.Partitions. A key is where its records are: see [PartitionOf].
func StoreOf[S any](d *Driver, name string, partition int32) (S, error) {
	var none S
	if d.parts == nil {
		if d.failed != nil {
			return none, d.failed
		}
		return none, errors.New("streamtest: StoreOf needs a driver with Config.Partitions; use Store")
	}
	for _, t := range d.parts.tasks {
		if t.id.Partition == partition && t.set.Store(name) != nil {
			return topology.Store[S](stores{t.task}, name)
		}
	}
	return none, fmt.Errorf("streamtest: no task of partition %d has a store %q", partition, name)
}

// PartitionOf is the partition, of n, to which a producer sends a record with that key.
func PartitionOf[K any](key K, keys serde.Serde[K], n int32) (int32, error) {
	c, err := keys.Bind("", serde.Key)
	if err != nil {
		return 0, err
	}
	b, err := c.Append([]byte{}, key)
	if err != nil {
		return 0, err
	}
	return murmur.Partition(b, n), nil
}
