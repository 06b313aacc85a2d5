package runtime

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/streamweir/streamweir/internal/kafka"
	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/serde"
)

// needed tells whether a task has something to commit.
func (w *worker) needed() bool {
	for _, t := range w.tasks {
		if t.runs {
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
		if t.runs && !due {
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
		if !t.runs {
			continue
		}
		if err := t.task.Flush(ctx, now.UnixMilli()); err != nil {
			return stepError{err}
		}
	}
	for _, t := range w.tasks {
		if !t.runs {
			continue
		}
		if needed, _ := t.task.CommitNeeded(); needed {
			dirty = append(dirty, t)
			for p, at := range t.task.Offsets() {
				offsets[p] = kafka.Offset{Next: at.Offset, Metadata: at.Metadata()}
			}
		}
	}
	if len(dirty) == 0 {
		return nil
	}
	if err := w.send(ctx, dirty, offsets); err != nil {
		return err
	}
	w.settle(dirty, offsets)
	w.counters.committed(time.Since(now))
	w.calm()
	return nil
}

// commitOutside is commit outside of a step: where a global store is rebuilt it fails,
// for what is done again, since the flush of a cache may read it.
func (w *worker) commitOutside(ctx context.Context) error {
	if !w.r.global.enter() {
		return stepError{errRebuilt}
	}
	defer w.r.global.leave()
	return w.commit(ctx)
}

// send commits on the broker.
func (w *worker) send(ctx context.Context, dirty []*running, offsets map[record.Partition]kafka.Offset) error {
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
	return w.outcome(ctx, dirty, offsets, err)
}

// outcome finds out whether a transaction was committed whose end nobody has
// confirmed. A new epoch ends it one way or the other, and the committed offsets
// tell which, if it moved any.
func (w *worker) outcome(ctx context.Context, dirty []*running, offsets map[record.Partition]kafka.Offset, unknown error) error {
	w.log.Warn("outcome of a commit is unknown; asking for the committed offsets", "error", unknown)
	if err := w.producer.Init(ctx); err != nil {
		return err
	}
	moved := map[record.Partition]int64{}
	for _, t := range dirty {
		for _, p := range t.inputs {
			if before, ok := t.committed[p]; !ok || before != offsets[p].Next {
				moved[p] = offsets[p].Next
			}
		}
	}
	if len(moved) == 0 {
		return fmt.Errorf("%w: %w", errUntold, kafka.ErrAbort)
	}
	found, err := w.r.client.Committed(ctx, w.r.cfg.ApplicationID, slices.Collect(maps.Keys(moved)))
	if err != nil {
		return err
	}
	for p, next := range moved {
		if at, ok := found[p]; !ok || at.Next != next {
			return fmt.Errorf("runtime: the transaction was not committed: %s-%d is at %d, not %d: %w", p.Topic, p.ID, at.Next, next, kafka.ErrAbort)
		}
	}
	return nil
}

// errUntold: whether the transaction was committed only the changelogs tell.
var errUntold = errors.New("runtime: the committed offsets do not tell whether the transaction was committed")

// settle tells the tasks that their work is committed.
func (w *worker) settle(dirty []*running, offsets map[record.Partition]kafka.Offset) {
	for _, t := range dirty {
		t.task.Committed(w.producer.Next)
		for _, p := range t.inputs {
			t.committed[p] = offsets[p].Next
		}
		w.publishOffsets(t.committed)
	}
}

// stepError is an error of a task's own step. Whether it may pass only its
// serde.ErrRetriable tells: an io.EOF in it is the user's, and no broker's.
type stepError struct{ error }

func (e stepError) Unwrap() error { return e.error }

// passing tells whether the same work may succeed later.
func passing(err error) bool {
	if errors.Is(err, serde.ErrRetriable) {
		return true
	}
	var step stepError
	return !errors.As(err, &step) && kafka.Retriable(err)
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
	case !passing(cause):
		return errors.Join(cause, w.producer.Abort(ctx))
	}
	w.retries++
	delay := min(50*time.Millisecond<<min(w.retries, 8), 5*time.Second)
	w.retryAt = time.Now().Add(delay)
	w.log.Warn("aborted; the work since the last commit is done again", "error", cause, "in", delay)
	w.r.status.waiting(w.aborted(), cause)
	tasks, err := w.rewind(ctx)
	if err == nil && errors.Is(cause, errUntold) {
		err = w.begin(ctx, tasks)
	}
	return err
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
	w.out.failed = nil
	err := w.producer.Abort(ctx)
	if err == nil || ctx.Err() != nil {
		return err
	}
	return w.producer.Init(ctx)
}

// rewind aborts the transaction and what the running tasks did in it; they are
// started again at their committed offsets.
func (w *worker) rewind(ctx context.Context) ([]*running, error) {
	if err := w.abort(ctx); err != nil {
		return nil, err
	}
	var tasks []*running
	for _, t := range w.tasks {
		if t.runs {
			w.halt(t)
			t.set.Abort()
			tasks = append(tasks, t)
		}
	}
	return tasks, nil
}

// persistIfDue writes what is committed to the engines, in the background.
func (w *worker) persistIfDue(now time.Time) {
	due := now.Sub(w.lastPersist) >= w.r.cfg.PersistInterval
	if due {
		w.lastPersist = now
	}
	for _, t := range w.tasks {
		if !t.runs || !due && t.set.DirtyBytes() < w.r.cfg.PersistBytes {
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
