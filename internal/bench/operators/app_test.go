package operators

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/embedded"
)

// BenchmarkApp measures an App with exactly once on the embedded broker, which takes
// part of the same processors: from the start of the App to the commit of the last
// record.
func BenchmarkApp(b *testing.B) {
	for _, o := range all {
		b.Run(o.name, func(b *testing.B) {
			const keys = 10_000
			c, err := embedded.Start(embedded.Config{Topics: []embedded.Topic{{Name: "in-0", Partitions: 1}, {Name: "in-1", Partitions: 1}, {Name: "out", Partitions: 1}}})
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			fill(b, c, o, b.N, keys)
			topo, err := o.topology()
			if err != nil {
				b.Fatal(err)
			}
			app, err := stream.NewApp(topo, stream.Config{ApplicationID: "bench", Brokers: c.Brokers(), StateDir: b.TempDir(),
				Guarantee: stream.ExactlyOnce, CacheMaxBytes: stream.NoCache, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			done := make(chan error, 1)
			b.ReportAllocs()
			b.ResetTimer()
			go func() { done <- app.Run(ctx) }() // received below
			for !caughtUp(app.Status(), o.inputs) {
				select {
				case err := <-done:
					b.Fatal(err)
				case <-time.After(5 * time.Millisecond):
				}
			}
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
			cancel()
			if err := <-done; err != nil {
				b.Fatal(err)
			}
		})
	}
}

func caughtUp(s stream.Status, inputs int) bool {
	n := 0
	for _, p := range s.Partitions {
		if p.Committed != p.End {
			return false
		}
		if p.Topic == "in-0" || p.Topic == "in-1" {
			n++
		}
	}
	return n == inputs && s.RecordsIn > 0
}

func fill(b *testing.B, c *embedded.Cluster, o operator, n, keys int) {
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers()...), kgo.MaxBufferedRecords(1<<20))
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	for i := range n {
		r := keyed(rand.IntN(keys), int64(rand.IntN(1000)), 1_000_000+int64(i)*o.step)
		client.Produce(context.Background(), &kgo.Record{Topic: fmt.Sprint("in-", i%o.inputs), Key: r.Key, Value: r.Value,
			Timestamp: time.UnixMilli(r.Timestamp)}, func(_ *kgo.Record, err error) {
			if err != nil {
				b.Error(err)
			}
		})
	}
	if err := client.Flush(context.Background()); err != nil {
		b.Fatal(err)
	}
}
