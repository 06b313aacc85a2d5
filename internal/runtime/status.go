package runtime

import (
	"cmp"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamweir/streamweir/internal/kafka"
	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/internal/task"
)

// State is what a runner is doing.
type State int32

// The states of a runner, in the usual order.
const (
	Created State = iota
	Rebalancing
	Restoring
	Running
	Stopping
	Stopped
	Failed
)

// String returns the state in lower case.
func (s State) String() string {
	return [...]string{"created", "rebalancing", "restoring", "running", "stopping", "stopped", "failed"}[s]
}

type logger struct{ *slog.Logger }

// status is what others may ask a runner about. Workers write to it; any
// goroutine reads.
type status struct {
	state      atomic.Int32
	rebalances atomic.Int64
	restoring  atomic.Int64 // changelog records left to restore
	restored   atomic.Int64
	waits      sync.Map // what is waited for -> *Wait

	mu      sync.Mutex
	onState func(State)
}

// Wait is something that is waited for: a broker or a registry that does not
// answer.
type Wait struct {
	For   string
	Err   error
	Since time.Time
}

func (s *status) set(to State) {
	s.mu.Lock() // so that f hears of changes in their order
	defer s.mu.Unlock()
	if State(s.state.Swap(int32(to))) != to && s.onState != nil {
		s.onState(to)
	}
}

// waiting is told what something waits for, and with a nil error that it goes on.
func (s *status) waiting(what string, err error) {
	if err == nil {
		s.waits.Delete(what)
		return
	}
	w := &Wait{For: what, Err: err, Since: time.Now()}
	if before, ok := s.waits.Load(what); ok {
		w.Since = before.(*Wait).Since
	}
	s.waits.Store(what, w)
}

// longest is what has been waited for the longest, nil if nothing is.
func (s *status) longest() *Wait {
	var first *Wait
	s.waits.Range(func(_, v any) bool {
		if w := v.(*Wait); first == nil || w.Since.Before(first.Since) {
			first = w
		}
		return true
	})
	return first
}

// latencyBounds are the upper bounds, in seconds, of the buckets of a [Latency].
var latencyBounds = [...]float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// latency is a histogram that one goroutine writes and any reads.
type latency struct {
	buckets [len(latencyBounds) + 1]atomic.Int64
	nanos   atomic.Int64
}

func (l *latency) observe(d time.Duration) {
	i := 0
	for i < len(latencyBounds) && d.Seconds() > latencyBounds[i] {
		i++
	}
	l.buckets[i].Add(1)
	l.nanos.Add(int64(d))
}

// Latency is a snapshot of a histogram.
type Latency struct {
	Count   int64
	Sum     time.Duration
	Buckets map[float64]int64 // upper bound in seconds -> observations up to it
}

func (l *Latency) add(from *latency) {
	if l.Buckets == nil {
		l.Buckets = map[float64]int64{}
	}
	sum := int64(0)
	for i := range from.buckets {
		sum += from.buckets[i].Load()
		if i < len(latencyBounds) {
			l.Buckets[latencyBounds[i]] += sum
		}
	}
	l.Count += sum
	l.Sum += time.Duration(from.nanos.Load())
}

// counters are one worker's.
type counters struct {
	in       atomic.Int64
	commits  latency
	process  latency // of one turn of a task
	progress atomic.Int64
	lag      sync.Map // record.Partition -> *Lag
	out      sync.Map // topic -> *atomic.Int64
	tasks    atomic.Pointer[[]TaskStatus]

	mu      sync.Mutex
	retired task.Stats               // of tasks that were given up
	topics  map[string]*atomic.Int64 // what out has, for the worker alone
}

func (c *counters) processed(n int, d time.Duration) {
	c.in.Add(int64(n))
	c.process.observe(d)
}

func (c *counters) committed(d time.Duration) { c.commits.observe(d) }

func (c *counters) sent(topic string) {
	n := c.topics[topic]
	if n == nil {
		n = new(atomic.Int64)
		if c.topics == nil {
			c.topics = map[string]*atomic.Int64{}
		}
		c.topics[topic] = n
		c.out.Store(topic, n)
	}
	n.Add(1)
}

func (c *counters) retire(s task.Stats) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.retired.Records += s.Records
	c.retired.Dropped += s.Dropped
	c.retired.DeadLetters += s.DeadLetters
}

// Lag is how far an input partition is behind.
type Lag struct {
	Partition record.Partition
	Committed int64 // -1: the group has committed none
	End       int64
}

type lag struct{ committed, end atomic.Int64 }

func (c *counters) partition(p record.Partition) *lag {
	if l, ok := c.lag.Load(p); ok {
		return l.(*lag)
	}
	fresh := &lag{}
	fresh.committed.Store(-1)
	l, _ := c.lag.LoadOrStore(p, fresh)
	return l.(*lag)
}

func (c *counters) fetched(b kafka.Batch) { c.partition(b.Partition).end.Store(b.End) }

// TaskStatus is what a worker says of one of its tasks.
type TaskStatus struct {
	ID         string
	Worker     int
	Restoring  bool
	Waiting    error
	StateBytes int64 // on disk and in memory
	Stats      task.Stats
}

// publish tells others about the worker's tasks.
func (w *worker) publish() {
	list := make([]TaskStatus, 0, len(w.tasks))
	owned := map[record.Partition]bool{}
	for _, t := range w.tasks {
		s := TaskStatus{ID: t.id.String(), Worker: w.id, Restoring: t.task == nil || w.behind(t)}
		size := t.set.Size()
		s.StateBytes = size.DiskBytes + size.MemoryBytes
		if t.task != nil {
			s.Stats, s.Waiting = t.task.Stats(), t.task.Waiting()
		}
		w.tell(t, s.Waiting)
		for _, p := range t.inputs {
			owned[p] = true
		}
		list = append(list, s)
	}
	w.counters.lag.Range(func(p, _ any) bool {
		if !owned[p.(record.Partition)] {
			w.counters.lag.Delete(p)
		}
		return true
	})
	w.counters.tasks.Store(&list)
	w.r.settleState()
}

// tell logs that a task begins to wait, and that it goes on.
func (w *worker) tell(t *running, waiting error) {
	switch {
	case waiting != nil && !t.waits:
		w.log.Warn("task waits", "task", t.id.String(), "for", waiting)
	case waiting == nil && t.waits:
		w.log.Info("task waits no longer", "task", t.id.String())
	}
	t.waits = waiting != nil
}

func (w *worker) publishOffsets(committed map[record.Partition]int64) {
	for p, next := range committed {
		w.counters.partition(p).committed.Store(next)
	}
}

// progress notes that the worker's loop turns, and now and then what its tasks do.
func (w *worker) progress(now time.Time) {
	before := w.counters.progress.Swap(now.UnixNano())
	if now.UnixNano()/int64(time.Second) != before/int64(time.Second) {
		w.publish()
	}
}

// settleState tells whether all tasks run. While workers are still being given
// their tasks nobody can tell.
func (r *Runner) settleState() {
	if s := State(r.status.state.Load()); s != Restoring && s != Running || !r.settled.Load() {
		return
	}
	state := Running
	if r.global.rebuilds() {
		state = Restoring
	}
	for _, w := range *r.crew.Load() {
		if l := w.counters.tasks.Load(); l == nil || slices.ContainsFunc(*l, func(t TaskStatus) bool { return t.Restoring }) {
			state = Restoring
		}
	}
	r.status.set(state)
}

// Status is a snapshot of a runner.
type Status struct {
	State         State
	Wait          *Wait
	Rebalances    int64
	ToRestore     int64
	Restored      int64
	Workers       []WorkerStatus
	Lags          []Lag
	RecordsIn     int64
	RecordsOut    map[string]int64 // by topic
	Dropped       int64
	DeadLetters   int64
	Commit        Latency
	Process       Latency
	Tasks         []TaskStatus
	Global        *GlobalStatus // nil if there are no global stores
	ApplicationID string
	TopicPrefix   string // of internal topics
}

// WorkerStatus tells whether a worker is alive.
type WorkerStatus struct {
	Progress time.Time // when its loop last turned
}

// OnState makes f be called at each change of state, one call at a time. It is
// set before Run.
func (r *Runner) OnState(f func(State)) { r.status.onState = f }

// Status returns a snapshot; any goroutine may call it.
func (r *Runner) Status() Status {
	s := Status{State: State(r.status.state.Load()), Wait: r.status.longest(), Rebalances: r.status.rebalances.Load(),
		ToRestore: max(r.status.restoring.Load(), 0), Restored: r.status.restored.Load(), RecordsOut: map[string]int64{}, ApplicationID: r.cfg.ApplicationID, TopicPrefix: r.topics.Prefix}
	for _, w := range *r.crew.Load() {
		w.counters.snapshot(&s)
	}
	r.global.snapshot(&s)
	slices.SortFunc(s.Lags, func(a, b Lag) int {
		return cmp.Or(cmp.Compare(a.Partition.Topic, b.Partition.Topic), cmp.Compare(a.Partition.ID, b.Partition.ID))
	})
	return s
}

func (c *counters) snapshot(s *Status) {
	s.Workers = append(s.Workers, WorkerStatus{Progress: time.Unix(0, c.progress.Load())})
	s.RecordsIn += c.in.Load()
	s.Commit.add(&c.commits)
	s.Process.add(&c.process)
	c.lag.Range(func(p, l any) bool {
		s.Lags = append(s.Lags, Lag{Partition: p.(record.Partition), Committed: l.(*lag).committed.Load(), End: l.(*lag).end.Load()})
		return true
	})
	c.out.Range(func(t, n any) bool { s.RecordsOut[t.(string)] += n.(*atomic.Int64).Load(); return true })
	c.mu.Lock()
	total := c.retired
	c.mu.Unlock()
	if l := c.tasks.Load(); l != nil {
		for _, t := range *l {
			s.Tasks = append(s.Tasks, t)
			total.Dropped += t.Stats.Dropped
			total.DeadLetters += t.Stats.DeadLetters
		}
	}
	s.Dropped += total.Dropped
	s.DeadLetters += total.DeadLetters
}
