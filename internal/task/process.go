package task

import (
	"cmp"
	"context"
	"slices"
)

// Process processes up to limit records, the smallest timestamp among the inputs
// first, and runs the stream-time punctuations that become due. It returns how
// many it processed; fewer than limit means that it has to wait for input. now is
// the wall clock in milliseconds.
//
// An error is fatal for what was done since the last commit: the driver aborts.
// It satisfies errors.Is(err, serde.ErrRetriable) if the same work may succeed
// later.
func (t *Task) Process(ctx context.Context, now int64, limit int) (n int, err error) {
	t.begin(ctx, now)
	if err := t.complete(); err != nil {
		return 0, err
	}
	for n < limit && ctx.Err() == nil {
		q, err := t.next()
		if err != nil || q == nil {
			return n, err
		}
		if err := t.process(q); err != nil {
			return n, err
		}
		n++
		if err := t.complete(); err != nil {
			return n, err
		}
		if t.commit {
			break
		}
	}
	return n, nil
}

// next takes the queue whose record is to be processed off the heap, nil if the task
// must wait. Inputs with equal timestamps take turns, in the order of Kafka Streams.
// Kafka Streams: PartitionGroup.nextRecord.
func (t *Task) next() (*queue, error) {
	wait := false
	t.fresh = t.fresh[:0]
	for _, q := range t.queues {
		if !q.decoded && q.size > 0 {
			if err := t.prepare(q); err != nil {
				return nil, err
			}
		}
		if !q.decoded {
			wait = t.missed(q) || wait
			continue
		}
		q.idleFrom = -1
		if !q.waits {
			t.fresh = append(t.fresh, q)
		}
	}
	if len(t.fresh) > 1 {
		slices.SortFunc(t.fresh, func(a, b *queue) int { return cmp.Compare(a.turn, b.turn) })
	}
	for _, q := range t.fresh {
		t.heap.offer(q)
		q.waits = true
	}
	if wait || len(t.heap) == 0 {
		return nil, nil
	}
	q := t.heap.poll()
	q.waits = false
	return q, nil
}

// missed tells whether the task waits for an input without a record at hand, which
// may still have a smaller timestamp than those of the others. Kafka Streams:
// max.task.idle.ms, PartitionGroup.readyToProcess.
func (t *Task) missed(q *queue) bool {
	switch {
	case t.cfg.MaxIdle < 0:
		return false
	case q.wait != nil || q.position < q.end:
		q.idleFrom = -1
		return true
	case q.idleFrom < 0:
		q.idleFrom = t.now
	}
	return t.now-q.idleFrom < t.cfg.MaxIdle
}

func (t *Task) process(q *queue) error {
	r := q.record()
	t.enter(q, r)
	t.time = max(t.time, q.timestamp)
	q.time = max(q.time, q.timestamp)
	t.dirty = true
	err := q.head.Process()
	t.current = nil
	if t.failed != nil {
		return t.failed
	}
	if err != nil {
		return err
	}
	q.pop()
	t.idleFrom = t.now
	t.queueUp(q)
	t.stats.Records++
	return t.punctuate(&t.stream, t.time)
}
