package stream

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/null"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/topology"
)

// KTable is a table: each record replaces the one before of its key, and a null
// value deletes it. Kafka Streams: KTable.
type KTable[K, V any] struct {
	b     *Builder
	op    *graph.Op
	name  string
	key   serde.Serde[K]
	value serde.Serde[V]
	store string // "" if it cannot be queried
	// old asks the table to send old values along, and reports whether it will.
	// force lets a source be put into a store for that.
	old func(force bool) bool
	// read says how other nodes read the table. It makes a source be put into a
	// store.
	read        func() tableReader[K, V]
	versioned   bool                                     // its updates know whether they are the latest of their key
	history     time.Duration                            // of the versioned store it is read from
	partitioner func(topic string, key K, n int32) int32 // nil: murmur2
}

// StoreName is the name of the store that holds the table, "" if no name was
// given to it. Kafka Streams: queryableStoreName.
func (t *KTable[K, V]) StoreName() string { return t.store }

// WithSerdes returns the table with serdes, for operators behind it that encode its
// entries and cannot know how: a [MapTableValues] that is not stored drops the value
// serde. It adds no operator and does not change how the table itself is kept.
func (t *KTable[K, V]) WithSerdes(with *Serdes[K, V]) *KTable[K, V] {
	c := *t
	sd := with.or(t.key, t.value)
	c.key, c.value = sd.key, sd.value
	return &c
}

// change is an update of a table: the new value and, if the table sends it, the
// old one.
type change[V any] struct {
	new, old         V
	nullNew, nullOld bool
	late             bool           // a versioned table has a later version of the key
	encoded          store.Encoding // of new, if it was stored so
}

// tableFlags are the properties of a table that operators behind it decide.
type tableFlags struct {
	store        string
	changelog    string // the input topic that is the store's changelog; "" for one of its own
	materialized bool
	sendOld      bool
}

func (f *tableFlags) sendOldValues(force bool) bool {
	if f.materialized || force {
		f.materialized, f.sendOld = true, true
	}
	return f.sendOld
}

// materialize puts a source into a store.
func (f *tableFlags) materialize() string {
	f.materialized = true
	return f.store
}

// Table reads a topic as a table. Records with a null key are dropped and counted, a null
// value deletes the key. The last record in offset order wins, even if its timestamp is
// smaller, unless the table is [Materialized.Versioned]. The table is
// kept in a store only if m names one or an operator needs it; m may be nil. The
// store's changelog is <application id>-<store>-changelog, or with
// [ReuseTableSources] the topic itself. There is no repartition: the topic's partitions
// are the table's. Options: [Named], [ResetTo]. Kafka Streams: StreamsBuilder.table.
func Table[K, V any](b *Builder, topic string, with *Serdes[K, V], m *Materialized[K, V], opts ...Option) *KTable[K, V] {
	o := b.options("Table", opts, optName|optReset)
	sd := with.or(nil, nil)
	given := m.queryable()
	m = m.named(b.g, topic+"-").with(sd.key, sd.value)
	source := b.g.Generate("KSTREAM-SOURCE-")
	if o.name != "" {
		source = o.name + "-source"
	}
	name := b.g.Name(o.name, "KTABLE-SOURCE-")
	sd.complete(b.g, name)
	m.checkTimes(b.g, name)
	flags := &tableFlags{store: m.name, materialized: given != "" || m.versioned}
	src := topology.Source[K, V]{Key: sd.key, Value: sd.value, Topics: []string{topic}, Timestamp: sd.timestamp, Reset: o.reset}
	so := &graph.SourceOp{Topics: src.Topics, Table: true}
	op := &graph.Op{Name: name, Source: so, Sources: []string{source}, Write: func(t *graph.Topology, _ []string) error {
		if err := addSource(t, source, src); err != nil {
			return err
		}
		if so.Reuse {
			flags.changelog = topic
		}
		return addTableNode(t, name, []string{source}, m, flags)
	}}
	b.g.Add(op)
	return &KTable[K, V]{b: b, op: op, name: name, key: sd.key, value: sd.value, store: given, old: flags.sendOldValues, read: readStore[K, V](flags.materialize),
		versioned: m.versioned, history: m.history}
}

// ToTable makes the stream a table: the last record of a key is its value, a null
// value deletes it, a null key is dropped and counted. As in [Table], the last one to come
// wins, however late. If keys may have changed a repartition topic comes first, <application
// id>-<name>-repartition, which leaves null keys out. The table is kept in a store, with
// the changelog <application id>-<store>-changelog, only if m names one or an operator
// needs it; m may be nil if the stream's serdes are known. Options: [Named]. Kafka Streams:
// KStream.toTable.
func (s *KStream[K, V]) ToTable(m *Materialized[K, V], opts ...Option) *KTable[K, V] {
	name := s.b.g.Name(s.b.options("KSTREAM-TOTABLE-", opts, optName).name, "KSTREAM-TOTABLE-")
	given := m.queryable()
	m = m.named(s.b.g, "KSTREAM-TOTABLE-").with(s.key, s.value)
	m.complete(s.b.g, name)
	parent := s.op
	if s.repartition {
		parent = newRepartition(s.b, name, Serdes[K, V]{key: m.key, value: m.value}).shareable(s.b)
		s.b.g.Add(parent, s.op)
	}
	flags := &tableFlags{store: m.name, materialized: given != "" || m.versioned}
	op := &graph.Op{Name: name, Write: func(t *graph.Topology, parents []string) error {
		return addTableNode(t, name, parents, m, flags)
	}}
	s.b.g.Add(op, parent)
	return &KTable[K, V]{b: s.b, op: op, name: name, key: m.key, value: m.value, store: given, old: flags.sendOldValues, read: readStore[K, V](flags.materialize),
		versioned: m.versioned, history: m.history}
}

func addTableNode[K, V any](t *graph.Topology, name string, parents []string, m *Materialized[K, V], flags *tableFlags) error {
	err := t.AddProcessor(&graph.Node{Name: name, Parents: parents, New: func(w *graph.Wiring) (any, error) {
		ts, err := newTableStore[K, V](w, m, flags)
		return &tableSourceNode[K, V]{name: name, task: w.Task, table: ts}, err
	}})
	if err != nil || !flags.materialized {
		return err
	}
	if err := t.AddStore(m.builder(), name); err != nil || flags.changelog == "" {
		return err
	}
	return t.ReuseSource(m.name, flags.changelog)
}

// tableSourceNode puts a stream into a table. Kafka Streams: KTableSource.
type tableSourceNode[K, V any] struct {
	name  string
	task  graph.Task
	table *tableStore[K, V]
}

func (n *tableSourceNode[K, V]) Receive(r *topology.Record[K, V]) error {
	if r.NullKey {
		n.task.Dropped(n.name, "null key")
		return nil
	}
	for {
		before := n.table.enter(r.Timestamp, r.Headers)
		err := n.receive(r)
		n.table.leave(before)
		if err == nil {
			return n.table.forward(r.Headers)
		}
		if retry, err := n.task.Handle(graph.Processing, n.name, err); !retry {
			return err
		}
	}
}

func (n *tableSourceNode[K, V]) receive(r *topology.Record[K, V]) (err error) {
	defer graph.Recover(&err) // of the store's serdes
	old, ok, err := n.table.get(r.Key)
	if err != nil {
		return err
	}
	return n.table.put(r.Key, r.Value, r.NullValue, old.Value, !ok, r.Timestamp)
}

// tableStore is the store of a table with the edge to its children: an update is
// stored and forwarded, at once or, with the record cache, when the cache gives
// the key up. Without a store updates are only forwarded. Kafka Streams:
// TimestampedTupleForwarder.
type tableStore[K, V any] struct {
	flags  *tableFlags
	store  store.TimestampedKeyValueStore[K, V] // nil: versioned, or not materialised
	cached bool
	// encodings are those of what is stored or, with the record cache, given up.
	encodings *store.Encodings
	// versions is the store of a versioned table. notPut: it did not take the last
	// update, which was too old.
	versions store.VersionedKeyValueStore[K, V]
	notPut   bool

	task   graph.Task
	key    serde.Codec[K] // of what the cache gives up
	value  serde.Codec[V]
	isNull func(*V) bool
	out    graph.Out[topology.Record[K, change[V]]]
	r      topology.Record[K, change[V]]
}

// encoder is a typed store, as far as its values go.
type encoder interface{ Encodings() *store.Encodings }

func newTableStore[K, V any](w *graph.Wiring, m *Materialized[K, V], flags *tableFlags) (*tableStore[K, V], error) {
	out, err := graph.Connect[topology.Record[K, change[V]]](w)
	t := &tableStore[K, V]{flags: flags, task: w.Task, out: out, isNull: null.Check[V]()}
	if err != nil || !flags.materialized {
		return t, err
	}
	s, err := w.Store(m.name)
	if err != nil {
		return nil, err
	}
	var ok bool
	if t.versions, ok = s.(store.VersionedKeyValueStore[K, V]); ok {
		return t, nil
	}
	t.store, ok = s.(store.TimestampedKeyValueStore[K, V])
	e, encodes := s.(encoder)
	if !ok || !encodes {
		return nil, fmt.Errorf("store %q is a %T, not the table's", m.name, s)
	}
	t.encodings = e.Encodings()
	t.cached = w.Task.Listen(m.name, t.flushed)
	if t.cached {
		t.encodings = t.encodings.Like()
		changelog, key, value := flags.changelog, serde.Key, serde.Value
		if changelog == "" {
			changelog, key, value = w.Internal(m.name+"-changelog"), key.Internal(), value.Internal()
		}
		if t.key, err = m.key.Bind(changelog, key); err == nil {
			t.value, err = m.value.Bind(changelog, value)
		}
	}
	return t, err
}

// stored tells whether the table is kept in a store.
func (t *tableStore[K, V]) stored() bool { return t.store != nil || t.versions != nil }

// enter tells the store which record it is written for; leave ends that.
func (t *tableStore[K, V]) enter(timestamp int64, h topology.Headers) (before graph.Moment) {
	if !t.stored() {
		return before
	}
	return t.task.At(graph.Moment{Timestamp: timestamp, Headers: h})
}

func (t *tableStore[K, V]) leave(before graph.Moment) {
	if t.stored() {
		t.task.At(before)
	}
}

func (t *tableStore[K, V]) get(key K) (store.ValueAndTimestamp[V], bool, error) {
	switch {
	case t.versions != nil:
		return latestOf(t.versions, key)
	case t.store != nil:
		return t.store.Get(key)
	}
	return store.ValueAndTimestamp[V]{}, false, nil
}

// put stores an update and makes it ready to be forwarded.
func (t *tableStore[K, V]) put(key K, value V, isNull bool, old V, nullOld bool, timestamp int64) error {
	t.r = topology.Record[K, change[V]]{Key: key, Timestamp: timestamp,
		Value: change[V]{new: value, nullNew: isNull, old: old, nullOld: nullOld}}
	if t.isNull != nil && t.isNull(&t.r.Value.new) { // not &value: it would be moved to the heap
		isNull, t.r.Value.nullNew = true, true
	}
	if t.isNull != nil && t.isNull(&t.r.Value.old) {
		t.r.Value.nullOld = true
	}
	if !t.flags.sendOld {
		var none V
		t.r.Value.old, t.r.Value.nullOld = none, true
	}
	switch {
	case t.versions != nil:
		return t.putVersion(key, value, isNull, timestamp)
	case t.store == nil:
		return nil
	case isNull:
		_, _, err := t.store.Delete(key)
		return err
	default:
		err := t.store.Put(key, store.ValueAndTimestamp[V]{Value: value, Timestamp: timestamp})
		t.r.Value.encoded = t.encodings.Last()
		return err
	}
}

// forward sends the last update on, unless the cache will.
func (t *tableStore[K, V]) forward(h topology.Headers) error {
	if t.cached || t.notPut {
		return nil
	}
	t.r.Headers = h
	return t.out.Forward(&t.r)
}

// flushed forwards what a key became since the cache last gave it up.
func (t *tableStore[K, V]) flushed(key, value, old []byte, at graph.Moment) (err error) {
	t.r = topology.Record[K, change[V]]{Value: change[V]{nullNew: value == nil, nullOld: true}}
	if t.r.Key, err = t.key.Decode(key); err != nil {
		return fmt.Errorf("store %q: key: %w", t.flags.store, err)
	}
	t.r.Headers, t.r.Timestamp = at.Headers, at.Timestamp
	if value != nil {
		if t.r.Value.new, t.r.Timestamp, err = t.decode(value); err != nil {
			return err
		}
		t.r.Value.encoded = t.encodings.Add(value)
	}
	if old != nil && t.flags.sendOld {
		t.r.Value.nullOld = false
		if t.r.Value.old, _, err = t.decode(old); err != nil {
			return err
		}
	}
	return t.out.Forward(&t.r)
}

// decode decodes a timestamped value as the store keeps it.
func (t *tableStore[K, V]) decode(b []byte) (value V, timestamp int64, err error) {
	if len(b) < 8 {
		return value, 0, fmt.Errorf("store %q: a value has %d bytes, less than its timestamp", t.flags.store, len(b))
	}
	if value, err = t.value.Decode(b[8:]); err != nil {
		err = fmt.Errorf("store %q: value: %w", t.flags.store, err)
	}
	return value, int64(binary.BigEndian.Uint64(b)), err
}
