package streamtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/internal/state"
	"github.com/streamweir/streamweir/internal/task"
	"github.com/streamweir/streamweir/store"
)

// global fills the global stores: a record of their topics is in them when Pipe
// returns.
type global struct {
	d    *Driver
	sub  *graph.Sub
	set  *state.Set
	task *task.Task
	have map[string]int // topic -> how many of its records the stores have
}

func (d *Driver) startGlobal() error {
	sub := d.graph.Global()
	if sub == nil {
		return nil
	}
	sc := state.Config{Stores: sub.StoreSpecs(), Opener: store.Memory(), Dir: "memory"}
	if d.cfg.Engine != nil {
		sc.Opener, sc.Dir = d.cfg.Engine, filepath.Join(d.dir, state.GlobalTask)
		if err := os.Mkdir(sc.Dir, 0o750); err != nil {
			return fmt.Errorf("streamtest: a folder for the global stores: %w", err)
		}
	}
	set, err := state.Open(sc)
	if err != nil {
		return err
	}
	g := &global{d: d, sub: sub, set: set, have: map[string]int{}}
	d.global = g
	tc := task.Config{ID: graph.GlobalTask, Sub: sub, Topics: d.names, Output: (*output)(d), Stores: set, Handler: d.cfg.ErrorHandler,
		DeadLetterTopic: d.cfg.DeadLetterTopic, MaxIdle: -1, Log: d.cfg.Log}
	for _, topic := range sub.Sources(nil) {
		g.have[topic] = 0
		tc.Inputs = append(tc.Inputs, task.Input{Partition: record.Partition{Topic: topic}, Time: -1})
	}
	if g.task, err = task.New(tc); err != nil {
		return err
	}
	return g.task.Start(context.Background(), d.now)
}

func (g *global) reads(topic string) bool {
	_, ok := g.have[topic]
	return ok
}

func (g *global) stores(name string) bool { return g.set.Store(name) != nil }

// update gives the stores what was written to a topic since the last time.
func (g *global) update(topic string) error {
	records := g.d.log[topic]
	if have := g.have[topic]; have < len(records) {
		end := int64(len(records))
		if _, err := g.task.Add(task.Batch{Partition: record.Partition{Topic: topic}, Records: records[have:], Next: end, End: end}); err != nil {
			return err
		}
		g.have[topic] = len(records)
	}
	return g.run()
}

// filled makes what the test itself has put into global stores visible to the task.
func (g *global) filled() {
	if g != nil {
		g.set.Commit(nil)
	}
}

// run processes until nothing is left, or the next record cannot be decoded yet.
func (g *global) run() error {
	for {
		n, err := g.task.Process(context.Background(), g.d.now, 1)
		if err != nil {
			return err
		}
		needed, _ := g.task.CommitNeeded()
		g.task.Committed(func(record.Partition) (int64, bool) { return 0, false })
		if n == 0 && !needed {
			return nil
		}
	}
}

// view makes a read-only store for the task.
func (g *global) view(name string) (any, error) {
	i := slices.IndexFunc(g.sub.Stores, func(s *graph.Store) bool { return s.Builder.Name() == name })
	if i < 0 {
		return nil, fmt.Errorf("streamtest: there is no global store %q", name)
	}
	s := g.sub.Stores[i]
	return s.Builder.ViewAny(g.set.Store(name).Committed(), g.d.names.Changelog(s))
}

func (g *global) close() error {
	var err error
	if g.task != nil {
		err = g.task.Close()
	}
	return errors.Join(err, g.set.Abandon())
}
