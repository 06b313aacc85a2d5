package stream

import (
	"errors"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/topology"
)

// GlobalKTable is a table that every instance of the application has as a whole, with
// all partitions of its topic. Streams are joined with it by any key, see
// [JoinGlobal], and every processor can read its store. Kafka Streams: GlobalKTable.
type GlobalKTable[K, V any] struct {
	b     *Builder
	store string
	key   serde.Serde[K]
	value serde.Serde[V]
}

// StoreName is the name of the table's store. Kafka Streams: queryableStoreName.
func (t *GlobalKTable[K, V]) StoreName() string { return t.store }

// GlobalTable reads a topic as a global table. It is always kept in a store, named by
// m or with a generated name; m may be nil. The store has no changelog: an instance
// that has none of it on disk reads the whole topic, which must be compacted or keep
// what the table is to have. Tasks start when the table has all that the topic had
// then, and are not kept in step with it afterwards. Options: [Named].
//
// Records with a null key are dropped, a null value deletes. Records have their own
// time: Timestamps of with is not used. Errors of decoding go to the error handler,
// also while the table is read for the first time.
func GlobalTable[K, V any](b *Builder, topic string, with *Serdes[K, V], m *Materialized[K, V], opts ...Option) *GlobalKTable[K, V] {
	o := b.options("GlobalTable", opts, optName)
	sd := with.or(nil, nil)
	m = m.named(b.g, topic+"-").with(sd.key, sd.value)
	source, name := b.globalNames(o.name)
	sd.complete(b.g, name)
	m.checkTimes(b.g, name)
	if kind := m.builder().Spec().Kind; kind != store.KindTimestampedKeyValue {
		b.g.Failf(name, "a global table cannot be kept in a %s store", kind)
	}
	flags := &tableFlags{store: m.name, changelog: topic, materialized: true}
	src := topology.Source[K, V]{Key: sd.key, Value: sd.value, Topics: []string{topic}}
	b.g.Add(&graph.Op{Name: name, Source: &graph.SourceOp{Topics: src.Topics, Table: true}, Sources: []string{source}, Write: func(t *graph.Topology, _ []string) error {
		node := &graph.Node{Name: name, New: func(w *graph.Wiring) (any, error) {
			ts, err := newTableStore[K, V](w, m, flags)
			return &tableSourceNode[K, V]{name: name, task: w.Task, table: ts}, err
		}}
		apart := &graph.Topology{}
		if err := addSource(apart, source, src); err != nil {
			return err
		}
		return t.AddGlobalStore(m.builder(), apart.Node(source), node)
	}})
	return &GlobalKTable[K, V]{b: b, store: m.name, key: sd.key, value: sd.value}
}

// AddGlobalStore adds a store that every instance of the application fills with all
// partitions of a topic, by a processor of its own; every other processor can read
// it, by its name. See [topology.AddGlobalStore] for all that holds for it. Options:
// [Named]. Kafka Streams: StreamsBuilder.addGlobalStore.
func AddGlobalStore[K, V any, P topology.Processor[K, V, topology.Void, topology.Void]](b *Builder, s store.Builder, topic string, with *Serdes[K, V], supplier func() P, opts ...Option) {
	o := b.options("AddGlobalStore", opts, optName)
	source, name := b.globalNames(o.name)
	if s == nil {
		b.g.Fail(errors.New("stream: AddGlobalStore was called without a store"))
		return
	}
	sd := with.or(nil, nil)
	sd.complete(b.g, name)
	b.g.Add(&graph.Op{Name: name, Source: &graph.SourceOp{Topics: []string{topic}, Table: true}, Sources: []string{source}, Write: func(t *graph.Topology, _ []string) error {
		w := topology.Of(t)
		topology.AddGlobalStore(w, s, source, topology.Source[K, V]{Key: sd.key, Value: sd.value, Topics: []string{topic}}, name, supplier)
		return w.Err()
	}})
}

// globalNames are the names of the source and the processor of a global store.
func (b *Builder) globalNames(given string) (source, processor string) {
	source = b.g.Generate("KSTREAM-SOURCE-")
	if given != "" {
		source = given + "-source"
	}
	return source, b.g.Name(given, "KTABLE-SOURCE-")
}
