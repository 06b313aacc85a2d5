package stream_test

import (
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
