package stream_test

import (
	"fmt"
	"time"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/streamtest"
)

// Orders are joined with their payments if these come within ten seconds.
func ExampleJoin() {
	b := stream.NewBuilder()
	orders, payments := stream.From(b, "orders", text), stream.From(b, "payments", text)
	paid := stream.Join(orders, payments, func(order, payment string) string { return order + " by " + payment },
		stream.TimeDifference(10*time.Second), nil)
	paid.To("paid", text)

	d := drive(b)
	pipeRecordAt(d, "orders", 0, "17", "tea")
	pipeRecordAt(d, "payments", 4_000, "17", "card")
	pipeRecordAt(d, "payments", 10_001, "17", "cash") // too late
	show(d, "paid")
	// Output:
	// 17: tea by card
}

func ExampleJoinWithKey() {
	b := stream.NewBuilder()
	orders, payments := stream.From(b, "orders", text), stream.From(b, "payments", text)
	stream.JoinWithKey(orders, payments, func(id, order, payment string) string { return "order " + id + ": " + order + " by " + payment },
		stream.TimeDifference(10*time.Second), nil).To("paid", text)

	d := drive(b)
	pipe(d, "payments", "17", "card")
	pipe(d, "orders", "17", "tea")
	show(d, "paid")
	// Output:
	// 17: order 17: tea by card
}

// An order without a payment has a result when the windows of its time have closed,
// for which a later record is needed.
func ExampleLeftJoin() {
	b := stream.NewBuilder()
	orders, payments := stream.From(b, "orders", text), stream.From(b, "payments", text)
	stream.LeftJoin(orders, payments, func(order string, payment *string) string {
		if payment == nil {
			return order + " is not paid"
		}
		return order + " by " + *payment
	}, stream.TimeDifference(10*time.Second).Grace(time.Second), nil).To("orders-and-payments", text)

	d := drive(b)
	pipeRecordAt(d, "orders", 0, "17", "tea")
	pipeRecordAt(d, "orders", 1_000, "18", "milk")
	pipeRecordAt(d, "payments", 2_000, "18", "card")
	pipeRecordAt(d, "orders", 11_001, "19", "salt") // 0 + 10 s + 1 s have passed
	show(d, "orders-and-payments")
	// Output:
	// 18: milk by card
	// 17: tea is not paid
}

func ExampleOuterJoin() {
	b := stream.NewBuilder()
	left, right := stream.From(b, "left", text), stream.From(b, "right", text)
	both := func(l, r *string) string {
		show := func(v *string) string {
			if v == nil {
				return "nobody"
			}
			return *v
		}
		return show(l) + " meets " + show(r)
	}
	// The right record may be up to 5 s earlier, and not later.
	stream.OuterJoin(left, right, both, stream.TimeDifference(0).Before(5*time.Second), nil).To("met", text)

	d := drive(b)
	pipeRecordAt(d, "right", 1_000, "k", "ann")
	pipeRecordAt(d, "left", 6_000, "k", "bob")
	pipeRecordAt(d, "right", 6_001, "k", "cid")
	pipeRecordAt(d, "left", 12_000, "k", "dan")
	show(d, "met")
	// Output:
	// k: bob meets ann
	// k: nobody meets cid
}

// Stores with names of their own, in memory, and serdes for a join.
func ExampleStreamJoinedWith() {
	b := stream.NewBuilder()
	lengths := stream.MapValues(stream.From(b, "words", text), func(w string) int64 { return int64(len(w)) })
	joined := stream.StreamJoinedWith(serde.String(), serde.String(), serde.Int64()).StoreName("pairs").Options(store.InMemory())
	stream.Join(stream.From(b, "names", text), lengths, func(name string, n int64) string { return fmt.Sprint(name, " ", n) },
		stream.TimeDifference(time.Second), joined, stream.Named("pair")).To("out", text)

	d := drive(b)
	pipe(d, "names", "k", "ann")
	pipe(d, "words", "k", "four")
	show(d, "out")
	// Output:
	// k: ann 4
}

// Each side in a store of your own: this one on disk, the other one in memory. They must
// keep duplicates, and records for as long as the join needs them.
func ExampleStreamJoined_ThisStore() {
	windows := stream.TimeDifference(10 * time.Second).Grace(time.Minute)
	const size, retention = 20 * time.Second, 80 * time.Second // earlier and later; and the grace period
	orders := store.Windows("orders", serde.String(), serde.String(), retention, size, store.RetainDuplicates())
	payments := store.Windows("payments", serde.String(), serde.String(), retention, size, store.RetainDuplicates(), store.InMemory())

	b := stream.NewBuilder()
	joined := stream.StreamJoinedWith(serde.String(), serde.String(), serde.String()).ThisStore(orders).OtherStore(payments)
	stream.Join(stream.From(b, "orders", text), stream.From(b, "payments", text),
		func(order, payment string) string { return order + " by " + payment }, windows, joined).To("paid", text)

	d := drive(b)
	pipe(d, "orders", "17", "tea")
	pipe(d, "payments", "17", "card")
	show(d, "paid")
	kept, err := streamtest.Store[store.WindowStore[string, string]](d, "orders")
	check(err)
	it := kept.All()
	for it.Next() {
		fmt.Println("kept:", it.Key().Key, it.Value())
	}
	check(it.Close())
	// Output:
	// 17: tea by card
	// kept: 17 tea
}
