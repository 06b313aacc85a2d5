package stream

import (
	"fmt"

	"github.com/tidwall/btree"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/null"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/topology"
)

// suppressNode holds changes back. The rows are in its store, so that they are
// committed, aborted and restored like any other; what orders them is made of the
// store when the task starts. A record costs a place in a tree. Kafka Streams:
// KTableSuppressProcessor.
type suppressNode[K, V any] struct {
	name   string
	task   graph.Task
	limit  int64 // milliseconds between a row's time and its emission
	strict bool  // emit final results: no tombstones
	config BufferConfig
	buffer bufferStore
	codec  bufferCodec[K, V]
	end    func() int64 // of the window of k, for final results
	k      K
	out    graph.Out[topology.Record[K, change[V]]]
	r      topology.Record[K, change[V]]

	order *btree.BTreeG[orderedRow]
	bytes int64
	time  int64 // the largest timestamp that was here
	row   bufferRow
	topic []byte
	data  []byte
	key   []byte
}

// orderedRow is a row in the order of emission: by time, then by key.
type orderedRow struct {
	time int64
	key  string
}

// ends is what a key with a window has: [store.Windowed].
type ends interface{ WindowEnd() int64 }

func newSuppressNode[K, V any](w *graph.Wiring, s Suppressed, storeName string, sd Serdes[K, V]) (*suppressNode[K, V], error) {
	n := &suppressNode[K, V]{name: w.Name, task: w.Task, limit: s.limit.Milliseconds(), strict: s.closes, config: s.buffer, time: -1}
	w.Task.KeepTime(w.Name, &n.time)
	if s.closes {
		n.end = any(&n.k).(ends).WindowEnd // SuppressWith has looked
	}
	var err error
	if n.buffer, err = bufferOf(w, storeName); err != nil {
		return nil, err
	}
	if n.codec, err = newBufferCodec(w, storeName, sd); err != nil {
		return nil, err
	}
	w.Task.OnAdvance(n.advance)
	n.out, err = graph.Connect[topology.Record[K, change[V]]](w)
	return n, err
}

// Start puts the rows of the store in order.
func (n *suppressNode[K, V]) Start() error {
	n.bytes = 0
	n.order = btree.NewBTreeGOptions(func(a, b orderedRow) bool {
		return a.time < b.time || a.time == b.time && a.key < b.key
	}, btree.Options{NoLocks: true})
	it := n.buffer.Scan(nil, nil, false)
	for it.Next() {
		if err := n.row.parse(it.Value()); err != nil {
			_ = it.Close() // the first error is returned
			return rowError(n.codec.store, err)
		}
		n.hold(it.Key())
	}
	return it.Close()
}

// hold gives the row, which is new, its place.
func (n *suppressNode[K, V]) hold(key []byte) {
	n.order.Set(orderedRow{n.row.time, n.buffer.KeyOf(key)})
	n.bytes += n.row.size(len(key))
}

func (n *suppressNode[K, V]) Receive(r *topology.Record[K, change[V]]) error {
	n.time = max(n.time, r.Timestamp)
	if ok, err := n.try(func() error { return n.put(r) }); !ok {
		return err
	}
	if _, err := n.emitDue(); err != nil {
		return err
	}
	for n.full() {
		if !n.config.early {
			_, err := n.try(n.overflow)
			return err
		}
		row, _ := n.order.Min()
		if err := n.emit(row); err != nil {
			return err
		}
	}
	return nil
}

// emitDue sends the rows whose time has come.
func (n *suppressNode[K, V]) emitDue() (some bool, err error) {
	for {
		row, ok := n.order.Min()
		if !ok || row.time > n.time-n.limit {
			return some, nil
		}
		if err := n.emit(row); err != nil {
			return some, err
		}
		some = true
	}
}

// try is attempt at this node.
func (n *suppressNode[K, V]) try(f func() error) (ok bool, err error) {
	return attempt(n.task, n.name, f)
}

func (n *suppressNode[K, V]) full() bool {
	c := &n.config
	return c.maxRecords > 0 && int64(n.order.Len()) > c.maxRecords || c.maxBytes > 0 && n.bytes > c.maxBytes
}

func (n *suppressNode[K, V]) overflow() error {
	return fmt.Errorf("the buffer is full with %d records (limit %d, 0 is none) and %d bytes (limit %d): give it more room, or let it emit early",
		n.order.Len(), n.config.maxRecords, n.bytes, n.config.maxBytes)
}

// put holds a change back.
func (n *suppressNode[K, V]) put(r *topology.Record[K, change[V]]) error {
	c := &n.codec
	key, err := c.encodeKey(r.Key)
	if err != nil {
		return err
	}
	n.k = r.Key
	time := r.Timestamp
	if n.end != nil {
		time = n.end()
	}
	data, err := n.buffer.Get(key)
	if err != nil {
		return err
	}
	held, before := data != nil, int64(0)
	if held {
		if err := n.row.parse(data); err != nil {
			return rowError(c.store, err)
		}
		before = n.row.size(len(key))
		if c.prior = append(c.prior[:0], n.row.prior...); c.prior == nil {
			c.prior = []byte{} // an empty value is not null
		}
		held, time = n.row.prior != nil, n.row.time
	}
	if n.row.new, err = c.encode(&c.new, r.Value.new, r.Value.nullNew); err != nil {
		return err
	}
	if n.row.old, err = c.encode(&c.old, r.Value.old, r.Value.nullOld); err != nil {
		return err
	}
	switch {
	case data == nil:
		n.row.prior = n.row.old
	case held:
		n.row.prior = c.prior
	default:
		n.row.prior = nil
	}
	n.row.time = time
	n.row.topic = n.topic // what it was is part of the store
	n.row.take(n.task.Source(), r.Timestamp, r.Headers)
	n.topic = n.row.topic
	n.data = n.row.append(n.data[:0])
	if err := n.buffer.Put(key, n.data, r.Timestamp); err != nil {
		return err
	}
	if data == nil {
		n.hold(key)
		return nil
	}
	n.bytes += n.row.size(len(key)) - before // it keeps its place
	return nil
}

// emit sends a row and lets it go.
func (n *suppressNode[K, V]) emit(row orderedRow) error {
	n.key = append(n.key[:0], row.key...)
	key := n.key
	data, err := n.buffer.Get(key)
	if err != nil {
		return err
	}
	if err := n.row.parse(data); err != nil {
		return rowError(n.codec.store, err)
	}
	n.bytes -= n.row.size(len(key))
	ok, err := n.try(func() error { return n.decode(key) })
	if err != nil {
		return err
	}
	if ok && !(n.strict && n.r.Value.nullNew) {
		before := n.task.Resume(n.row.origin())
		err := n.out.Forward(&n.r)
		n.task.Resume(before)
		if err != nil {
			return err
		}
	}
	n.order.Delete(row)
	return n.buffer.Put(key, nil, 0)
}

func (n *suppressNode[K, V]) decode(key []byte) (err error) {
	c := &n.r.Value
	n.r = topology.Record[K, change[V]]{Timestamp: n.row.timestamp, Headers: n.row.headers}
	if n.r.Key, err = n.codec.key.Decode(key); err != nil {
		return rowError(n.codec.store, err)
	}
	if c.new, c.nullNew, err = n.codec.decode(n.row.new); err == nil {
		c.old, c.nullOld, err = n.codec.decode(n.row.old)
	}
	return err
}

// bufferCodec encodes and decodes the parts of a buffer's rows.
type bufferCodec[K, V any] struct {
	store                    string
	key                      serde.Codec[K]
	value                    serde.Codec[V]
	isNull                   func(*V) bool
	v                        V // that isNull looks at; a local variable would be moved to the heap
	keyData, prior, old, new []byte
}

func newBufferCodec[K, V any](w *graph.Wiring, storeName string, sd Serdes[K, V]) (c bufferCodec[K, V], err error) {
	c.store, c.isNull = storeName, null.Check[V]()
	topic := w.Internal(storeName + "-changelog")
	if c.key, err = sd.key.Bind(topic, serde.Key.Internal()); err == nil {
		c.value, err = sd.value.Bind(topic, serde.Value.Internal())
	}
	return c, err
}

func (c *bufferCodec[K, V]) encodeKey(key K) ([]byte, error) {
	b, err := c.key.Append(c.keyData[:0], key)
	if err != nil {
		return nil, rowError(c.store, fmt.Errorf("key: %w", err))
	}
	if b == nil {
		b = []byte{}
	}
	c.keyData = b
	return b, nil
}

// encode encodes a value into a buffer that is used again; nil for null.
func (c *bufferCodec[K, V]) encode(into *[]byte, v V, isNull bool) ([]byte, error) {
	if isNull {
		return nil, nil
	}
	b, err := c.value.Append((*into)[:0], v)
	if err != nil {
		return nil, rowError(c.store, fmt.Errorf("value: %w", err))
	}
	if b == nil {
		b = []byte{}
	}
	*into = b
	return b, nil
}

func (c *bufferCodec[K, V]) decode(data []byte) (v V, isNull bool, err error) {
	if data == nil {
		return v, true, nil
	}
	if v, err = c.value.Decode(data); err != nil {
		return v, false, rowError(c.store, fmt.Errorf("value: %w", err))
	}
	c.v = v
	return v, c.isNull != nil && c.isNull(&c.v), nil
}

// readSuppressed reads a table as it was sent: what a key had before its changes
// were held back. Kafka Streams: KTableSuppressProcessorSupplier.view.
func readSuppressed[K, V any](parent tableReader[K, V], storeName string, sd Serdes[K, V]) tableReader[K, V] {
	return tableReader[K, V]{stores: append([]string{storeName}, parent.stores...), open: func(w *graph.Wiring) (tableView[K, V], error) {
		v := &suppressedView[K, V]{}
		var err error
		if v.parent, err = parent.open(w); err != nil {
			return nil, err
		}
		if v.buffer, err = bufferOf(w, storeName); err != nil {
			return nil, err
		}
		v.codec, err = newBufferCodec(w, storeName, sd)
		return v, err
	}}
}

type suppressedView[K, V any] struct {
	parent tableView[K, V]
	buffer bufferStore
	codec  bufferCodec[K, V]
	row    bufferRow
}

func (s *suppressedView[K, V]) get(key K) (v store.ValueAndTimestamp[V], ok bool, err error) {
	data, err := s.codec.encodeKey(key)
	if err != nil {
		return v, false, err
	}
	if data, err = s.buffer.Get(data); err != nil {
		return v, false, err
	}
	if data == nil {
		return s.parent.get(key)
	}
	if err := s.row.parse(data); err != nil {
		return v, false, rowError(s.codec.store, err)
	}
	v.Timestamp = -1 // unknown: a buffer has no time of what was sent last
	isNull := false
	v.Value, isNull, err = s.codec.decode(s.row.prior)
	return v, !isNull && err == nil, err
}
