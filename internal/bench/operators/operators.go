package operators

import (
	"strconv"
	"time"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

// operator is what is measured: a topology over the topics "in-0" and "in-1".
type operator struct {
	name   string
	inputs int
	// step is by how many milliseconds timestamps go on from record to record.
	step  int64
	build func(b *stream.Builder)
}

var with = stream.With(serde.String(), serde.Int64())

func source(b *stream.Builder, i int) *stream.KStream[string, int64] {
	return stream.From(b, "in-"+strconv.Itoa(i), with)
}

func numbers(b *stream.Builder, i int) *stream.KTable[string, int64] {
	return stream.Table(b, "in-"+strconv.Itoa(i), with, stream.InStore("table-"+strconv.Itoa(i), serde.String(), serde.Int64()))
}

func windowed(b *stream.Builder, w stream.Windows) *stream.KTable[stream.Windowed[string], int64] {
	return stream.WindowedBy(source(b, 0).GroupByKey(), w).Count(stream.InStore("counts", serde.String(), serde.Int64()))
}

func write[K, V any](s *stream.KStream[K, V], key serde.Serde[K], value serde.Serde[V]) {
	s.To("out", stream.With(key, value))
}

func plus(a, b int64) int64 { return a + b }

// Grace is short, so that windows close and leave the stores while it is measured.
const (
	second = time.Second
	grace  = 100 * time.Millisecond
)

var all = []operator{
	{name: "filter and map", inputs: 1, step: 1, build: func(b *stream.Builder) {
		s := source(b, 0).Filter(func(_ string, v int64) bool { return v >= 0 })
		write(stream.MapValues(s, func(v int64) int64 { return v + 1 }), serde.String(), serde.Int64())
	}},
	{name: "count", inputs: 1, step: 1, build: func(b *stream.Builder) {
		t := source(b, 0).GroupByKey().Count(stream.InStore("counts", serde.String(), serde.Int64()))
		write(t.ToStream(), serde.String(), serde.Int64())
	}},
	{name: "tumbling count", inputs: 1, step: 1, build: func(b *stream.Builder) {
		write(windowed(b, stream.Tumbling(second).Grace(grace)).ToStream(), stream.TimeWindowed(serde.String(), second), serde.Int64())
	}},
	{name: "hopping count, 10 windows", inputs: 1, step: 1, build: func(b *stream.Builder) {
		write(windowed(b, stream.Hopping(second, second/10).Grace(grace)).ToStream(), stream.TimeWindowed(serde.String(), second), serde.Int64())
	}},
	{name: "sliding count", inputs: 1, step: 1, build: func(b *stream.Builder) {
		write(windowed(b, stream.Sliding(second).Grace(grace)).ToStream(), stream.TimeWindowed(serde.String(), second), serde.Int64())
	}},
	{name: "session count", inputs: 1, step: 1, build: func(b *stream.Builder) {
		t := stream.SessionWindowedBy(source(b, 0).GroupByKey(), stream.Sessions(second).Grace(grace)).
			Count(stream.InStore("counts", serde.String(), serde.Int64()))
		write(t.ToStream(), stream.SessionWindowed(serde.String()), serde.Int64())
	}},
	{name: "tumbling count, emitted on close", inputs: 1, step: 1, build: func(b *stream.Builder) {
		t := stream.WindowedBy(source(b, 0).GroupByKey(), stream.Tumbling(second).Grace(grace)).EmitStrategy(stream.OnWindowClose).
			Count(stream.InStore("counts", serde.String(), serde.Int64()))
		write(t.ToStream(), stream.TimeWindowed(serde.String(), second), serde.Int64())
	}},
	{name: "tumbling count, suppressed until close", inputs: 1, step: 1, build: func(b *stream.Builder) {
		t := windowed(b, stream.Tumbling(second).Grace(grace)).
			SuppressWith(stream.UntilWindowCloses(stream.BufferUnbounded()), stream.With(stream.TimeWindowed(serde.String(), second), serde.Int64()))
		write(t.ToStream(), stream.TimeWindowed(serde.String(), second), serde.Int64())
	}},
	{name: "join of streams", inputs: 2, step: 1, build: func(b *stream.Builder) {
		j := stream.Join(source(b, 0), source(b, 1), plus, stream.TimeDifference(second).Grace(grace), nil)
		write(j, serde.String(), serde.Int64())
	}},
	{name: "join of a stream and a table", inputs: 2, step: 1, build: func(b *stream.Builder) {
		write(stream.JoinTable(source(b, 0), numbers(b, 1), plus, with), serde.String(), serde.Int64())
	}},
	{name: "join of tables", inputs: 2, step: 1, build: func(b *stream.Builder) {
		write(stream.JoinTables(numbers(b, 0), numbers(b, 1), plus, nil).ToStream(), serde.String(), serde.Int64())
	}},
	{name: "foreign-key join", inputs: 2, step: 1, build: func(b *stream.Builder) {
		key := func(k string, _ int64) (string, bool) { return k, true }
		j := stream.JoinForeignKey(numbers(b, 0), numbers(b, 1), key, plus, nil)
		write(j.ToStream(), serde.String(), serde.Int64())
	}},
}

func (o operator) topology() (*topology.Topology, error) {
	b := stream.NewBuilder()
	o.build(b)
	return b.Build()
}
