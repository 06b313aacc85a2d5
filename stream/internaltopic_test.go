package stream_test

import (
	"testing"
	"time"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/streamtest"
)

// bindings is a serde that tells what it is bound to.
type bindings map[string]map[bool]bool // topic -> internal

func (b bindings) Bind(topic string, role serde.Role) (serde.Codec[string], error) {
	if b[topic] == nil {
		b[topic] = map[bool]bool{}
	}
	b[topic][role.IsInternal()] = true
	return serde.String().Bind(topic, role)
}

// What the application made for itself is bound as internal wherever it is bound:
// sinks, sources, stores, caches, buffers and the hashes of a foreign-key join. A
// schema registry must see one subject for it, not two.
func TestSerdesAreToldWhichTopicsAreInternal(t *testing.T) {
	got := bindings{}
	var s serde.Serde[string] = got
	with, stored := stream.With(s, s), func(name string) *stream.Materialized[string, string] { return stream.InStore(name, s, s) }
	b := stream.NewBuilder()
	orders := stream.From(b, "orders", with)
	refunds := stream.From(b, "refunds", with)
	customers := stream.Table(b, "customers", with, stored("customers"))
	cities := stream.Table(b, "cities", with, nil)

	stream.JoinTable(orders.Repartition(with, stream.Named("moved")), customers, func(o, c string) string { return o + c }, with).To("joined", with)
	versions := stream.Table(b, "rates", with, stored("rates").Versioned(time.Hour))
	stream.JoinTable(orders, versions, func(o, c string) string { return o + c }, with, stream.GracePeriod(time.Minute), stream.Named("waiting")).To("joined", with)
	stream.OuterJoin(orders, refunds, func(o, r *string) string { return "" }, stream.TimeDifference(time.Second), stream.StreamJoinedWith(s, s, s)).To("pairs", with)
	stream.JoinForeignKey(customers, cities, customerOf, func(c, city string) string { return c + city }, stored("shipments"), stream.Named("ship")).ToStream().To("shipments", with)
	stream.GroupTableBy(customers, func(k, v string) (string, string) { return v, k }, with, stream.Named("byvalue")).
		Reduce(func(_, v string) string { return v }, func(_, v string) string { return v }, stored("groups")).
		Suppress(stream.UntilTimeLimit(time.Second, stream.BufferUnbounded()), stream.Named("held")).ToStream().To("groups", with)
	words := stream.GroupBy(orders, func(_, v string) string { return v }, with, stream.Named("words"))
	stream.WindowedBy(words, stream.Tumbling(time.Minute)).Reduce(func(_, v string) string { return v }, stored("minutes"))
	stream.SessionWindowedBy(words, stream.Sessions(time.Minute)).Reduce(func(_, v string) string { return v }, stored("sessions"))

	topo, err := b.Build(stream.Optimize(stream.ReuseTableSources))
	if err != nil {
		t.Fatal(err)
	}
	for _, cache := range []int64{0, 1 << 20} {
		d, err := streamtest.NewDriver(topo, streamtest.Config{CacheMaxBytes: cache})
		if err != nil {
			t.Fatal(err)
		}
		for _, topic := range []string{"customers", "cities", "orders", "refunds", "rates"} {
			if err := streamtest.NewInput(d, topic, serde.String(), serde.String()).PipeAt(1, "k", "v"); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	known := map[string]bool{"orders": true, "refunds": true, "customers": true, "cities": true, "rates": true,
		"joined": true, "pairs": true, "shipments": true, "groups": true}
	n := 0
	for topic, internal := range got {
		if len(internal) != 1 || internal[known[topic]] {
			t.Errorf("%s: bound as internal: %v", topic, internal)
		}
		if !known[topic] {
			n++
		}
	}
	if n < 15 {
		t.Errorf("only %d internal topics are bound: %v", n, got)
	}
}
