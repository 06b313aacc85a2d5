package streamtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/murmur"
	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/internal/state"
	"github.com/streamweir/streamweir/internal/task"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/topology"
)

// partitions runs the topology as an App does: a task for each partition of each
// sub-topology, topics with partitions in between. Tasks take turns, a record each, in
// the order of their ids, so that a run is always the same.
type partitions struct {
	d          *Driver
	tasks      []*part
	topics     map[record.Partition][]record.Record // what is committed
	fixed      map[string]int32                     // topics with another number of partitions
	unkeyed    map[string]int32                     // records without a key so far, by topic
	nextCommit int64
}

// part is a task with its output since it last committed.
type part struct {
	*partitions
	id   graph.TaskID
	sub  *graph.Sub
	set  *state.Set
	task *task.Task
	ins  []*input
	out  []written
}

// input is an input partition of a task, and how many of its records the task has.
type input struct {
	record.Partition
	have int
}

type written struct {
	to record.Partition
	r  record.Record
}

func (d *Driver) startPartitions() error {
	p := &partitions{d: d, topics: map[record.Partition][]record.Record{}, fixed: map[string]int32{}, unkeyed: map[string]int32{},
		nextCommit: d.now + d.cfg.CommitInterval.Milliseconds()}
	d.parts = p
	subs := d.graph.Subtopologies()
	for _, sub := range subs {
		for _, topic := range sub.Sources(nil) {
			if r := d.graph.Repartition(topic); r != nil && r.Partitions > 0 {
				p.fixed[d.names.Name(topic)] = r.Partitions
			}
		}
	}
	cache := &task.Cache{Max: d.cfg.CacheMaxBytes}
	for _, sub := range subs {
		for id := range p.count(sub) {
			t := &part{partitions: p, id: graph.TaskID{Subtopology: sub.ID, Partition: id}, sub: sub}
			p.tasks = append(p.tasks, t)
			if err := t.start(cache); err != nil {
				return err
			}
		}
	}
	return p.run()
}

// count is the number of tasks of a sub-topology: that of the partitions of its largest
// topic.
func (p *partitions) count(sub *graph.Sub) int32 {
	var n int32
	for _, topic := range sub.Sources(nil) {
		n = max(n, p.size(p.d.names.Name(topic)))
	}
	if sub.Patterned() {
		n = max(n, p.d.cfg.Partitions)
	}
	return n
}

// size is the number of partitions of a topic.
func (p *partitions) size(topic string) int32 {
	if n, ok := p.fixed[topic]; ok {
		return n
	}
	return p.d.cfg.Partitions
}

func (t *part) start(cache *task.Cache) error {
	d := t.d
	sc := state.Config{Stores: t.sub.StoreSpecs(), Opener: d.cfg.Engine}
	if sc.Opener == nil {
		sc.Opener, sc.Dir = store.Memory(), "memory"
	} else {
		sc.Dir = filepath.Join(d.dir, t.id.String())
		if err := os.Mkdir(sc.Dir, 0o750); err != nil {
			return fmt.Errorf("streamtest: a folder for the stores of task %s: %w", t.id, err)
		}
	}
	var err error
	if t.set, err = state.Open(sc); err != nil {
		return err
	}
	tc := d.taskConfig()
	tc.ID, tc.Sub, tc.Output, tc.Stores, tc.Cache = t.id, t.sub, t, t.set, cache
	for _, topic := range t.sub.Sources(nil) {
		in := record.Partition{Topic: d.names.Name(topic), ID: t.id.Partition}
		if in.ID < t.size(in.Topic) {
			t.ins = append(t.ins, &input{Partition: in})
			tc.Inputs = append(tc.Inputs, task.Input{Partition: in, Time: -1})
		}
	}
	if t.task, err = task.New(tc); err != nil {
		return err
	}
	return t.task.Start(context.Background(), d.now)
}

// Partitions is part of task.Output.
func (t *part) Partitions(topic string) (int32, error) { return t.size(topic), nil }

// Send is part of task.Output.
func (t *part) Send(topic string, partition int32, key, value []byte, timestamp int64, headers []serde.Header) error {
	t.out = append(t.out, written{record.Partition{Topic: topic, ID: partition},
		record.Record{Key: clone(key), Value: clone(value), Headers: slices.Clone(headers), Timestamp: timestamp}})
	return nil
}

// append adds a record to a topic, where everybody sees it.
func (p *partitions) append(to record.Partition, r record.Record) error {
	r.Offset = int64(len(p.topics[to]))
	p.topics[to] = append(p.topics[to], r)
	d := p.d
	d.log[to.Topic] = append(d.log[to.Topic], r)
	if d.global != nil && d.global.reads(to.Topic) {
		return d.global.update(to.Topic)
	}
	return nil
}

// feed gives the task what is new in its inputs.
func (t *part) feed() (some bool, err error) {
	for _, in := range t.ins {
		records := t.topics[in.Partition]
		if in.have == len(records) {
			continue
		}
		end := int64(len(records))
		if _, err := t.task.Add(task.Batch{Partition: in.Partition, Records: records[in.have:], Next: end, End: end}); err != nil {
			return false, err
		}
		in.have, some = len(records), true
	}
	return some, nil
}

func (t *part) reads(p record.Partition) bool {
	return slices.ContainsFunc(t.ins, func(in *input) bool { return in.Partition == p })
}

// commit makes the task's output visible.
func (t *part) commit() error {
	if err := t.task.Flush(context.Background(), t.d.now); err != nil {
		return err
	}
	if needed, _ := t.task.CommitNeeded(); !needed && len(t.out) == 0 {
		return nil
	}
	out := t.out
	t.out = nil
	for _, w := range out {
		if err := t.append(w.to, w.r); err != nil {
			return err
		}
		if f := t.d.cfg.Produced; f != nil {
			f(w.to.Topic, topology.Record[[]byte, []byte]{Key: w.r.Key, Value: w.r.Value, NullKey: w.r.Key == nil, NullValue: w.r.Value == nil, Timestamp: w.r.Timestamp, Headers: w.r.Headers})
		}
	}
	t.task.Committed(func(p record.Partition) (int64, bool) {
		n := len(t.topics[p])
		return int64(n), n > 0
	})
	return nil
}

// step processes a record, and commits if it is time.
func (t *part) step() (some bool, err error) {
	if some, err = t.feed(); err != nil {
		return false, err
	}
	n, err := t.task.Process(context.Background(), t.d.now, 1)
	if err != nil {
		return false, err
	}
	if needed, soon := t.task.CommitNeeded(); soon || needed && t.d.cfg.CommitInterval == 0 {
		return true, t.commit()
	}
	return some || n > 0, nil
}

// run processes until the tasks have nothing left to do, or wait for a commit.
func (p *partitions) run() error {
	for busy := true; busy; {
		busy = false
		for _, t := range p.tasks {
			some, err := t.step()
			if err != nil {
				return p.d.fail(err)
			}
			busy = busy || some
		}
	}
	return nil
}

func (p *partitions) commitAll() error {
	for _, t := range p.tasks {
		if err := t.commit(); err != nil {
			return p.d.fail(err)
		}
	}
	return p.run()
}

// advance moves the clock on, from one commit or punctuation to the next.
func (p *partitions) advance(to int64) error {
	d, every := p.d, p.d.cfg.CommitInterval.Milliseconds()
	for {
		d.now = p.next(to)
		for _, t := range p.tasks {
			if err := t.task.Punctuate(context.Background(), d.now); err != nil {
				return d.fail(err)
			}
		}
		if err := p.run(); err != nil {
			return err
		}
		if every > 0 && d.now >= p.nextCommit {
			p.nextCommit += ((d.now-p.nextCommit)/every + 1) * every
			if err := p.commitAll(); err != nil {
				return err
			}
		}
		if d.now >= to {
			return nil
		}
	}
}

// next is when something is to be done, not later than to.
func (p *partitions) next(to int64) int64 {
	at := to
	for _, t := range p.tasks {
		if due, ok := t.task.NextPunctuation(); ok {
			at = min(at, due)
		}
		if needed, _ := t.task.CommitNeeded(); needed {
			at = min(at, p.nextCommit)
		}
	}
	return max(at, p.d.now)
}

// Commit commits everything, over and over, until no task has anything left to do: what
// was piped, and what the record cache held back, has reached all topics then. Without
// Config.Partitions that is so after each call.
func (d *Driver) Commit() error {
	if d.failed != nil || d.parts == nil {
		return d.failed
	}
	for {
		if err := d.parts.commitAll(); err != nil {
			return err
		}
		if !slices.ContainsFunc(d.parts.tasks, func(t *part) bool { needed, _ := t.task.CommitNeeded(); return needed }) {
			return nil
		}
	}
}

// pipe writes a record to its partition and processes what follows.
func (p *partitions) pipe(topic string, partition int32, r record.Record) error {
	if !p.readable(topic) {
		if p.d.failed != nil {
			return p.d.failed
		}
		return fmt.Errorf("streamtest: no source reads topic %q; there are %s", topic, strings.Join(p.d.readable(), ", "))
	}
	to := record.Partition{Topic: topic, ID: partition}
	n := p.size(topic)
	switch {
	case partition >= n:
		return fmt.Errorf("streamtest: topic %q has %d partitions, none is %d", topic, n, partition)
	case partition >= 0:
	case r.Key == nil:
		to.ID = p.unkeyed[topic] % n
		p.unkeyed[topic]++
	default:
		to.ID = murmur.Partition(r.Key, n)
	}
	if err := p.append(to, r); err != nil {
		return p.d.fail(err)
	}
	if err := p.run(); err != nil {
		return err
	}
	for _, t := range p.tasks {
		if t.reads(to) && t.task.Queued(to) > 0 {
			return t.task.Waiting()
		}
	}
	return nil
}

// readable tells whether a source reads the topic. Tasks whose pattern matches it get it as
// an input.
func (p *partitions) readable(topic string) bool {
	if p.d.global != nil && p.d.global.reads(topic) {
		return true
	}
	found := false
	for _, t := range p.tasks {
		if t.sub.Source(p.d.names, topic) == nil {
			continue
		}
		found = true
		in := record.Partition{Topic: topic, ID: t.id.Partition}
		if t.reads(in) || in.ID >= p.size(topic) {
			continue
		}
		if err := t.task.AddInput(task.Input{Partition: in, Time: -1}); err != nil {
			p.d.failed = err
			return false
		}
		t.ins = append(t.ins, &input{Partition: in})
	}
	return found
}

func (p *partitions) close() error {
	var errs []error
	for _, t := range p.tasks {
		if t.task != nil {
			errs = append(errs, t.task.Close())
		}
		if t.set != nil {
			errs = append(errs, t.set.Abandon())
		}
	}
	return errors.Join(errs...)
}

func (p *partitions) dropped() (n int64) {
	for _, t := range p.tasks {
		n += t.task.Stats().Dropped
	}
	return n
}
