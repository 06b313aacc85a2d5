package topology

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/null"
)

// A Processor transforms records of type K, V into records of type K2, V2. Each
// task has its own instance, which its supplier must make anew, and calls it from
// one goroutine at a time.
//
// A Processor that also has a method Close() error is closed with its task, after
// the last record; Close must not forward.
type Processor[K, V, K2, V2 any] interface {
	// Init is called once, before the first record. The context is valid until
	// the processor is closed. An error fails the task.
	Init(pc *Context[K2, V2]) error
	// Process is called for every record. ctx is cancelled when the application
	// must stop without waiting. An error, and a panic, go to the application's
	// error handler; what was forwarded and stored before stays.
	Process(ctx context.Context, r Record[K, V]) error
}

// Context connects a processor to its task: children, stores, time, commit.
// Kafka Streams: ProcessorContext. It is used from the task's goroutine only.
type Context[K, V any] struct {
	task      graph.Task
	node      string
	store     func(name string) (any, error)
	out       graph.Out[Record[K, V]]
	scratch   Record[K, V]
	nullKey   func(*K) bool
	nullValue func(*V) bool
	started   bool
}

func newContext[K, V any](w *graph.Wiring) (*Context[K, V], error) {
	out, err := graph.Connect[Record[K, V]](w)
	if err != nil {
		return nil, err
	}
	return &Context[K, V]{task: w.Task, node: w.Name, store: w.Store, out: out,
		nullKey: null.Check[K](), nullValue: null.Check[V]()}, nil
}

// Forward hands a record to all children, in the order in which they were added.
// It returns when they have processed it. Its error is already dealt with by the
// error handler and must be returned from Process. It may be called in Process
// and in punctuations, not in Init.
func (c *Context[K, V]) Forward(r Record[K, V]) error {
	if err := c.prepare(r); err != nil {
		return err
	}
	return c.out.Forward(&c.scratch)
}

// ForwardTo hands a record to the child of a name only.
func (c *Context[K, V]) ForwardTo(child string, r Record[K, V]) error {
	to, ok := c.out.Child(child)
	if !ok {
		return fmt.Errorf("topology: processor %q has no child %q", c.node, child)
	}
	if err := c.prepare(r); err != nil {
		return err
	}
	return c.out.ForwardTo(to, &c.scratch)
}

func (c *Context[K, V]) prepare(r Record[K, V]) error {
	if !c.started {
		return fmt.Errorf("topology: processor %q forwards in Init, before its children are ready", c.node)
	}
	if r.Timestamp < 0 {
		return fmt.Errorf("topology: processor %q forwards a record with the negative timestamp %d", c.node, r.Timestamp)
	}
	c.scratch = r
	if c.nullKey != nil && c.nullKey(&c.scratch.Key) {
		c.scratch.NullKey = true
	}
	if c.nullValue != nil && c.nullValue(&c.scratch.Value) {
		c.scratch.NullValue = true
	}
	return nil
}

// Punctuation says which time drives a scheduled function.
type Punctuation int8

const (
	// StreamTime advances with the timestamps of the task's input. The first call
	// comes with the first record; calls that a gap skipped are not made up for.
	StreamTime Punctuation = iota
	// WallClockTime advances by itself. Calls that were missed are made once.
	WallClockTime
)

// Schedule calls f every interval, of at least a millisecond, with the time in
// milliseconds. f runs between records and may forward and use stores; its error
// goes to the error handler. The returned function ends the schedule; it may be
// called in f.
func (c *Context[K, V]) Schedule(every time.Duration, by Punctuation, f func(ctx context.Context, timestamp int64) error) (cancel func(), err error) {
	return c.task.Schedule(c.node, every, by == WallClockTime, func(ts int64) (err error) {
		defer graph.Recover(&err)
		return f(c.task.Context(), ts)
	})
}

// RequestCommit asks for a commit as soon as the current record is done.
func (c *Context[K, V]) RequestCommit() { c.task.RequestCommit() }

// ApplicationID is the id of the application.
func (c *Context[K, V]) ApplicationID() string { return c.task.ApplicationID() }

// TaskID is the task's id in Kafka Streams' form, "0_3".
func (c *Context[K, V]) TaskID() string { return c.task.ID().String() }

// StreamTime is the largest timestamp of the task's input so far, in
// milliseconds; -1 before the first record.
func (c *Context[K, V]) StreamTime() int64 { return c.task.StreamTime() }

// WallClock is the current time in milliseconds. It stands still while a record
// is processed, and is under the test's control in a test.
func (c *Context[K, V]) WallClock() int64 { return c.task.WallClock() }

// RecordMetadata says where the input record came from. ok is false in a
// punctuation, which no record caused.
func (c *Context[K, V]) RecordMetadata() (m RecordMetadata, ok bool) {
	s := c.task.Source()
	if s == nil {
		return m, false
	}
	return RecordMetadata{Topic: s.Topic, Partition: s.Partition, Offset: s.Record.Offset}, true
}

// StateStore returns the store of a name that is connected to the processor. Use
// [Store] for its typed form.
func (c *Context[K, V]) StateStore(name string) (any, error) { return c.store(name) }

// Stores is what [Store] needs of a processor's context.
type Stores interface {
	StateStore(name string) (any, error)
}

// Store returns the store of a name as the interface S, for instance
//
//	counts, err := topology.Store[store.KeyValueStore[string, int64]](pc, "counts")
//
// The store must be connected to the processor and of that type.
func Store[S any](pc Stores, name string) (S, error) {
	var none S
	s, err := pc.StateStore(name)
	if err != nil {
		return none, err
	}
	typed, ok := s.(S)
	if !ok {
		return none, fmt.Errorf("topology: store %q is a %T, not a %v", name, s, reflect.TypeFor[S]())
	}
	return typed, nil
}
