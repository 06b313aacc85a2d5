package stream_test

import (
	"fmt"
	"time"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/streamtest"
)

// A key is sent ten seconds after the first of its changes, with the last of them.
func ExampleKTable_Suppress() {
	b := stream.NewBuilder()
	addresses := stream.Table(b, "addresses", text, stream.InStore("addresses", serde.String(), serde.String()))
	addresses.Suppress(stream.UntilTimeLimit(10*time.Second, stream.BufferUnbounded())).ToStream().To("changes", nil)

	d := drive(b)
	pipeRecordAt(d, "addresses", 0, "ann", "Oslo")
	pipeRecordAt(d, "addresses", 4_000, "ann", "Rome")
	pipeRecordAt(d, "addresses", 10_000, "bob", "Bern") // the time of the table is now 10 s
	show(d, "changes")
	// Output:
	// ann: Rome
}

// A buffer for one key sends the oldest early when there is a second.
func ExampleBufferMaxRecords() {
	b := stream.NewBuilder()
	addresses := stream.Table(b, "addresses", text, nil)
	addresses.Suppress(stream.UntilTimeLimit(time.Hour, stream.BufferMaxRecords(1))).ToStream().To("changes", nil)

	d := drive(b)
	pipe(d, "addresses", "ann", "Oslo", "ann", "Rome", "bob", "Bern", "cid", "Kiel")
	show(d, "changes")
	// Output:
	// ann: Rome
	// bob: Bern
}

func pipeRecordAt(d *streamtest.Driver, topic string, ms int64, key, value string) {
	check(streamtest.NewInput(d, topic, serde.String(), serde.String()).PipeAt(ms, key, value))
}

// Each minute has one count: the last, when the minute and ten seconds have passed.
func ExampleUntilWindowCloses() {
	b := stream.NewBuilder()
	visits := stream.From(b, "visits", text).GroupByKey()
	perMinute := stream.WindowedBy(visits, stream.Tumbling(time.Minute).Grace(10*time.Second)).Count(nil)
	final := perMinute.Suppress(stream.UntilWindowCloses(stream.BufferUnbounded()))
	stream.Map(final.ToStream(), func(w stream.Windowed[string], n int64) (string, string) {
		return w.Key, fmt.Sprintf("%d from %d s on", n, w.Window.Start/1000)
	}).To("counts", text)

	d := drive(b)
	pipeRecordAt(d, "visits", 10_000, "home", "ann")
	pipeRecordAt(d, "visits", 61_000, "home", "bob")
	pipeRecordAt(d, "visits", 59_000, "home", "cid") // late, within the grace period
	pipeRecordAt(d, "visits", 70_000, "home", "dan") // the first minute closes
	show(d, "counts")
	// Output:
	// home: 2 from 0 s on
}

// A buffer that is full emits early, or is an error of the record that it has no room
// for. Each method returns a copy.
func ExampleBufferConfig_EmitEarlyWhenFull() {
	one := stream.BufferUnbounded().MaxRecords(1)
	for _, buffer := range []stream.BufferConfig{one.ShutDownWhenFull(), one.EmitEarlyWhenFull()} {
		b := stream.NewBuilder()
		stream.Table(b, "addresses", text, nil).Suppress(stream.UntilTimeLimit(time.Hour, buffer), stream.Named("limit")).ToStream().To("changes", nil)
		d := drive(b, skip)
		pipe(d, "addresses", "ann", "Oslo", "bob", "Bern")
		show(d, "changes")
	}
	// Output:
	// skipped: the buffer is full with 2 records (limit 1, 0 is none) and 88 bytes (limit 0): give it more room, or let it emit early
	// ann: Oslo
}

// Two bounds: the one that is reached first counts. A key here takes 28 bytes, its own 3,
// 4 for the value, and 9 for the name of the topic.
func ExampleBufferConfig_MaxBytes() {
	b := stream.NewBuilder()
	buffer := stream.BufferMaxRecords(1000).MaxBytes(100)
	stream.Table(b, "addresses", text, nil).Suppress(stream.UntilTimeLimit(time.Hour, buffer)).ToStream().To("changes", nil)

	d := drive(b)
	pipe(d, "addresses", "ann", "Oslo", "bob", "Bern", "cid", "Kiel")
	show(d, "changes")
	// Output:
	// ann: Oslo
}

// The buffer's changelog has a configuration of its own, or there is none.
func ExampleBufferConfig_Logged() {
	b := stream.NewBuilder()
	addresses := stream.Table(b, "addresses", text, nil)
	addresses.Suppress(stream.UntilTimeLimit(time.Hour, stream.BufferUnbounded().Logged(map[string]string{"segment.bytes": "1000000"})), stream.Named("hourly"))
	addresses.Suppress(stream.UntilTimeLimit(time.Minute, stream.BufferUnbounded().NotLogged()), stream.Named("minutely"))

	topo, err := b.Build()
	check(err)
	for _, sub := range topo.Graph().Subtopologies() {
		for _, s := range sub.StoreSpecs() {
			fmt.Println(s.Name, "is logged:", s.Logged, s.TopicConfig)
		}
	}
	// Output:
	// addresses-STATE-STORE-0000000000 is logged: true map[]
	// hourly-store is logged: true map[segment.bytes:1000000]
	// minutely-store is logged: false map[]
}
