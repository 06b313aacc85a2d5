package stream_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

// These are variants of operators: with the key, or with a function that can fail. The
// error handler of these skips a record.

func skipping(context.Context, *stream.ProcessingError) stream.Action { return stream.Skip }

func orNone(s *string) string {
	if s == nil {
		return "none"
	}
	return *s
}

// paid fails for an order that is not for sale.
func paid(key, order, payment string) (string, error) {
	if order == "tiger" {
		return "", errors.New("not for sale: " + order)
	}
	return key + ": " + order + " by " + payment, nil
}

const minute = time.Minute

func ExampleTryJoin() {
	b := stream.NewBuilder()
	stream.TryJoin(stream.From(b, "orders", text), stream.From(b, "payments", text),
		func(_ context.Context, key, order, payment string) (string, error) { return paid(key, order, payment) },
		stream.TimeDifference(minute), nil).To("paid", text)

	d := drive(b, skipping)
	pipe(d, "orders", "1", "tea", "2", "tiger")
	pipe(d, "payments", "1", "card", "2", "cash")
	show(d, "paid")
	// Output:
	// 1: 1: tea by card
}

// Payments count from an order's time to a minute after it, not before.
func ExampleJoinWindows_After() {
	b := stream.NewBuilder()
	stream.Join(stream.From(b, "orders", text), stream.From(b, "payments", text),
		func(order, payment string) string { return order + " by " + payment },
		stream.TimeDifference(0).After(minute), nil).To("paid", text)

	d := drive(b)
	pipeRecordAt(d, "payments", 999, "1", "too early")
	pipeRecordAt(d, "orders", 1_000, "1", "tea")
	pipeRecordAt(d, "payments", 61_000, "1", "card")
	show(d, "paid")
	// Output:
	// 1: tea by card
}

// unpaid feeds a join with an order that nobody pays, and lets its window close.
func unpaid(b *stream.Builder) {
	d := drive(b, skipping)
	pipeRecordAt(d, "orders", 0, "1", "tea")
	pipeRecordAt(d, "orders", 60_001, "2", "rice")
	show(d, "out")
}

func ExampleLeftJoinWithKey() {
	b := stream.NewBuilder()
	stream.LeftJoinWithKey(stream.From(b, "orders", text), stream.From(b, "payments", text),
		func(key, order string, payment *string) string { return key + " " + order + " " + orNone(payment) },
		stream.TimeDifference(minute), nil).To("out", text)
	unpaid(b)
	// Output:
	// 1: 1 tea none
}

func ExampleTryLeftJoin() {
	b := stream.NewBuilder()
	stream.TryLeftJoin(stream.From(b, "orders", text), stream.From(b, "payments", text),
		func(_ context.Context, key, order string, payment *string) (string, error) {
			return paid(key, order, orNone(payment))
		},
		stream.TimeDifference(minute), nil).To("out", text)
	unpaid(b)
	// Output:
	// 1: 1: tea by none
}

func ExampleOuterJoinWithKey() {
	b := stream.NewBuilder()
	stream.OuterJoinWithKey(stream.From(b, "orders", text), stream.From(b, "payments", text),
		func(key string, order, payment *string) string {
			return key + " " + orNone(order) + " " + orNone(payment)
		},
		stream.TimeDifference(minute), nil).To("out", text)
	unpaid(b)
	// Output:
	// 1: 1 tea none
}

func ExampleTryOuterJoin() {
	b := stream.NewBuilder()
	stream.TryOuterJoin(stream.From(b, "orders", text), stream.From(b, "payments", text),
		func(_ context.Context, key string, order, payment *string) (string, error) {
			return paid(key, orNone(order), orNone(payment))
		}, stream.TimeDifference(minute), nil).To("out", text)
	unpaid(b)
	// Output:
	// 1: 1: tea by none
}

// named feeds a join of orders with users.
func named(f func(b *stream.Builder, orders *stream.KStream[string, string])) {
	b := stream.NewBuilder()
	f(b, stream.From(b, "orders", text))
	d := drive(b, skipping)
	pipe(d, "users", "ann", "Oslo")
	pipe(d, "orders", "ann", "tea", "bob", "rice", "ann", "tiger")
	show(d, "out")
}

func ExampleLeftJoinTableWithKey() {
	named(func(b *stream.Builder, orders *stream.KStream[string, string]) {
		stream.LeftJoinTableWithKey(orders, stream.Table(b, "users", text, nil),
			func(user, order string, city *string) string { return user + " " + order + " " + orNone(city) }, text).To("out", text)
	})
	// Output:
	// ann: ann tea Oslo
	// bob: bob rice none
	// ann: ann tiger Oslo
}

func ExampleTryLeftJoinTable() {
	named(func(b *stream.Builder, orders *stream.KStream[string, string]) {
		stream.TryLeftJoinTable(orders, stream.Table(b, "users", text, nil),
			func(_ context.Context, r topology.Record[string, string], city *string) (string, error) {
				return paid(r.Key, r.Value, orNone(city))
			}, text).To("out", text)
	})
	// Output:
	// ann: ann: tea by Oslo
	// bob: bob: rice by none
}

func byUser(user, _ string) string { return user }

func ExampleJoinGlobalWithKey() {
	named(func(b *stream.Builder, orders *stream.KStream[string, string]) {
		stream.JoinGlobalWithKey(orders, stream.GlobalTable(b, "users", text, nil), byUser,
			func(user, order, city string) string { return user + " " + order + " " + city }).To("out", text)
	})
	// Output:
	// ann: ann tea Oslo
	// ann: ann tiger Oslo
}

func ExampleLeftJoinGlobalWithKey() {
	named(func(b *stream.Builder, orders *stream.KStream[string, string]) {
		stream.LeftJoinGlobalWithKey(orders, stream.GlobalTable(b, "users", text, nil), byUser,
			func(user, order string, city *string) string { return user + " " + order + " " + orNone(city) }).To("out", text)
	})
	// Output:
	// ann: ann tea Oslo
	// bob: bob rice none
	// ann: ann tiger Oslo
}

func tryUser(_ context.Context, r topology.Record[string, string]) (string, error) {
	if r.Key == "" {
		return "", errors.New("an order of nobody")
	}
	return r.Key, nil
}

func ExampleTryJoinGlobal() {
	named(func(b *stream.Builder, orders *stream.KStream[string, string]) {
		stream.TryJoinGlobal(orders, stream.GlobalTable(b, "users", text, nil), tryUser,
			func(_ context.Context, r topology.Record[string, string], city string) (string, error) {
				return paid(r.Key, r.Value, city)
			}).To("out", text)
	})
	// Output:
	// ann: ann: tea by Oslo
}

func ExampleTryLeftJoinGlobal() {
	named(func(b *stream.Builder, orders *stream.KStream[string, string]) {
		stream.TryLeftJoinGlobal(orders, stream.GlobalTable(b, "users", text, nil), tryUser,
			func(_ context.Context, r topology.Record[string, string], city *string) (string, error) {
				return paid(r.Key, r.Value, orNone(city))
			}).To("out", text)
	})
	// Output:
	// ann: ann: tea by Oslo
	// bob: bob: rice by none
}

// A buffer of at most a megabyte and ten thousand keys, which must not send anything
// early: the application fails if it is too small. Nothing of it is logged.
func ExampleKTable_SuppressWith() {
	buffer := stream.BufferMaxBytes(1 << 20).MaxRecords(10_000).ShutDownWhenFull().NotLogged()
	b := stream.NewBuilder()
	lengths := stream.MapTableValues(stream.Table(b, "users", text, nil), func(city string) string { return city + "!" })
	lengths.SuppressWith(stream.UntilTimeLimit(minute, buffer), text).ToStream().To("out", text)

	d := drive(b)
	pipeRecordAt(d, "users", 0, "ann", "Oslo")
	pipeRecordAt(d, "users", 1, "ann", "Rome")
	pipeRecordAt(d, "users", 60_000, "bob", "Bern")
	show(d, "out")
	// Output:
	// ann: Rome!
}

// What the two optimizations of this name are, for a configuration that has Kafka
// Streams' topology.optimization.
func ExampleParseOptimization() {
	o, err := stream.ParseOptimization("merge.repartition.topics,single.store.self.join")
	fmt.Println(o == stream.MergeRepartitions|stream.SingleStoreSelfJoin, err)
	_, err = stream.ParseOptimization("faster")
	fmt.Println(err != nil)
	// Output:
	// true <nil>
	// true
}
