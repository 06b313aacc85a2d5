package sim

import (
	"errors"
	"fmt"
	"slices"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/internal/state"
	"github.com/streamweir/streamweir/internal/task"
)

// node is a task with what belongs to it, as on a process of its own.
type node struct {
	c         *Cluster
	sub       *graph.Sub
	id        graph.TaskID
	dir       string
	set       *state.Set
	task      *task.Task
	out       transaction
	committed map[record.Partition]task.Position
	fed       map[record.Partition]int // how many records the task was given, counted from offset 0
}

func newNode(c *Cluster, sub *graph.Sub, id graph.TaskID) *node {
	return &node{c: c, sub: sub, id: id, dir: fmt.Sprintf("%s/%s", c.cfg.Dir, id), committed: map[record.Partition]task.Position{}}
}

// open starts the task where its committed offsets stand, after its stores were
// restored.
func (n *node) open() error {
	var err error
	if n.set, err = state.Open(state.Config{Dir: n.dir, Stores: n.sub.StoreSpecs(), Opener: n.c.cfg.Disk.Open}); err != nil {
		return err
	}
	if err := n.restore(); err != nil {
		return err
	}
	n.out = transaction{c: n.c}
	cfg := task.Config{ID: n.id, Sub: n.sub, Topics: n.c.names, Inputs: n.inputs(), Output: &n.out, Stores: n.set,
		IdleAfter: idleAfter, Cache: &task.Cache{Max: n.c.cfg.CacheBytes}}
	if n.c.global != nil {
		cfg.GlobalStore = n.c.global.view
	}
	n.task, err = task.New(cfg)
	if err != nil {
		return err
	}
	return n.task.Start(background, n.c.now)
}

// view makes a read-only store for a task.
func (n *node) view(name string) (any, error) {
	i := slices.IndexFunc(n.sub.Stores, func(s *graph.Store) bool { return s.Builder.Name() == name })
	if i < 0 {
		return nil, fmt.Errorf("sim: there is no global store %q", name)
	}
	s := n.sub.Stores[i]
	return s.Builder.ViewAny(n.set.Store(name).Committed(), n.c.names.Changelog(s))
}

// restore reads what the stores lack of their changelogs, in pieces.
func (n *node) restore() error {
	for _, s := range n.sub.Stores {
		p := record.Partition{Topic: n.c.names.Changelog(s), ID: n.id.Partition}
		log := n.c.topics[p]
		switch {
		case s.SourceTopic != "" && !s.Global: // what comes behind is processed
			log = log[:n.committed[p].Offset]
		case !n.c.names.Logged(s):
			continue
		}
		next, _ := n.set.Offset(s.Builder.Name())
		for next < int64(len(log)) {
			end := min(next+1+n.c.rand.Int64N(100), int64(len(log)))
			if err := n.set.Restore(s.Builder.Name(), log[next:end], end); err != nil {
				return err
			}
			next = end
		}
	}
	return nil
}

func (n *node) inputs() []task.Input {
	n.fed = map[record.Partition]int{}
	var inputs []task.Input
	for _, p := range n.partitions() {
		in := task.Input{Partition: p, Time: -1, End: int64(len(n.c.topics[p]))}
		if at, ok := n.committed[p]; ok {
			in.Offset, in.Time, in.Kept = at.Offset, at.Time, at.Kept
		}
		n.fed[p] = int(in.Offset)
		inputs = append(inputs, in)
	}
	return inputs
}

// partitions are the inputs: a partition of each topic, or all that are for global stores.
func (n *node) partitions() []record.Partition {
	var list []record.Partition
	for _, topic := range n.sub.Sources(nil) {
		p := record.Partition{Topic: n.c.names.Name(topic), ID: n.id.Partition}
		if !n.sub.Global {
			list = append(list, p)
			continue
		}
		for p.ID = range n.c.cfg.Partitions {
			list = append(list, p)
		}
	}
	return list
}

// busy tells whether the task has something to read or to commit.
func (n *node) busy() bool {
	if needed, _ := n.task.CommitNeeded(); needed {
		return true
	}
	for p, have := range n.fed {
		if have < len(n.c.topics[p]) || n.task.Queued(p) > 0 {
			return true
		}
	}
	return false
}

// step does one thing that a task does, or that happens to one.
func (n *node) step() error {
	if n.c.rand.IntN(1000) < n.c.cfg.Trouble {
		return n.trouble()
	}
	switch n.c.rand.IntN(5) {
	case 0:
		return n.commit()
	case 1:
		if n.c.settling {
			return nil
		}
		return n.task.Punctuate(background, n.c.now)
	case 2:
		return n.persist()
	}
	if err := n.feed(); err != nil {
		return err
	}
	_, err := n.task.Process(background, n.c.now, 1+n.c.rand.IntN(n.c.cfg.Step))
	return err
}

// feed gives the task all that is there: which input it takes from then depends on
// timestamps alone.
func (n *node) feed() error {
	for p, have := range n.fed {
		records := n.c.topics[p]
		if have == len(records) {
			continue
		}
		end := int64(len(records))
		if _, err := n.task.Add(task.Batch{Partition: p, Records: records[have:], Next: end, End: end}); err != nil {
			return err
		}
		n.fed[p] = len(records)
	}
	return nil
}

func (n *node) commit() error {
	if err := n.task.Flush(background, n.c.now); err != nil {
		return err
	}
	if needed, _ := n.task.CommitNeeded(); !needed {
		return nil
	}
	n.committed = n.task.Offsets()
	n.out.end()
	n.task.Committed(func(p record.Partition) (int64, bool) {
		end := len(n.c.topics[p])
		return int64(end), end > 0
	})
	return nil
}

// persist writes what is committed to the engine, or only takes it, as a process does
// that ends before the write.
func (n *node) persist() error {
	f := n.set.Flush()
	if f == nil || n.c.rand.IntN(4) == 0 {
		return nil
	}
	return f.Write()
}

// trouble is an aborted transaction, or a crash, after which the disk may be empty.
func (n *node) trouble() error {
	if n.c.rand.IntN(2) == 0 {
		n.out.out = nil
		if err := n.task.Reset(n.inputs()); err != nil {
			return err
		}
		return n.task.Start(background, n.c.now)
	}
	if err := n.crash(); err != nil {
		return err
	}
	if n.sub.Global { // all of it is read again; how far its stores are is the driver's to know
		clear(n.committed)
	}
	if n.c.rand.IntN(3) == 0 {
		if err := n.c.cfg.Disk.Lose(n.dir); err != nil {
			return err
		}
	}
	return n.open()
}

func (n *node) crash() error {
	var errs []error
	if n.task != nil {
		errs = append(errs, n.task.Close())
	}
	if n.set != nil {
		errs = append(errs, n.set.Abandon())
	}
	n.task, n.set = nil, nil
	return errors.Join(errs...)
}
