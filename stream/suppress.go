package stream

import (
	"fmt"
	"time"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/store"
)

// Suppressed says which changes of a table [KTable.Suppress] holds back. Make one
// with [UntilTimeLimit] or [UntilWindowCloses]. Kafka Streams: Suppressed.
type Suppressed struct {
	limit   time.Duration
	closes  bool // wait for the end of the window, and for its grace
	buffer  BufferConfig
	invalid string
}

// UntilTimeLimit holds the changes of a key back until the time limit has passed
// since the first of them, and then sends the last. What comes in between does not
// prolong the wait. Kafka Streams: Suppressed.untilTimeLimit.
func UntilTimeLimit(limit time.Duration, b BufferConfig) Suppressed {
	s := Suppressed{limit: limit, buffer: b}
	if limit < 0 {
		s.invalid = fmt.Sprintf("the time limit %v is negative", limit)
	}
	return s
}

// UntilWindowCloses sends one result for each window: the last, when the window and
// its grace period have ended. A window whose result was deleted again has none. The
// buffer must be unbounded or shut down when it is full: an early result would not
// be the final one. Kafka Streams: Suppressed.untilWindowCloses.
func UntilWindowCloses(b BufferConfig) Suppressed {
	s := Suppressed{closes: true, buffer: b}
	if b.early {
		s.invalid = "a buffer that emits early when it is full has no final results: use BufferUnbounded, or ShutDownWhenFull"
	}
	return s
}

// BufferConfig bounds what [KTable.Suppress] holds back, and says how it is logged.
// Make one with [BufferUnbounded], [BufferMaxRecords] or [BufferMaxBytes]; its methods
// return copies. The zero value is unbounded. Kafka Streams: Suppressed.BufferConfig.
type BufferConfig struct {
	maxRecords, maxBytes int64 // 0: no bound
	early                bool
	opts                 []store.Option
	invalid              string
}

// BufferUnbounded lets the buffer grow as memory allows.
func BufferUnbounded() BufferConfig { return BufferConfig{} }

// BufferMaxRecords bounds the number of keys in the buffer. When there are more, the
// oldest are emitted early, unless [BufferConfig.ShutDownWhenFull] says otherwise.
func BufferMaxRecords(n int64) BufferConfig { return BufferConfig{early: true}.MaxRecords(n) }

// BufferMaxBytes bounds the bytes in the buffer: keys, values (the new, the one
// before, and the one before all that was held back), headers, names of topics, and
// 28 for each key. When there are more, the oldest keys are emitted early,
// unless [BufferConfig.ShutDownWhenFull] says otherwise.
func BufferMaxBytes(n int64) BufferConfig { return BufferConfig{early: true}.MaxBytes(n) }

// MaxRecords bounds the number of keys too.
func (b BufferConfig) MaxRecords(n int64) BufferConfig {
	if b.maxRecords = n; n < 1 {
		b.invalid = fmt.Sprintf("a buffer of at most %d records holds nothing back", n)
	}
	return b
}

// MaxBytes bounds the bytes too; see [BufferMaxBytes].
func (b BufferConfig) MaxBytes(n int64) BufferConfig {
	if b.maxBytes = n; n < 1 {
		b.invalid = fmt.Sprintf("a buffer of at most %d bytes holds nothing back", n)
	}
	return b
}

// ShutDownWhenFull makes a full buffer an error of the record that it has no room
// for. Kafka Streams: shutDownWhenFull.
func (b BufferConfig) ShutDownWhenFull() BufferConfig { b.early = false; return b }

// EmitEarlyWhenFull makes a full buffer emit its oldest keys early. Kafka Streams:
// emitEarlyWhenFull.
func (b BufferConfig) EmitEarlyWhenFull() BufferConfig { b.early = true; return b }

// Logged gives the buffer's changelog topic configurations of its own.
func (b BufferConfig) Logged(topicConfig map[string]string) BufferConfig {
	return b.option(store.Logged(topicConfig))
}

// NotLogged leaves the buffer without a changelog: what it holds back is lost with
// its process, and when its task moves.
func (b BufferConfig) NotLogged() BufferConfig { return b.option(store.NotLogged()) }

func (b BufferConfig) option(o store.Option) BufferConfig {
	b.opts = append(b.opts[:len(b.opts):len(b.opts)], o)
	return b
}

// Suppress holds changes of a table back and sends the last one of each key when s
// says so. Time is that of the records that arrive here: without new ones, nothing
// is sent. A record keeps its timestamp and headers. Deletions are held back like other
// changes, and sent; only final results have none. No change is too late: one that comes
// after its key was sent waits as the first did. Nothing is repartitioned. Kafka Streams: KTable.suppress.
//
// What is held back is kept in memory, in a store called <name>-store or a generated
// name, with the changelog <application id>-<store>-changelog in Kafka Streams' format
// (version 3), to which changes are written when the task commits. A join sees the
// table as it was sent. Suppress asks the table for old values, which puts a source
// into a store. It is an error to suppress a versioned table, or one in windows of cogrouped
// streams that all come from versioned tables, which Kafka Streams takes for one. And it
// is an error to wait for windows to close behind a table without windows. Options:
// [Named].
func (t *KTable[K, V]) Suppress(s Suppressed, opts ...Option) *KTable[K, V] {
	return t.SuppressWith(s, nil, opts...)
}

// SuppressWith is [KTable.Suppress] with serdes for the buffer, for a table whose
// serdes are not known: a nil *Serdes takes the table's.
func (t *KTable[K, V]) SuppressWith(s Suppressed, with *Serdes[K, V], opts ...Option) *KTable[K, V] {
	g := t.b.g
	o := t.b.options("KTABLE-SUPPRESS-", opts, optName)
	name := g.NameOnly(o.name, "KTABLE-SUPPRESS-")
	b := &bufferBuilder{spec: store.Spec{Name: name + "-store", Kind: store.KindBuffer, Logged: true}}
	if o.name == "" {
		b.spec.Name = g.Generate("KTABLE-SUPPRESS-STATE-STORE-")
	}
	for _, opt := range s.buffer.opts {
		opt(&b.spec)
	}
	sd := with.or(t.key, t.value)
	sd.complete(g, name)
	for _, wrong := range []string{s.invalid, s.buffer.invalid} {
		if wrong != "" {
			g.Failf(name, "%s", wrong)
		}
	}
	if _, ok := any(new(K)).(ends); s.closes && !ok {
		g.Failf(name, "it waits for windows to close, but its keys, of type %T, have none: use stream.UntilTimeLimit", *new(K))
	}
	if t.versioned {
		g.Failf(name, "a versioned table cannot be suppressed, nor one in windows of streams that all come from versioned tables: keep it in a store without versions, for instance by FilterInto")
	}
	t.old(true)
	op := &graph.Op{Name: name, Unlisted: true}
	op.Write = func(tp *graph.Topology, parents []string) error {
		s := s
		if s.closes {
			grace, err := op.WindowGrace()
			if err != nil {
				return fmt.Errorf("stream: operator %q: %w", name, err)
			}
			s.limit = time.Duration(grace) * time.Millisecond
		}
		err := tp.AddProcessor(&graph.Node{Name: name, Parents: parents, New: func(w *graph.Wiring) (any, error) {
			return newSuppressNode(w, s, b.spec.Name, sd)
		}})
		if err != nil {
			return err
		}
		return tp.AddStore(b, name)
	}
	g.Add(op, t.op)
	out := &KTable[K, V]{b: t.b, op: op, name: name, key: sd.key, value: sd.value, old: t.old}
	out.read = func() tableReader[K, V] { return readSuppressed(t.read(), b.spec.Name, sd) }
	return out
}

// bufferBuilder describes the store of a buffer, which the node encodes itself.
type bufferBuilder struct{ spec store.Spec }

func (b *bufferBuilder) Name() string { return b.spec.Name }

func (b *bufferBuilder) Spec() store.Spec { return b.spec }

func (b *bufferBuilder) BindAny(to store.Binding) (any, error) { return to.Bytes, nil }

func (b *bufferBuilder) ViewAny(r store.Reader, _ string) (any, error) { return r, nil }

// bufferStore is the store of a buffer.
type bufferStore interface {
	store.Bytes
	// KeyOf is the key as a string, if it can be the store's own.
	KeyOf(key []byte) string
}

// bufferOf is the store of a buffer that a node is connected to.
func bufferOf(w *graph.Wiring, name string) (bufferStore, error) {
	s, err := w.Store(name)
	if err != nil {
		return nil, err
	}
	b, ok := s.(bufferStore)
	if !ok {
		return nil, fmt.Errorf("store %q is a %T, not a buffer", name, s)
	}
	return b, nil
}
