package e2e

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/serde/avro"
	"github.com/streamweir/streamweir/stream"
)

const (
	knownSchema   = `{"type":"record","name":"Reading","namespace":"e2e","fields":[{"name":"n","type":"int"}]}`
	unknownSchema = `{"type":"record","name":"Reading","namespace":"e2e","fields":[{"name":"unit","type":"string","default":"C"},{"name":"n","type":"int"}]}`
)

type reading struct{ N int32 }

// gate is the way to a registry, which can be shut: connections are cut, and new ones
// refused, as if the registry was killed. It keeps what it knows, which the lab's own
// registry does not.
type gate struct {
	t        *testing.T
	target   string
	mu       sync.Mutex
	listener net.Listener
	conns    []net.Conn
	address  string
}

func (g *gate) open() {
	g.t.Helper()
	l, err := net.Listen("tcp", max(g.address, "127.0.0.1:0"))
	if err != nil {
		g.t.Fatal(err)
	}
	g.address, g.listener = l.Addr().String(), l
	go func() { // ends with the listener
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", g.target)
			if err != nil {
				_ = in.Close()
				continue
			}
			g.mu.Lock()
			g.conns = append(g.conns, in, out)
			g.mu.Unlock()
			for _, pair := range [][2]net.Conn{{in, out}, {out, in}} {
				go func() { // ends with the connections
					_, _ = io.Copy(pair[0], pair[1])
					_ = pair[0].Close()
				}()
			}
		}
	}()
}

func (g *gate) shut() {
	_ = g.listener.Close()
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.conns {
		_ = c.Close()
	}
	g.conns = nil
}

// The registry is gone for 30 s in mid-stream. Records whose schema is known go on
// without a pause, those of a schema that is not wait in their partition, and nothing
// is lost.
func TestRegistryIsGoneForAWhile(t *testing.T) {
	brokers, registryURL := os.Getenv("KAFKA_BROKERS"), os.Getenv("SCHEMA_REGISTRY_URL")
	if brokers == "" || registryURL == "" {
		t.Skip("needs a real Kafka: KAFKA_BROKERS and SCHEMA_REGISTRY_URL are not set; make integration starts one")
	}
	where, err := url.Parse(registryURL)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{t: t, target: where.Host}
	g.open()
	t.Cleanup(g.shut)
	run := fmt.Sprintf("registry-%d", time.Now().UnixNano())
	in, out := run+"-in", run+"-out"
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(brokers, ",")...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ConsumeTopics(out),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.MetadataMinAge(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	createTopics(t, client, in, out)

	direct := avro.NewRegistry(registryURL, avro.Config{})
	t.Cleanup(direct.Close)
	write := func(schema, text string, partition int32) {
		t.Helper()
		value, err := avro.FromJSON(direct, in+"-value", schema, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: in, Partition: partition, Key: []byte("k"), Value: value}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}

	where.Host = g.address
	registry := avro.NewRegistry(where.String(), avro.Config{})
	t.Cleanup(registry.Close)
	readings := avro.For[reading](registry, knownSchema)
	b := stream.NewBuilder()
	stream.From(b, in, stream.With(serde.String(), readings)).To(out, stream.With(serde.String(), readings))
	topology, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	app, err := stream.NewApp(topology, stream.Config{ApplicationID: run, Brokers: strings.Split(brokers, ","), StateDir: t.TempDir(),
		Guarantee: stream.ExactlyOnce, CommitInterval: 50 * time.Millisecond, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- app.Run(ctx) }() // waited for below
	t.Cleanup(func() { cancel(); <-ended; close(ended) })

	arrived := 0
	// await waits for n records to have come out, and returns how long that took.
	await := func(n int, limit time.Duration) time.Duration {
		t.Helper()
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		for arrived < n {
			fetched := client.PollFetches(ctx)
			if ctx.Err() != nil {
				t.Fatalf("%d records came out within %v, want %d; the application waits for %v", arrived, limit, n, app.Status().Waiting)
			}
			arrived += fetched.NumRecords()
		}
		return time.Since(began)
	}
	write(knownSchema, `{"n":0}`, 0)
	write(knownSchema, `{"n":0}`, 1)
	await(2, time.Minute)

	g.shut()
	write(unknownSchema, `{"unit":"F","n":1}`, 1)
	write(knownSchema, `{"n":2}`, 1) // behind the one that waits
	known, longest := 0, time.Duration(0)
	for began := time.Now(); time.Since(began) < 30*time.Second; known++ {
		write(knownSchema, fmt.Sprintf(`{"n":%d}`, known), 0)
		longest = max(longest, await(2+known+1, 10*time.Second))
	}
	t.Logf("%d records went through meanwhile, the slowest within %v", known, longest)
	if longest > 5*time.Second {
		t.Errorf("records with a known schema were held up for %v", longest)
	}
	if app.Status().Waiting == nil {
		t.Error("the application does not say that it waits")
	}
	g.open()
	await(2+known+2, time.Minute)
	if arrived != 2+known+2 {
		t.Errorf("%d records came out, want %d", arrived, 2+known+2)
	}
}

func createTopics(t *testing.T, client *kgo.Client, names ...string) {
	t.Helper()
	request := kmsg.NewPtrCreateTopicsRequest()
	for _, name := range names {
		topic := kmsg.NewCreateTopicsRequestTopic()
		topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, 2, 1
		request.Topics = append(request.Topics, topic)
	}
	response, err := request.RequestWith(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range response.Topics {
		if err := kerr.ErrorForCode(topic.ErrorCode); err != nil {
			t.Fatalf("%s: %v", topic.Topic, err)
		}
	}
}
