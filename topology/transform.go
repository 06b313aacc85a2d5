package topology

import (
	"context"
	"time"

	"github.com/streamweir/streamweir/internal/graph"
)

// TransformContext is the [Context] of a transformer of a table's values, which
// returns what it makes of a record instead of forwarding it.
type TransformContext struct {
	c       *Context[struct{}, struct{}]
	reading bool
}

// NewTransformContext returns the context of a node; package stream makes them.
func NewTransformContext(w *graph.Wiring) *TransformContext {
	return &TransformContext{c: &Context[struct{}, struct{}]{task: w.Task, node: w.Name, store: w.Store}}
}

// Reading returns the context of a transformer that is called for reads of the table,
// which no input record causes.
func (t *TransformContext) Reading() *TransformContext {
	return &TransformContext{c: t.c, reading: true}
}

// Schedule calls f every interval; see [Context.Schedule].
func (t *TransformContext) Schedule(every time.Duration, by Punctuation, f func(ctx context.Context, timestamp int64) error) (cancel func(), err error) {
	return t.c.Schedule(every, by, f)
}

// RequestCommit asks for a commit as soon as the current record is done.
func (t *TransformContext) RequestCommit() { t.c.RequestCommit() }

// ApplicationID is the id of the application.
func (t *TransformContext) ApplicationID() string { return t.c.ApplicationID() }

// TaskID is the task's id in Kafka Streams' form, "0_3".
func (t *TransformContext) TaskID() string { return t.c.TaskID() }

// StreamTime is the task's stream time; see [Context.StreamTime].
func (t *TransformContext) StreamTime() int64 { return t.c.StreamTime() }

// WallClock is the current time; see [Context.WallClock].
func (t *TransformContext) WallClock() int64 { return t.c.WallClock() }

// RecordMetadata says where the input record came from. ok is false in a punctuation,
// and for reads of the table.
func (t *TransformContext) RecordMetadata() (m RecordMetadata, ok bool) {
	if t.reading {
		return m, false
	}
	return t.c.RecordMetadata()
}

// StateStore returns a connected store; see [Store].
func (t *TransformContext) StateStore(name string) (any, error) { return t.c.StateStore(name) }
