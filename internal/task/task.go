package task

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/murmur"
	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/internal/state"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/topology"
)

// Output takes what a task produces: sinks' records and changelog records.
type Output interface {
	// Send appends a record to a partition of a topic. The slices are copied.
	Send(topic string, partition int32, key, value []byte, timestamp int64, headers []serde.Header) error
	// Partitions is the number of partitions of a topic, which must exist.
	Partitions(topic string) (int32, error)
}

// Config is what a task is made of.
type Config struct {
	ID     graph.TaskID
	Sub    *graph.Sub
	Topics graph.Topics
	Inputs []Input
	Output Output
	Stores *state.Set // restored, owned by the driver
	// GlobalStore makes a view of a global store for the task; nil if there are none.
	GlobalStore     func(name string) (any, error)
	Handler         topology.ErrorHandler
	DeadLetterTopic string // "" if there is none
	// MaxIdle is for how long, in milliseconds, a task waits for an input that has
	// no records, when others have: negative: not at all; 0: while that input is
	// known to have more on the broker; positive: that much longer.
	MaxIdle int64
	// IdleAfter is for how many milliseconds a task receives nothing before its stream
	// time goes on with the wall clock; 0: it stands still.
	IdleAfter int64
	// EmitInterval is how many milliseconds of the wall clock lie at least between two
	// emissions of an operator that emits results of closed windows. 0: it emits with
	// every record that closes some.
	EmitInterval int64
	Exact        bool     // see graph.Task
	Executor     Executor // of asynchronous calls; nil: they are made at once
	Cache        *Cache   // shared by the tasks of a worker; nil: every update is forwarded
	Log          *slog.Logger
}

// Input is an input partition and where to begin in it.
type Input struct {
	Partition record.Partition
	Offset    int64            // the first to process
	Time      int64            // the partition time committed with the offset, -1 if none
	Kept      map[string]int64 // what nodes kept with the offset
	End       int64            // the end of the partition on the broker, as known now
}

// Task is one task. See the package documentation for the cycle.
type Task struct {
	cfg       Config
	ctx       context.Context // of the step that is running
	now       int64
	instance  *graph.Instance
	stores    map[string]any
	logs      []*changelog
	followers []follower
	late      []lateStore // in the order of the stores
	asyncs    []*async
	edges     []graph.Edge
	idleFrom  int64 // since when nothing came; -1: not known
	listeners []func(streamTime int64) (worked bool, err error)
	queues    []*queue
	heap      byTime
	fresh     []*queue
	turn      int64 // the last one that a queue was given
	time      int64 // stream time
	when      int64 // of what runs without a record: a punctuation
	moment    graph.Moment
	source    graph.Source
	current   *graph.Source // &source while a record is processed
	failed    error         // the first fatal error, so that user code cannot lose it
	dirty     bool
	commit    bool
	kept      map[string]int64 // committed with the offsets
	times     []keptTime       // and these
	sticky    uint32
	stream    schedule
	wall      schedule
	stats     Stats
}

// Stats counts what a task did since it was made.
type Stats struct {
	Records     int64 // input records processed, skipped ones included
	Dropped     int64 // by the rules of operators, or by the error handler's Skip
	DeadLetters int64
}

// New wires the nodes of a task and opens its stores. Start must follow.
func New(cfg Config) (*Task, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Executor == nil {
		cfg.Executor = inline{}
	}
	t := &Task{cfg: cfg, ctx: context.Background(), stores: map[string]any{}}
	if err := t.wire(cfg.Inputs); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *Task) wire(inputs []Input) error {
	t.dropCaches()
	t.dropAsyncs()
	t.followers = nil
	t.heap = nil
	t.queues, t.logs, t.failed, t.dirty, t.commit, t.time = nil, nil, nil, false, false, -1
	t.stream, t.wall = newSchedule(), newSchedule()
	t.idleFrom, t.listeners, t.edges, t.times = -1, nil, nil, nil
	t.remember(inputs)
	for _, s := range t.cfg.Sub.Stores {
		if err := t.open(s); err != nil {
			return fmt.Errorf("task %s: %w", t.cfg.ID, err)
		}
	}
	var err error
	if t.instance, err = t.cfg.Sub.Wire(t, t.cfg.Topics); err != nil {
		return err
	}
	for _, in := range inputs {
		if err := t.AddInput(in); err != nil {
			return err
		}
	}
	return nil
}

// AddInput gives the task one more input: a topic that a source's pattern matches.
// A Reset forgets it.
func (t *Task) AddInput(in Input) error {
	head, err := t.instance.Head(in.Partition.Topic)
	if err != nil {
		return fmt.Errorf("task %s: %w", t.cfg.ID, err)
	}
	t.queues = append(t.queues, newQueue(in, head, t.cfg.Sub.Source(t.cfg.Topics, in.Partition.Topic).Name))
	t.time = max(t.time, in.Time)
	return nil
}

// open binds the typed store over the task's bytes and its changelog.
func (t *Task) open(s *graph.Store) error {
	spec := s.Builder.Spec()
	bytes := t.cfg.Stores.Store(spec.Name)
	to := store.Binding{Bytes: bytes, ChangelogTopic: t.cfg.Topics.Changelog(s), Timestamp: t.timestamp}
	var log *changelog
	if t.cfg.Topics.Logged(s) {
		log = &changelog{task: t, store: spec.Name, topic: to.ChangelogTopic, headers: spec.LogHeaders}
		t.logs = append(t.logs, log)
		bytes.LogTo(log)
	}
	if s.SourceTopic != "" && !s.Global {
		t.followers = append(t.followers, follower{store: spec.Name, topic: to.ChangelogTopic})
	}
	bytes.OnExpired(func() { t.Dropped(spec.Name, "expired") })
	switch {
	case spec.Kind == store.KindBuffer:
		if log != nil {
			b := newBuffered(t, bytes, log.topic)
			t.late = append(t.late, b)
			bytes.LogTo(nil)
			to.Bytes = b
		}
	case spec.Caching && t.cfg.Cache != nil && t.cfg.Cache.Max > 0:
		c := newCached(t, bytes, log)
		t.late = append(t.late, c)
		bytes.LogTo(nil)
		to.Bytes = c
	}
	typed, err := s.Builder.BindAny(to)
	if err != nil {
		return fmt.Errorf("store %q: %w", spec.Name, err)
	}
	t.stores[spec.Name] = typed
	return nil
}

// follower is a store whose changelog is an input: it stands where the input does.
type follower struct{ store, topic string }

// changelog appends the changes of a store to its topic.
type changelog struct {
	task         *Task
	store, topic string
	headers      bool
}

func (c *changelog) Append(key, value []byte, timestamp int64) error {
	var headers []serde.Header
	if c.headers {
		headers = c.task.moment.Headers
	}
	return c.task.cfg.Output.Send(c.topic, c.task.cfg.ID.Partition, key, value, timestamp, headers)
}

// Start calls the Init of processors. Wall-clock schedules count from now.
func (t *Task) Start(ctx context.Context, now int64) error {
	t.begin(ctx, now)
	if err := t.instance.Start(); err != nil {
		return fmt.Errorf("task %s: %w", t.cfg.ID, err)
	}
	return nil
}

func (t *Task) begin(ctx context.Context, now int64) {
	t.ctx, t.now, t.when = ctx, now, max(t.time, 0)
	t.moment = graph.Moment{Timestamp: t.when}
}

// Committed tells the task that its offsets and output are committed. next gives,
// for a changelog topic's partition of this task, the offset behind the last
// record that was acknowledged; ok is false if none was since the task began. A store
// whose changelog is an input stands where the input is committed.
func (t *Task) Committed(next func(record.Partition) (offset int64, ok bool)) {
	positions := make(map[string]int64, len(t.logs))
	for _, f := range t.followers {
		if q := t.queue(record.Partition{Topic: f.topic, ID: t.cfg.ID.Partition}); q != nil {
			positions[f.store] = q.position
		}
	}
	for _, l := range t.logs {
		if at, ok := next(record.Partition{Topic: l.topic, ID: t.cfg.ID.Partition}); ok {
			positions[l.store] = at
		}
	}
	t.cfg.Stores.Commit(positions)
	t.dirty, t.commit = false, false
	t.sticky++
}

// Reset drops everything that is not committed: pending writes, queued records,
// the state of processors, which are closed and made anew. It continues from
// inputs, which must be the committed offsets. Start must follow.
func (t *Task) Reset(inputs []Input) error {
	err := t.instance.Close()
	t.cfg.Stores.Abort()
	return errors.Join(t.wire(inputs), err)
}

// Close closes the processors, and forgets what the record cache holds back. Stores
// stay as they are: they belong to the driver.
func (t *Task) Close() error {
	t.dropCaches()
	t.dropAsyncs()
	return t.instance.Close()
}

// dropCaches gives the budget of the record cache back: it is shared with tasks
// that go on.
func (t *Task) dropCaches() {
	for _, l := range t.late {
		l.drop()
	}
	t.late = nil
}

// CommitNeeded tells whether there is anything to commit; soon, whether a
// processor asked for it.
func (t *Task) CommitNeeded() (needed, soon bool) { return t.dirty, t.commit && t.dirty }

// ID is the task's id. Part of graph.Task.
func (t *Task) ID() graph.TaskID { return t.cfg.ID }

// Stats are the task's counters.
func (t *Task) Stats() Stats { return t.stats }

// ApplicationID is part of graph.Task.
func (t *Task) ApplicationID() string { return t.cfg.Topics.ApplicationID }

// Context is part of graph.Task: that of the running step.
func (t *Task) Context() context.Context { return t.ctx }

// StreamTime is part of graph.Task.
func (t *Task) StreamTime() int64 { return t.time }

// WallClock is part of graph.Task.
func (t *Task) WallClock() int64 { return t.now }

// EmitInterval is part of graph.Task.
func (t *Task) EmitInterval() int64 { return t.cfg.EmitInterval }

// Exact is part of graph.Task.
func (t *Task) Exact() bool { return t.cfg.Exact }

// Source is part of graph.Task.
func (t *Task) Source() *graph.Source { return t.current }

// KeepEdge is part of graph.Task.
func (t *Task) KeepEdge(e graph.Edge) { t.edges = append(t.edges, e) }

// RequestCommit is part of graph.Task.
func (t *Task) RequestCommit() { t.commit = true }

// Store is part of graph.Task. A global store is read as it is committed; the task
// makes one view of it for all its nodes.
func (t *Task) Store(name string) (any, error) {
	if s, ok := t.stores[name]; ok {
		return s, nil
	}
	if t.cfg.GlobalStore == nil {
		return nil, fmt.Errorf("task %s has no store %q", t.cfg.ID, name)
	}
	s, err := t.cfg.GlobalStore(name)
	if err == nil {
		t.stores[name] = s
	}
	return s, err
}

// Partitions is part of graph.Task.
func (t *Task) Partitions(topic string) (int32, error) { return t.cfg.Output.Partitions(topic) }

// Send is part of graph.Task. Records without a key go to one partition until the
// next commit, so that batches stay large.
func (t *Task) Send(topic string, partition int32, key, value []byte, timestamp int64, headers []serde.Header) error {
	if partition < 0 {
		n, err := t.cfg.Output.Partitions(topic)
		if err != nil {
			return err
		}
		if key == nil {
			partition = int32((t.sticky + uint32(t.cfg.ID.Partition)) % uint32(n))
		} else {
			partition = murmur.Partition(key, n)
		}
	}
	return t.cfg.Output.Send(topic, partition, key, value, timestamp, headers)
}

// Resume is part of graph.Task.
func (t *Task) Resume(from graph.Origin) (before graph.Origin) {
	before = graph.Origin{Source: t.current, Moment: t.moment}
	t.current, t.moment = from.Source, from.Moment
	return before
}

// At is part of graph.Task.
func (t *Task) At(m graph.Moment) (before graph.Moment) {
	before, t.moment = t.moment, m
	return before
}

// timestamp is that of the record that the node at work received, or of the
// punctuation.
func (t *Task) timestamp() int64 { return t.moment.Timestamp }
