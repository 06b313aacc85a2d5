package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/streamweir/streamweir/internal/kafka"
	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/internal/task"
	"github.com/streamweir/streamweir/serde"
)

// needed tells whether a task has something to commit.
func (w *worker) needed() bool {
	for _, t := range w.tasks {
		if t.task != nil {
			if needed, _ := t.task.CommitNeeded(); needed {
				return true
			}
		}
	}
	return false
}

func (w *worker) commitIfDue(now time.Time) error {
	due := now.Sub(w.lastCommit) >= w.r.cfg.CommitInterval
	for _, t := range w.tasks {
		if t.task != nil && !due {
			_, due = t.task.CommitNeeded()
		}
	}
	if !due {
		return nil
	}
	return w.commit(w.ctx)
}

// commit makes durable, together, what all tasks of the worker did since the last
// one: changelogs, output and input offsets.
func (w *worker) commit(ctx context.Context) error {
	now := time.Now()
	w.lastCommit = now
	var dirty []*running
	offsets := map[record.Partition]kafka.Offset{}
	for _, t := range w.tasks {
		if t.task == nil {
			continue
		}
		if err := t.task.Flush(ctx, now.UnixMilli()); err != nil {
			return err
		}
	}
	for _, t := range w.tasks {
		if t.task == nil {
			continue
		}
		if needed, _ := t.task.CommitNeeded(); needed {
			dirty = append(dirty, t)
			for p, at := range t.task.Offsets() {
				offsets[p] = kafka.Offset{Next: at.Offset, Metadata: task.EncodeTime(at.Time)}
			}
		}
	}
	if len(dirty) == 0 {
		return nil
	}
	if err := w.send(ctx, offsets); err != nil {
		return err
	}
	w.settle(dirty, offsets)
	w.counters.committed(time.Since(now))
	w.calm()
	return nil
}

// send commits on the broker.
func (w *worker) send(ctx context.Context, offsets map[record.Partition]kafka.Offset) error {
	if !w.r.cfg.ExactlyOnce {
		if err := w.producer.Flush(ctx); err != nil {
			return err
		}
		return w.r.client.CommitOffsets(ctx, w.member, offsets)
	}
	err := w.producer.Commit(ctx, w.member, offsets)
	if !errors.Is(err, kafka.ErrOutcomeUnknown) {
		return err
	}
	// The broker never said whether the transaction ended. A new epoch ends it one
	// way or the other, and the committed offsets tell which.
	w.log.Warn("outcome of a commit is unknown; asking for the committed offsets", "error", err)
	if err := w.producer.Init(ctx); err != nil {
		return err
	}
	partitions := make([]record.Partition, 0, len(offsets))
	for p := range offsets {
		partitions = append(partitions, p)
	}
	found, err := w.r.client.Committed(ctx, w.r.cfg.ApplicationID, partitions)
	if err != nil {
		return err
	}
	for p, o := range offsets {
		if found[p].Next != o.Next {
			return fmt.Errorf("runtime: the transaction was not committed: %s-%d is at %d, not %d: %w", p.Topic, p.ID, found[p].Next, o.Next, kafka.ErrAbort)
		}
	}
	return nil
}

// settle tells the tasks that their work is committed.
func (w *worker) settle(dirty []*running, offsets map[record.Partition]kafka.Offset) {
	for _, t := range dirty {
		t.task.Committed(w.producer.Next)
	}
	w.publishOffsets(offsets)
}

// recover answers an error of a pass: it aborts, goes back to the committed
// offsets and, if the cause may pass, comes back later. Anything else is fatal.
func (w *worker) recover(ctx context.Context, cause error) error {
	if w.out.failed != nil {
		cause, w.out.failed = w.out.failed, nil
	}
	switch {
	case ctx.Err() != nil:
		return cause
	case errors.Is(cause, kafka.ErrInstanceFenced):
		return fmt.Errorf("runtime: another process runs with the identity %q: %w", w.r.cfg.InstanceID, cause)
	case errors.Is(cause, kafka.ErrMember):
		// The group has moved on: joining it again sorts it out. A heartbeat tells
		// first whether the membership was lost.
		w.suspended = true
		w.r.group.Check()
		select {
		case w.r.rejoin <- struct{}{}:
		default:
		}
	case !errors.Is(cause, serde.ErrRetriable) && !kafka.Retriable(cause):
		return errors.Join(cause, w.producer.Abort(ctx))
	}
	w.retries++
	delay := min(50*time.Millisecond<<min(w.retries, 8), 5*time.Second)
	w.retryAt = time.Now().Add(delay)
	w.log.Warn("aborted; the work since the last commit is done again", "error", cause, "in", delay)
	w.r.status.waiting(w.aborted(), cause)
	return w.rewind(ctx)
}

// aborted is what status says while work is done again.
func (w *worker) aborted() string { return fmt.Sprintf("worker %d: work aborted", w.id) }

// calm notes that all is well again.
func (w *worker) calm() {
	if w.retries > 0 {
		w.retries, w.retryAt = 0, time.Time{}
		w.r.status.waiting(w.aborted(), nil)
	}
}

// abort ends the transaction, whatever it takes: a producer that was fenced gets a
// new epoch.
func (w *worker) abort(ctx context.Context) error {
	err := w.producer.Abort(ctx)
	if err == nil || ctx.Err() != nil {
		return err
	}
	return w.producer.Init(ctx)
}

// rewind aborts the transaction and sets all running tasks to their committed
// offsets.
func (w *worker) rewind(ctx context.Context) error {
	if err := w.abort(ctx); err != nil {
		return err
	}
	var tasks []*running
	for _, t := range w.tasks {
		if t.task != nil {
			tasks = append(tasks, t)
		}
	}
	inputs, err := w.positions(ctx, tasks)
	if err != nil {
		return err
	}
	for _, t := range tasks {
		if err := t.task.Reset(inputs[t]); err != nil {
			return err
		}
		if err := w.start(t, inputs[t]); err != nil {
			return err
		}
	}
	w.fetch(inputs)
	return nil
}

// persistIfDue writes what is committed to the engines, in the background.
func (w *worker) persistIfDue(now time.Time) {
	due := now.Sub(w.lastPersist) >= w.r.cfg.PersistInterval
	if due {
		w.lastPersist = now
	}
	for _, t := range w.tasks {
		if t.task == nil || !due && t.set.DirtyBytes() < w.r.cfg.PersistBytes {
			continue
		}
		f := t.set.Flush()
		if f == nil {
			continue
		}
		id := t.id
		w.flushes.Add(1)
		go func() { // stop waits for it
			defer w.flushes.Done()
			if err := f.Write(); err != nil {
				select {
				case w.flushed <- fmt.Errorf("runtime: task %s: writing state: %w", id, err):
				default:
				}
			}
		}()
	}
}
