package task

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/serde"
)

// A Batch is what a driver fetched of one partition.
type Batch struct {
	Partition record.Partition
	Records   []record.Record
	// Next is the offset to fetch next: behind the records and behind whatever
	// holds none, like a transaction's marker.
	Next int64
	// End is the end of the partition on the broker when the batch was fetched.
	End int64
}

// queue holds the records of one input partition that are still to be processed.
type queue struct {
	partition record.Partition
	node      string // the source
	head      graph.Head
	batches   []Batch // the first one is being processed
	at        int     // in the first batch
	size      int     // records in all
	position  int64   // the first offset not yet processed
	end       int64
	time      int64 // the largest timestamp processed
	turn      int64 // smaller than those of the inputs that were served, or became non-empty, later
	decoded   bool  // head holds the record at 'at'
	waits     bool  // in the heap
	timestamp int64 // of the decoded record
	wait      error // why the record at 'at' cannot be decoded yet
	retryAt   int64
	retries   int
	idleFrom  int64 // since when it is missed with nothing left on the broker; -1: it is not
}

func newQueue(in Input, head graph.Head, node string) *queue {
	return &queue{partition: in.Partition, node: node, head: head, position: in.Offset, end: in.End, time: in.Time, idleFrom: -1}
}

// Add queues a batch and returns how many records of the partition are queued. A
// partition that is not the task's is an error of the driver.
func (t *Task) Add(b Batch) (queued int, err error) {
	q := t.queue(b.Partition)
	if q == nil {
		return 0, fmt.Errorf("task %s has no input %s-%d", t.cfg.ID, b.Partition.Topic, b.Partition.ID)
	}
	q.end = max(q.end, b.End)
	if len(b.Records) == 0 && q.size == 0 {
		if b.Next > q.position {
			q.position, t.dirty = b.Next, true
		}
		return 0, nil
	}
	if q.size == 0 {
		t.queueUp(q)
	}
	q.batches = append(q.batches, b)
	q.size += len(b.Records)
	return q.size, nil
}

// queueUp puts an input behind all others of the same timestamp.
func (t *Task) queueUp(q *queue) {
	t.turn++
	q.turn = t.turn
}

// Queued is the number of records of a partition that wait to be processed.
func (t *Task) Queued(p record.Partition) int {
	if q := t.queue(p); q != nil {
		return q.size
	}
	return 0
}

func (t *Task) queue(p record.Partition) *queue {
	for _, q := range t.queues {
		if q.partition == p {
			return q
		}
	}
	return nil
}

// Position is where an input partition's next commit would be, and its time.
type Position struct {
	Offset int64
	Time   int64 // -1 if nothing was processed yet
	Kept   map[string]int64
}

// MaxMetadata is how much a broker takes unless it is told otherwise:
// offset.metadata.max.bytes.
const MaxMetadata = 4096

// Metadata is what is committed with the offset. Of more than 65 nodes that keep their
// time, depending on their names, none does: a broker would refuse the commit.
func (p Position) Metadata() string {
	m := EncodeMetadata(p.Time, p.Kept)
	if len(m) <= MaxMetadata {
		return m
	}
	kept := maps.Clone(p.Kept)
	maps.DeleteFunc(kept, func(key string, _ int64) bool { return strings.HasPrefix(key, timePrefix) })
	return EncodeMetadata(p.Time, kept)
}

// Offsets are the positions of all inputs.
func (t *Task) Offsets() map[record.Partition]Position {
	m := make(map[record.Partition]Position, len(t.queues))
	kept := t.keeping()
	for _, q := range t.queues {
		m[q.partition] = Position{Offset: q.position, Time: q.time, Kept: kept}
	}
	return m
}

// record is the one at the front; the queue must not be empty.
func (q *queue) record() *record.Record { return &q.batches[0].Records[q.at] }

// pop leaves the record at the front behind.
func (q *queue) pop() {
	q.position = q.record().Offset + 1
	q.decoded = false
	q.retries = 0
	q.at++
	q.size--
	for len(q.batches) > 0 && q.at == len(q.batches[0].Records) {
		q.position = max(q.position, q.batches[0].Next)
		q.batches[0] = Batch{}
		q.batches = q.batches[1:]
		q.at = 0
	}
}

const (
	firstRetry = 50   // milliseconds
	lastRetry  = 5000 // milliseconds
)

// prepare decodes the record at the front, if there is one that can be decoded
// now. Records that the error handler skips, and those with a negative timestamp,
// are left behind.
func (t *Task) prepare(q *queue) error {
	for !q.decoded && q.size > 0 && (q.wait == nil || t.now >= q.retryAt) {
		r := q.record()
		q.wait = nil
		ts, err := q.head.Decode(r, q.time)
		switch {
		case err == nil && ts >= 0:
			q.decoded, q.timestamp = true, ts
		case err == nil:
			t.Dropped(q.node, "negative timestamp")
			t.skip(q)
		case errors.Is(err, serde.ErrRetriable):
			q.wait = err
			q.retryAt = t.now + min(int64(firstRetry)<<min(q.retries, 10), lastRetry)
			q.retries++
		default:
			t.enter(q, r)
			retry, err := t.Handle(graph.Deserialization, q.node, err)
			t.current = nil
			if err != nil {
				return err
			}
			if !retry {
				t.skip(q)
			}
		}
	}
	return nil
}

func (t *Task) skip(q *queue) {
	q.pop()
	t.stats.Records++
	t.dirty = true
}

// Waiting is the reason why an input cannot go on for now, nil if there is none:
// a schema registry that does not answer.
func (t *Task) Waiting() error {
	for _, q := range t.queues {
		if q.wait != nil {
			return fmt.Errorf("task %s: %s-%d@%d: %w", t.cfg.ID, q.partition.Topic, q.partition.ID, q.position, q.wait)
		}
	}
	return nil
}
