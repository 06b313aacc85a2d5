package stream

import (
	"errors"
	"time"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/null"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/topology"
)

// Deduplicate drops a record if one with the same id came before whose timestamp is
// not further away than within, earlier or later: an event that was sent twice. The
// first one passes as it is. Kafka Streams has no such operator (KIP-655 proposes one).
//
// Ids are remembered by partition, so records with one id must have one key; if keys may
// have changed a repartition topic comes first. They are kept in a window store with
// a changelog, named <name>-store if the operator is [Named], for twice as long as
// within. A record that is later than within behind the stream time is dropped and
// counted, since nobody can tell any more whether it is the first. A null id, of a
// type that has a nil, is no id: its record passes. Null keys and values do not matter.
func Deduplicate[K, V, ID any](s *KStream[K, V], within time.Duration, id func(key K, value V) ID, ids serde.Serde[ID], opts ...Option) *KStream[K, V] {
	const prefix = "KSTREAM-DEDUPLICATE-"
	given := s.b.options(prefix, opts, optName).name
	storeName := given + "-store"
	if given == "" {
		storeName = s.b.g.Generate(prefix + "STATE-STORE-")
	}
	name := s.b.g.Name(given, prefix)
	if within < time.Millisecond {
		s.b.g.Failf(name, "records within %v of each other are compared: it must be at least a millisecond", within)
		within = time.Millisecond
	}
	if ids == nil {
		s.b.g.Failf(name, "no serde for the ids is given")
	}
	parent := s.op
	if s.repartition {
		sd := Serdes[K, V]{key: s.key, value: s.value}
		sd.complete(s.b.g, name)
		parent = newRepartition(s.b, name, sd).op()
		s.b.g.Add(parent, s.op)
	}
	seen := store.Windows(storeName, ids, serde.Bool(), 2*within+time.Millisecond, within, s.b.g.StoreOptions...)
	op := &graph.Op{Name: name, Write: func(t *graph.Topology, parents []string) error {
		err := t.AddProcessor(&graph.Node{Name: name, Parents: parents, New: func(w *graph.Wiring) (any, error) {
			return newDeduplicateNode[K](w, within.Milliseconds(), id, storeName)
		}})
		if err != nil {
			return err
		}
		return t.AddStore(seen, name)
	}}
	s.b.g.Add(op, parent)
	return &KStream[K, V]{b: s.b, op: op, name: name, key: s.key, value: s.value}
}

// deduplicate is a filter that remembers ids in windows that begin at the timestamps
// of the records they came with.
type deduplicate[K, V, ID any] struct {
	name   string
	within int64
	id     func(key K, value V) ID
	isNull func(*ID) bool
	seen   store.WindowStore[ID, bool]
	time   int64 // the greatest timestamp, committed with the offsets
	last   ID
}

func newDeduplicateNode[K, V, ID any](w *graph.Wiring, within int64, id func(K, V) ID, storeName string) (any, error) {
	d := &deduplicate[K, V, ID]{name: w.Name, within: within, id: id, isNull: null.Check[ID](), time: -1}
	w.Task.KeepTime(w.Name, &d.time)
	s, err := w.Store(storeName)
	if err != nil {
		return nil, err
	}
	var ok bool
	if d.seen, ok = s.(store.WindowStore[ID, bool]); !ok {
		return nil, errors.New("the store of the ids is another's")
	}
	return newFilterNode(d.first)(w)
}

// first tells whether a record is the first of its id.
func (d *deduplicate[K, V, ID]) first(t graph.Task, r *topology.Record[K, V]) (bool, error) {
	d.last = d.id(r.Key, r.Value)
	if d.isNull != nil && d.isNull(&d.last) {
		return true, nil
	}
	d.time = max(d.time, r.Timestamp)
	if r.Timestamp < d.time-d.within {
		t.Dropped(d.name, "late")
		return false, nil
	}
	it := d.seen.Fetch(d.last, max(r.Timestamp-d.within, 0), r.Timestamp+d.within)
	again := it.Next()
	if err := it.Close(); err != nil {
		return false, err
	}
	if again {
		t.Dropped(d.name, "duplicate")
		return false, nil
	}
	before := t.At(graph.Moment{Timestamp: r.Timestamp, Headers: r.Headers})
	defer t.At(before)
	return true, d.seen.Put(d.last, true, r.Timestamp)
}
