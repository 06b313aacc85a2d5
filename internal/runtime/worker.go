package runtime

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/streamweir/streamweir/internal/kafka"
	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/internal/task"
	"github.com/streamweir/streamweir/serde"
)

// A task's turn is up to its stride of records: few at first, more as long as a turn
// is short, so that a function that takes long does not keep a commit waiting.
const (
	minStride = 1
	maxStride = 1000
	shortTurn = 5 * time.Millisecond
	longTurn  = 20 * time.Millisecond
)

// worker is one goroutine with its tasks.
type worker struct {
	r        *Runner
	id       int
	log      logger
	ctx      context.Context // cancelled to stop without waiting
	until    context.Context // ends with Run's: nobody needs what is only looked up
	cancel   context.CancelFunc
	commands chan command
	input    *kafka.Fetcher
	restorer *kafka.Fetcher
	producer *kafka.Producer
	cache    task.Cache
	out      output

	tasks     []*running
	inputs    map[record.Partition]*running // of tasks that run
	logs      map[record.Partition]*running // of tasks that restore
	paused    map[record.Partition]bool
	member    kafka.Membership
	suspended bool
	stopped   bool
	dead      error // why it does nothing any more

	lastCommit  time.Time
	lastPersist time.Time
	retryAt     time.Time // after an abort: do not process before
	retries     int
	flushes     sync.WaitGroup
	calls       executor
	flushed     chan error
	counters    counters
}

type command struct {
	ctx  context.Context
	f    func(ctx context.Context) error
	done chan error
}

func newWorker(until context.Context, r *Runner, id int) *worker {
	w := &worker{r: r, id: id, until: until, commands: make(chan command), suspended: true,
		inputs: map[record.Partition]*running{}, logs: map[record.Partition]*running{}, paused: map[record.Partition]bool{},
		flushed: make(chan error, 16), calls: executor{ended: make(chan struct{}, 1)}, cache: task.Cache{Max: r.cfg.CacheBytes / int64(r.cfg.Workers)}}
	w.log = logger{r.cfg.Log.With("worker", id)}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	fetch := kafka.FetchConfig{ReadCommitted: r.cfg.ExactlyOnce}
	w.input = kafka.NewFetcher(r.client, fetch)
	fetch.ReadCommitted = true
	w.restorer = kafka.NewFetcher(r.client, fetch)
	pc := kafka.ProducerConfig{BatchBytes: r.cfg.BatchBytes, Compression: r.cfg.Compression}
	if r.cfg.ExactlyOnce {
		pc.TransactionalID = fmt.Sprintf("%s-%s-%d", r.cfg.ApplicationID, r.dir.ProcessID(), id)
		pc.TransactionTimeout = r.cfg.TransactionTimeout
	}
	w.producer = kafka.NewProducer(w.ctx, r.client, pc)
	w.out.w = w
	return w
}

// call runs f on the worker's goroutine and waits for it. f's context ends with
// ctx: f is then cut short, but the worker stays of use.
func (w *worker) call(ctx context.Context, f func(ctx context.Context) error) error {
	c := command{ctx: ctx, f: f, done: make(chan error, 1)}
	select {
	case w.commands <- c:
		return <-c.done
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (w *worker) run() {
	defer w.r.done.Done()
	for !w.stopped {
		select {
		case c := <-w.commands:
			c.done <- w.do(c)
			continue
		default:
		}
		worked := false
		if !w.suspended && w.dead == nil {
			var err error
			worked, err = w.pass()
			w.fail(err)
		}
		if !worked {
			w.wait()
		}
	}
}

func (w *worker) do(c command) error {
	ctx, cancel := context.WithCancelCause(w.ctx)
	defer cancel(nil)
	defer context.AfterFunc(c.ctx, func() { cancel(context.Cause(c.ctx)) })()
	return c.f(ctx)
}

// wait sleeps until there is a command, a batch, or something is due.
func (w *worker) wait() {
	timer := time.NewTimer(w.patience(time.Now()))
	defer timer.Stop()
	input, restore := w.input.C(), w.restorer.C()
	if w.suspended || w.dead != nil {
		input, restore = nil, nil
	}
	select {
	case c := <-w.commands:
		c.done <- w.do(c)
	case b := <-input:
		w.fail(w.take(w.input.Current(b)))
	case b := <-restore:
		w.fail(w.restore(w.restorer.Current(b)))
	case err := <-w.flushed:
		w.fail(err)
	case <-w.calls.ended:
	case <-timer.C:
	}
}

// over tells whether an error only says that Run has ended, so that an answer was
// not waited for any longer. What tasks have done can still be committed then.
func (w *worker) over(err error) bool {
	return w.until.Err() != nil && errors.Is(err, context.Cause(w.until))
}

// fail ends the worker, and with it the App. The first error counts.
func (w *worker) fail(err error) {
	if err != nil && w.dead == nil {
		w.dead = err
		w.r.cancel(err)
	}
}

// patience is for how long nothing is due.
func (w *worker) patience(now time.Time) time.Duration {
	if w.suspended || w.dead != nil {
		return time.Hour
	}
	d := time.Second
	if w.retryAt.After(now) {
		return min(d, w.retryAt.Sub(now))
	}
	if w.needed() {
		d = min(d, w.r.cfg.CommitInterval-now.Sub(w.lastCommit))
	}
	if w.r.global.rebuilds() {
		d = min(d, 20*time.Millisecond)
	}
	for _, t := range w.tasks {
		if !t.runs {
			continue
		}
		if t.task.Waiting() != nil {
			d = min(d, 20*time.Millisecond)
		}
		if at, ok := t.task.NextPunctuation(); ok {
			d = min(d, time.UnixMilli(at).Sub(now))
		}
		if w.r.cfg.MaxTaskIdle > 0 {
			d = min(d, 10*time.Millisecond)
		}
	}
	return max(d, 0)
}

// pass does one round: what was fetched, every task's turn, punctuations, commit,
// persisting. It reports whether it found anything to do.
func (w *worker) pass() (worked bool, err error) {
	select {
	case b := <-w.input.C():
		if err := w.take(w.input.Current(b)); err != nil {
			return false, err
		}
		worked = true
	default:
	}
	select {
	case b := <-w.restorer.C():
		if err := w.restore(w.restorer.Current(b)); err != nil {
			return false, err
		}
		worked = true
	case err := <-w.flushed:
		if err != nil {
			return false, err
		}
	default:
	}
	now := time.Now()
	w.progress(now)
	if now.Before(w.retryAt) {
		return worked, nil
	}
	processed, err := w.step(now)
	if err != nil {
		return true, w.recover(w.ctx, err)
	}
	w.persistIfDue(now)
	return worked || processed, nil
}

// step starts what can be started, gives every task a turn, and commits.
//
// While a global store is rebuilt there is nothing to do: tasks would miss what is not
// in it yet.
func (w *worker) step(now time.Time) (worked bool, err error) {
	if !w.r.global.enter() {
		return false, nil
	}
	defer w.r.global.leave()
	started := false
	if w.until.Err() == nil {
		if started, err = w.startReady(w.until); err != nil && !w.over(err) {
			return false, err
		}
	}
	processed, err := w.process(now)
	if err == nil {
		err = w.commitIfDue(time.Now())
	}
	return started || processed, err
}

// take hands fetched batches to their tasks.
func (w *worker) take(f kafka.Fetched) error {
	for _, b := range f.Batches {
		t := w.inputs[b.Partition]
		if t == nil {
			continue // given up after it was fetched
		}
		w.counters.fetched(b)
		n, err := t.task.Add(task.Batch{Partition: b.Partition, Records: b.Records, Next: b.Next, End: b.End})
		if err != nil {
			return err
		}
		if n > w.r.cfg.BufferedRecords && !w.paused[b.Partition] {
			w.paused[b.Partition] = true
			w.input.Pause(b.Partition)
		}
	}
	for _, e := range f.Errors {
		if err := w.inputError(w.ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// process gives every task a turn.
func (w *worker) process(now time.Time) (worked bool, err error) {
	ms := now.UnixMilli()
	for _, t := range w.tasks {
		if !t.runs {
			continue
		}
		if err := t.task.Punctuate(w.ctx, ms); err != nil {
			return worked, stepError{err}
		}
		n, err := t.task.Process(w.ctx, ms, t.stride)
		if n > 0 {
			worked = true
			took := time.Since(now)
			w.counters.processed(n, took)
			t.turned(n, took)
			now = now.Add(took)
		}
		if err != nil {
			return worked, stepError{err}
		}
	}
	for p := range w.paused {
		if t := w.inputs[p]; t == nil || t.task.Queued(p) <= w.r.cfg.BufferedRecords/2 {
			delete(w.paused, p)
			w.input.Resume(p)
		}
	}
	return worked, nil
}

// turned adapts the stride to how long a turn took.
func (t *running) turned(n int, took time.Duration) {
	switch {
	case took > longTurn:
		t.stride = max(t.stride/2, minStride)
	case took < shortTurn && n == t.stride:
		t.stride = min(t.stride*2, maxStride)
	}
}

// output is what the worker's tasks write to.
type output struct {
	w      *worker
	counts map[string]int32
	failed error // the producer's, until the worker has aborted
}

func (o *output) Partitions(topic string) (int32, error) {
	if n, ok := o.counts[topic]; ok {
		return n, nil
	}
	found, err := o.w.r.find(o.w.ctx, []string{topic})
	if err != nil {
		return 0, o.fail(err)
	}
	n := found[topic]
	if n == 0 {
		return 0, fmt.Errorf("topic %q does not exist: create it", topic)
	}
	if o.counts == nil {
		o.counts = map[string]int32{}
	}
	o.counts[topic] = n
	return n, nil
}

// fail keeps an error that is not the record's from the error handler: the worker
// aborts, and recover looks at the error itself.
func (o *output) fail(err error) error {
	o.failed = err
	return fmt.Errorf("%w: %w", serde.ErrRetriable, err)
}

// Send passes a record on to the producer. Only an error that is the record's own
// goes to the error handler; after any other the worker aborts.
func (o *output) Send(topic string, partition int32, key, value []byte, timestamp int64, headers []serde.Header) error {
	err := o.w.producer.Send(topic, partition, key, value, timestamp, headers)
	if err != nil && !errors.Is(err, kafka.ErrRecord) {
		return o.fail(err)
	}
	if err == nil {
		o.w.counters.sent(topic)
	}
	return err
}
