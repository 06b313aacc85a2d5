package stream_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/streamweir/streamweir/stream"
)

// A join of topics that do not fit is refused, with their names and numbers, before
// anything is created.
func TestJoinOfTopicsThatDoNotFitFails(t *testing.T) {
	c := cluster(t, topicOf("orders", 2), topicOf("customers", 3), topicOf("out", 1))
	before := topics(t, c)
	b := stream.NewBuilder()
	stream.JoinTable(stream.From(b, "orders", text), stream.Table(b, "customers", text, nil), both, nil).To("out", text)
	start(t, built(t, b), config(t, c)).fails(t, `"orders" (2 partitions)`, `"customers" (3)`, "same number of partitions")
	if diff := cmp.Diff(before, topics(t, c)); diff != "" {
		t.Error(diff)
	}
}

// A foreign-key join is of tables with any numbers of partitions: what refers to an
// entry goes to where it is, and the answer comes back, also after a restart.
func TestForeignKeyJoinOfTablesWithDifferentPartitions(t *testing.T) {
	c := cluster(t, topicOf("orders", 2), topicOf("cities", 3), topicOf("out", 2))
	b := func() *stream.Builder {
		b := stream.NewBuilder()
		stream.LeftJoinForeignKey(stream.Table(b, "orders", text, nil), stream.Table(b, "cities", text, nil), customerOf, eitherOf,
			seen("shipments"), stream.Named("ship")).ToStream().To("out", text)
		return b
	}
	last := func(want map[string]string) func([]*kgo.Record) bool {
		return func(records []*kgo.Record) bool {
			got := map[string]string{}
			for _, r := range records {
				got[string(r.Key)] = string(r.Value)
			}
			return cmp.Equal(want, got)
		}
	}
	cfg := config(t, c)
	a := start(t, built(t, b()), cfg)
	put(t, c, "orders", "1", "ann:pen", "2", "bob:pen", "3", "eve:pen", "4", "ann:cup", "5", "gift")
	put(t, c, "cities", "ann", "@Oslo", "bob", "@Rome", "eve", "@Bonn")
	took(t, c, "out", last(map[string]string{"1": "ann:pen@Oslo", "2": "bob:pen@Rome", "3": "eve:pen@Bonn", "4": "ann:cup@Oslo", "5": "gift-"}))
	for topic, want := range map[string]int32{"app-ship-subscription-registration-topic": 3, "app-ship-subscription-response-topic": 2,
		"app-ship-subscription-store-changelog": 3} {
		if n := topics(t, c)[topic]; n != want {
			t.Errorf("topic %s has %d partitions, want %d", topic, n, want)
		}
	}
	a.stop(t)
	// Its stores are gone with its folder: what refers to ann is known from the changelog.
	a = start(t, built(t, b()), config(t, c))
	put(t, c, "cities", "ann", "@Paris")
	took(t, c, "out", last(map[string]string{"1": "ann:pen@Paris", "2": "bob:pen@Rome", "3": "eve:pen@Bonn", "4": "ann:cup@Paris", "5": "gift-"}))
	a.stop(t)
}
