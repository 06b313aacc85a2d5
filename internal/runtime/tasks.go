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
	"github.com/streamweir/streamweir/topology"
)

// running is a task of a worker. It restores first; then task is there.
type running struct {
	id       graph.TaskID
	sub      *graph.Sub
	set      *state.Set
	inputs   []record.Partition
	task     *task.Task // nil while it restores
	restores map[record.Partition]*restoring
	dir      bool // it has a folder
}

// restoring is a changelog partition on its way to its end.
type restoring struct {
	store string
	next  int64 // offset of the first record that is not yet in the store
	end   int64 // the high watermark when the task was taken over
}

// suspend commits and pauses, so that committed offsets say where everything
// stands while the group decides. If the commit fails the work is aborted; either
// way the worker then stands at its committed offsets.
func (w *worker) suspend(ctx context.Context) error {
	if w.dead != nil || w.suspended {
		return w.dead
	}
	w.suspended = true
	if err := w.commit(ctx); err != nil {
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
	w.suspended = false
	w.lastCommit, w.lastPersist = time.Now(), time.Now()
	w.publish()
	return nil
}

// open takes over tasks: committed offsets first, which waits for transactions of
// an owner before, then the stores and the ends of their changelogs.
func (w *worker) open(ctx context.Context, ids []graph.TaskID) error {
	if len(ids) == 0 {
		return nil
	}
	if err := w.producer.Init(ctx); err != nil {
		return fmt.Errorf("runtime: worker %d: producer: %w", w.id, err)
	}
	var fresh []*running
	for _, id := range ids {
		t, err := w.openStores(id)
		if err != nil {
			return err
		}
		w.tasks, fresh = append(w.tasks, t), append(fresh, t)
	}
	slices.SortFunc(w.tasks, func(a, b *running) int {
		return cmp.Or(cmp.Compare(a.id.Subtopology, b.id.Subtopology), cmp.Compare(a.id.Partition, b.id.Partition))
	})
	if err := w.begin(ctx, fresh); err != nil {
		return err
	}
	return w.startRestored(ctx)
}

func (w *worker) openStores(id graph.TaskID) (*running, error) {
	r := w.r
	if int(id.Subtopology) >= len(r.subs) {
		return nil, fmt.Errorf("runtime: task %s was assigned, but the topology has %d sub-topologies: all members of group %q must run the same topology",
			id, len(r.subs), r.cfg.ApplicationID)
	}
	t := &running{id: id, sub: r.subs[id.Subtopology], restores: map[record.Partition]*restoring{}}
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

// begin finds out what each store of the tasks has to read of its changelog. The
// end is the high watermark: the last stable offset would miss what is committed
// behind a transaction that is still open (KAFKA-10167).
func (w *worker) begin(ctx context.Context, tasks []*running) error {
	var logs, fresh []record.Partition
	behind := map[record.Partition]int64{}
	for _, t := range tasks {
		for _, s := range t.sub.Stores {
			if !w.r.topics.Logged(s) && s.SourceTopic == "" {
				continue
			}
			p := record.Partition{Topic: w.r.topics.Changelog(s), ID: t.id.Partition}
			next, ok := t.set.Offset(s.Builder.Name())
			if !ok {
				fresh = append(fresh, p)
			}
			t.restores[p] = &restoring{store: s.Builder.Name(), next: next}
			logs = append(logs, p)
		}
	}
	ends, err := w.r.client.Offsets(ctx, logs, kafka.Latest)
	if err != nil {
		return err
	}
	starts, err := w.r.client.Offsets(ctx, fresh, kafka.Earliest)
	if err != nil {
		return err
	}
	for _, t := range tasks {
		for p, r := range t.restores {
			r.end = ends[p]
			r.next = max(r.next, starts[p])
			if r.next > r.end {
				if err := w.rebuild(ctx, t, p, r, fmt.Sprintf("it stands at offset %d, behind the changelog's end %d", r.next, r.end)); err != nil {
					return err
				}
			}
			if r.next < r.end {
				w.logs[p], behind[p] = t, r.next
				w.r.status.restoring.Add(r.end - r.next)
			}
		}
	}
	w.restorer.Set(behind)
	return nil
}

// rebuild discards what a store has, because the changelog does not go on from it,
// and restores it from the changelog's beginning.
func (w *worker) rebuild(ctx context.Context, t *running, p record.Partition, r *restoring, why string) error {
	w.log.Warn("store does not fit its changelog and is rebuilt from the beginning", "task", t.id.String(), "store", r.store,
		"changelog", p.Topic, "partition", p.ID, "reason", why)
	if err := t.set.Wipe(r.store); err != nil {
		return err
	}
	start, err := w.r.client.Offsets(ctx, []record.Partition{p}, kafka.Earliest)
	if err != nil {
		return err
	}
	r.next = start[p]
	return nil
}

// restore puts changelog records into their stores.
func (w *worker) restore(ctx context.Context, f kafka.Fetched) error {
	for _, b := range f.Batches {
		t := w.logs[b.Partition]
		if t == nil {
			continue
		}
		r := t.restores[b.Partition]
		if err := t.set.Restore(r.store, b.Records, b.Next); err != nil {
			return fmt.Errorf("runtime: task %s: restoring from %s-%d: %w", t.id, b.Partition.Topic, b.Partition.ID, err)
		}
		w.r.status.restored.Add(int64(len(b.Records)))
		w.r.status.restoring.Add(r.next - min(b.Next, r.end))
		r.next = b.Next
		if r.next >= r.end {
			delete(w.logs, b.Partition)
			w.restorer.Remove(b.Partition)
		}
	}
	for _, e := range f.Errors {
		t := w.logs[e.Partition]
		if t == nil {
			continue
		}
		r := t.restores[e.Partition]
		if !e.OutOfRange {
			return &e
		}
		if err := w.rebuild(ctx, t, e.Partition, r, e.Error()); err != nil {
			return err
		}
		w.restorer.Set(map[record.Partition]int64{e.Partition: r.next})
	}
	return w.startRestored(ctx)
}

// startRestored starts the tasks whose stores are complete.
func (w *worker) startRestored(ctx context.Context) error {
	var ready []*running
	for _, t := range w.tasks {
		if t.task == nil && !w.behind(t) {
			ready = append(ready, t)
		}
	}
	if len(ready) == 0 {
		return nil
	}
	inputs, err := w.positions(ctx, ready)
	if err != nil {
		return err
	}
	for _, t := range ready {
		cfg := task.Config{ID: t.id, Sub: t.sub, Topics: w.r.topics, Inputs: inputs[t], Output: &w.out, Stores: t.set, Cache: &w.cache,
			Handler: w.r.cfg.ErrorHandler, DeadLetterTopic: w.r.cfg.DeadLetterTopic, MaxIdle: w.r.cfg.MaxTaskIdle.Milliseconds(), Log: w.log.Logger}
		t.set.Commit(t.standing())
		if t.task, err = task.New(cfg); err != nil {
			return err
		}
		if err := w.start(t, inputs[t]); err != nil {
			return err
		}
		w.log.Info("task runs", "task", t.id.String())
	}
	w.fetch(inputs)
	w.publish()
	return nil
}

// standing are the changelog positions that the stores have reached.
func (t *running) standing() map[string]int64 {
	m := map[string]int64{}
	for _, r := range t.restores {
		m[r.store] = max(r.next, r.end)
	}
	return m
}

func (w *worker) behind(t *running) bool {
	for p := range t.restores {
		if w.logs[p] == t {
			return true
		}
	}
	return false
}

// start starts a task's processors.
func (w *worker) start(t *running, inputs []task.Input) error {
	for _, in := range inputs {
		w.inputs[in.Partition] = t
		w.counters.partition(in.Partition).end.Store(in.End)
	}
	return t.task.Start(w.ctx, time.Now().UnixMilli())
}

// fetch reads inputs from where their tasks begin.
func (w *worker) fetch(inputs map[*running][]task.Input) {
	offsets := map[record.Partition]int64{}
	for _, list := range inputs {
		for _, in := range list {
			offsets[in.Partition] = in.Offset
			delete(w.paused, in.Partition)
		}
	}
	w.input.Set(offsets)
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
	for _, p := range all {
		if _, ok := committed[p]; !ok {
			unset = append(unset, p)
		}
	}
	ends, err := w.r.client.Offsets(ctx, all, kafka.Latest)
	if err != nil {
		return nil, err
	}
	starts, err := w.r.client.Offsets(ctx, unset, kafka.Earliest)
	if err != nil {
		return nil, err
	}
	inputs := map[*running][]task.Input{}
	for _, t := range tasks {
		for _, p := range t.inputs {
			in := task.Input{Partition: p, Time: -1, End: ends[p]}
			if c, ok := committed[p]; ok {
				in.Offset, in.Time = c.Next, task.DecodeTime(c.Metadata)
			} else if in.Offset, err = w.reset(t, p, starts[p], ends[p], errNoOffset); err != nil {
				return nil, err
			}
			inputs[t] = append(inputs[t], in)
		}
	}
	return inputs, nil
}

var errNoOffset = errors.New("there is no committed offset")

// reset applies the reset policy of an input without a usable offset.
func (w *worker) reset(t *running, p record.Partition, start, end int64, why error) (int64, error) {
	policy := t.sub.Source(w.r.topics, p.Topic).Reset
	if policy == topology.ResetDefault {
		policy = w.r.cfg.Reset
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

// outOfRange answers an input whose offset is no longer on the broker.
func (w *worker) outOfRange(ctx context.Context, e kafka.PartitionError) error {
	t := w.inputs[e.Partition]
	if t == nil {
		return nil
	}
	if err := w.commit(ctx); err != nil {
		return w.recover(ctx, err)
	}
	if !e.OutOfRange {
		return &e
	}
	to, err := w.reset(t, e.Partition, e.Start, e.End, e.Err)
	if err != nil {
		return err
	}
	w.log.Warn("input offset is not on the broker any more; the reset policy applies", "topic", e.Partition.Topic, "partition", e.Partition.ID,
		"offset", e.Offset, "start", e.Start, "end", e.End, "continues", to)
	w.input.Set(map[record.Partition]int64{e.Partition: to})
	// The task knows, and commits, that there is nothing before.
	_, err = t.task.Add(task.Batch{Partition: e.Partition, Next: to, End: e.End})
	return err
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

// release closes a task's processors and stores.
func (w *worker) release(t *running) error {
	var err error
	for _, p := range t.inputs {
		delete(w.inputs, p)
		delete(w.paused, p)
		w.input.Remove(p)
	}
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
	return err
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
	w.input.Close()
	w.restorer.Close()
	errs = append(errs, w.producer.Close())
	w.stopped = true
	w.cancel()
	return errors.Join(errs...)
}
