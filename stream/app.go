package stream

import (
	"context"
	"errors"
	"maps"
	"sync/atomic"
	"time"

	"github.com/streamweir/streamweir/internal/runtime"
	"github.com/streamweir/streamweir/topology"
)

// An App runs a topology against Kafka. Several Apps with one application id, in
// one process or many, share the work. Kafka Streams: KafkaStreams.
type App struct {
	topo    *topology.Topology
	runner  *runtime.Runner
	started atomic.Bool
}

// NewApp checks the topology and the configuration and returns all that is wrong
// with them, joined. Nothing is opened or connected before [App.Run].
func NewApp(t *topology.Topology, c Config) (*App, error) {
	if t == nil {
		return nil, errors.New("stream: NewApp was called without a topology: did Build return an error?")
	}
	if err := errors.Join(t.Validate(), c.Validate()); err != nil {
		return nil, err
	}
	rc, err := c.runtime(t.Graph())
	if err != nil {
		return nil, err
	}
	return &App{topo: t, runner: runtime.New(rc)}, nil
}

// Run runs the application until ctx is cancelled, which is the graceful shutdown:
// records in process are finished and committed, state is written to disk, the
// group is left, and Run returns nil. It returns an error when something failed
// that waiting cannot mend; what was not committed is then aborted. Brokers and
// registries that are down are waited for. An App runs once.
func (a *App) Run(ctx context.Context) error {
	if a.started.Swap(true) {
		return errors.New("stream: an App runs only once: make a new one")
	}
	return a.runner.Run(ctx)
}

// Topology is the topology that the App runs.
func (a *App) Topology() *topology.Topology { return a.topo }

// State is what an App is doing. Kafka Streams: KafkaStreams.State.
type State int32

// The states of an App, in the usual order.
const (
	Created     = State(runtime.Created)
	Rebalancing = State(runtime.Rebalancing) // joining the group, or tasks are moving
	Restoring   = State(runtime.Restoring)   // stores are being read from their changelogs
	Running     = State(runtime.Running)     // all tasks of this App process
	Stopping    = State(runtime.Stopping)
	Stopped     = State(runtime.Stopped)
	Failed      = State(runtime.Failed) // Run returned an error
)

// String returns the state in lower case.
func (s State) String() string { return runtime.State(s).String() }

// OnState makes f be called at each change of state, from the App's goroutines,
// one call at a time; f must not block. It is set before Run.
func (a *App) OnState(f func(State)) { a.runner.OnState(func(s runtime.State) { f(State(s)) }) }

// Status is a snapshot of an App, for health checks and metrics.
type Status struct {
	ApplicationID string
	// InternalTopicPrefix is what the names of internal topics begin with.
	InternalTopicPrefix string
	State               State
	// Waiting is what the App waits for, a broker or a schema registry that does
	// not answer; nil if it waits for nothing.
	Waiting      error
	WaitingSince time.Time
	Rebalances   int64
	// RestoreRemaining and Restored count changelog records.
	RestoreRemaining, Restored int64
	// WorkerProgress is, for each worker, when its loop last turned; it turns at
	// least every second while the App runs.
	WorkerProgress []time.Time
	RecordsIn      int64
	RecordsOut     map[string]int64 // by topic, changelogs included
	Dropped        int64            // records skipped by operators or the error handler
	DeadLetters    int64            // sent by the error handler
	Partitions     []PartitionStatus
	Tasks          []TaskStatus
	// Global is about the global stores, nil if there are none.
	Global *GlobalStatus
	// Commit is how long commits took, Process how long turns of up to 1,000
	// records of a task did.
	Commit, Process Latency
}

// PartitionStatus is an input partition of one of the App's tasks.
type PartitionStatus struct {
	Topic     string
	Partition int32
	Committed int64 // offset; -1: this App has committed none yet
	End       int64 // offset behind the last record on the broker, as last seen
}

// Lag is the number of offsets between what is committed and the end; -1 if
// nothing is committed yet.
func (p PartitionStatus) Lag() int64 {
	if p.Committed < 0 {
		return -1
	}
	return max(p.End-p.Committed, 0)
}

// TaskStatus is one of the App's tasks.
type TaskStatus struct {
	ID         string // "0_3"
	Worker     int
	Restoring  bool
	Waiting    error // why its input cannot be decoded for now
	StateBytes int64 // of its stores, on disk and in memory, approximate
}

// GlobalStatus is about the global stores of an App. The partitions they read are
// among the Partitions of its [Status]; what is committed of them is in the stores.
type GlobalStatus struct {
	// Ready: they have all that their topics had when they were last opened or had to
	// be rebuilt. Tasks process only then.
	Ready      bool
	Waiting    error // why a record of their topics cannot be taken in for now
	Records    int64 // of their topics that were taken in since the App was made
	StateBytes int64 // on disk and in memory, approximate
}

// Latency is a histogram of durations.
type Latency struct {
	Count   int64
	Sum     time.Duration
	Buckets map[float64]int64 // upper bound in seconds -> how many up to it
}

// Status returns a snapshot. Any goroutine may call it at any time.
func (a *App) Status() Status {
	r := a.runner.Status()
	s := Status{ApplicationID: r.ApplicationID, InternalTopicPrefix: r.TopicPrefix, State: State(r.State), Rebalances: r.Rebalances, RestoreRemaining: r.ToRestore, Restored: r.Restored,
		RecordsIn: r.RecordsIn, RecordsOut: maps.Clone(r.RecordsOut), Dropped: r.Dropped, DeadLetters: r.DeadLetters,
		Commit: Latency(r.Commit), Process: Latency(r.Process)}
	if r.Wait != nil {
		s.Waiting, s.WaitingSince = r.Wait.Err, r.Wait.Since
	}
	if g := r.Global; g != nil {
		s.Global = &GlobalStatus{Ready: g.Ready, Waiting: g.Waiting, Records: g.Stats.Records, StateBytes: g.StateBytes}
		if s.Waiting == nil {
			s.Waiting = g.Waiting
		}
	}
	for _, w := range r.Workers {
		s.WorkerProgress = append(s.WorkerProgress, w.Progress)
	}
	for _, l := range r.Lags {
		s.Partitions = append(s.Partitions, PartitionStatus{Topic: l.Partition.Topic, Partition: l.Partition.ID, Committed: l.Committed, End: l.End})
	}
	for _, t := range r.Tasks {
		s.Tasks = append(s.Tasks, TaskStatus{ID: t.ID, Worker: t.Worker, Restoring: t.Restoring, Waiting: t.Waiting, StateBytes: t.StateBytes})
		if t.Waiting != nil && s.Waiting == nil {
			s.Waiting = t.Waiting
		}
	}
	return s
}
