package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/streamweir/streamweir/internal/kafka"
	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/internal/task"
)

// globalWatch is how often the topics of global stores are looked at for more
// partitions.
const globalWatch = 2 * time.Second

// begin finds out where to go on in partitions, and up to where tasks have to wait. A
// store whose topic does not go on from where it stands is rebuilt.
func (g *global) begin(ctx context.Context, parts []record.Partition) ([]task.Input, error) {
	starts, err := g.r.client.Offsets(ctx, parts, kafka.Earliest)
	if err != nil {
		return nil, err
	}
	last, err := g.r.client.Offsets(ctx, parts, kafka.Latest)
	if err != nil {
		return nil, err
	}
	// A transaction that is open may stay so for long; what is behind comes later.
	ends, err := g.r.client.Offsets(ctx, parts, kafka.Stable)
	if err != nil {
		return nil, err
	}
	for _, p := range parts {
		if next, ok := g.set.Offset(g.position(p)); ok && (next < starts[p] || next > last[p]) {
			if err := g.wipe(p.Topic, fmt.Sprintf("it stands at offset %d of %s-%d, which has %d to %d", next, p.Topic, p.ID, starts[p], last[p])); err != nil {
				return nil, err
			}
		}
	}
	var inputs []task.Input
	offsets := map[record.Partition]int64{}
	for _, p := range parts {
		next, ok := g.set.Offset(g.position(p))
		if !ok {
			next = starts[p]
		}
		inputs = append(inputs, task.Input{Partition: p, Offset: next, Time: -1, End: last[p]})
		offsets[p] = next
		if next < ends[p] {
			g.ends[p] = ends[p]
		}
	}
	g.input.Set(offsets)
	return inputs, nil
}

// wipe discards a store. Tasks stop until it has what its topic has: what is in it is
// not true. The positions go first: a store without them is read anew.
func (g *global) wipe(topic, why string) error {
	g.close()
	spec := g.storeOf(topic)
	g.log.Warn("global store does not fit its topic and is rebuilt from the beginning", "store", spec.Name, "topic", topic, "reason", why)
	for id := int32(0); g.set.Store(tracker(spec, id).Name) != nil; id++ {
		if err := g.set.Wipe(tracker(spec, id).Name); err != nil {
			return err
		}
	}
	return g.set.Wipe(spec.Name)
}

// turn takes in what was fetched, or waits for it.
func (g *global) turn(ctx context.Context) error {
	timer := time.NewTimer(g.patience())
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case f := <-g.input.C():
		f = g.input.Current(f)
		for _, b := range f.Batches {
			if _, err := g.task.Add(task.Batch{Partition: b.Partition, Records: b.Records, Next: b.Next, End: b.End}); err != nil {
				return err
			}
			g.progress.fetched(b)
		}
		if err := g.process(ctx); err != nil {
			return err
		}
		return g.answer(ctx, f.Errors)
	case <-timer.C:
		if time.Now().Before(g.retryAt) {
			return nil
		}
		if err := g.process(ctx); err != nil {
			return err
		}
		return g.grow(ctx)
	}
}

func (g *global) patience() time.Duration {
	if wait := time.Until(g.retryAt); wait > 0 {
		return wait
	}
	if g.told {
		return 20 * time.Millisecond
	}
	return time.Second
}

// process brings all that was fetched into the stores. If it cannot be done now it is
// fetched again later.
func (g *global) process(ctx context.Context) error {
	for ctx.Err() == nil {
		n, err := g.task.Process(ctx, time.Now().UnixMilli(), maxStride)
		if err == nil {
			err = g.commit(ctx)
			if g.shut.Load() {
				g.r.status.restored.Add(int64(n))
			}
		} else {
			err = stepError{err}
		}
		switch {
		case err == nil && n > 0:
			g.retries = 0
		case err == nil:
			g.waits(g.task.Waiting())
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case passing(err):
			return g.again(ctx, err)
		default:
			return err
		}
	}
	return context.Cause(ctx)
}

// commit makes what was processed visible to the tasks.
func (g *global) commit(ctx context.Context) error {
	if needed, _ := g.task.CommitNeeded(); !needed {
		return nil
	}
	if err := g.output.flush(ctx); err != nil {
		return err
	}
	positions := map[string]int64{}
	for p, at := range g.task.Offsets() {
		positions[g.position(p)] = at.Offset
	}
	g.task.Committed(func(record.Partition) (int64, bool) { return 0, false })
	g.set.Commit(positions)
	return nil
}

// again drops what is not committed and fetches it once more, a moment later.
func (g *global) again(ctx context.Context, cause error) error {
	g.retries++
	delay := min(50*time.Millisecond<<min(g.retries, 8), 5*time.Second)
	g.log.Warn("global stores: the last records are taken in again", "error", cause, "in", delay)
	g.waits(cause)
	g.retryAt = time.Now().Add(delay)
	return errors.Join(g.output.reset(ctx), g.rewind(ctx))
}

// rewind makes the task anew at the positions of the stores.
func (g *global) rewind(ctx context.Context) error {
	var parts []record.Partition
	for p := range g.task.Offsets() {
		parts = append(parts, p)
	}
	clear(g.ends) // begin finds them again
	inputs, err := g.begin(ctx, parts)
	if err != nil {
		return err
	}
	if err := g.task.Reset(inputs); err != nil {
		return err
	}
	return g.task.Start(ctx, time.Now().UnixMilli())
}

// waits tells others what the next record waits for, nil for nothing.
func (g *global) waits(err error) {
	if err != nil || g.told {
		g.r.status.waiting("global stores", err)
	}
	g.told = err != nil
}

// answer deals with partitions that cannot be fetched on.
func (g *global) answer(ctx context.Context, errs []kafka.PartitionError) error {
	if len(errs) == 0 {
		return nil
	}
	for _, e := range errs {
		if !e.OutOfRange {
			return &e
		}
	}
	for _, e := range errs {
		if err := g.wipe(e.Partition.Topic, e.Error()); err != nil {
			return err
		}
	}
	return g.rewind(ctx)
}

// settle lets the tasks go on once the stores have caught up, writes what has to be
// written to disk, and tells others how things stand.
func (g *global) settle() error {
	offsets, left := g.task.Offsets(), int64(0)
	for p, end := range g.ends {
		if at := offsets[p].Offset; at < end {
			left += end - at
		} else {
			delete(g.ends, p)
		}
	}
	g.r.status.restoring.Add(left - g.left)
	g.left = left
	if len(g.ends) == 0 && g.shut.Load() {
		g.ready.Store(true)
		g.shut.Store(false)
		g.gate.Unlock()
		g.r.settleState()
	}
	if now := time.Now(); now.Sub(g.persist) >= g.r.cfg.PersistInterval || g.set.DirtyBytes() >= g.r.cfg.PersistBytes {
		g.persist = now
		if f := g.set.Flush(); f != nil {
			if err := f.Write(); err != nil {
				return err
			}
		}
	}
	g.publish(offsets)
	return nil
}

// grow reads the partitions that a topic has got since it was last looked at.
func (g *global) grow(ctx context.Context) error {
	if time.Since(g.looked) < globalWatch {
		return nil
	}
	g.looked = time.Now()
	look, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	counts, err := g.r.client.Partitions(look, g.sub.Sources(nil))
	if err != nil {
		return ignoreTimeout(look, err)
	}
	known := g.task.Offsets()
	var fresh []record.Partition
	for topic, n := range counts {
		for id := range n {
			if p := (record.Partition{Topic: topic, ID: id}); !has(known, p) {
				fresh = append(fresh, p)
			}
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	for _, p := range fresh {
		g.log.Info("the topic of a global store has another partition", "topic", p.Topic, "partition", p.ID)
		if err := g.set.Add(tracker(g.storeOf(p.Topic), p.ID)); err != nil {
			return err
		}
	}
	inputs, err := g.begin(ctx, fresh)
	if err != nil {
		return err
	}
	for _, in := range inputs {
		if err := g.task.AddInput(in); err != nil {
			return err
		}
	}
	return nil
}

func has(m map[record.Partition]task.Position, p record.Partition) bool {
	_, ok := m[p]
	return ok
}
