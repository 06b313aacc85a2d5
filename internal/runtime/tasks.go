package runtime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/streamweir/streamweir/internal/assign"
	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/kafka"
	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/internal/state"
	"github.com/streamweir/streamweir/internal/task"
)

// running is a task of a worker. It restores, then it is made and runs; after an
// abort it is started again.
type running struct {
	id        graph.TaskID
	sub       *graph.Sub
	set       *state.Set
	inputs    []record.Partition
	committed map[record.Partition]int64 // offsets; a partition without one is missing
	task      *task.Task                 // nil until it has restored
	runs      bool                       // it was started at its committed offsets
	stride    int                        // records of a turn
	restores  map[record.Partition]*restoring
	dir       bool // it has a folder
	waits     bool // and the log says so
}

// suspend commits and pauses, so that committed offsets say where everything
// stands while the group decides. If the commit fails the work is aborted; either
// way the worker then stands at its committed offsets.
func (w *worker) suspend(ctx context.Context) error {
	if w.dead != nil || w.suspended {
		return w.dead
	}
	w.suspended = true
	if err := w.commitOutside(ctx); err != nil {
		return w.recover(ctx, err)
	}
	return nil
}

// resume takes over new tasks and goes on with all.
func (w *worker) resume(ctx context.Context, m kafka.Membership, ids []graph.TaskID) error {
	w.member = m
	w.out.counts = nil
	if err := w.open(ctx, ids); err != nil {
		return err
	}
	if len(w.tasks) == 0 {
		w.calm() // nobody waits for what was given up
	}
	w.suspended = false
	w.lastCommit, w.lastPersist = time.Now(), time.Now()
	w.publish()
	return nil
}

// open takes over tasks: committed offsets first, then the stores and the ends of
// their changelogs. The order matters. Committed waits for an open transaction of
// the owner before, and the group takes no more offsets from him; so what he
// commits is in the changelogs by then, and the end that is found includes it.
func (w *worker) open(ctx context.Context, ids []graph.TaskID) error {
	if len(ids) == 0 {
		return nil
	}
	if err := w.producer.Init(ctx); err != nil {
		return fmt.Errorf("runtime: worker %d: producer: %w", w.id, err)
	}
	var fresh []*running
	var inputs []record.Partition
	for _, id := range ids {
		t, err := w.openStores(id)
		if err != nil {
			return err
		}
		w.tasks, fresh, inputs = append(w.tasks, t), append(fresh, t), append(inputs, t.inputs...)
	}
	slices.SortFunc(w.tasks, func(a, b *running) int {
		return cmp.Or(cmp.Compare(a.id.Subtopology, b.id.Subtopology), cmp.Compare(a.id.Partition, b.id.Partition))
	})
	if _, err := w.r.client.Committed(ctx, w.r.cfg.ApplicationID, inputs); err != nil {
		return err
	}
	return w.begin(ctx, fresh)
}

func (w *worker) openStores(id graph.TaskID) (*running, error) {
	r := w.r
	sub := r.sub(id.Subtopology)
	if sub == nil {
		return nil, fmt.Errorf("runtime: task %s was assigned, but the topology has %d sub-topologies with tasks, and not this one: all members of group %q must run the same topology",
			id, len(r.subs), r.cfg.ApplicationID)
	}
	t := &running{id: id, sub: sub, restores: map[record.Partition]*restoring{}}
	for _, topic := range t.sub.Sources(r.matching()) {
		if name := r.topics.Name(topic); id.Partition < r.count(name) {
			t.inputs = append(t.inputs, record.Partition{Topic: name, ID: id.Partition})
		}
	}
	cfg := state.Config{Stores: t.sub.StoreSpecs(), Opener: r.cfg.Engine, CacheBytes: r.cfg.StateCacheBytes}
	var err error
	if slices.ContainsFunc(t.sub.Stores, func(s *graph.Store) bool { return s.Builder.Spec().Persistent }) {
		if cfg.Dir, err = r.dir.TaskDir(id.String()); err != nil {
			return nil, err
		}
		t.dir = true
	}
	if t.set, err = state.Open(cfg); err != nil {
		return nil, fmt.Errorf("runtime: task %s: %w", id, err)
	}
	return t, nil
}

// giveUp closes a task that goes elsewhere: what is committed is persisted. The
// worker is suspended, so nothing is pending.
func (w *worker) giveUp(_ context.Context, id graph.TaskID) error {
	i := slices.IndexFunc(w.tasks, func(t *running) bool { return t.id == id })
	if i < 0 {
		return nil
	}
	t := w.tasks[i]
	w.tasks = slices.Delete(w.tasks, i, i+1)
	err := w.release(t)
	w.log.Info("task given up", "task", id.String())
	w.publish()
	return err
}

// halt takes a task's input away: it has to be started again.
func (w *worker) halt(t *running) {
	t.runs = false
	for _, p := range t.inputs {
		delete(w.inputs, p)
		delete(w.paused, p)
		w.input.Remove(p)
	}
}

// release closes a task's processors and stores.
func (w *worker) release(t *running) error {
	var err error
	w.halt(t)
	for p, r := range t.restores {
		if w.logs[p] == t {
			w.r.status.restoring.Add(min(r.next-r.end, 0))
			delete(w.logs, p)
			w.restorer.Remove(p)
		}
	}
	if t.task != nil {
		w.counters.retire(t.task.Stats())
		err = t.task.Close()
	}
	w.r.progress.Store(assign.Task(t.id), t.progress())
	err = errors.Join(err, t.set.Close())
	if t.dir {
		err = errors.Join(err, w.r.dir.Release(t.id.String(), time.Now()))
	}
	if err != nil {
		return fmt.Errorf("runtime: task %s: %w", t.id, err)
	}
	return nil
}

// progress is how far a task's stores have come, for the assignor: the sum of
// their changelog positions.
func (t *running) progress() int64 {
	sum := int64(0)
	for _, r := range t.restores {
		if next, ok := t.set.Offset(r.store); ok {
			sum += next
		}
	}
	return sum
}

// lose forgets all tasks after the membership was lost: others may own them. What
// was pending is aborted; what was committed stays usable.
func (w *worker) lose(ctx context.Context) error {
	w.suspended = true
	errs := []error{w.abort(ctx)}
	for _, t := range w.tasks {
		t.set.Abort()
		errs = append(errs, w.release(t))
	}
	w.tasks = nil
	w.calm()
	w.publish()
	return errors.Join(errs...)
}

// stop closes everything and ends the worker. What is not committed is aborted.
func (w *worker) stop(ctx context.Context) error {
	errs := []error{w.lose(ctx)}
	w.flushes.Wait()
	w.calls.stop(ctx)
	w.input.Close()
	w.restorer.Close()
	errs = append(errs, w.producer.Close())
	w.stopped = true
	w.cancel()
	return errors.Join(errs...)
}
