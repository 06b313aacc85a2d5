package embedded

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestBrokersComeBackAtTheirAddress(t *testing.T) {
	c := start(t, Config{Topics: []Topic{{Name: "a"}}})
	before := c.Brokers()
	k := client(t, c)
	produce(t, k, "a", "1")

	if err := c.StopBrokers(); err != nil {
		t.Fatal(err)
	}
	if conn, err := net.Dial("tcp", before[0]); err == nil {
		_ = conn.Close()
		t.Error("a stopped broker accepts connections")
	}
	if err := c.StopBrokers(); err != nil {
		t.Errorf("second stop: %v", err)
	}
	for range 2 {
		if err := c.StartBrokers(); err != nil {
			t.Fatal(err)
		}
	}
	produce(t, k, "a", "2")
	if diff := cmp.Diff([]string{"1", "2"}, values(t, c, "a", 2)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(before, c.Brokers()); diff != "" {
		t.Error(diff)
	}
}

func TestCloseWhileBrokersAreStopped(t *testing.T) {
	c := start(t, Config{DataDir: t.TempDir()})
	if err := c.StopBrokers(); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.StartBrokers(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("brokers started after Close: %v", err)
	}
}

func TestFaultAnswersWithItsCode(t *testing.T) {
	c := start(t, Config{Topics: []Topic{{Name: "a"}, {Name: "b"}}})
	k := client(t, c, kgo.DisableIdempotentWrite(), kgo.RecordRetries(0))
	h := c.Fault(Fault{Requests: []Request{Produce}, Topic: "a", Code: kerr.InvalidRecord.Code, Times: -1})

	produce(t, k, "b", "other topic")
	err := k.ProduceSync(testContext(t), &kgo.Record{Topic: "a", Value: []byte("x")}).FirstErr()
	if !errors.Is(err, kerr.InvalidRecord) {
		t.Errorf("got %v", err)
	}
	if h.Hits() != 1 {
		t.Errorf("%d hits", h.Hits())
	}
	if err := h.Wait(testContext(t), 1); err != nil {
		t.Error(err)
	}
	h.Remove()
	produce(t, k, "a", "y")
	if diff := cmp.Diff([]string{"y"}, values(t, c, "a", 1)); diff != "" {
		t.Error(diff)
	}
}

func TestLostAnswerOfACommitLeavesItCommitted(t *testing.T) {
	c := start(t, Config{Topics: []Topic{{Name: "a"}}})
	raw := client(t, c)
	k := client(t, c, kgo.TransactionalID("tx"))
	if err := k.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	produce(t, k, "a", "1")
	id, epoch, err := k.ProducerID(testContext(t))
	if err != nil {
		t.Fatal(err)
	}

	c.LoseAnswers(EndTxn, 1)
	end := kmsg.NewPtrEndTxnRequest()
	end.TransactionalID, end.ProducerID, end.ProducerEpoch, end.Commit = "tx", id, epoch, true
	ctx, cancel := context.WithTimeout(testContext(t), 10*time.Second)
	defer cancel()
	// A broker of the client, unlike the client, does not retry.
	if _, err := end.RequestWith(ctx, raw.Broker(0)); err == nil {
		t.Error("the answer arrived")
	}
	if diff := cmp.Diff([]string{"1"}, values(t, c, "a", 1)); diff != "" {
		t.Error(diff)
	}
}

func TestForeignProtocolsDoNotHarmTheBroker(t *testing.T) {
	c := start(t, Config{Topics: []Topic{{Name: "a"}}})
	for name, hello := range map[string]string{
		"http":            "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"tls":             "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03aaaa",
		"unknown request": "\x00\x00\x00\x0a\x7f\x00\x00\x00\x00\x00\x00\x01\xff\xff",
		"too short":       "\x00\x00\x00\x01\x00\x00\x00\x00",
		"negative size":   "\xff\xff\xff\xff\x00\x00\x00\x00",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", c.Brokers()[0])
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
			if _, err := io.WriteString(conn, hello); err != nil {
				t.Fatal(err)
			}
			if n, err := conn.Read(make([]byte, 1)); n != 0 || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the connection stays open: %v", err)
			}
		})
	}
	produce(t, client(t, c), "a", "still here")
}

func TestMoveLeader(t *testing.T) {
	c := start(t, Config{Brokers: 2, Topics: []Topic{{Name: "a"}}})
	k := client(t, c)
	for broker := range 2 {
		if err := c.MoveLeader("a", 0, broker); err != nil {
			t.Fatal(err)
		}
		answer, err := kmsg.NewPtrMetadataRequest().RequestWith(testContext(t), k)
		if err != nil {
			t.Fatal(err)
		}
		if got := answer.Topics[0].Partitions[0].Leader; got != int32(broker) {
			t.Errorf("leader %d, want %d", got, broker)
		}
	}
	if err := c.MoveLeader("a", 7, 0); err == nil {
		t.Error("moved a partition that does not exist")
	}
}
