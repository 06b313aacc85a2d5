package streamtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/internal/state"
	"github.com/streamweir/streamweir/internal/task"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/topology"
)

// Config configures a [Driver]. The zero value is ready to use.
type Config struct {
	// ApplicationID is the prefix of internal topics; default "test".
	ApplicationID string
	// InternalTopicPrefix is that of stream.Config.
	InternalTopicPrefix string
	// Start is the wall clock at first; default 1970-01-01.
	Start time.Time
	// ErrorHandler and DeadLetterTopic are those of stream.Config. Without a
	// handler, the call that meets the error returns it.
	ErrorHandler    topology.ErrorHandler
	DeadLetterTopic string
	// CacheMaxBytes is the size of the record cache; 0: each update is forwarded.
	CacheMaxBytes int64
	// Partitions makes the driver run the topology as an App does: every topic has so many
	// partitions, every sub-topology a task for each, and records with a key go where
	// Kafka's producers send them. A task's output is seen by others when it commits. 0,
	// the default: one task runs the whole topology. Repartition topics keep the number
	// that the topology gives them.
	Partitions int32
	// CommitInterval is, with Partitions, for how long tasks go on between two commits. It
	// passes when Advance moves the clock; a record needs one for each sub-topology that it
	// goes through, [Driver.Commit] does them all. Default: each record is committed.
	CommitInterval time.Duration
	// MaxTaskIdle is that of stream.Config: records of one input may have to wait
	// for another's, until Advance. Default: they do not.
	MaxTaskIdle time.Duration
	// IdleAfter is that of stream.Config: Advance by more than it moves stream time on.
	IdleAfter time.Duration
	// EmitInterval is for how long, by the wall clock, an operator that emits results of
	// closed windows waits until it does so again. An App waits for a second; default
	// here: not at all, so that tests need not move the clock.
	EmitInterval time.Duration
	// Exact makes operators do what Kafka Streams does also where it fails its user and
	// the library does not: it loses results of windows that close in a jump of stream
	// time, see stream.OnWindowClose, and windowed tables of cogrouped streams cannot be
	// joined. It is for comparisons with Kafka Streams.
	Exact bool
	// Produced is called with every record that the topology writes, in the order
	// of writing: to output topics and, with the application id in front, to
	// repartition and changelog topics. What a record's slices refer to must not be
	// modified. Default: it is not called; an [Output] reads one topic.
	Produced func(topic string, r topology.Record[[]byte, []byte])
	// Engine is the engine of persistent stores; default memory. One that needs a
	// folder has a temporary one, until Close.
	Engine store.Opener
	// Log takes what the engine has to say; default: nothing is logged.
	Log *slog.Logger
}

// A Driver runs one topology. It is used by one goroutine.
//
// An error of a record that the handler does not skip is returned by the call that
// met it, and by every call after it: an App would have stopped.
type Driver struct {
	cfg    Config
	task   *task.Task
	graph  *graph.Topology
	sub    *graph.Sub
	names  graph.Topics
	set    *state.Set
	global *global     // nil if there are no global stores
	parts  *partitions // nil without Config.Partitions; then there is no task besides
	dir    string
	now    int64
	log    map[string][]record.Record // what was produced, and given to inputs, by topic
	inputs map[string]int             // topic of an input -> how many of its records the task has
	news   []string                   // topics with records that the task may not have, in the order of writing
	failed error
}

// NewDriver starts a topology. Mistakes in the topology are returned; Close must
// be called at the end.
func NewDriver(t *topology.Topology, cfg Config) (*Driver, error) {
	if t == nil {
		return nil, errors.New("streamtest: NewDriver was called without a topology: did Build return an error?")
	}
	if err := t.Validate(); err != nil {
		return nil, err
	}
	if cfg.ApplicationID == "" {
		cfg.ApplicationID = "test"
	}
	if cfg.Partitions < 0 || cfg.CommitInterval < 0 {
		return nil, fmt.Errorf("streamtest: Partitions is %d and CommitInterval %v: neither may be negative", cfg.Partitions, cfg.CommitInterval)
	}
	if cfg.CommitInterval > 0 && cfg.Partitions == 0 {
		return nil, errors.New("streamtest: CommitInterval needs Partitions: without, each record is committed")
	}
	d := &Driver{cfg: cfg, graph: t.Graph(), sub: t.Graph().Whole(), names: t.Graph().Topics(cfg.ApplicationID).WithPrefix(cfg.InternalTopicPrefix), log: map[string][]record.Record{}, inputs: map[string]int{}}
	if !cfg.Start.IsZero() {
		d.now = cfg.Start.UnixMilli()
	}
	if err := d.start(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *Driver) start() (err error) {
	sc := state.Config{Stores: d.sub.StoreSpecs(), Opener: d.cfg.Engine}
	if sc.Opener == nil {
		sc.Opener, sc.Dir = store.Memory(), "memory"
	} else if d.dir, err = os.MkdirTemp("", "streamtest-"); err != nil {
		return fmt.Errorf("streamtest: a folder for the stores: %w", err)
	} else {
		sc.Dir = d.dir
	}
	if err := d.startGlobal(); err != nil {
		return err
	}
	if d.cfg.Partitions > 0 {
		return d.startPartitions()
	}
	if d.set, err = state.Open(sc); err != nil {
		return err
	}
	tc := d.taskConfig()
	tc.Sub, tc.Output, tc.Stores, tc.Cache = d.sub, (*output)(d), d.set, &task.Cache{Max: d.cfg.CacheMaxBytes}
	for _, topic := range d.sub.Sources(nil) {
		name := d.names.Name(topic)
		d.inputs[name] = 0
		tc.Inputs = append(tc.Inputs, task.Input{Partition: record.Partition{Topic: name}, Time: -1})
	}
	if d.task, err = task.New(tc); err != nil {
		return err
	}
	if err := d.task.Start(context.Background(), d.now); err != nil {
		return err
	}
	return d.settle()
}

// taskConfig is what all tasks have in common.
func (d *Driver) taskConfig() task.Config {
	tc := task.Config{Topics: d.names, Handler: d.cfg.ErrorHandler, DeadLetterTopic: d.cfg.DeadLetterTopic,
		MaxIdle: d.cfg.MaxTaskIdle.Milliseconds(), IdleAfter: d.cfg.IdleAfter.Milliseconds(), EmitInterval: d.cfg.EmitInterval.Milliseconds(), Exact: d.cfg.Exact, Log: d.cfg.Log}
	if d.cfg.MaxTaskIdle == 0 {
		tc.MaxIdle = -1
	}
	if d.global != nil {
		tc.GlobalStore = d.global.view
	}
	return tc
}

// Close closes processors and stores, and removes what was on disk. It returns the
// first error of a processor's Close.
func (d *Driver) Close() error {
	var errs []error
	if d.task != nil {
		errs = append(errs, d.task.Close())
	}
	if d.set != nil {
		errs = append(errs, d.set.Abandon())
	}
	if d.parts != nil {
		errs = append(errs, d.parts.close())
	}
	if d.global != nil {
		errs = append(errs, d.global.close())
	}
	if d.dir != "" {
		errs = append(errs, os.RemoveAll(d.dir))
	}
	d.task, d.set, d.parts, d.global, d.dir = nil, nil, nil, nil, ""
	if d.failed == nil {
		d.failed = errors.New("streamtest: the driver is closed")
	}
	return errors.Join(errs...)
}

// Now is the wall clock.
func (d *Driver) Now() time.Time { return time.UnixMilli(d.now) }

// Advance moves the wall clock on and runs the punctuations that become due, each
// once, and then what they lead to. A record that waits, for a schema registry or
// because of MaxTaskIdle, is tried again.
func (d *Driver) Advance(by time.Duration) error {
	if d.failed != nil {
		return d.failed
	}
	to := d.now + by.Milliseconds()
	d.global.filled()
	if d.global != nil {
		if err := d.global.run(); err != nil {
			return d.fail(err)
		}
	}
	if d.parts != nil {
		return d.parts.advance(to)
	}
	d.now = to
	if err := d.task.Punctuate(context.Background(), d.now); err != nil {
		return d.fail(err)
	}
	if err := d.settle(); err != nil {
		return err
	}
	return d.run()
}

// Topics are the topics that something was written to so far, internal ones with
// the application id and inputs included, in alphabetical order. Kafka Streams:
// producedTopicNames.
func (d *Driver) Topics() []string {
	var topics []string
	for topic := range d.log {
		topics = append(topics, topic)
	}
	slices.Sort(topics)
	return topics
}

// Dropped is the number of records that were skipped so far, by the rules of
// operators or by the error handler.
func (d *Driver) Dropped() int64 {
	var dropped int64
	switch {
	case d.parts != nil:
		dropped = d.parts.dropped()
	case d.task != nil:
		dropped = d.task.Stats().Dropped
	}
	if d.global != nil {
		dropped += d.global.task.Stats().Dropped
	}
	return dropped
}

func (d *Driver) fail(err error) error {
	d.failed = err
	return err
}

// pipe gives a record to an input and runs until nothing is left to do.
func (d *Driver) pipe(topic string, partition int32, r record.Record) error {
	if d.failed != nil {
		return d.failed
	}
	if d.parts != nil {
		return d.parts.pipe(topic, partition, r)
	}
	if err := d.read(topic); err != nil {
		return err
	}
	d.global.filled()
	r.Offset = int64(len(d.log[topic]))
	d.log[topic] = append(d.log[topic], r)
	d.news = append(d.news, topic)
	if err := d.feed(); err != nil {
		return d.fail(err)
	}
	if err := d.run(); err != nil {
		return err
	}
	t := d.task
	if d.global != nil && d.global.reads(topic) {
		t = d.global.task
	}
	if t.Queued(record.Partition{Topic: topic}) == 0 {
		return nil // another input may wait
	}
	return t.Waiting()
}

// read makes a topic an input, if it is none yet and a source's pattern matches it.
func (d *Driver) read(topic string) error {
	if _, ok := d.inputs[topic]; ok {
		return nil
	}
	if d.global != nil && d.global.reads(topic) {
		return nil
	}
	if d.sub.Source(d.names, topic) == nil {
		return fmt.Errorf("streamtest: no source reads topic %q; there are %s", topic, strings.Join(d.readable(), ", "))
	}
	if err := d.task.AddInput(task.Input{Partition: record.Partition{Topic: topic}, Time: -1}); err != nil {
		return d.fail(err)
	}
	d.inputs[topic] = len(d.log[topic])
	return nil
}

func (d *Driver) readable() []string {
	var names []string
	for topic := range d.inputs {
		names = append(names, topic)
	}
	if d.parts != nil {
		for _, topic := range d.sub.Sources(nil) {
			names = append(names, d.names.Name(topic))
		}
	}
	if d.global != nil {
		names = append(names, d.global.sub.Sources(nil)...)
	}
	slices.Sort(names)
	for _, n := range d.sub.Nodes {
		if n.Pattern != nil {
			names = append(names, fmt.Sprintf("those that match %q", n.Pattern))
		}
	}
	return names
}

// run processes records one by one, and commits after each, until none is left.
func (d *Driver) run() error {
	for {
		n, err := d.task.Process(context.Background(), d.now, 1)
		if err != nil {
			return d.fail(err)
		}
		// A record that the error handler dealt with is none of n, but its dead letter
		// may be an input.
		if needed, _ := d.task.CommitNeeded(); n == 0 && !needed {
			return nil
		}
		if err := d.settle(); err != nil {
			return err
		}
	}
}

// settle commits, and gives what was produced to the sources that read it.
func (d *Driver) settle() error {
	if err := d.task.Flush(context.Background(), d.now); err != nil {
		return d.fail(err)
	}
	d.task.Committed(func(p record.Partition) (int64, bool) {
		n := len(d.log[p.Topic])
		return int64(n), n > 0
	})
	if err := d.feed(); err != nil {
		return d.fail(err)
	}
	return nil
}

// feed hands the records of inputs to the task, in the order in which the topics
// were written to: inputs with equal timestamps take turns in that order.
func (d *Driver) feed() error {
	news := d.news
	d.news = d.news[:0]
	if d.global != nil {
		d.news = nil // a global store may write dead letters
	}
	for _, topic := range news {
		if d.global != nil && d.global.reads(topic) {
			if err := d.global.update(topic); err != nil {
				return err
			}
			continue
		}
		have, ok := d.inputs[topic]
		records := d.log[topic]
		if !ok || have == len(records) {
			continue
		}
		end := int64(len(records))
		if _, err := d.task.Add(task.Batch{Partition: record.Partition{Topic: topic}, Records: records[have:], Next: end, End: end}); err != nil {
			return err
		}
		d.inputs[topic] = len(records)
	}
	return nil
}
