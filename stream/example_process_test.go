package stream_test

import (
	"context"
	"fmt"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

// firsts forwards the first record of each value, with the value as key.
type firsts struct {
	out  *topology.Context[string, string]
	seen store.KeyValueStore[string, int64]
}

func (f *firsts) Init(out *topology.Context[string, string]) (err error) {
	f.out = out
	f.seen, err = topology.Store[store.KeyValueStore[string, int64]](out, "seen")
	return err
}

func (f *firsts) Process(_ context.Context, r topology.Record[string, string]) error {
	if _, seen, err := f.seen.Get(r.Value); err != nil || seen {
		return err
	}
	if err := f.seen.Put(r.Value, r.Timestamp); err != nil {
		return err
	}
	return f.out.Forward(topology.WithKey(r, r.Value))
}

func ExampleProcess() {
	b := stream.NewBuilder()
	orders := stream.From(b, "orders", text)
	stream.Process(orders, func() *firsts { return &firsts{} },
		stream.OwnStores(store.KeyValue("seen", serde.String(), serde.Int64()))).
		To("first-orders", text)

	d := drive(b)
	pipe(d, "orders", "ann", "tea", "bob", "tea", "cid", "rice")
	show(d, "first-orders")
	// Output:
	// tea: tea
	// rice: rice
}

// A store that several processors use is added to the builder, and each is
// connected to it by its name.
func ExampleBuilder_AddStateStore() {
	b := stream.NewBuilder()
	b.AddStateStore(store.KeyValue("seen", serde.String(), serde.Int64()))
	newFirsts := func() *firsts { return &firsts{} }
	stream.Process(stream.From(b, "web-orders", text), newFirsts, stream.Stores("seen")).To("out", text)
	stream.Process(stream.From(b, "shop-orders", text), newFirsts, stream.Stores("seen")).To("out", text)

	d := drive(b)
	pipe(d, "web-orders", "ann", "tea")
	pipe(d, "shop-orders", "bob", "tea", "cid", "rice")
	show(d, "out")
	// Output:
	// tea: tea
	// rice: rice
}

// numbered puts a number in front of each value of a key.
type numbered struct {
	out    *topology.FixedKeyContext[string, string]
	counts store.KeyValueStore[string, int64]
}

func (n *numbered) Init(out *topology.FixedKeyContext[string, string]) (err error) {
	n.out = out
	n.counts, err = topology.Store[store.KeyValueStore[string, int64]](out, "counts")
	return err
}

func (n *numbered) Process(_ context.Context, r topology.FixedKeyRecord[string, string]) error {
	count, _, err := n.counts.Get(r.Key())
	if err != nil {
		return err
	}
	count++
	if err := n.counts.Put(r.Key(), count); err != nil {
		return err
	}
	return n.out.Forward(topology.FixedValue(r, fmt.Sprintf("%d. %s", count, r.Value)))
}

// The key stays, so that grouping by it needs no repartition.
func ExampleProcessValues() {
	b := stream.NewBuilder()
	orders := stream.From(b, "orders", text)
	stream.ProcessValues(orders, func() *numbered { return &numbered{} },
		stream.OwnStores(store.KeyValue("counts", serde.String(), serde.Int64()))).
		To("numbered", text)

	d := drive(b)
	pipe(d, "orders", "ann", "tea", "bob", "tea", "ann", "rice")
	show(d, "numbered")
	// Output:
	// ann: 1. tea
	// bob: 1. tea
	// ann: 2. rice
}
