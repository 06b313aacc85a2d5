package sim

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/murmur"
	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/internal/task"
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
	tasks  []*node
	now    int64
}

// NewCluster starts all tasks of a topology. The random numbers decide who does what
// when.
func NewCluster(t *topology.Topology, cfg Config, r *rand.Rand) (*Cluster, error) {
	if err := t.Validate(); err != nil {
		return nil, err
	}
	c := &Cluster{cfg: cfg, rand: r, names: t.Graph().Topics(applicationID), topics: map[record.Partition][]record.Record{}}
	for _, sub := range t.Graph().Subtopologies() {
		for id := range cfg.Partitions {
			n := &node{c: c, sub: sub, id: graph.TaskID{Subtopology: sub.ID, Partition: id}, committed: map[record.Partition]task.Position{}}
			n.dir = fmt.Sprintf("%s/%s", cfg.Dir, n.id)
			c.tasks = append(c.tasks, n)
			if err := n.open(); err != nil {
				return nil, errors.Join(err, c.Close())
			}
		}
	}
	return c, nil
}

// Close closes all tasks.
func (c *Cluster) Close() error {
	var errs []error
	for _, n := range c.tasks {
		errs = append(errs, n.crash())
	}
	return errors.Join(errs...)
}

// Produce appends a record to an input topic.
func (c *Cluster) Produce(topic string, r record.Record) {
	c.append(record.Partition{Topic: topic, ID: murmur.Partition(r.Key, c.cfg.Partitions)}, r)
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
