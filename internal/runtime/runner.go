package runtime

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamweir/streamweir/internal/assign"
	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/kafka"
	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/internal/state"
)

// A Runner runs a topology. It is made by New and runs once.
type Runner struct {
	cfg    Config
	subs   []*graph.Sub
	topics graph.Topics

	client   *kafka.Client
	dir      *state.Dir
	group    *kafka.Group
	workers  []*worker
	crew     atomic.Pointer[[]*worker] // the same, for other goroutines
	done     sync.WaitGroup            // workers
	cancel   context.CancelCauseFunc   // ends Run's work; with a worker's fatal error
	rejoin   chan struct{}             // a worker was told that the group has moved on
	place    map[assign.Task]*worker
	progress sync.Map         // assign.Task -> int64: where the state of a task that was given up stands
	counts   map[string]int32 // partitions of input topics when tasks were last assigned

	global  *global     // nil if there are no global stores
	settled atomic.Bool // all workers have the tasks that were assigned

	status status
}

// New prepares a runner; nothing is opened yet.
func New(cfg Config) *Runner {
	r := &Runner{cfg: cfg, subs: cfg.Topology.Subtopologies(), topics: cfg.Topology.Topics(cfg.ApplicationID).WithPrefix(cfg.TopicPrefix),
		rejoin: make(chan struct{}, 1), place: map[assign.Task]*worker{}}
	r.crew.Store(&[]*worker{})
	if sub := cfg.Topology.Global(); sub != nil {
		r.global = newGlobal(r, sub)
	}
	return r
}

// Run runs until ctx is cancelled, then commits, leaves the group and returns nil;
// or until something fails that waiting cannot mend.
func (r *Runner) Run(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			r.status.set(Failed)
		} else {
			r.status.set(Stopped)
		}
	}()
	if err := r.open(); err != nil {
		return errors.Join(err, r.close())
	}
	if err = r.run(ctx); ctx.Err() != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx))) {
		err = nil
	}
	r.status.set(Stopping)
	return errors.Join(err, r.shutdown(err == nil), r.close())
}

func (r *Runner) open() (err error) {
	if r.dir, err = state.OpenDir(r.cfg.StateDir, r.cfg.ApplicationID); err != nil {
		return err
	}
	if r.cfg.InstanceID == "" {
		r.cfg.InstanceID = r.dir.ProcessID()
	}
	kc := r.cfg.Kafka
	kc.OnWait = r.status.waiting
	r.client, err = kafka.NewClient(kc)
	return err
}

func (r *Runner) close() error {
	var errs []error
	if r.client != nil {
		errs = append(errs, r.client.Close())
	}
	if r.dir != nil {
		errs = append(errs, r.dir.Close())
	}
	return errors.Join(errs...)
}

// run works until ctx ends or something fails. A worker that fails ends it wherever
// it stands, also while it waits for another worker or for the group.
func (r *Runner) run(ctx context.Context) error {
	work, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.cancel = cancel
	err := r.work(work)
	if ctx.Err() == nil && work.Err() != nil {
		return context.Cause(work)
	}
	return err
}

func (r *Runner) work(ctx context.Context) error {
	if err := r.checkTopics(ctx); err != nil {
		return err
	}
	if err := r.global.start(ctx); err != nil {
		return err
	}
	r.group = kafka.NewGroup(r.client, kafka.GroupConfig{ID: r.cfg.ApplicationID, InstanceID: r.cfg.InstanceID,
		SessionTimeout: r.cfg.SessionTimeout, RebalanceTimeout: r.cfg.RebalanceTimeout, HeartbeatInterval: r.cfg.HeartbeatInterval,
		ProtocolType: "consumer", Protocol: protocol, Topics: r.inputTopics()})
	workers := make([]*worker, r.cfg.Workers)
	for i := range workers {
		workers[i] = newWorker(ctx, r, i)
	}
	r.workers = workers
	r.crew.Store(&workers)
	for _, w := range workers {
		r.done.Add(1)
		go w.run() // ends with its stop command; shutdown waits for it
	}
	for {
		if err := r.rebalance(ctx); err != nil {
			return err
		}
		if err := r.steady(ctx); err != nil {
			return err
		}
	}
}

// sub is the sub-topology of a number, nil if it has no tasks.
func (r *Runner) sub(id int32) *graph.Sub {
	for _, s := range r.subs {
		if s.ID == id {
			return s
		}
	}
	return nil
}

// steady waits for the next rebalance.
func (r *Runner) steady(ctx context.Context) error {
	watch := time.NewTicker(10 * time.Second)
	defer watch.Stop()
	purge := time.NewTicker(r.cfg.PurgeInterval)
	defer purge.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.group.Rebalance():
			return nil
		case <-r.rejoin:
			return nil
		case <-watch.C:
			changed, err := r.topicsChanged(ctx)
			if err != nil || changed {
				return err
			}
		case <-purge.C:
			r.purge(ctx)
		}
	}
}

// rebalance takes part in one: workers commit and pause, the group decides, tasks
// that go elsewhere are given up, and then the group decides again, until nothing
// is to be given up. A process that was killed in between takes its seat again and
// finds itself told to give up what it no longer has: that it joins again is what
// the others wait for.
func (r *Runner) rebalance(ctx context.Context) error {
	r.status.set(Rebalancing)
	r.settled.Store(false)
	if err := r.all(ctx, (*worker).suspend); err != nil {
		return err
	}
	select {
	case <-r.rejoin: // which this is
	default:
	}
	for {
		gen, err := r.join(ctx)
		if err != nil {
			return err
		}
		r.status.rebalances.Add(1)
		mine, err := assign.DecodeAssignment(gen.Assignment.UserData)
		if err != nil {
			return err
		}
		gaveUp, err := r.giveUp(ctx, mine.Active)
		if err != nil {
			return err
		}
		if gaveUp || len(mine.Revoked) > 0 {
			continue
		}
		return r.takeOver(ctx, gen, mine.Active)
	}
}

// join joins the group. A membership that was lost while tasks ran is no reason to
// stop: the tasks are aborted and forgotten, and it joins as a new member.
func (r *Runner) join(ctx context.Context) (kafka.Generation, error) {
	for {
		if r.group.Lost() {
			if err := r.all(ctx, (*worker).lose); err != nil {
				return kafka.Generation{}, err
			}
			clear(r.place)
		}
		gen, err := r.group.Join(ctx, r.subscription(), func(members []kafka.Member) (map[string]kafka.Assignment, error) {
			return r.lead(ctx, members)
		})
		if err == nil || !errors.Is(err, kafka.ErrLost) {
			return gen, err
		}
	}
}

// subscription is what the leader is told about this member.
func (r *Runner) subscription() []byte {
	s := assign.Subscription{ProcessID: r.dir.ProcessID(), Workers: len(r.workers), Generation: -1, Stored: map[assign.Task]int64{}}
	if g, ok := r.group.Generation(); ok {
		s.Generation = g
	}
	for t := range r.place {
		s.Owned = append(s.Owned, t)
	}
	stored, err := r.dir.Tasks()
	if err != nil {
		r.cfg.Log.Warn("the state directory cannot be listed; tasks may be assigned without regard to it", "error", err)
	}
	for _, name := range stored {
		t, err := assign.ParseTask(name)
		if err != nil {
			continue
		}
		s.Stored[t] = 1 // there is something; how much is known once it is opened
		if n, ok := r.progress.Load(t); ok {
			s.Stored[t] = n.(int64)
		}
	}
	return s.Append(nil)
}

// giveUp closes the tasks that are not assigned to this member any more.
func (r *Runner) giveUp(ctx context.Context, active []assign.Task) (any bool, err error) {
	keep := map[assign.Task]bool{}
	for _, t := range active {
		keep[t] = true
	}
	for t, w := range r.place {
		if keep[t] {
			continue
		}
		any = true
		if err := w.call(ctx, func(ctx context.Context) error { return w.giveUp(ctx, graph.TaskID(t)) }); err != nil {
			return any, err
		}
		delete(r.place, t)
	}
	return any, nil
}

// takeOver gives new tasks to workers, and lets all go on.
func (r *Runner) takeOver(ctx context.Context, gen kafka.Generation, active []assign.Task) error {
	fresh := r.spread(active)
	if err := r.refresh(ctx, gen.Assignment.Partitions); err != nil {
		return err
	}
	r.status.set(Restoring)
	if err := r.all(ctx, func(w *worker, ctx context.Context) error { return w.resume(ctx, gen.Membership, fresh[w]) }); err != nil {
		return err
	}
	r.settled.Store(true)
	r.settleState()
	return nil
}

// spread gives each new task to the worker that has the fewest.
func (r *Runner) spread(active []assign.Task) map[*worker][]graph.TaskID {
	fresh := map[*worker][]graph.TaskID{}
	load := map[*worker]int{}
	for _, w := range r.place {
		load[w]++
	}
	for _, t := range active {
		if r.place[t] != nil {
			continue
		}
		best := r.workers[0]
		for _, w := range r.workers {
			if load[w] < load[best] {
				best = w
			}
		}
		load[best]++
		r.place[t] = best
		fresh[best] = append(fresh[best], graph.TaskID(t))
	}
	return fresh
}

// all lets all workers do something at the same time, and waits for them.
func (r *Runner) all(ctx context.Context, f func(*worker, context.Context) error) error {
	errs := make([]error, len(r.workers))
	var wg sync.WaitGroup
	for i, w := range r.workers {
		wg.Go(func() { errs[i] = w.call(ctx, func(ctx context.Context) error { return f(w, ctx) }) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// shutdown ends the workers and leaves the group. A clean one commits first.
func (r *Runner) shutdown(clean bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), r.cfg.ShutdownTimeout)
	defer cancel()
	var errs []error
	if clean {
		errs = append(errs, r.all(ctx, (*worker).suspend))
	}
	for _, w := range r.workers {
		// When the time is up, a worker that waits for a broker or for the user's
		// code, whose context this is, stops waiting.
		defer context.AfterFunc(ctx, w.cancel)()
	}
	errs = append(errs, r.all(context.WithoutCancel(ctx), (*worker).stop))
	r.done.Wait()
	errs = append(errs, r.global.stop())
	if r.group != nil {
		if err := r.group.Close(ctx, !r.cfg.KeepSeat); err != nil {
			errs = append(errs, fmt.Errorf("runtime: leaving group %q: %w", r.cfg.ApplicationID, err))
		}
	}
	return errors.Join(errs...)
}

// purge deletes the records of repartition topics that are processed and
// committed. What it misses the next one finds.
func (r *Runner) purge(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	before := map[record.Partition]int64{}
	for _, l := range r.Status().Lags {
		if topic, ok := strings.CutPrefix(l.Partition.Topic, r.topics.Internal("")); ok && l.Committed > 0 && r.cfg.Topology.Repartition(topic) != nil {
			before[l.Partition] = l.Committed
		}
	}
	if len(before) == 0 {
		return
	}
	if err := r.client.DeleteRecords(ctx, before); err != nil {
		r.cfg.Log.Warn("processed records of repartition topics were not deleted; it is tried again", "error", err)
	}
}
