package stream_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/embedded"
	"github.com/streamweir/streamweir/topology"
)

// childEnv holds, in a process that a test has started to kill it, what to run.
const childEnv = "STREAMWEIR_TEST_CHILD"

func TestMain(m *testing.M) {
	if spec := os.Getenv(childEnv); spec != "" {
		os.Exit(runChild(spec))
	}
	os.Exit(m.Run())
}

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// cluster starts a broker, and checks at the end of the test that nothing is left.
func cluster(t *testing.T, topics ...embedded.Topic) *embedded.Cluster {
	t.Helper()
	return clusterOf(t, embedded.Config{Topics: topics})
}

func clusterOf(t *testing.T, cfg embedded.Config) *embedded.Cluster {
	t.Helper()
	// sarama starts one goroutine for the whole process with its first fetch.
	ignore := []goleak.Option{goleak.IgnoreCurrent(), goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick")}
	t.Cleanup(func() { goleak.VerifyNone(t, ignore...) })
	cfg.MinSessionTimeout = 100 * time.Millisecond
	c, err := embedded.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func topicOf(name string, partitions int32) embedded.Topic {
	return embedded.Topic{Name: name, Partitions: partitions}
}

// config is what the Apps of most tests run with. The embedded broker miscounts when
// a member leaves that waits for its assignment, and then takes all of the rebalance
// timeout.
func config(t *testing.T, c *embedded.Cluster) stream.Config {
	t.Helper()
	return stream.Config{ApplicationID: "app", Brokers: c.Brokers(), StateDir: t.TempDir(), Guarantee: stream.ExactlyOnce, CacheMaxBytes: stream.NoCache,
		CommitInterval: 20 * time.Millisecond, SessionTimeout: 3 * time.Second, HeartbeatInterval: 50 * time.Millisecond,
		RebalanceTimeout: 2 * time.Second, Log: slog.New(slog.DiscardHandler)}
}

// counting reads "in", counts by key, and writes each count to "out".
func counting(t testing.TB) *topology.Topology {
	t.Helper()
	b := stream.NewBuilder()
	count(stream.From(b, "in", text))
	return built(t, b)
}

func count(s *stream.KStream[string, string]) {
	s.GroupByKey().Count(stream.InStore("counts", serde.String(), serde.Int64())).
		ToStream().To("out", stream.With(serde.String(), serde.Int64()))
}

func built(t testing.TB, b *stream.Builder) *topology.Topology {
	t.Helper()
	topo, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return topo
}

// running is an App that runs.
type running struct {
	*stream.App
	cancel context.CancelFunc
	done   chan struct{}
	err    error
}

func start(t *testing.T, topo *topology.Topology, cfg stream.Config) *running {
	t.Helper()
	app, err := stream.NewApp(topo, cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{App: app, cancel: cancel, done: make(chan struct{})}
	go func() { // stop waits for it
		defer close(r.done)
		r.err = app.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); r.wait(t) })
	return r
}

// stop shuts an App down, which must succeed.
func (r *running) stop(t *testing.T) {
	t.Helper()
	r.cancel()
	if r.wait(t); r.err != nil {
		t.Fatal("Run returned", r.err)
	}
}

// fails waits until an App has failed, with an error that has all these words.
func (r *running) fails(t *testing.T, words ...string) {
	t.Helper()
	r.wait(t)
	if r.err == nil {
		t.Fatal("Run returned no error")
	}
	for _, w := range words {
		if !strings.Contains(r.err.Error(), w) {
			t.Errorf("error %q has no %q", r.err, w)
		}
	}
	if s := r.Status().State; s != stream.Failed {
		t.Errorf("state %v after an error", s)
	}
}

func (r *running) wait(t *testing.T) {
	t.Helper()
	select {
	case <-r.done:
	case <-time.After(2 * patience):
		t.Fatal("Run does not return")
	}
}

// until waits for a status; an App that ends before fails the test.
func (r *running) until(t *testing.T, what string, ok func(stream.Status) bool) {
	t.Helper()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("status: %+v", r.Status())
		}
	})
	eventually(t, what, func() bool {
		select {
		case <-r.done:
			t.Fatalf("%s: Run returned %v", what, r.err)
		default:
		}
		return ok(r.Status())
	})
}

func (r *running) runs(t *testing.T) {
	t.Helper()
	r.until(t, "running", func(s stream.Status) bool { return s.State == stream.Running && len(s.Tasks) > 0 })
}

// eventually polls a condition that nothing announces.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			t.Fatal("waited in vain for: " + what)
		case <-tick.C:
		}
	}
}

// put produces records and waits for their acknowledgement. Keys go to partitions
// as in Kafka.
func put(t *testing.T, c *embedded.Cluster, topic string, keysAndValues ...string) {
	t.Helper()
	var records []*kgo.Record
	for i := 0; i < len(keysAndValues); i += 2 {
		records = append(records, kgo.KeyStringRecord(keysAndValues[i], keysAndValues[i+1]))
	}
	produce(t, c, topic, records...)
}

// toPartition is put with a partition of the test's choice.
func toPartition(t *testing.T, c *embedded.Cluster, topic string, partition int32, keysAndValues ...string) {
	t.Helper()
	client := open(t, c, kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for i := 0; i < len(keysAndValues); i += 2 {
		r := kgo.KeyStringRecord(keysAndValues[i], keysAndValues[i+1])
		r.Partition = partition
		if err := client.ProduceSync(ctx, r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

func produce(t *testing.T, c *embedded.Cluster, topic string, records ...*kgo.Record) {
	t.Helper()
	client := open(t, c, kgo.DefaultProduceTopic(topic))
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, c *embedded.Cluster, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	backoff := func(int) time.Duration { return 20 * time.Millisecond }
	client, err := kgo.NewClient(append(opts, kgo.SeedBrokers(c.Brokers()...), kgo.RetryBackoffFn(backoff), kgo.MetadataMinAge(50*time.Millisecond))...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// feed produces counted records for the keys a, b, c, ... in turn until it is
// stopped, which returns how many each key has. Each of up to four partitions has
// some of eight keys.
func feed(t *testing.T, c *embedded.Cluster, keys int) (stop func() map[string]int64) {
	t.Helper()
	quit, done, sent := make(chan struct{}), make(chan struct{}), map[string]int64{}
	go func() { // stop waits for it
		defer close(done)
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		client := open(t, c, kgo.DefaultProduceTopic("in"))
		defer client.Close()
		for {
			for i := range keys {
				key := string(rune('a' + i))
				client.Produce(context.Background(), kgo.KeyStringRecord(key, "v"), nil)
				sent[key]++
			}
			select {
			case <-quit:
				if err := client.Flush(context.Background()); err != nil {
					t.Error(err)
				}
				return
			case <-tick.C:
			}
		}
	}()
	var once sync.Once
	t.Cleanup(func() { once.Do(func() { close(quit) }); <-done })
	return func() map[string]int64 {
		once.Do(func() { close(quit) })
		<-done
		return sent
	}
}

// took reads a topic, committed records only, until enough says so.
func took(t *testing.T, c *embedded.Cluster, topic string, enough func([]*kgo.Record) bool) []*kgo.Record {
	t.Helper()
	client := open(t, c, kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(50*time.Millisecond))
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var all []*kgo.Record
	for !enough(all) {
		f := client.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("waited in vain for more than %d records of %q", len(all), topic)
		}
		all = append(all, f.Records()...)
	}
	return all
}

func takeN(t *testing.T, c *embedded.Cluster, topic string, n int) []*kgo.Record {
	t.Helper()
	return took(t, c, topic, func(r []*kgo.Record) bool { return len(r) >= n })
}

// number decodes what serde.Int64 encodes.
func number(b []byte) int64 { return int64(binary.BigEndian.Uint64(b)) }

// countedOnce checks that the counts of each key are 1, 2, 3, ... up to how often
// it was sent: nothing was lost, doubled or counted from an old state.
func countedOnce(t *testing.T, c *embedded.Cluster, sent map[string]int64) {
	t.Helper()
	total := int64(0)
	for _, n := range sent {
		total += n
	}
	got := map[string]int64{}
	for _, r := range takeN(t, c, "out", int(total)) {
		key := string(r.Key)
		if n := number(r.Value); n != got[key]+1 {
			t.Fatalf("count of %q is %d after %d (%s-%d@%d)", key, n, got[key], r.Topic, r.Partition, r.Offset)
		}
		got[key]++
	}
	for key, n := range sent {
		if got[key] != n {
			t.Errorf("%q was sent %d times and counted %d times", key, n, got[key])
		}
	}
}

// childSpec is what a child process runs.
type childSpec struct {
	Brokers  []string
	StateDir string
	Workers  int
	Session  time.Duration
	// StuckInClose: it never comes back from giving up a task.
	StuckInClose bool
}

// child is an App in a process of its own, which can be killed and frozen.
type child struct{ *exec.Cmd }

func fork(t *testing.T, s childSpec) *child {
	t.Helper()
	spec, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+string(spec))
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{cmd}
	t.Cleanup(c.kill)
	return c
}

// kill is kill -9.
func (c *child) kill() {
	if c.ProcessState == nil {
		_ = c.Process.Kill()
		_ = c.Wait() // says that it was killed
	}
}

func runChild(spec string) int {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	if err := runSpec(ctx, spec); err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		return 1
	}
	return 0
}

func runSpec(ctx context.Context, spec string) error {
	var s childSpec
	if err := json.Unmarshal([]byte(spec), &s); err != nil {
		return err
	}
	b := stream.NewBuilder()
	if in := stream.From(b, "in", text); s.StuckInClose {
		count(closing(in, func() error { select {} }))
	} else {
		count(in)
	}
	topo, err := b.Build()
	if err != nil {
		return err
	}
	app, err := stream.NewApp(topo, stream.Config{ApplicationID: "app", Brokers: s.Brokers, StateDir: s.StateDir, Workers: s.Workers, Guarantee: stream.ExactlyOnce,
		CacheMaxBytes: stream.NoCache, CommitInterval: 20 * time.Millisecond, SessionTimeout: s.Session, HeartbeatInterval: 50 * time.Millisecond,
		TransactionTimeout: 2 * time.Second, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	return app.Run(ctx)
}

// closer is a processor whose Close asks the test.
type closer struct {
	close func() error
	out   *topology.FixedKeyContext[string, string]
}

func (c *closer) Init(out *topology.FixedKeyContext[string, string]) error {
	c.out = out
	return nil
}

func (c *closer) Process(_ context.Context, r topology.FixedKeyRecord[string, string]) error {
	return c.out.Forward(r)
}

func (c *closer) Close() error { return c.close() }

func closing(in *stream.KStream[string, string], f func() error) *stream.KStream[string, string] {
	return stream.ProcessValues(in, func() *closer { return &closer{close: f} })
}

// flaky is a serde of strings that answers with an error while there is one.
type flaky struct {
	mu   sync.Mutex
	errs map[string]error // by what is encoded or decoded
	hits int
}

var errFlaky = errors.New("the registry is down")

func (f *flaky) set(text string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.errs == nil {
		f.errs = map[string]error{}
	}
	f.errs[text] = err
}

func (f *flaky) times() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hits
}

func (f *flaky) check(text string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.errs[text]
	if err != nil {
		f.hits++
	}
	return err
}

// Bind is part of serde.Serde.
func (f *flaky) Bind(string, serde.Role) (serde.Codec[string], error) { return f, nil }

// Append is part of serde.Codec.
func (f *flaky) Append(dst []byte, v string) ([]byte, error) {
	return append(dst, v...), f.check(v)
}

// Decode is part of serde.Codec.
func (f *flaky) Decode(data []byte) (string, error) { return string(data), f.check(string(data)) }
