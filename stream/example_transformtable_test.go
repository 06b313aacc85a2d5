package stream_test

import (
	"context"
	"fmt"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

// versions counts the changes of each key in a store of its own.
type versions struct {
	counts store.KeyValueStore[string, int64]
}

func (v *versions) Init(pc *topology.TransformContext) (err error) {
	v.counts, err = topology.Store[store.KeyValueStore[string, int64]](pc, "versions")
	return err
}

func (v *versions) Transform(_ context.Context, r topology.Record[string, string]) (string, bool, error) {
	n, _, err := v.counts.Get(r.Key)
	if err == nil {
		err = v.counts.Put(r.Key, n+1)
	}
	return fmt.Sprintf("%s (version %d)", r.Value, n+1), !r.NullValue, err
}

func ExampleTransformTableValues() {
	b := stream.NewBuilder()
	addresses := stream.Table(b, "addresses", text, nil)
	stream.TransformTableValues(addresses, func() *versions { return &versions{} },
		stream.InStore("numbered", serde.String(), serde.String()),
		stream.OwnStores(store.KeyValue("versions", serde.String(), serde.Int64()))).
		ToStream().To("numbered", nil)

	d := drive(b)
	pipe(d, "addresses", "ann", "Oslo", "ann", "Rome")
	pipeNull(d, "addresses", "ann")
	pipe(d, "addresses", "ann", "Oslo")
	show(d, "numbered")
	// Output:
	// ann: Oslo (version 1)
	// ann: Rome (version 2)
	// ann: null
	// ann: Oslo (version 4)
}
