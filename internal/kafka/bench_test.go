package kafka

import (
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/streamweir/streamweir/internal/record"
)

// KAFKA_BROKERS=host:port go test -bench . ./internal/kafka measures against a real
// Kafka, otherwise against the fake one, which takes part of the time itself.
func benchEnv(b *testing.B) *env {
	if brokers := os.Getenv("KAFKA_BROKERS"); brokers != "" {
		return &env{addrs: strings.Split(brokers, ",")}
	}
	return fake(b)
}

// allocations reports what a record costs on the client's side of the process.
func allocations(b *testing.B, f func()) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(b.N), "mallocs/record")
}

func BenchmarkProduceAndFetch(b *testing.B) {
	e := benchEnv(b)
	c := e.client(b)
	topic := e.topic(b, c, 4, nil)
	key, value := []byte("some-key"), make([]byte, 100)
	ctx := within(b, 5*time.Minute)
	b.Run("produce", func(b *testing.B) {
		p := e.producer(b, c, ProducerConfig{TransactionalID: unique("x")})
		must(b, p.Send(topic, 0, key, value, 1, nil))
		must(b, p.Commit(ctx, Membership{}, nil))
		b.SetBytes(int64(len(key) + len(value)))
		b.ResetTimer()
		allocations(b, func() {
			for i := range b.N {
				must(b, p.Send(topic, int32(i%4), key, value, 1, nil))
				if i%20_000 == 19_999 {
					must(b, p.Commit(ctx, Membership{}, nil))
				}
			}
			must(b, p.Commit(ctx, Membership{}, nil))
		})
	})
	b.Run("fetch", func(b *testing.B) {
		f := e.fetcher(b, c, FetchConfig{ReadCommitted: true})
		from := map[record.Partition]int64{}
		for id := range int32(4) {
			from[record.Partition{Topic: topic, ID: id}] = 0
		}
		var ends map[record.Partition]int64
		var err error
		parts := make([]record.Partition, 0, 4)
		for p := range from {
			parts = append(parts, p)
		}
		ends, err = c.Offsets(ctx, parts, Latest)
		must(b, err)
		b.SetBytes(int64(len(key) + len(value)))
		b.ResetTimer()
		allocations(b, func() {
			left := len(parts)
			f.Set(from)
			for n := 0; n < b.N; {
				for _, batch := range f.Current(<-f.C()).Batches {
					n += len(batch.Records)
					if batch.Next >= ends[batch.Partition] {
						left--
					}
				}
				if left == 0 { // begin again
					left = len(parts)
					f.Set(from)
				}
			}
		})
	})
}
