package kafka

import (
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

func TestRecordsComeBackAsTheyWereSent(t *testing.T) {
	for _, compression := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		t.Run(compression, func(t *testing.T) {
			onBoth(t, func(t *testing.T, e *env) {
				ctx, c := within(t, 30*time.Second), e.client(t)
				topic := e.topic(t, c, 1, map[string]string{"retention.ms": "-1"})
				p := e.producer(t, c, ProducerConfig{Compression: compression})
				now := time.Now().UnixMilli()
				want := []record.Record{
					{Key: []byte("k"), Value: []byte("v"), Timestamp: now, Headers: []serde.Header{header("a", "1"), {Name: "b"}, header("a", "")}},
					{Key: nil, Value: nil, Timestamp: now - 5000},
					{Key: []byte{}, Value: []byte{}, Timestamp: 0},
					{Key: []byte("k"), Value: []byte("w"), Timestamp: now, Headers: []serde.Header{header("", "x")}},
				}
				for i, r := range want {
					want[i].Offset = int64(i)
					must(t, p.Send(topic, 0, r.Key, r.Value, r.Timestamp, r.Headers))
				}
				must(t, p.Flush(ctx))
				if diff := cmp.Diff(want, e.all(t, c, topic, 0, false)); diff != "" {
					t.Error(diff)
				}
				if next, ok := p.Next(record.Partition{Topic: topic}); !ok || next != 4 {
					t.Errorf("Next is %d, %v", next, ok)
				}
			})
		})
	}
}

func TestSendCopiesWhatItIsGiven(t *testing.T) {
	e := fake(t)
	c := e.client(t)
	topic := e.topic(t, c, 1, nil)
	p := e.producer(t, c, ProducerConfig{})
	key, value, head := []byte("key"), []byte("value"), []byte("head")
	must(t, p.Send(topic, 0, key, value, 1, []serde.Header{{Name: "h", Value: head}}))
	copy(key, "XXX")
	copy(value, "XXXXX")
	copy(head, "XXXX")
	must(t, p.Flush(within(t, 10*time.Second)))
	got := e.all(t, c, topic, 0, false)
	want := []record.Record{{Key: []byte("key"), Value: []byte("value"), Timestamp: 1, Headers: []serde.Header{header("h", "head")}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRecordsBelowTheOffsetAreDropped(t *testing.T) {
	onBoth(t, func(t *testing.T, e *env) {
		c := e.client(t)
		topic := e.topic(t, c, 1, nil)
		p := e.producer(t, c, ProducerConfig{})
		send(t, p, topic, 0, "a", "b", "c", "d") // one batch
		must(t, p.Flush(within(t, 10*time.Second)))
		at := record.Partition{Topic: topic}
		f := e.fetcher(t, c, FetchConfig{})
		f.Set(map[record.Partition]int64{at: 2})
		r := read(f)
		r.until(t, func() bool { return r.next[at] == 4 })
		if diff := cmp.Diff([]string{"c", "d"}, values(r.records[at])); diff != "" {
			t.Error(diff)
		}
	})
}

func TestOutOfRangeIsReportedWithTheBounds(t *testing.T) {
	onBoth(t, func(t *testing.T, e *env) {
		ctx, c := within(t, 30*time.Second), e.client(t)
		topic := e.topic(t, c, 2, nil)
		p := e.producer(t, c, ProducerConfig{})
		send(t, p, topic, 0, "a", "b", "c")
		send(t, p, topic, 1, "x")
		must(t, p.Flush(ctx))
		at, other := record.Partition{Topic: topic}, record.Partition{Topic: topic, ID: 1}
		must(t, c.DeleteRecords(ctx, map[record.Partition]int64{at: 2}))
		f := e.fetcher(t, c, FetchConfig{})
		f.Set(map[record.Partition]int64{at: 1, other: 0})
		r := read(f)
		r.until(t, func() bool { return len(r.errors) == 1 && r.next[other] == 1 })
		err := r.errors[0]
		if !err.OutOfRange || err.Partition != at || err.Offset != 1 || err.Start != 2 || err.End != 3 || !errors.Is(&err, sarama.ErrOffsetOutOfRange) {
			t.Errorf("error %+v", err)
		}
		f.Set(map[record.Partition]int64{at: err.Start})
		r.until(t, func() bool { return r.next[at] == 3 })
		if diff := cmp.Diff([]string{"c"}, values(r.records[at])); diff != "" || len(r.errors) != 1 {
			t.Error(diff, r.errors)
		}
	})
}

func TestNothingStaleIsDelivered(t *testing.T) {
	e := fake(t)
	ctx, c := within(t, 30*time.Second), e.client(t)
	topic := e.topic(t, c, 2, nil)
	p := e.producer(t, c, ProducerConfig{})
	send(t, p, topic, 0, "a", "b")
	send(t, p, topic, 1, "x")
	must(t, p.Flush(ctx))
	at, other := record.Partition{Topic: topic}, record.Partition{Topic: topic, ID: 1}
	f := e.fetcher(t, c, FetchConfig{})

	f.Set(map[record.Partition]int64{at: 0})
	stale := <-f.C() // fetched, but not looked at before the partition is set anew
	f.Set(map[record.Partition]int64{at: 1})
	if got := f.Current(stale); len(got.Batches) != 0 {
		t.Errorf("after Set: %v", got.Batches)
	}
	r := read(f)
	r.until(t, func() bool { return r.next[at] == 2 })
	if diff := cmp.Diff([]string{"b"}, values(r.records[at])); diff != "" {
		t.Error(diff)
	}
	f.Set(map[record.Partition]int64{other: 0})
	stale = <-f.C()
	f.Remove(other)
	if got := f.Current(stale); len(got.Batches) != 0 {
		t.Errorf("after Remove: %v", got.Batches)
	}
	f.Set(map[record.Partition]int64{other: 9})
	stale = <-f.C()
	f.Set(map[record.Partition]int64{other: 0})
	if got := f.Current(stale); len(got.Errors) != 0 {
		t.Errorf("error of before a Set: %v", got.Errors)
	}
}

// While the request for an idle partition waits, one that is resumed or set must
// not wait with it.
func TestResumedPartitionDoesNotWaitForIdleOnes(t *testing.T) {
	onBoth(t, func(t *testing.T, e *env) {
		if e.fake != nil {
			e = fake(t, kfake.NumBrokers(1))
		}
		ctx, c := within(t, 30*time.Second), e.client(t)
		topic := e.topic(t, c, 3, nil)
		p := e.producer(t, c, ProducerConfig{})
		idle, busy, late := record.Partition{Topic: topic}, record.Partition{Topic: topic, ID: 1}, record.Partition{Topic: topic, ID: 2}
		f := e.fetcher(t, c, FetchConfig{MaxWait: 20 * time.Second})
		f.Set(map[record.Partition]int64{idle: 0, busy: 0})
		send(t, p, topic, 1, "a")
		must(t, p.Flush(ctx))
		r := read(f)
		r.until(t, func() bool { return r.next[busy] == 1 })
		f.Pause(busy)
		send(t, p, topic, 0, "x") // ends the request that asks for both
		must(t, p.Flush(ctx))
		r.until(t, func() bool { return r.next[idle] == 1 })
		send(t, p, topic, 1, "b")
		send(t, p, topic, 2, "c")
		must(t, p.Flush(ctx))
		began := time.Now()
		f.Resume(busy)
		f.Set(map[record.Partition]int64{late: 0})
		r.until(t, func() bool { return r.next[busy] == 2 && r.next[late] == 1 })
		if d := time.Since(began); d > 5*time.Second {
			t.Errorf("took %v", d)
		}
	})
}

func TestPausedPartitionIsNotFetched(t *testing.T) {
	e := fake(t)
	ctx, c := within(t, 30*time.Second), e.client(t)
	topic := e.topic(t, c, 2, nil)
	p := e.producer(t, c, ProducerConfig{})
	paused, other := record.Partition{Topic: topic}, record.Partition{Topic: topic, ID: 1}
	f := e.fetcher(t, c, FetchConfig{})
	asked := e.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: topic, Partitions: []int32{0}, Observe: true, Count: -1})
	f.Set(map[record.Partition]int64{paused: 0, other: 0})
	f.Pause(paused)
	r := read(f)
	for i := range 3 { // rounds of requests that could ask for it
		send(t, p, topic, 0, "a")
		send(t, p, topic, 1, "x")
		must(t, p.Flush(ctx))
		r.until(t, func() bool { return r.next[other] == int64(i+1) })
	}
	// One request may have been on its way; what it brings, the first record, is delivered.
	if n := asked.Hits(); n > 1 || len(r.records[paused]) > int(n) {
		t.Errorf("asked %d times, got %d records", n, len(r.records[paused]))
	}
	f.Resume(paused)
	r.until(t, func() bool { return r.next[paused] == 3 })
}

func TestFetchingFollowsTheLeader(t *testing.T) {
	e := fake(t)
	ctx, c := within(t, 30*time.Second), e.client(t)
	topic := e.topic(t, c, 1, nil)
	at := record.Partition{Topic: topic}
	p := e.producer(t, c, ProducerConfig{})
	f := e.fetcher(t, c, FetchConfig{})
	f.Set(map[record.Partition]int64{at: 0})
	r := read(f)
	var want []string
	for i := range 12 {
		must(t, e.fake.MoveTopicPartition(topic, 0, int32(i%3)))
		v := fmt.Sprint(i)
		send(t, p, topic, 0, v)
		must(t, p.Flush(ctx))
		want = append(want, v)
		if i%4 == 3 {
			kill(f.pools()...)
		}
		r.until(t, func() bool { return r.next[at] == int64(i+1) })
	}
	if diff := cmp.Diff(want, values(r.records[at])); diff != "" {
		t.Error(diff)
	}
}

// pools are all connections of a fetcher.
func (f *Fetcher) pools() []*pool {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []*pool
	for _, l := range f.leaders {
		out = append(out, l.connected[:]...)
	}
	return out
}

// kill cuts connections as a network does.
func kill(pools ...*pool) {
	for _, p := range pools {
		p.mu.Lock()
		for _, n := range p.conns {
			n.dialer.kill()
		}
		p.mu.Unlock()
	}
}

func TestFetchingWaitsForATopicThatIsMissing(t *testing.T) {
	onBoth(t, func(t *testing.T, e *env) {
		w := newWaits()
		c := e.client(t, func(c *Config) { c.OnWait = w.on })
		at := record.Partition{Topic: unique("t")}
		f := e.fetcher(t, c, FetchConfig{})
		f.Set(map[record.Partition]int64{at: 0})
		<-w.told
		if seen := w.all()[0]; !strings.Contains(seen, at.Topic) {
			t.Errorf("OnWait was told %q", seen)
		}
		must(t, c.CreateTopics(within(t, 20*time.Second), []TopicSpec{{Name: at.Topic, Partitions: 1, Replication: -1}}))
		p := e.producer(t, c, ProducerConfig{})
		send(t, p, at.Topic, 0, "a")
		must(t, p.Flush(within(t, 10*time.Second)))
		r := read(f)
		r.until(t, func() bool { return r.next[at] == 1 })
	})
}

func TestFetchingATopicWithoutPermissionFails(t *testing.T) {
	e := fake(t)
	c := e.client(t)
	topic := e.topic(t, c, 1, nil)
	at := record.Partition{Topic: topic}
	for _, key := range []kmsg.Key{kmsg.Fetch, kmsg.Metadata} {
		c.forgetLeader(at)
		fault := e.fake.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Topic: topic, Err: kerr.TopicAuthorizationFailed, Count: -1})
		f := e.fetcher(t, c, FetchConfig{})
		f.Set(map[record.Partition]int64{at: 0})
		r := read(f)
		r.until(t, func() bool { return len(r.errors) > 0 })
		if err := r.errors[0]; !errors.Is(&err, sarama.ErrTopicAuthorizationFailed) || err.OutOfRange {
			t.Errorf("%v: %v", key, &err)
		}
		fault.Remove()
	}
}

func TestRecordLargerThanTheFetchLimit(t *testing.T) {
	onBoth(t, func(t *testing.T, e *env) {
		ctx, c := within(t, 30*time.Second), e.client(t)
		topic := e.topic(t, c, 4, map[string]string{"max.message.bytes": "4000000"})
		p := e.producer(t, c, ProducerConfig{})
		f := e.fetcher(t, c, FetchConfig{PartitionBytes: 1000, MaxBytes: 2000})
		large := strings.Repeat("x", 300_000)
		offsets := map[record.Partition]int64{}
		for id := range int32(4) {
			send(t, p, topic, id, large, "small")
			must(t, p.Flush(ctx))
			send(t, p, topic, id, "last")
			offsets[record.Partition{Topic: topic, ID: id}] = 0
		}
		must(t, p.Flush(ctx))
		f.Set(offsets)
		r := read(f)
		r.until(t, func() bool {
			for at := range offsets {
				if r.next[at] != 3 {
					return false
				}
			}
			return true
		})
		for at := range offsets {
			if got := r.records[at]; len(got) != 3 || string(got[0].Value) != large || string(got[2].Value) != "last" {
				t.Errorf("%v: %d records", at, len(got))
			}
		}
	})
}
