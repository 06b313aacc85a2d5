package graph

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/serde"
)

// TaskID names a task: one partition of one sub-topology.
type TaskID struct {
	Subtopology int32
	Partition   int32
}

// String returns Kafka Streams' form, "0_3"; that of the global task is "global".
func (t TaskID) String() string {
	if t.Subtopology == globalID {
		return "global"
	}
	return strconv.Itoa(int(t.Subtopology)) + "_" + strconv.Itoa(int(t.Partition))
}

// ParseTaskID is the inverse of String.
func ParseTaskID(s string) (TaskID, error) {
	sub, part, ok := strings.Cut(s, "_")
	n, err := strconv.ParseInt(sub, 10, 32)
	p, err2 := strconv.ParseInt(part, 10, 32)
	if !ok || err != nil || err2 != nil || n < 0 || p < 0 {
		return TaskID{}, fmt.Errorf("graph: %q is not a task id of the form 0_3", s)
	}
	return TaskID{Subtopology: int32(n), Partition: int32(p)}, nil
}

// Task is what a node sees of the task it belongs to. Only the task's goroutine
// calls it, while the task is being wired or stepped.
type Task interface {
	ApplicationID() string
	ID() TaskID
	// Context is cancelled when the application shuts down without waiting.
	Context() context.Context
	// Send appends a record to the output. A null key or value is nil; the slices
	// are copied. Partition -1 lets the task choose: by the key's murmur2 hash, or
	// evenly for a null key.
	Send(topic string, partition int32, key, value []byte, timestamp int64, headers []serde.Header) error
	// Partitions is the number of partitions of an output topic.
	Partitions(topic string) (int32, error)
	// Store returns the typed store of a name.
	Store(name string) (any, error)
	// Listen registers what is called when the record cache gives up a key of a
	// store: at a commit, or when the cache is full. It reports whether the store
	// is cached at all; if not, f is never called.
	Listen(store string, f FlushListener) (cached bool)
	// StreamTime is the largest timestamp the task has seen, -1 before the first.
	StreamTime() int64
	// WallClock is the time in milliseconds that the driver gave for this step.
	WallClock() int64
	// At makes m what stores take from the record that causes a write: the one that
	// a node received, whose time and headers need not be those of the input. It
	// returns what it was; the node puts it back when it is done.
	At(m Moment) (before Moment)
	// Resume makes another record the one that is being processed: one that a node had
	// put aside and goes on with. It returns what it was; the node puts it back when
	// it is done.
	Resume(from Origin) (before Origin)
	// Source is the input record that is being processed; nil in a punctuation.
	Source() *Source
	// Handle asks the application's error handler about an error that a node met
	// with the current record. retry: call again what failed. Otherwise a nil error
	// means that the record is dealt with, and any other that the task has failed;
	// the task remembers it, so it cannot be lost on its way up.
	Handle(phase Phase, node string, err error) (retry bool, fatal error)
	// Dropped counts a record that is skipped by its operator's rules.
	Dropped(node, reason string)
	// EmitInterval is how many milliseconds of the wall clock lie at least between two
	// emissions of an operator that emits results of closed windows.
	EmitInterval() int64
	// Exact tells that what Kafka Streams does is to be done also where it fails its
	// user: package internal/conformance compares the rest.
	Exact() bool
	// Keep keeps a number under a key, committed with the offsets of the task's inputs;
	// Kept returns it, also after a restart. Kafka Streams: processorMetadata.
	Keep(key string, value int64)
	Kept(key string) (value int64, ok bool)
	// KeepTime makes how far a node has come in time part of what is kept: *at is set to
	// what was committed, if anything was, and is read with each commit. So a record that is
	// late stays late after a restart, and nothing that has closed opens again; Kafka Streams
	// begins anew.
	KeepTime(node string, at *int64)
	// Schedule calls f from the task's goroutine, never inside another node's call.
	Schedule(node string, every time.Duration, wall bool, f func(timestamp int64) error) (cancel func(), err error)
	// OnAdvance registers what is called when stream time moves on without a record,
	// because the task is idle: an operator that waits for stream time looks whether
	// something became due. It reports whether it did anything.
	OnAdvance(f func(streamTime int64) (worked bool, err error))
	// Async returns what a node starts its asynchronous calls with.
	Async() Async
	// KeepEdge registers an edge of one of the task's nodes.
	KeepEdge(Edge)
	// RequestCommit asks for a commit as soon as possible.
	RequestCommit()
}

// A FlushListener is told what a key of a cached store became since it was last
// told: the bytes as the store keeps them, nil for none, and the moment of the last
// change. The slices are valid during the call.
type FlushListener func(key, value, old []byte, at Moment) error

// A Moment is what a write to a store has of the record that causes it: the time of
// a deletion in the changelog, and the headers with which the record cache forwards.
// Kafka Streams: ProcessorRecordContext.
type Moment struct {
	Timestamp int64
	Headers   []serde.Header
}

// Phase is where an error arose.
type Phase int8

// The phases of a record.
const (
	Deserialization Phase = iota
	Processing
	Production
)

// Source is the input record that caused what is being processed.
type Source struct {
	Topic     string
	Partition int32
	Record    *record.Record
}

// A Head decodes the records of one input partition, one at a time.
type Head interface {
	// Decode decodes rec and returns its timestamp in milliseconds; negative: the
	// record is to be skipped. partitionTime is the largest timestamp processed of
	// this partition, -1 at first. The record is kept until the next call.
	Decode(rec *record.Record, partitionTime int64) (timestamp int64, err error)
	// Process forwards the decoded record with its timestamp.
	Process() error
}

// A SourceNode is what a source's constructor returns.
type SourceNode interface {
	// NewHead returns a decoder for one partition of one of the source's topics.
	NewHead(topic string) (Head, error)
}

// A Starter is a node that must be started after all nodes and stores of the
// task exist, in topological order.
type Starter interface{ Start() error }

// A Closer is a node that must be closed with its task, in topological order.
type Closer interface{ Close() error }

// String returns "deserialization", "processing" or "production".
func (p Phase) String() string {
	return [...]string{"deserialization", "processing", "production"}[p]
}
