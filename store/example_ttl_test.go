package store_test

import (
	"fmt"
	"time"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/streamtest"
)

// Visits are counted for each user, beginning again after an hour without one.
func ExampleTTL() {
	b := stream.NewBuilder()
	visits := stream.InStore("visits", serde.String(), serde.Int64()).Options(store.TTL(time.Hour))
	stream.From(b, "pages", stream.With(serde.String(), serde.String())).GroupByKey().
		Count(visits).ToStream().To("counts", stream.With(serde.String(), serde.Int64()))
	topo, err := b.Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := streamtest.NewDriver(topo, streamtest.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer d.Close()

	in := streamtest.NewInput(d, "pages", serde.String(), serde.String())
	for _, minute := range []int64{0, 30, 95} {
		if err := in.PipeAt(minute*time.Minute.Milliseconds(), "ann", "/index"); err != nil {
			fmt.Println(err)
		}
	}
	out, err := streamtest.NewOutput(d, "counts", serde.String(), serde.Int64()).ReadAll()
	for _, r := range out {
		fmt.Println(r.Key, r.Value)
	}
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// ann 1
	// ann 2
	// ann 1
}
