package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/kafka"
	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/internal/state"
	"github.com/streamweir/streamweir/internal/task"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
)

// global keeps the global stores: it reads all partitions of their topics, before
// the tasks start up to where these end, and from then on on a goroutine of its own.
// The tasks of all workers read the stores as they are committed, which is after
// every response of a broker. Kafka Streams: GlobalStreamThread.
//
// There is one way for a record into a store, the source and the processor that the
// topology has for it, also at the start: what cannot be decoded is met by the error
// handler the first time too, and a processor of the user is run again as it must be.
//
// How far a partition is in its store is kept like a store's position, by a store that
// has nothing else: the last thing that a flush writes.
//
// Its methods may be called on nil: there are no global stores then.
type global struct {
	r      *Runner
	sub    *graph.Sub
	log    logger
	stores map[string]*state.Store // for all goroutines

	// gate is locked while a store has to catch up, and held by those who read them.
	gate  sync.RWMutex
	shut  atomic.Bool // the gate is locked
	ready atomic.Bool

	set      *state.Set
	dir      bool // it has a folder
	task     *task.Task
	input    *kafka.Fetcher
	output   globalOutput
	ends     map[record.Partition]int64 // of what has to catch up
	retries  int
	retryAt  time.Time
	told     bool  // that it waits
	left     int64 // records that have to be caught up with, as status was told
	persist  time.Time
	looked   time.Time
	cancel   context.CancelFunc
	started  bool
	done     chan struct{}
	progress progress
}

// errRebuilt is met by who would read a store that has to catch up.
var errRebuilt = fmt.Errorf("runtime: a global store is rebuilt: %w", serde.ErrRetriable)

func newGlobal(r *Runner, sub *graph.Sub) *global {
	g := &global{r: r, sub: sub, log: logger{r.cfg.Log.With("task", "global")}, stores: map[string]*state.Store{},
		ends: map[record.Partition]int64{}, done: make(chan struct{})}
	g.output.g = g
	return g
}

// enter holds the stores as they are, until leave; false if there is one that has to
// catch up.
func (g *global) enter() bool { return g == nil || !g.shut.Load() && g.gate.TryRLock() }

func (g *global) leave() {
	if g != nil {
		g.gate.RUnlock()
	}
}

func (g *global) rebuilds() bool { return g != nil && g.shut.Load() }

// view makes a read-only store for one task. Any goroutine may call it once the
// stores are ready.
func (g *global) view(name string) (any, error) {
	i := slices.IndexFunc(g.sub.Stores, func(s *graph.Store) bool { return s.Builder.Name() == name })
	if i < 0 {
		return nil, fmt.Errorf("runtime: there is no global store %q", name)
	}
	return g.sub.Stores[i].Builder.ViewAny(g.stores[name].Committed(), g.r.topics.Changelog(g.sub.Stores[i]))
}

// start opens the stores, waits until they have what their topics have now, and keeps
// them up to date until stop.
func (g *global) start(ctx context.Context) error {
	if g == nil {
		return nil
	}
	g.r.status.set(Restoring)
	g.close()
	var work context.Context
	work, g.cancel = context.WithCancel(context.WithoutCancel(ctx))
	defer context.AfterFunc(ctx, g.cancel)()
	g.output.ctx = work
	g.input = kafka.NewFetcher(g.r.client, kafka.FetchConfig{ReadCommitted: true})
	if err := g.open(work); err != nil {
		return ended(ctx, err)
	}
	for {
		if err := g.settle(); err != nil {
			return err
		}
		if g.ready.Load() {
			break
		}
		if err := g.turn(work); err != nil {
			return ended(ctx, err)
		}
	}
	g.log.Info("global stores are ready")
	g.started = true
	go g.run(work) // stop waits for it
	return nil
}

// ended is the error of work that may have ended because ctx has.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// close shuts the gate: there is a store that has to catch up.
func (g *global) close() {
	if !g.shut.Swap(true) {
		g.ready.Store(false)
		g.r.settleState()
		g.gate.Lock()
	}
}

func (g *global) run(ctx context.Context) {
	defer close(g.done)
	for {
		err := g.turn(ctx)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = g.settle()
		}
		if err != nil {
			g.r.cancel(fmt.Errorf("runtime: global stores: %w", err))
			return
		}
	}
}

// stop ends the goroutine and closes the stores. The workers have stopped by then.
func (g *global) stop() error {
	if g == nil || g.cancel == nil {
		return nil
	}
	g.cancel()
	if g.started {
		<-g.done
	}
	g.input.Close()
	var errs []error
	if g.task != nil {
		errs = append(errs, g.task.Close())
	}
	if g.output.producer != nil {
		errs = append(errs, g.output.producer.Close())
	}
	if g.set != nil {
		errs = append(errs, g.set.Close())
	}
	if g.dir {
		errs = append(errs, g.r.dir.Release(state.GlobalTask, time.Now()))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("runtime: global stores: %w", err)
	}
	return nil
}

// open opens the stores and makes the task that fills them.
func (g *global) open(ctx context.Context) error {
	topics := g.sub.Sources(nil)
	counts, err := g.r.find(ctx, topics)
	if err != nil {
		return err
	}
	cfg := state.Config{Opener: g.r.cfg.Engine, CacheBytes: g.r.cfg.StateCacheBytes}
	var parts []record.Partition
	for _, s := range g.sub.Stores {
		spec := s.Builder.Spec()
		cfg.Stores = append(cfg.Stores, spec)
		g.dir = g.dir || spec.Persistent
		for id := range counts[s.SourceTopic] {
			parts = append(parts, record.Partition{Topic: s.SourceTopic, ID: id})
			cfg.Stores = append(cfg.Stores, tracker(spec, id))
		}
	}
	if g.dir {
		if cfg.Dir, err = g.r.dir.TaskDir(state.GlobalTask); err != nil {
			g.dir = false
			return err
		}
	}
	if g.set, err = state.Open(cfg); err != nil {
		return fmt.Errorf("runtime: global stores: %w", err)
	}
	for _, s := range g.sub.Stores {
		g.stores[s.Builder.Name()] = g.set.Store(s.Builder.Name())
	}
	inputs, err := g.begin(ctx, parts)
	if err != nil {
		return err
	}
	g.task, err = task.New(task.Config{ID: graph.GlobalTask, Sub: g.sub, Topics: g.r.topics, Inputs: inputs, Output: &g.output, Stores: g.set,
		Handler: g.r.cfg.ErrorHandler, DeadLetterTopic: g.r.cfg.DeadLetterTopic, MaxIdle: -1, Log: g.log.Logger})
	if err != nil {
		return err
	}
	g.persist, g.looked = time.Now(), time.Now()
	return g.task.Start(ctx, time.Now().UnixMilli())
}

// tracker is the store that has the position of a partition. Its name cannot be that
// of a store of the topology.
func tracker(spec store.Spec, partition int32) store.Spec {
	return store.Spec{Name: spec.Name + "/" + strconv.Itoa(int(partition)), Kind: store.KindKeyValue, Persistent: spec.Persistent, Opener: spec.Opener}
}

// storeOf is the store that a topic fills: a topic has one source at most.
func (g *global) storeOf(topic string) store.Spec {
	i := slices.IndexFunc(g.sub.Stores, func(s *graph.Store) bool { return s.SourceTopic == topic })
	return g.sub.Stores[i].Builder.Spec()
}

func (g *global) position(p record.Partition) string { return tracker(g.storeOf(p.Topic), p.ID).Name }
