package sim

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/murmur"
	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/topology"
)

const applicationID = "sim"

// Config is one way to run a topology.
type Config struct {
	Partitions int32 // of every topic
	CacheBytes int64 // of the record cache; 0: none
	// Disk is where persistent stores are, in folders of Dir.
	Disk Disk
	Dir  string
	// Trouble is how many of a thousand steps are an abort or a crash.
	Trouble int
	// Step is up to how many records a task processes at a time.
	Step int
}

// Cluster is the topics, and the tasks of a topology that read and write them.
type Cluster struct {
	cfg    Config
	rand   *rand.Rand
	names  graph.Topics
	topics map[record.Partition][]record.Record // what is committed
	global *node                                // fills the global stores; nil if there are none
	tasks  []*node
	whole  *graph.Sub // the topology as one task has it
	now    int64
	// settling: the clock is of no use to tasks that are not meant.
	settling bool
}

// idleAfter is longer than any run takes: only Settle lets stream time go on.
const idleAfter = int64(time.Hour / time.Millisecond)

// NewCluster has the tasks of a topology. The random numbers decide who does what when.
func NewCluster(t *topology.Topology, cfg Config, r *rand.Rand) (*Cluster, error) {
	if err := t.Validate(); err != nil {
		return nil, err
	}
	c := &Cluster{cfg: cfg, rand: r, names: t.Graph().Topics(applicationID), whole: t.Graph().Whole(), topics: map[record.Partition][]record.Record{}}
	if sub := t.Graph().Global(); sub != nil {
		c.global = newNode(c, sub, graph.GlobalTask)
	}
	for _, sub := range t.Graph().Subtopologies() {
		for id := range cfg.Partitions {
			c.tasks = append(c.tasks, newNode(c, sub, graph.TaskID{Subtopology: sub.ID, Partition: id}))
		}
	}
	return c, nil
}

// Start starts all tasks, when the global stores have what was produced until now.
func (c *Cluster) Start() error {
	if g := c.global; g != nil {
		if err := g.open(); err != nil {
			return err
		}
		for g.busy() {
			if err := g.step(); err != nil {
				return fmt.Errorf("global stores: %w", err)
			}
		}
	}
	for _, n := range c.tasks {
		if err := n.open(); err != nil {
			return err
		}
	}
	return nil
}

// Close closes all tasks.
func (c *Cluster) Close() error {
	var errs []error
	for _, n := range c.tasks {
		errs = append(errs, n.crash())
	}
	if c.global != nil {
		errs = append(errs, c.global.crash())
	}
	return errors.Join(errs...)
}

// Produce appends a record to an input topic.
func (c *Cluster) Produce(topic string, r record.Record) {
	to := record.Partition{Topic: topic}
	if r.Key != nil {
		to.ID = murmur.Partition(r.Key, c.cfg.Partitions)
	}
	c.append(to, r)
}

func (c *Cluster) append(p record.Partition, r record.Record) {
	r.Offset = int64(len(c.topics[p]))
	c.topics[p] = append(c.topics[p], r)
}

// Run steps the tasks until nothing is left to do and all is committed.
func (c *Cluster) Run() error {
	for {
		c.now += c.rand.Int64N(50)
		busy := slices.DeleteFunc(slices.Clone(c.tasks), func(n *node) bool { return !n.busy() })
		if len(busy) == 0 {
			return nil
		}
		n := busy[c.rand.IntN(len(busy))]
		if err := n.step(); err != nil {
			return fmt.Errorf("task %s: %w", n.id, err)
		}
	}
}

// Settle lets stream time go on in all tasks until all windows have closed, those of what
// comes first before those of what is made of it.
func (c *Cluster) Settle() error {
	c.settling = true
	for _, n := range c.tasks {
		for needed := true; needed; {
			for range 2 { // it begins to be idle, and is
				if err := n.task.Punctuate(background, c.now); err != nil {
					return err
				}
				c.now += 3 * idleAfter
			}
			needed, _ = n.task.CommitNeeded()
			if err := c.Run(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Records are what was committed to a topic, partition after partition.
func (c *Cluster) Records(topic string) []record.Record {
	var all []record.Record
	for id := range c.cfg.Partitions {
		all = append(all, c.topics[record.Partition{Topic: topic, ID: id}]...)
	}
	return all
}

// transaction is the output of a task since its last commit.
type transaction struct {
	c   *Cluster
	out []produced
}

type produced struct {
	to record.Partition
	r  record.Record
}

// Partitions implements task.Output.
func (t *transaction) Partitions(string) (int32, error) { return t.c.cfg.Partitions, nil }

// Send implements task.Output.
func (t *transaction) Send(topic string, partition int32, key, value []byte, timestamp int64, headers []serde.Header) error {
	t.out = append(t.out, produced{record.Partition{Topic: topic, ID: partition},
		record.Record{Key: clone(key), Value: clone(value), Timestamp: timestamp, Headers: slices.Clone(headers)}})
	return nil
}

// end appends the output to the topics.
func (t *transaction) end() {
	for _, p := range t.out {
		t.c.append(p.to, p.r)
	}
	t.out = nil
}

func clone(b []byte) []byte {
	if b == nil {
		return nil
	}
	return append([]byte{}, b...)
}

var background = context.Background()
