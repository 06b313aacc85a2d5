package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/serde"
)

// numbered sends n records in small batches to two partitions in turn.
func numbered(t testing.TB, p *Producer, topic string, from, n int) {
	t.Helper()
	for i := from; i < from+n; i++ {
		send(t, p, topic, int32(i%2), fmt.Sprint(i))
	}
}

// inOrder checks that a topic has the records of numbered, each once, in order.
func inOrder(t testing.TB, e *env, c *Client, topic string, n int, committed bool) {
	t.Helper()
	for id := range int32(2) {
		var want []string
		for i := int(id); i < n; i += 2 {
			want = append(want, fmt.Sprint(i))
		}
		if diff := cmp.Diff(want, values(e.all(t, c, topic, id, committed))); diff != "" {
			t.Errorf("partition %d: %s", id, diff)
		}
	}
}

// Whatever a broker refuses, the records arrive once and in order.
func TestRefusedBatchesAreSentAgainInOrder(t *testing.T) {
	for _, refusal := range []*kerr.Error{kerr.NotLeaderForPartition, kerr.NotEnoughReplicas, kerr.NotEnoughReplicasAfterAppend, kerr.RequestTimedOut,
		kerr.ConcurrentTransactions, kerr.CorruptMessage, kerr.UnknownTopicOrPartition, kerr.KafkaStorageError} {
		for _, id := range []string{"", unique("x")} {
			t.Run(fmt.Sprintf("%s transactional=%v", refusal.Message, id != ""), func(t *testing.T) {
				e := fake(t)
				ctx, c := within(t, 30*time.Second), e.client(t)
				topic := e.topic(t, c, 2, nil)
				p := e.producer(t, c, ProducerConfig{TransactionalID: id, BatchBytes: 100})
				seen := 0
				faults := e.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: topic, Err: refusal, Count: 9,
					When: func(kmsg.Request) bool { seen++; return seen%2 == 0 }})
				numbered(t, p, topic, 0, 300)
				if id == "" {
					must(t, p.Flush(ctx))
				} else {
					must(t, p.Commit(ctx, Membership{}, nil))
				}
				if faults.Hits() != 9 {
					t.Errorf("%d faults", faults.Hits())
				}
				inOrder(t, e, c, topic, 300, true)
			})
		}
	}
}

// A broker that does not know a producer accepts a batch with any sequence number,
// also one that follows a batch which it refused.
func TestNothingFollowsTheFirstBatchOfAnEpochUnacknowledged(t *testing.T) {
	e := fake(t)
	ctx, c := within(t, 30*time.Second), e.client(t)
	topic := e.topic(t, c, 2, nil)
	p := e.producer(t, c, ProducerConfig{BatchBytes: 100})
	part := func() *partition { return p.parts[record.Partition{Topic: topic, ID: 0}] }
	underWay := func() (n int) {
		for _, b := range part().queue {
			if b.sent {
				n++
			}
		}
		return n
	}
	for range 2 {
		for i := range 50 {
			send(t, p, topic, 0, fmt.Sprint(i))
			if n := underWay(); n > 1 && !part().known {
				t.Fatalf("%d batches are under way and none was acknowledged", n)
			}
		}
		must(t, p.Flush(ctx))
		part().restart = true
	}
}

func TestConnectionsCutInMidFlightLoseAndRepeatNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, e *env) {
		ctx, c := within(t, 60*time.Second), e.client(t)
		topic := e.topic(t, c, 2, nil)
		p := e.producer(t, c, ProducerConfig{TransactionalID: unique("x"), BatchBytes: 100})
		sent := 0
		for round := range 20 {
			numbered(t, p, topic, sent, 100)
			sent += 100
			must(t, p.start(ctx)) // batches are on their way
			switch {
			case round%3 == 0:
				kill(p.pool)
			case round%3 == 1:
				kill(p.coord, c.admin)
			case e.fake != nil:
				e.wire.cut.Store(3)
			}
			must(t, p.Commit(ctx, Membership{}, nil))
			if e.fake != nil {
				e.wire.cut.Store(0)
				must(t, e.fake.MoveTopicPartition(topic, int32(round%2), int32(round%3)))
				e.fake.RehashCoordinators()
			}
		}
		inOrder(t, e, c, topic, sent, true)
	})
}

func TestLeadersMayMoveBetweenBatches(t *testing.T) {
	e := fake(t)
	ctx, c := within(t, 30*time.Second), e.client(t)
	topic := e.topic(t, c, 2, nil)
	p := e.producer(t, c, ProducerConfig{BatchBytes: 100})
	for i := range 30 {
		numbered(t, p, topic, i*20, 20)
		must(t, e.fake.MoveTopicPartition(topic, int32(i%2), int32(i%3)))
	}
	must(t, p.Flush(ctx))
	inOrder(t, e, c, topic, 600, false)
}

// The broker forgets a producer when all its records are gone.
func TestForgottenProducerStartsAgain(t *testing.T) {
	for _, refusal := range []*kerr.Error{kerr.UnknownProducerID, kerr.OutOfOrderSequenceNumber} {
		t.Run(refusal.Message, func(t *testing.T) {
			e := fake(t)
			ctx, c := within(t, 30*time.Second), e.client(t)
			topic := e.topic(t, c, 2, nil)
			p := e.producer(t, c, ProducerConfig{BatchBytes: 100})
			numbered(t, p, topic, 0, 50)
			must(t, p.Flush(ctx))
			e.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: topic, Err: refusal})
			numbered(t, p, topic, 50, 50)
			must(t, p.Flush(ctx))
			inOrder(t, e, c, topic, 100, false)

			x := e.producer(t, c, ProducerConfig{TransactionalID: unique("x")})
			e.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: topic, Err: refusal})
			send(t, x, topic, 0, "not committed")
			if err := x.Commit(ctx, Membership{}, nil); !errors.Is(err, ErrAbort) || !Retriable(err) {
				t.Errorf("in a transaction: %v", err)
			}
			must(t, x.Abort(ctx))
			inOrder(t, e, c, topic, 100, true)
		})
	}
}

// A real broker takes a producer's batches in another epoch from sequence 0 on.
func TestRenumberedBatchesAreAccepted(t *testing.T) {
	onBoth(t, func(t *testing.T, e *env) {
		ctx, c := within(t, 30*time.Second), e.client(t)
		topic := e.topic(t, c, 2, nil)
		p := e.producer(t, c, ProducerConfig{BatchBytes: 100})
		for i := range 5 {
			numbered(t, p, topic, i*50, 50)
			must(t, p.Flush(ctx))
			p.parts[record.Partition{Topic: topic, ID: int32(i % 2)}].restart = true
		}
		inOrder(t, e, c, topic, 250, false)
	})
}

func TestBatchThatIsTooLargeIsSplit(t *testing.T) {
	onBoth(t, func(t *testing.T, e *env) {
		ctx, c := within(t, 30*time.Second), e.client(t)
		topic := e.topic(t, c, 2, map[string]string{"max.message.bytes": "2000"})
		p := e.producer(t, c, ProducerConfig{TransactionalID: unique("x"), BatchBytes: 10_000})
		pad := strings.Repeat("x", 300)
		var want [2][]string
		for i := range 300 {
			v := fmt.Sprint(i, pad)
			want[i%2] = append(want[i%2], v)
			must(t, p.Send(topic, int32(i%2), []byte("k"), []byte(v), int64(i), []serde.Header{header("h", "v")}))
		}
		must(t, p.Commit(ctx, Membership{}, nil))
		for id := range int32(2) {
			got := e.all(t, c, topic, id, true)
			if diff := cmp.Diff(want[id], values(got)); diff != "" {
				t.Error(diff)
			}
			if last := got[len(got)-1]; last.Timestamp != int64(298+id) || len(last.Headers) != 1 || last.Headers[0].Name != "h" {
				t.Errorf("last record %+v", last)
			}
			if next, ok := p.Next(record.Partition{Topic: topic, ID: id}); !ok || next != 150 {
				t.Errorf("Next is %d, %v", next, ok)
			}
		}
		if p.bytes != 0 {
			t.Errorf("%d bytes are taken for not acknowledged", p.bytes)
		}
		// A record that is too large on its own can never be sent.
		must(t, p.Send(topic, 0, nil, make([]byte, 5000), 0, nil))
		err := p.Commit(ctx, Membership{}, nil)
		if !errors.Is(err, sarama.ErrMessageSizeTooLarge) || Retriable(err) || !strings.Contains(err.Error(), topic+"-0") || !strings.Contains(err.Error(), "max.message.bytes") {
			t.Errorf("error %v", err)
		}
		must(t, p.Abort(ctx))
		send(t, p, topic, 0, "after")
		must(t, p.Commit(ctx, Membership{}, nil))
	})
}

func TestRecordsThatCannotBeSentAreTheirOwnError(t *testing.T) {
	e := fake(t)
	c := e.client(t)
	topic := e.topic(t, c, 1, nil)
	p := e.producer(t, c, ProducerConfig{})
	for name, err := range map[string]error{
		"size":     p.Send(topic, 0, nil, make([]byte, maxRecord+1), 0, nil),
		"negative": p.Send(topic, 0, nil, nil, -2, nil),
		"far":      p.Send(topic, 0, nil, nil, maxTimestamp+1, nil),
	} {
		if !errors.Is(err, ErrRecord) {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, p.Send(topic, 0, nil, nil, maxTimestamp, nil)) // and the producer goes on
	must(t, p.Send(topic, 0, nil, nil, -1, nil))
	must(t, p.Send(topic, 0, nil, nil, 0, nil))
	must(t, p.Flush(within(t, 10*time.Second)))
	for i, want := range []int64{maxTimestamp, -1, 0} {
		if got := e.all(t, c, topic, 0, false)[i].Timestamp; got != want {
			t.Errorf("timestamp %d, want %d", got, want)
		}
	}
}

func TestSendWaitsWhileTheBufferIsFull(t *testing.T) {
	e := fake(t)
	w := newWaits()
	c := e.client(t, func(c *Config) { c.OnWait = w.on })
	topic := e.topic(t, c, 2, nil)
	ctx, cancel := context.WithCancelCause(t.Context())
	p := NewProducer(ctx, c, ProducerConfig{BatchBytes: 1000, BufferBytes: 10_000})
	defer p.Close()
	must(t, p.Init(ctx))
	refused := e.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: topic, Partitions: []int32{0}, Err: kerr.NotEnoughReplicas, Count: -1})
	send := func() error {
		for {
			if err := p.Send(topic, 0, nil, make([]byte, 100), 0, nil); err != nil {
				return err
			}
			if p.bytes > 10_000 {
				t.Fatalf("%d bytes are buffered", p.bytes)
			}
		}
	}
	failed := make(chan error, 1)
	go func() { failed <- send() }() // the test receives from it
	<-w.told                         // it waits, and says so
	stop := errors.New("stop")
	cancel(stop)
	if err := <-failed; !errors.Is(err, stop) {
		t.Errorf("error %v", err)
	}
	refused.Remove()
	must(t, p.Init(within(t, 10*time.Second)))
	must(t, p.Send(topic, 0, nil, nil, 0, nil))
	must(t, p.Flush(within(t, 10*time.Second)))
}

func TestProducingAllocatesNothingPerRecord(t *testing.T) {
	e := fake(t, kfake.BlackholeProduce())
	ctx, c := within(t, 60*time.Second), e.client(t)
	topic := e.topic(t, c, 1, nil)
	p := e.producer(t, c, ProducerConfig{BatchBytes: 64 << 10})
	key, value, headers := []byte("some-key"), make([]byte, 100), []serde.Header{header("h", "v")}
	p.cfg.BatchBytes = 1 << 30 // nothing is sent: what is measured is Send
	at := record.Partition{Topic: topic}
	fill := func() {
		for range 1000 {
			must(t, p.Send(topic, 0, key, value, 1, headers))
		}
		b := p.parts[at].filling
		b.records, b.arena, b.headers, b.headerRefs, b.bytes, p.bytes = b.records[:0], b.arena[:0], b.headers[:0], b.headerRefs[:0], 0, 0
	}
	fill()
	if n := testing.AllocsPerRun(10, fill); n > 1 {
		t.Errorf("%v allocations for 1000 records", n)
	}
	must(t, p.Flush(ctx))
}
