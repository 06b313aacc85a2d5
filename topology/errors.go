package topology

import (
	"context"
	"fmt"

	"github.com/streamweir/streamweir/internal/graph"
)

// Phase says where an error arose.
type Phase = graph.Phase

// The phases of a record.
const (
	// Deserialization: a source could not decode the record's key or value, or
	// tell its timestamp.
	Deserialization = graph.Deserialization
	// Processing: an operator or processor failed or panicked.
	Processing = graph.Processing
	// Production: a sink could not encode its record, or the broker refused it.
	Production = graph.Production
)

// Action is what an [ErrorHandler] decides.
type Action int8

const (
	// Fail ends the application with the error. The record is not committed.
	Fail Action = iota
	// Skip goes on without the record at the place where it failed; what it did
	// before stays. Kafka Streams: CONTINUE.
	Skip
	// DeadLetter writes the input record to the dead letter topic, in the same
	// transaction, and goes on like Skip.
	DeadLetter
	// Retry calls again at once what failed. A handler that wants to wait does so
	// before it returns.
	Retry
)

// An ErrorHandler decides what becomes of a record that cannot be processed. It
// is called from the goroutine that processes; other tasks of that goroutine wait
// for it. ctx is cancelled when the application stops.
type ErrorHandler func(ctx context.Context, e *ProcessingError) Action

// ProcessingError is an error with one record: where it happened, and the input
// record that was being processed, as it came from the broker.
type ProcessingError struct {
	Phase     Phase
	Task      string // "0_3"
	Node      string
	Topic     string // of the input record; "" in a punctuation
	Partition int32  // -1 in a punctuation
	Offset    int64  // -1 in a punctuation
	Timestamp int64  // the time of a punctuation
	// Key, Value and Headers are those of the input record. They must not be
	// modified, and are valid until the handler returns.
	Key, Value []byte
	Headers    Headers
	Err        error
}

func (e *ProcessingError) Error() string {
	if e.Topic == "" {
		return fmt.Sprintf("task %s: node %q: %v: %v", e.Task, e.Node, e.Phase, e.Err)
	}
	return fmt.Sprintf("task %s: node %q: %v of record %s-%d@%d: %v", e.Task, e.Node, e.Phase, e.Topic, e.Partition, e.Offset, e.Err)
}

// Unwrap returns the cause.
func (e *ProcessingError) Unwrap() error { return e.Err }
