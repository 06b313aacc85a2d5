package kafka

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/serde"
)

// The goroutine that is ignored is one for the whole process, which sarama starts
// with its first fetch request.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"))
}

// env is a cluster to test against.
type env struct {
	addrs []string
	fake  *kfake.Cluster // nil: a real Kafka
	wire  *wire          // of the fake
}

// onBoth runs a test on the fake cluster and, if there is one, on a real Kafka.
func onBoth(t *testing.T, test func(t *testing.T, e *env)) {
	t.Run("fake", func(t *testing.T) { test(t, fake(t)) })
	t.Run("kafka", func(t *testing.T) {
		brokers := os.Getenv("KAFKA_BROKERS")
		if brokers == "" {
			t.Skip("needs a real Kafka: KAFKA_BROKERS is not set")
		}
		test(t, &env{addrs: strings.Split(brokers, ",")})
	})
}

// fake starts a cluster of three brokers in this process.
func fake(t testing.TB, opts ...kfake.Opt) *env {
	t.Helper()
	w := &wire{}
	all := append([]kfake.Opt{kfake.NumBrokers(3), kfake.ListenFn(w.listen), kfake.GroupMinSessionTimeout(100 * time.Millisecond)}, opts...)
	c, err := kfake.NewCluster(all...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return &env{addrs: c.ListenAddrs(), fake: c, wire: w}
}

// wire is the fake cluster's side of all connections.
type wire struct {
	cut atomic.Int32 // so many of the next answers are lost with their connections
}

func (w *wire) listen(network, addr string) (net.Listener, error) {
	l, err := net.Listen(network, addr)
	return &wireListener{l, w}, err
}

type wireListener struct {
	net.Listener
	w *wire
}

func (l *wireListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &wireConn{c, l.w}, nil
}

type wireConn struct {
	net.Conn
	w *wire
}

func (c *wireConn) Write(b []byte) (int, error) {
	if c.w.cut.Load() > 0 && c.w.cut.Add(-1) >= 0 {
		c.Close()
		return 0, net.ErrClosed
	}
	return c.Conn.Write(b)
}

var names atomic.Int64

// unique returns a name that no other test and no earlier run has.
func unique(prefix string) string {
	return prefix + "-" + strconv.FormatInt(time.Now().UnixNano(), 36) + "-" + strconv.FormatInt(names.Add(1), 10)
}

func (e *env) client(t testing.TB, change ...func(*Config)) *Client {
	t.Helper()
	cfg := Config{Brokers: e.addrs, ClientID: "test"}
	for _, f := range change {
		f(&cfg)
	}
	c, err := NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// topic creates one with a unique name.
// topic creates one that keeps records for ever, since those of the tests are of 1970.
func (e *env) topic(t testing.TB, c *Client, partitions int32, configs map[string]string) string {
	t.Helper()
	configs = maps.Clone(configs)
	if configs == nil {
		configs = map[string]string{}
	}
	configs["retention.ms"] = "-1"
	name := unique("t")
	if err := c.CreateTopics(within(t, 30*time.Second), []TopicSpec{{Name: name, Partitions: partitions, Replication: -1, Configs: configs}}); err != nil {
		t.Fatal(err)
	}
	return name
}

func (e *env) producer(t testing.TB, c *Client, cfg ProducerConfig) *Producer {
	t.Helper()
	p := NewProducer(t.Context(), c, cfg)
	t.Cleanup(func() { p.Close() })
	if err := p.Init(within(t, 30*time.Second)); err != nil {
		t.Fatal(err)
	}
	return p
}

func (e *env) fetcher(t testing.TB, c *Client, cfg FetchConfig) *Fetcher {
	t.Helper()
	if cfg.MaxWait == 0 {
		cfg.MaxWait = 100 * time.Millisecond
	}
	f := NewFetcher(c, cfg)
	t.Cleanup(f.Close)
	return f
}

// within returns a context that fails what takes too long.
func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func send(t testing.TB, p *Producer, topic string, partition int32, values ...string) {
	t.Helper()
	for _, v := range values {
		if err := p.Send(topic, partition, []byte("k"), []byte(v), 1000, nil); err != nil {
			t.Fatal(err)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// reader collects what a fetcher delivers.
type reader struct {
	f       *Fetcher
	records map[record.Partition][]record.Record
	next    map[record.Partition]int64
	errors  []PartitionError
}

func read(f *Fetcher) *reader {
	return &reader{f: f, records: map[record.Partition][]record.Record{}, next: map[record.Partition]int64{}}
}

// until receives until the condition holds.
func (r *reader) until(t testing.TB, done func() bool) {
	t.Helper()
	timeout := time.After(30 * time.Second)
	for !done() {
		select {
		case got := <-r.f.C():
			r.take(t, got)
		case <-timeout:
			t.Fatalf("timed out; have %s, errors %v", r, r.errors)
		}
	}
}

func (r *reader) take(t testing.TB, got Fetched) {
	t.Helper()
	got = r.f.Current(got)
	for _, b := range got.Batches {
		have := r.records[b.Partition]
		for _, rec := range b.Records {
			if n := len(have); n > 0 && rec.Offset <= have[n-1].Offset {
				t.Fatalf("offset %d of %v after %d", rec.Offset, b.Partition, have[n-1].Offset)
			}
			have = append(have, rec)
		}
		r.records[b.Partition] = have
		r.next[b.Partition] = b.Next
	}
	r.errors = append(r.errors, got.Errors...)
}

func (r *reader) String() string {
	var parts []record.Partition
	for p := range r.next {
		parts = append(parts, p)
	}
	slices.SortFunc(parts, func(a, b record.Partition) int { return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.ID, b.ID)) })
	var s strings.Builder
	for _, p := range parts {
		fmt.Fprintf(&s, "%s-%d: %d records, next %d; ", p.Topic, p.ID, len(r.records[p]), r.next[p])
	}
	return s.String()
}

func values(records []record.Record) []string {
	var out []string
	for _, r := range records {
		out = append(out, string(r.Value))
	}
	return out
}

// all returns the records of a topic's partition, from its beginning to its end.
func (e *env) all(t testing.TB, c *Client, topic string, partition int32, committed bool) []record.Record {
	t.Helper()
	at := record.Partition{Topic: topic, ID: partition}
	ends, err := c.Offsets(within(t, 30*time.Second), []record.Partition{at}, Latest)
	must(t, err)
	f := NewFetcher(c, FetchConfig{ReadCommitted: committed, MaxWait: 50 * time.Millisecond})
	defer f.Close()
	f.Set(map[record.Partition]int64{at: 0})
	r := read(f)
	r.until(t, func() bool { return r.next[at] >= ends[at] || len(r.errors) > 0 })
	if len(r.errors) > 0 {
		t.Fatal(&r.errors[0])
	}
	return r.records[at]
}

// waits collects what OnWait is told.
type waits struct {
	mu   sync.Mutex
	seen []string
	told chan struct{}
}

func newWaits() *waits { return &waits{told: make(chan struct{}, 100)} }

func (w *waits) on(what string, err error) {
	w.mu.Lock()
	w.seen = append(w.seen, fmt.Sprintf("%s: %v", what, err))
	w.mu.Unlock()
	poke(w.told)
}

func (w *waits) all() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.seen)
}

func header(name, value string) serde.Header { return serde.Header{Name: name, Value: []byte(value)} }
