package stream_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/store/badger"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/embedded"
	"github.com/streamweir/streamweir/topology"
)

// textRecord is a record of strings.
type textRecord = topology.Record[string, string]

func down(t *testing.T, c *embedded.Cluster) {
	t.Helper()
	if err := c.StopBrokers(); err != nil {
		t.Fatal(err)
	}
}

func up(t *testing.T, c *embedded.Cluster) {
	t.Helper()
	if err := c.StartBrokers(); err != nil {
		t.Fatal(err)
	}
}

func waits(s stream.Status) bool { return s.Waiting != nil && !s.WaitingSince.IsZero() }

func goesOn(s stream.Status) bool { return s.Waiting == nil && s.State == stream.Running }

func TestBrokerIsDownAtTheStart(t *testing.T) {
	c := cluster(t, topicOf("in", 1), topicOf("out", 1))
	same(t, c, 3)
	down(t, c)
	a := start(t, counting(t), config(t, c))
	a.until(t, "waiting", waits)
	up(t, c)
	countedOnce(t, c, map[string]int64{"k": 3})
	a.until(t, "waiting no longer", goesOn)
	a.stop(t)
}

func TestBrokerIsDownForAWhile(t *testing.T) {
	for name, session := range map[string]time.Duration{"shortly": time.Minute, "for longer than the session": 200 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			c := cluster(t, topicOf("in", 2), topicOf("out", 2))
			stop := feed(t, c, 4)
			cfg := config(t, c)
			cfg.SessionTimeout, cfg.TransactionTimeout, cfg.Workers = session, time.Second, 2
			a := start(t, counting(t), cfg)
			flowing(t, c, 50)
			down(t, c)
			a.until(t, "waiting", waits)
			up(t, c)
			flowing(t, c, 50)
			countedOnce(t, c, stop())
			a.until(t, "waiting no longer", goesOn)
			a.stop(t)
		})
	}
}

func TestShutdownWithoutABrokerEnds(t *testing.T) {
	c := cluster(t, topicOf("in", 1), topicOf("out", 1))
	stop := feed(t, c, 2)
	cfg := config(t, c)
	cfg.ShutdownTimeout = 300 * time.Millisecond
	a := start(t, counting(t), cfg)
	flowing(t, c, 50)
	down(t, c)
	began := time.Now()
	a.cancel()
	a.wait(t)
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
	if a.err == nil {
		t.Error("Run returned no error, though it could not leave the group")
	}
	up(t, c)
	cfg.ShutdownTimeout = 0         // the default: writing the state to a busy disk may take longer
	b := start(t, counting(t), cfg) // takes up what was left
	flowing(t, c, 20)
	countedOnce(t, c, stop())
	b.stop(t)
}

// A record that cannot be decoded yet holds up its task, not the others.
func TestRetriableErrorAtASourceOnlyWaits(t *testing.T) {
	c := cluster(t, topicOf("in", 2), topicOf("out", 2))
	var registry flaky
	registry.set("later", fmt.Errorf("%w: %w", serde.ErrRetriable, errFlaky))
	b := stream.NewBuilder()
	count(stream.From(b, "in", stream.With(serde.String(), &registry)))
	cfg := config(t, c)
	cfg.ErrorHandler = func(context.Context, *stream.ProcessingError) stream.Action {
		t.Error("the error handler was asked")
		return stream.Fail
	}
	produce(t, c, "in", valued(0, "a", "later", "b")...)
	produce(t, c, "in", valued(1, "a", "b", "c")...)
	a := start(t, built(t, b), cfg)
	a.until(t, "waiting", func(s stream.Status) bool { return errors.Is(s.Waiting, errFlaky) })
	countedOnce(t, c, map[string]int64{"0": 1, "1": 3})
	registry.set("later", nil)
	countedOnce(t, c, map[string]int64{"0": 3, "1": 3})
	a.until(t, "waiting no longer", goesOn)
	a.stop(t)
}

// valued are records of one partition, with its number as key.
func valued(partition int32, values ...string) []*kgo.Record {
	var records []*kgo.Record
	for _, v := range values {
		records = append(records, &kgo.Record{Partition: partition, Key: fmt.Append(nil, partition), Value: []byte(v)})
	}
	return records
}

func TestRetriableErrorAtASinkAbortsAndGoesOn(t *testing.T) {
	c := cluster(t, topicOf("in", 1), topicOf("out", 1), topicOf("copy", 1))
	var registry flaky
	registry.set("later", fmt.Errorf("%w: %w", serde.ErrRetriable, errFlaky))
	b := stream.NewBuilder()
	in := stream.From(b, "in", text)
	count(in)
	in.To("copy", stream.With(serde.String(), &registry))
	a := start(t, built(t, b), config(t, c))
	put(t, c, "in", "k", "a", "k", "later", "k", "b")
	a.until(t, "waiting", func(s stream.Status) bool { return errors.Is(s.Waiting, errFlaky) })
	eventually(t, "attempts", func() bool { return registry.times() > 2 })
	registry.set("later", nil)
	countedOnce(t, c, map[string]int64{"k": 3})
	if diff := cmp.Diff([]string{"a", "later", "b"}, valuesOf(takeN(t, c, "copy", 3))); diff != "" {
		t.Error(diff)
	}
	a.until(t, "waiting no longer", goesOn)
	a.stop(t)
}

func valuesOf(records []*kgo.Record) []string {
	var out []string
	for _, r := range records {
		out = append(out, string(r.Value))
	}
	return out
}

// failing fails with the values that begin with "bad", and panics with "panic".
func failing(b *stream.Builder) {
	in := stream.From(b, "in", text)
	count(stream.TryMapValues(in, func(_ context.Context, r textRecord) (string, error) {
		switch {
		case strings.HasPrefix(r.Value, "bad"):
			return "", errors.New("no good")
		case r.Value == "panic":
			panic("out of my mind")
		}
		return r.Value, nil
	}))
}

func TestErrorHandlerSkips(t *testing.T) {
	c := cluster(t, topicOf("in", 1), topicOf("out", 1))
	b := stream.NewBuilder()
	failing(b)
	cfg := config(t, c)
	cfg.ErrorHandler = func(context.Context, *stream.ProcessingError) stream.Action { return stream.Skip }
	a := start(t, built(t, b), cfg)
	put(t, c, "in", "k", "a", "k", "bad", "k", "panic", "k", "b", "k", "bad")
	countedOnce(t, c, map[string]int64{"k": 2})
	a.until(t, "the skipped records", func(s stream.Status) bool { return s.Dropped == 3 && lag(s, "in") == 0 })
	a.stop(t)
}

func lag(s stream.Status, topic string) int64 {
	n := int64(0)
	for _, p := range s.Partitions {
		if p.Topic == topic {
			n += p.Lag()
		}
	}
	return n
}

func TestDeadLettersBelongToTheTransaction(t *testing.T) {
	c := cluster(t, topicOf("in", 1), topicOf("out", 1), topicOf("dead", 1))
	b := stream.NewBuilder()
	failing(b)
	cfg := config(t, c)
	cfg.DeadLetterTopic = "dead"
	cfg.ErrorHandler = func(_ context.Context, e *stream.ProcessingError) stream.Action { return stream.DeadLetter }
	const invalidProducerEpoch = 47
	refused := c.Fault(embedded.Fault{Requests: []embedded.Request{embedded.TxnOffsetCommit}, Code: invalidProducerEpoch, Times: 2})
	a := start(t, built(t, b), cfg)
	put(t, c, "in", "k", "a", "k", "bad", "k", "panic", "k", "b")
	countedOnce(t, c, map[string]int64{"k": 2})
	letters := takeN(t, c, "dead", 2)
	if diff := cmp.Diff([]string{"bad", "panic"}, valuesOf(letters)); diff != "" {
		t.Error(diff)
	}
	headers := map[string]string{}
	for _, h := range letters[0].Headers {
		headers[h.Key] = string(h.Value)
	}
	if headers["__streams.errors.topic"] != "in" || headers["__streams.errors.offset"] != "1" || !strings.Contains(headers["__streams.errors.message"], "no good") {
		t.Errorf("headers %v", headers)
	}
	if refused.Hits() != 2 {
		t.Errorf("%d commits were refused", refused.Hits())
	}
	a.stop(t)
}

// The time for a shutdown may be up while a record is processed: its context ends,
// which is an error like any other to its function, and the handler may want a dead
// letter. The record is not done, so neither it nor the letter may count.
func TestDeadLetterOfARecordThatTheShutdownCutOff(t *testing.T) {
	for _, guarantee := range []stream.Guarantee{stream.AtLeastOnce, stream.ExactlyOnce} {
		t.Run(guarantee.String(), func(t *testing.T) {
			c := cluster(t, topicOf("in", 1), topicOf("out", 1), topicOf("dead", 1))
			entered := make(chan struct{}, 1)
			topo := func(stuck bool) *topology.Topology {
				b := stream.NewBuilder()
				count(stream.TryMapValues(stream.From(b, "in", text), func(ctx context.Context, r textRecord) (string, error) {
					switch {
					case r.Value == "bad":
						return "", errors.New("no good")
					case r.Value == "slow" && stuck:
						entered <- struct{}{}
						<-ctx.Done()
						return "", context.Cause(ctx)
					}
					return r.Value, nil
				}))
				return built(t, b)
			}
			cfg := config(t, c)
			cfg.Guarantee, cfg.DeadLetterTopic, cfg.ShutdownTimeout = guarantee, "dead", 50*time.Millisecond
			cfg.ErrorHandler = func(context.Context, *stream.ProcessingError) stream.Action { return stream.DeadLetter }
			a := start(t, topo(true), cfg)
			put(t, c, "in", "k", "a", "k", "slow", "k", "bad")
			<-entered
			a.cancel()
			a.wait(t)
			cfg.ShutdownTimeout = 0
			a = start(t, topo(false), cfg)
			if diff := cmp.Diff([]string{"bad"}, valuesOf(takeN(t, c, "dead", 1))); diff != "" {
				t.Error(diff)
			}
			last := int64(0)
			took(t, c, "out", func(r []*kgo.Record) bool {
				if len(r) > 0 {
					last = number(r[len(r)-1].Value)
				}
				return last == 2
			})
			a.stop(t)
		})
	}
}

// brittle is an engine that refuses to be written to while it is broken.
type brittle struct {
	store.Engine
	broken *atomic.Bool
}

func (b brittle) Apply(batch *store.Batch) error {
	if b.broken.Load() {
		return errors.New("the disk is full")
	}
	return b.Engine.Apply(batch)
}

// What could not be written to disk is in the changelog.
func TestStateThatCannotBeWrittenFailsTheAppAndIsNotLost(t *testing.T) {
	c := cluster(t, topicOf("in", 1), topicOf("out", 1))
	var broken atomic.Bool
	open := badger.Opener(badger.Options{})
	cfg := config(t, c)
	cfg.Engine = func(dir string) (store.Engine, error) {
		e, err := open(dir)
		return brittle{e, &broken}, err
	}
	same(t, c, 5)
	once(t, c, cfg, 5)
	same(t, c, 5)
	a := start(t, counting(t), cfg)
	takeN(t, c, "out", 10)
	broken.Store(true)
	a.cancel()
	a.fails(t, "the disk is full", cfg.StateDir)
	broken.Store(false)
	same(t, c, 5)
	if s := once(t, c, cfg, 15); s.Restored != 5 {
		t.Errorf("%d records were restored, want 5", s.Restored)
	}
	countedOnce(t, c, map[string]int64{"k": 15})
}

func TestForeignStateDirectoryFailsTheApp(t *testing.T) {
	for name, tt := range map[string]struct {
		damage func(dir string) error
		words  []string
	}{
		"layout of a later version": {func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "format-version"), []byte("99\n"), 0o644)
		},
			[]string{"format version \"99\"", "remove the directory"}},
		"no process id": {func(dir string) error { return os.WriteFile(filepath.Join(dir, "process-id"), []byte("me\n"), 0o644) },
			[]string{"does not hold a process id"}},
		"store that is none": {func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "0_0", "MANIFEST"), []byte("something else"), 0o644)
		}, []string{"task 0_0", filepath.Join("app", "0_0")}},
	} {
		t.Run(name, func(t *testing.T) {
			c := cluster(t, topicOf("in", 1), topicOf("out", 1))
			cfg := config(t, c)
			same(t, c, 1)
			once(t, c, cfg, 1)
			dir := filepath.Join(cfg.StateDir, "app")
			if err := tt.damage(dir); err != nil {
				t.Fatal(err)
			}
			start(t, counting(t), cfg).fails(t, tt.words...)
			if err := os.RemoveAll(dir); err != nil { // nothing holds it open
				t.Fatal(err)
			}
			same(t, c, 1)
			once(t, c, cfg, 2)
			countedOnce(t, c, map[string]int64{"k": 2})
		})
	}
}

func TestErrorHandlerFailsTheApp(t *testing.T) {
	for value, words := range map[string][]string{"bad": {"in-0@1", "no good"}, "panic": {"in-0@1", "out of my mind"}} {
		t.Run(value, func(t *testing.T) {
			c := cluster(t, topicOf("in", 1), topicOf("out", 1))
			b := stream.NewBuilder()
			failing(b)
			cfg := config(t, c)
			a := start(t, built(t, b), cfg)
			put(t, c, "in", "k", "a", "k", value, "k", "b")
			a.fails(t, words...)

			// The next one begins where the last commit was, and nobody waits for the
			// transaction or the seat of the one that failed.
			cfg.ErrorHandler = func(context.Context, *stream.ProcessingError) stream.Action { return stream.Skip }
			cfg.StateDir = t.TempDir()
			b = stream.NewBuilder()
			failing(b)
			began := time.Now()
			again := start(t, built(t, b), cfg)
			countedOnce(t, c, map[string]int64{"k": 2})
			if d := time.Since(began); d > 3*time.Second {
				t.Errorf("took %v", d)
			}
			again.stop(t)
		})
	}
}

func TestErrorHandlerRetries(t *testing.T) {
	c := cluster(t, topicOf("in", 1), topicOf("out", 1))
	var left atomic.Int32
	left.Store(3)
	b := stream.NewBuilder()
	count(stream.TryMapValues(stream.From(b, "in", text), func(_ context.Context, r textRecord) (string, error) {
		if r.Value == "bad" && left.Add(-1) >= 0 {
			return "", errors.New("not yet")
		}
		return r.Value, nil
	}))
	cfg := config(t, c)
	var asked atomic.Int32
	cfg.ErrorHandler = func(context.Context, *stream.ProcessingError) stream.Action {
		asked.Add(1)
		return stream.Retry
	}
	a := start(t, built(t, b), cfg)
	put(t, c, "in", "k", "a", "k", "bad", "k", "b")
	countedOnce(t, c, map[string]int64{"k": 3})
	if asked.Load() != 3 {
		t.Errorf("the handler was asked %d times", asked.Load())
	}
	a.stop(t)
}

// What waiting cannot mend fails at once, also when it comes to light while
// records are sent.
func TestHopelessRefusalsFailTheApp(t *testing.T) {
	const (
		topicAuthorization = 29
		groupAuthorization = 30
		txnAuthorization   = 53
		tooLarge           = 10
	)
	for name, f := range map[string]embedded.Fault{
		"write":     {Requests: []embedded.Request{embedded.Produce}, Topic: "out", Code: topicAuthorization},
		"too large": {Requests: []embedded.Request{embedded.Produce}, Topic: "out", Code: tooLarge},
		"read":      {Requests: []embedded.Request{embedded.Fetch}, Topic: "in", Code: topicAuthorization},
		"group":     {Requests: []embedded.Request{embedded.JoinGroup}, Code: groupAuthorization},
		"offsets":   {Requests: []embedded.Request{embedded.OffsetFetch}, Code: groupAuthorization},
		"producer":  {Requests: []embedded.Request{embedded.InitProducerID}, Code: txnAuthorization},
	} {
		for _, batch := range []int{1024, 0} {
			t.Run(fmt.Sprint(name, batch), func(t *testing.T) {
				c := cluster(t, topicOf("in", 1), topicOf("out", 1))
				same(t, c, 100)
				f.Times = -1
				c.Fault(f)
				cfg := config(t, c)
				cfg.BatchBytes = batch
				a := start(t, counting(t), cfg)
				a.fails(t, "kafka")
			})
		}
	}
}

func TestWorkersShareTheTasks(t *testing.T) {
	for workers := range 3 {
		workers++
		t.Run(fmt.Sprint(workers), func(t *testing.T) {
			c := cluster(t, topicOf("in", 6), topicOf("out", 6))
			stop := feed(t, c, 12)
			cfg := config(t, c)
			cfg.Workers = workers
			a := start(t, counting(t), cfg)
			a.runs(t)
			per := make([]int, workers)
			for _, task := range a.Status().Tasks {
				per[task.Worker]++
			}
			if slices.Max(per) != slices.Min(per) {
				t.Errorf("tasks by worker: %v", per)
			}
			flowing(t, c, 100)
			countedOnce(t, c, stop())
			a.stop(t)
		})
	}
}
