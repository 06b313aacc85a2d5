package task

import (
	"context"
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

// next returns the queue whose record is to be processed, nil if the task must
// wait. Inputs with equal timestamps take turns: were it always the same one that
// wins, an input with one timestamp for all its records could keep the others from
// ever being read. Kafka Streams: PartitionGroup.nextRecord.
func (t *Task) next() (*queue, error) {
	var best *queue
	wait := false
	for _, q := range t.queues {
		if !q.decoded && q.size > 0 {
			if err := t.prepare(q); err != nil {
				return nil, err
			}
		}
		switch {
		case !q.decoded:
			wait = t.missed(q) || wait
		case best == nil || q.timestamp < best.timestamp || q.timestamp == best.timestamp && q.turn < best.turn:
			best = q
			fallthrough
		default:
			q.idleFrom = -1
		}
	}
	if wait {
		return nil, nil
	}
	return best, nil
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
