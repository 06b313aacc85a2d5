package topology

import (
	"context"
	"time"

	"github.com/streamweir/streamweir/internal/graph"
)

// FixedKeyRecord is a record whose key cannot be changed, so that no repartition
// is needed behind the processor. Kafka Streams: FixedKeyRecord.
type FixedKeyRecord[K, V any] struct {
	key       K
	nullKey   bool
	Value     V
	Timestamp int64 // milliseconds since the epoch
	Headers   Headers
	NullValue bool
}

// Key returns the record's key, the zero value for a null key.
func (r FixedKeyRecord[K, V]) Key() K { return r.key }

// NullKey tells whether the record has no key.
func (r FixedKeyRecord[K, V]) NullKey() bool { return r.nullKey }

// FixedValue returns a copy of r with another value.
func FixedValue[K, V, V2 any](r FixedKeyRecord[K, V], value V2) FixedKeyRecord[K, V2] {
	return FixedKeyRecord[K, V2]{key: r.key, nullKey: r.nullKey, Value: value, Timestamp: r.Timestamp, Headers: r.Headers}
}

// A FixedKeyProcessor is a [Processor] that leaves the key as it is.
type FixedKeyProcessor[K, V, V2 any] interface {
	// Init is called once, before the first record.
	Init(pc *FixedKeyContext[K, V2]) error
	// Process is called for every record; see [Processor].
	Process(ctx context.Context, r FixedKeyRecord[K, V]) error
}

// FixedKeyContext is the [Context] of a [FixedKeyProcessor].
type FixedKeyContext[K, V any] struct{ c *Context[K, V] }

// Forward hands a record to all children; see [Context.Forward].
func (f *FixedKeyContext[K, V]) Forward(r FixedKeyRecord[K, V]) error {
	return f.c.Forward(Record[K, V]{Key: r.key, NullKey: r.nullKey, Value: r.Value, NullValue: r.NullValue, Timestamp: r.Timestamp, Headers: r.Headers})
}

// Schedule calls f every interval; see [Context.Schedule].
func (f *FixedKeyContext[K, V]) Schedule(every time.Duration, by Punctuation, fn func(ctx context.Context, timestamp int64) error) (cancel func(), err error) {
	return f.c.Schedule(every, by, fn)
}

// RequestCommit asks for a commit as soon as the current record is done.
func (f *FixedKeyContext[K, V]) RequestCommit() { f.c.RequestCommit() }

// ApplicationID is the id of the application.
func (f *FixedKeyContext[K, V]) ApplicationID() string { return f.c.ApplicationID() }

// TaskID is the task's id in Kafka Streams' form, "0_3".
func (f *FixedKeyContext[K, V]) TaskID() string { return f.c.TaskID() }

// StreamTime is the task's stream time; see [Context.StreamTime].
func (f *FixedKeyContext[K, V]) StreamTime() int64 { return f.c.StreamTime() }

// WallClock is the current time; see [Context.WallClock].
func (f *FixedKeyContext[K, V]) WallClock() int64 { return f.c.WallClock() }

// RecordMetadata says where the input record came from.
func (f *FixedKeyContext[K, V]) RecordMetadata() (m RecordMetadata, ok bool) {
	return f.c.RecordMetadata()
}

// StateStore returns a connected store; see [Store].
func (f *FixedKeyContext[K, V]) StateStore(name string) (any, error) { return f.c.StateStore(name) }

// fixed makes a Processor of a FixedKeyProcessor.
type fixed[K, V, V2 any] struct{ p FixedKeyProcessor[K, V, V2] }

func (f fixed[K, V, V2]) Init(pc *Context[K, V2]) error {
	return f.p.Init(&FixedKeyContext[K, V2]{c: pc})
}

func (f fixed[K, V, V2]) Process(ctx context.Context, r Record[K, V]) error {
	return f.p.Process(ctx, FixedKeyRecord[K, V]{key: r.Key, nullKey: r.NullKey, Value: r.Value, NullValue: r.NullValue, Timestamp: r.Timestamp, Headers: r.Headers})
}

func (f fixed[K, V, V2]) Close() error {
	if c, ok := f.p.(graph.Closer); ok {
		return c.Close()
	}
	return nil
}
