package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/streamweir/streamweir/internal/kafka"
	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/internal/task"
	"github.com/streamweir/streamweir/topology"
)

// startReady starts the tasks whose stores are complete, at their committed
// offsets: those that have restored, and after an abort all.
func (w *worker) startReady(ctx context.Context) (started bool, err error) {
	var ready []*running
	for _, t := range w.tasks {
		if !t.runs && !w.behind(t) {
			ready = append(ready, t)
		}
	}
	if len(ready) == 0 {
		return false, nil
	}
	inputs, err := w.positions(ctx, ready)
	if err != nil {
		return false, err
	}
	for _, t := range ready {
		if err := w.start(t, inputs[t]); err != nil {
			return false, err
		}
	}
	w.publish()
	return true, nil
}

// start makes a task, or one that was aborted anew, and starts its processors.
func (w *worker) start(t *running, inputs []task.Input) error {
	if t.task == nil {
		cfg := task.Config{ID: t.id, Sub: t.sub, Topics: w.r.topics, Inputs: inputs, Output: &w.out, Stores: t.set, Cache: &w.cache, Executor: &w.calls,
			Handler: w.r.cfg.ErrorHandler, DeadLetterTopic: w.r.cfg.DeadLetterTopic, MaxIdle: w.r.cfg.MaxTaskIdle.Milliseconds(),
			IdleAfter: w.r.cfg.IdleAfter.Milliseconds(), EmitInterval: emitInterval, Log: w.log.Logger}
		if w.r.global != nil {
			cfg.GlobalStore = w.r.global.view
		}
		t.set.Commit(t.standing())
		made, err := task.New(cfg)
		if err != nil {
			return stepError{err}
		}
		t.task = made
		w.log.Info("task runs", "task", t.id.String())
	} else if err := t.task.Reset(inputs); err != nil {
		// Its old processors are closed and there are no new ones: it is of no use.
		w.counters.retire(t.task.Stats())
		t.task = nil
		return stepError{err}
	}
	if err := t.task.Start(w.ctx, time.Now().UnixMilli()); err != nil {
		return stepError{err}
	}
	t.runs, t.stride = true, minStride
	offsets := map[record.Partition]int64{}
	for _, in := range inputs {
		w.inputs[in.Partition] = t
		offsets[in.Partition] = in.Offset
		delete(w.paused, in.Partition)
		w.counters.partition(in.Partition).end.Store(in.End)
	}
	w.publishOffsets(t.committed)
	w.input.Set(offsets)
	return nil
}

// positions finds where tasks begin to read their inputs: the committed offsets,
// or what the reset policy says.
func (w *worker) positions(ctx context.Context, tasks []*running) (map[*running][]task.Input, error) {
	var all, unset []record.Partition
	for _, t := range tasks {
		all = append(all, t.inputs...)
	}
	committed, err := w.r.client.Committed(ctx, w.r.cfg.ApplicationID, all)
	if err != nil {
		return nil, err
	}
	ends, err := w.r.client.Offsets(ctx, all, kafka.Latest)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		if c, ok := committed[p]; !ok || c.Next > ends[p] {
			unset = append(unset, p)
		}
	}
	starts, err := w.r.client.Offsets(ctx, unset, kafka.Earliest)
	if err != nil {
		return nil, err
	}
	inputs := map[*running][]task.Input{}
	for _, t := range tasks {
		t.committed = map[record.Partition]int64{}
		for _, p := range t.inputs {
			in := task.Input{Partition: p, Time: -1, End: ends[p]}
			c, ok := committed[p]
			switch {
			case ok && c.Next <= ends[p]:
				in.Offset = c.Next
				in.Time, in.Kept = task.DecodeMetadata(c.Metadata)
				t.committed[p] = c.Next
			case ok:
				in.Offset, err = w.resetOutOfRange(ctx, t, kafka.PartitionError{Partition: p, Offset: c.Next, Start: starts[p], End: ends[p]})
			default:
				in.Offset, err = w.reset(ctx, t, p, starts[p], ends[p], errNoOffset)
			}
			if err != nil {
				return nil, err
			}
			inputs[t] = append(inputs[t], in)
		}
	}
	return inputs, nil
}

// emitInterval is Kafka Streams' hidden setting __emit.interval.ms.….
const emitInterval = 1000

var errNoOffset = errors.New("there is no committed offset")

// reset applies the reset policy of an input without a usable offset.
func (w *worker) reset(ctx context.Context, t *running, p record.Partition, start, end int64, why error) (int64, error) {
	policy := t.sub.Source(w.r.topics, p.Topic).Reset
	if policy == topology.ResetDefault {
		policy = w.r.cfg.Reset
	}
	if ago, ok := policy.Duration(); ok {
		since := kafka.When(max(time.Now().Add(-ago).UnixMilli(), 0))
		found, err := w.r.client.Offsets(ctx, []record.Partition{p}, since)
		if err != nil {
			return 0, err
		}
		if at := found[p]; at >= 0 {
			return at, nil
		}
		return end, nil // all records are older
	}
	switch policy {
	case topology.ResetLatest:
		return end, nil
	case topology.ResetNone:
		return 0, fmt.Errorf("runtime: task %s: input %s-%d (offsets %d to %d): %w, and its reset policy is none: commit an offset for group %q or choose earliest or latest",
			t.id, p.Topic, p.ID, start, end, why, w.r.cfg.ApplicationID)
	default:
		return start, nil
	}
}

var errNotThere = errors.New("the offset to go on from is not on the broker any more")

func (w *worker) resetOutOfRange(ctx context.Context, t *running, e kafka.PartitionError) (int64, error) {
	to, err := w.reset(ctx, t, e.Partition, e.Start, e.End, fmt.Errorf("%w: %d", errNotThere, e.Offset))
	if err == nil {
		w.log.Warn("input offset is not on the broker any more; the reset policy applies", "topic", e.Partition.Topic, "partition", e.Partition.ID,
			"offset", e.Offset, "start", e.Start, "end", e.End, "continues", to)
	}
	return to, err
}

// inputError answers an input that cannot be fetched on.
func (w *worker) inputError(ctx context.Context, e kafka.PartitionError) error {
	t := w.inputs[e.Partition]
	if t == nil {
		return nil
	}
	if err := w.commitOutside(ctx); err != nil {
		return w.recover(ctx, err)
	}
	switch {
	case !e.OutOfRange:
		return &e
	case e.Offset > e.End:
		// What is queued of it, and known, is no longer true; all the rest is committed.
		w.log.Warn("input was cut off or made anew; its task starts again", "task", t.id.String(), "topic", e.Partition.Topic,
			"partition", e.Partition.ID, "offset", e.Offset, "start", e.Start, "end", e.End)
		w.halt(t)
		return nil
	}
	to, err := w.resetOutOfRange(ctx, t, e)
	if err != nil {
		return err
	}
	w.input.Set(map[record.Partition]int64{e.Partition: to})
	// The task knows, and commits, that there is nothing before.
	_, err = t.task.Add(task.Batch{Partition: e.Partition, Next: to, End: e.End})
	return err
}
