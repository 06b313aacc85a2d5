package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/streamweir/streamweir/internal/record"
)

func TestTopicsAreCreatedOnceAndDescribed(t *testing.T) {
	onBoth(t, func(t *testing.T, e *env) {
		ctx, c := within(t, 30*time.Second), e.client(t)
		name := e.topic(t, c, 3, map[string]string{"cleanup.policy": "compact"})
		must(t, c.CreateTopics(ctx, []TopicSpec{{Name: name, Partitions: 7, Replication: -1}})) // exists: left as it is

		counts, err := c.Partitions(ctx, []string{name, name + "-missing"})
		must(t, err)
		if diff := cmp.Diff(map[string]int32{name: 3}, counts); diff != "" {
			t.Error(diff)
		}
		topics, err := c.Topics(ctx)
		must(t, err)
		if !slices.Contains(topics, name) {
			t.Errorf("%q is not in %q", name, topics)
		}
		configs, err := c.TopicConfigs(ctx, []string{name, name + "-missing"})
		must(t, err)
		if len(configs) != 1 || configs[name]["cleanup.policy"] != "compact" || configs[name]["max.message.bytes"] == "" {
			t.Errorf("configs: %v", configs)
		}
	})
}

func TestOffsetsAndDeletedRecords(t *testing.T) {
	onBoth(t, func(t *testing.T, e *env) {
		ctx, c := within(t, 30*time.Second), e.client(t)
		topic := e.topic(t, c, 2, nil)
		p := e.producer(t, c, ProducerConfig{})
		send(t, p, topic, 0, "a", "b", "c")
		must(t, p.Flush(ctx))
		parts := []record.Partition{{Topic: topic, ID: 0}, {Topic: topic, ID: 1}}
		must(t, c.DeleteRecords(ctx, map[record.Partition]int64{parts[0]: 2, parts[1]: 0}))

		for at, want := range map[When][2]int64{Earliest: {2, 0}, Latest: {3, 0}} {
			got, err := c.Offsets(ctx, parts, at)
			must(t, err)
			if got[parts[0]] != want[0] || got[parts[1]] != want[1] {
				t.Errorf("at %d: %v, want %v", at, got, want)
			}
		}
		if err := c.DeleteRecords(ctx, map[record.Partition]int64{parts[0]: 99}); !errors.Is(err, sarama.ErrOffsetOutOfRange) {
			t.Errorf("deleting behind the end: %v", err)
		}
	})
}

func TestCommittedOffsetsOfAnUnknownGroupAreMissing(t *testing.T) {
	onBoth(t, func(t *testing.T, e *env) {
		ctx, c := within(t, 30*time.Second), e.client(t)
		topic := e.topic(t, c, 2, nil)
		group, parts := unique("g"), []record.Partition{{Topic: topic, ID: 0}, {Topic: topic, ID: 1}}
		got, err := c.Committed(ctx, group, parts)
		must(t, err)
		if len(got) != 0 {
			t.Errorf("before the first commit: %v", got)
		}
		// Generation -1: a group without members.
		must(t, c.CommitOffsets(ctx, Membership{Group: group, Generation: -1}, map[record.Partition]Offset{parts[1]: {Next: 7, Metadata: "x"}}))
		got, err = c.Committed(ctx, group, parts)
		must(t, err)
		if diff := cmp.Diff(map[record.Partition]Offset{parts[1]: {Next: 7, Metadata: "x"}}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestCommittedWaitsForAnOpenTransaction(t *testing.T) {
	onBoth(t, func(t *testing.T, e *env) {
		ctx, c := within(t, 30*time.Second), e.client(t)
		topic := e.topic(t, c, 1, nil)
		at := record.Partition{Topic: topic}
		p := e.producer(t, c, ProducerConfig{TransactionalID: unique("x")})
		group := unique("g")
		must(t, c.CommitOffsets(ctx, Membership{Group: group, Generation: -1}, map[record.Partition]Offset{at: {Next: 1}}))
		must(t, p.offsets(ctx, Membership{Group: group, Generation: -1}, map[record.Partition]Offset{at: {Next: 5}}))
		p.open = true

		found := make(chan Offset, 1)
		failed := make(chan error, 1)
		go func() { // the test receives from it
			got, err := c.Committed(ctx, group, []record.Partition{at})
			failed <- err
			found <- got[at]
		}()
		must(t, p.Commit(ctx, Membership{}, nil))
		must(t, <-failed)
		if got := <-found; got.Next != 5 {
			t.Errorf("committed offset %v, want 5: it did not wait for the transaction", got)
		}
	})
}

func TestUnstableOffsetsAreNotTaken(t *testing.T) {
	e := fake(t)
	ctx, c := within(t, 30*time.Second), e.client(t)
	topic, group := e.topic(t, c, 1, nil), unique("g")
	at := record.Partition{Topic: topic}
	must(t, c.CommitOffsets(ctx, Membership{Group: group, Generation: -1}, map[record.Partition]Offset{at: {Next: 3}}))
	unstable := e.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetFetch}, Err: kerr.UnstableOffsetCommit, Count: 3})
	got, err := c.Committed(ctx, group, []record.Partition{at})
	must(t, err)
	if unstable.Hits() != 3 || got[at].Next != 3 {
		t.Errorf("%v after %d refusals", got, unstable.Hits())
	}
}

func TestNewClientRejects(t *testing.T) {
	for name, cfg := range map[string]Config{
		"no brokers":        {},
		"no port":           {Brokers: []string{"localhost"}},
		"unknown mechanism": {Brokers: []string{"a:1"}, SASL: &SASL{Mechanism: "GSSAPI", User: "u", Password: "p"}},
		"no password":       {Brokers: []string{"a:1"}, SASL: &SASL{Mechanism: "PLAIN", User: "u"}},
	} {
		if _, err := NewClient(cfg); err == nil || !strings.HasPrefix(err.Error(), "kafka: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What can never succeed must not be waited for.
func TestHopelessRequestsFailAtOnce(t *testing.T) {
	try := func(name, want string, c *Client, f func(context.Context, *Client) error) {
		t.Run(name, func(t *testing.T) {
			if err := f(within(t, 20*time.Second), c); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want one with %q", err, want)
			}
		})
	}
	partitions := func(ctx context.Context, c *Client) error { _, err := c.Partitions(ctx, []string{"t"}); return err }

	e := fake(t)
	e.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Err: kerr.TopicAuthorizationFailed, Count: -1},
		kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetFetch}, Err: kerr.GroupAuthorizationFailed, Count: -1},
		kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, Err: kerr.TransactionalIDAuthorizationFailed, Count: -1})
	try("topic", "allow the client to", e.client(t), func(ctx context.Context, c *Client) error {
		return c.CreateTopics(ctx, []TopicSpec{{Name: "x", Partitions: 1, Replication: -1}})
	})
	try("group", "allow the client to read the group", e.client(t), func(ctx context.Context, c *Client) error {
		_, err := c.Committed(ctx, "g", []record.Partition{{Topic: "t"}})
		return err
	})
	try("transactional id", "transactional ids", e.client(t), func(ctx context.Context, c *Client) error {
		p := NewProducer(ctx, c, ProducerConfig{TransactionalID: "x"})
		defer p.Close()
		return p.Init(ctx)
	})

	old := fake(t, kfake.MaxVersions(kversion.V2_3_0()))
	try("old broker", "Kafka 2.5", old.client(t), partitions)

	secured := fake(t, kfake.EnableSASL(), kfake.Superuser("PLAIN", "u", "right"))
	secured.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.SASLAuthenticate}, Err: kerr.SaslAuthenticationFailed, TopLevel: true, Count: -1}) // as a real broker answers
	try("password", "check user and password", secured.client(t, func(c *Config) { c.SASL = &SASL{Mechanism: "PLAIN", User: "u", Password: "wrong"} }), partitions)

	unknown := httptest.NewTLSServer(nil) // not a broker, but the handshake comes first
	defer unknown.Close()
	unknown.Config.ErrorLog = log.New(io.Discard, "", 0)
	tlsOnly := env{addrs: []string{unknown.Listener.Addr().String()}}
	try("certificate", "certificate signed by unknown authority", tlsOnly.client(t, func(c *Config) { c.TLS = &tls.Config{} }), partitions)
}

func TestSASL(t *testing.T) {
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		e := fake(t, kfake.EnableSASL(), kfake.Superuser(mechanism, "u", "pw"))
		c := e.client(t, func(c *Config) { c.SASL = &SASL{Mechanism: mechanism, User: "u", Password: "pw"} })
		if _, err := c.Topics(within(t, 20*time.Second)); err != nil {
			t.Errorf("%s: %v", mechanism, err)
		}
	}
}

func TestUnreachableBrokerIsWaitedForAndShown(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	addr := l.Addr().String()
	l.Close()
	w := newWaits()
	e := &env{addrs: []string{addr}}
	c := e.client(t, func(c *Config) { c.OnWait = w.on })
	ctx, cancel := context.WithCancelCause(within(t, 20*time.Second))
	failed := make(chan error, 1)
	go func() { _, err := c.Topics(ctx); failed <- err }() // the test receives from it
	<-w.told
	if seen := w.all(); !strings.Contains(seen[0], "names of topics") || !strings.Contains(seen[0], addr) {
		t.Errorf("OnWait was told %q", seen)
	}
	stop := errors.New("stop")
	cancel(stop)
	if err := <-failed; !errors.Is(err, stop) || !strings.Contains(err.Error(), "refused") {
		t.Errorf("error %v, want why it stopped and what it waited for", err)
	}
	if seen := w.all(); !strings.HasSuffix(seen[len(seen)-1], "<nil>") {
		t.Errorf("OnWait was told %q last, want that it waits no longer", seen[len(seen)-1])
	}
}

// A broker that accepts connections and never answers must not delay a shutdown.
func TestCancellationIsPromptOnASilentBroker(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	accepted := make(chan net.Conn, 100)
	go func() { // ends when the test closes the listener
		defer close(accepted)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- conn
		}
	}()
	e := &env{addrs: []string{l.Addr().String()}}
	c := e.client(t)
	g := NewGroup(c, GroupConfig{ID: "g", Protocol: "p"})
	p := NewProducer(t.Context(), c, ProducerConfig{TransactionalID: "x"})
	f := NewFetcher(c, FetchConfig{})
	f.Set(map[record.Partition]int64{{Topic: "t"}: 0})
	for name, call := range map[string]func(context.Context) error{
		"Topics": func(ctx context.Context) error { _, err := c.Topics(ctx); return err },
		"Committed": func(ctx context.Context) error {
			_, err := c.Committed(ctx, "g", []record.Partition{{Topic: "t"}})
			return err
		},
		"Init": p.Init,
		"Join": func(ctx context.Context) error { _, err := g.Join(ctx, nil, nil); return err },
	} {
		ctx, cancel := context.WithCancel(context.Background())
		failed := make(chan error, 1)
		go func() { failed <- call(ctx) }() // the test receives from it
		conn := <-accepted
		cancel()
		began := time.Now()
		if err := <-failed; !errors.Is(err, context.Canceled) || time.Since(began) > time.Second {
			t.Errorf("%s returned %v after %v", name, err, time.Since(began))
		}
		conn.Close()
	}
	began := time.Now()
	f.Close()
	must(t, p.Close())
	must(t, g.Close(t.Context(), false))
	must(t, c.Close())
	if d := time.Since(began); d > time.Second {
		t.Errorf("closing took %v", d)
	}
	l.Close()
	for conn := range accepted {
		conn.Close()
	}
}
