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
	for n < limit && ctx.Err() == nil {
		q, err := t.next()
		if err != nil || q == nil {
			return n, err
		}
		if err := t.process(q); err != nil {
			return n, err
		}
		n++
		if t.commit {
			break
		}
	}
	return n, nil
}

// next returns the queue whose record is to be processed, nil if the task must
// wait. Among equal timestamps the input that was listed first wins.
func (t *Task) next() (*queue, error) {
	var best *queue
	idle := false
	for _, q := range t.queues {
		if !q.decoded && q.size > 0 {
			if err := t.prepare(q); err != nil {
				return nil, err
			}
		}
		switch {
		case q.decoded:
			if best == nil || q.timestamp < best.timestamp {
				best = q
			}
		case q.wait != nil:
			// Its record may be the smallest: nothing overtakes it.
			idle = t.cfg.MaxIdle >= 0
		case t.cfg.MaxIdle > 0, t.cfg.MaxIdle == 0 && q.position < q.end:
			idle = true
		}
	}
	if best == nil || !idle {
		t.idleFrom = -1
		return best, nil
	}
	return t.patience(best), nil
}

// patience holds back the best record while an input without records may still
// have a smaller one. Kafka Streams: max.task.idle.ms, PartitionGroup.readyToProcess.
func (t *Task) patience(best *queue) *queue {
	known := true // of all inputs without records: nothing is left on the broker
	for _, q := range t.queues {
		if !q.decoded && (q.wait != nil || q.position < q.end) {
			known = false
		}
	}
	if !known {
		t.idleFrom = -1
		return nil
	}
	if t.idleFrom < 0 {
		t.idleFrom = t.now
	}
	if t.now-t.idleFrom < t.cfg.MaxIdle {
		return nil
	}
	return best
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
	t.stats.Records++
	return t.punctuate(&t.stream, t.time)
}
