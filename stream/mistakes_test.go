package stream_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/streamtest"
)

// What is missing, or out of its range, is an error of Build that says where and what to
// do, and nothing else is reported for it.
func TestMistakesOfStatefulOperators(t *testing.T) {
	const infer = ` serde is given and none can be inferred here: pass `
	const with, in = "stream.With(keySerde, valueSerde)", "stream.InStore(name, keySerde, valueSerde) or stream.Stored(keySerde, valueSerde)"
	const expires = "Retention is for windowed aggregations; entries of this store do not expire"
	zero := func() int { return 0 }
	same := func(_, _ string, n int) int { return n }
	keep := func(_, _, a string) string { return a }
	grouped := func(b *stream.Builder) *stream.KGroupedStream[string, string] {
		return stream.From(b, "in", text).GroupByKey()
	}
	minutes := func(b *stream.Builder) *stream.KTable[stream.Windowed[string], int64] {
		return stream.WindowedBy(grouped(b), stream.Tumbling(time.Minute)).Count(nil)
	}
	for name, c := range map[string]struct {
		program func(b *stream.Builder)
		want    []string
	}{
		"no serde of a store": {func(b *stream.Builder) {
			nothing := stream.InStore("x", serde.String(), serde.Serde[string](nil))
			stream.Aggregate(grouped(b), zero, same, nil, stream.Named("plain"))
			stream.AggregateWindows(stream.WindowedBy(grouped(b), stream.Tumbling(time.Second)), zero, same, nil, stream.Named("windows"))
			stream.AggregateSessions(stream.SessionWindowedBy(grouped(b), stream.Sessions(time.Second)), zero, same, func(_ string, n, _ int) int { return n }, nil, stream.Named("sessions"))
			stream.Cogroup(grouped(b), same).Aggregate(zero, nil, stream.Named("groups"))
			rows := stream.Table(b, "rows", text, nil)
			stream.JoinTables(rows, stream.Table(b, "others", text, nil), both, nothing, stream.Named("join"))
			stream.MapTableValuesInto(rows, lengthOf, stream.InStore("lengths", serde.String(), serde.Serde[int](nil)), stream.Named("map"))
			g := stream.GroupTableBy(rows, func(k, v string) (string, string) { return k, v }, text)
			stream.AggregateTable(g, zero, same, same, nil, stream.Named("table"))
		}, []string{
			`stream: operator "plain": no value` + infer + in,
			`stream: operator "windows": no value` + infer + in,
			`stream: operator "sessions": no value` + infer + in,
			`stream: operator "groups-cogroup-agg-0": no value` + infer + in,
			`stream: operator "join": no value` + infer + in,
			`stream: operator "map": no value` + infer + in,
			`stream: operator "table": no value` + infer + in,
		}},
		"no serde of a topic in between": {func(b *stream.Builder) {
			s := stream.SelectKey(stream.From(b, "in", text), keyOf)
			stream.JoinTable(s, stream.Table(b, "rows", text, nil), both, nil, stream.Named("join"))
			stream.MapTableValues(stream.Table(b, "others", text, nil), func(string) int { return 0 }).
				Suppress(stream.UntilTimeLimit(time.Second, stream.BufferUnbounded()), stream.Named("suppress"))
		}, []string{
			`stream: operator "join": no key` + infer + with,
			`stream: operator "suppress": no value` + infer + with,
		}},
		"no serde of the result of a foreign-key join": {func(b *stream.Builder) {
			stream.JoinForeignKey(stream.Table(b, "left", text, nil), stream.Table(b, "right", text, nil), referred, both,
				stream.InStore("x", serde.String(), serde.Serde[string](nil)), stream.Named("fk"))
		}, []string{`topology: store: timestamped-key-value store "x" has no serde for its keys or its values: give both`}},
		"windows": {func(b *stream.Builder) {
			stream.WindowedBy(grouped(b), nil).Count(nil, stream.Named("none"))
			stream.SessionWindowedBy(grouped(b), stream.Sessions(-time.Second)).Count(nil, stream.Named("gap"))
			stream.SessionWindowedBy(grouped(b), stream.Sessions(time.Second).Grace(-time.Second)).Count(nil, stream.Named("grace"))
			stream.CogroupWindowedBy(stream.Cogroup(grouped(b), keep), stream.Tumbling(-time.Second)).Aggregate(func() string { return "" }, seen("s"), stream.Named("size"))
		}, []string{
			`stream: operator "none": there are no windows: use Tumbling, Hopping, Sliding or Unlimited`,
			`stream: operator "gap": the gap of the sessions is -1s, at least a millisecond is needed`,
			`stream: operator "grace": the grace period is negative: -1s`,
			`stream: operator "size-cogroup-agg-0": the size of the windows is -1s, at least a millisecond is needed`,
		}},
		"retention": {func(b *stream.Builder) {
			counts := func(name string) *stream.Materialized[string, int64] {
				return stream.InStore(name, serde.String(), serde.Int64()).Retention(-time.Second)
			}
			stream.WindowedBy(grouped(b), stream.Tumbling(time.Second)).Count(counts("a"), stream.Named("windows"))
			grouped(b).Count(counts("b"), stream.Named("count"))
			stream.Table(b, "rows", text, seen("c").Retention(time.Hour), stream.Named("table"))
			stream.Table(b, "others", text, nil).FilterInto(yes, seen("d").Retention(time.Hour), stream.Named("filter"))
			stream.GlobalTable(b, "all", text, seen("e").Retention(time.Hour), stream.Named("global"))
			stream.JoinForeignKey(stream.Table(b, "l", text, nil), stream.Table(b, "r", text, nil), referred, both, seen("f").Retention(time.Hour), stream.Named("fk"))
		}, []string{
			`stream: operator "windows": the store keeps windows for -1s, less than the 1s that they can change: give Retention at least that`,
			`stream: operator "count": ` + expires,
			`stream: operator "table": ` + expires,
			`stream: operator "filter": ` + expires,
			`stream: operator "global": ` + expires,
			`stream: operator "fk-result": ` + expires,
		}},
		"suppress": {func(b *stream.Builder) {
			t := minutes(b)
			t.Suppress(stream.UntilWindowCloses(stream.BufferMaxRecords(3)), stream.Named("early"))
			t.Suppress(stream.UntilTimeLimit(-time.Second, stream.BufferMaxRecords(0)), stream.Named("limit"))
			t.Suppress(stream.UntilTimeLimit(time.Second, stream.BufferUnbounded().MaxBytes(-1)), stream.Named("bytes"))
			t.Suppress(stream.UntilTimeLimit(time.Second, stream.BufferUnbounded()), stream.Partitions(1))
		}, []string{
			`stream: operator "early": a buffer that emits early when it is full has no final results: use BufferUnbounded, or ShutDownWhenFull`,
			`stream: operator "limit": the time limit -1s is negative`,
			`stream: operator "limit": a buffer of at most 0 records holds nothing back`,
			`stream: operator "bytes": a buffer of at most -1 bytes holds nothing back`,
			`stream: operator "KTABLE-SUPPRESS-0000000004": option Partitions does not apply here`,
		}},
		"suppress without windows": {func(b *stream.Builder) {
			stream.Table(b, "rows", text, nil).Filter(yes).Suppress(stream.UntilWindowCloses(stream.BufferUnbounded()), stream.Named("final"))
			byKey := stream.GroupTableBy(minutes(b), func(k stream.Windowed[string], n int64) (string, string) { return k.Key, fmt.Sprint(n) }, text)
			byKey.Count(nil).Suppress(stream.UntilWindowCloses(stream.BufferUnbounded()), stream.Named("grouped"))
		}, []string{
			`stream: operator "final": it waits for windows to close, but its keys, of type string, have none: use stream.UntilTimeLimit`,
			`stream: operator "grouped": it waits for windows to close, but its keys, of type string, have none: use stream.UntilTimeLimit`,
		}},
		"suppress without windows on one side": {func(b *stream.Builder) {
			t := stream.Table(b, "rows", stream.With(stream.TimeWindowed(serde.String(), time.Minute), serde.Int64()), nil)
			stream.JoinTables(minutes(b), t, func(n, _ int64) int64 { return n }, nil).
				SuppressWith(stream.UntilWindowCloses(stream.BufferUnbounded()), stream.With(stream.TimeWindowed(serde.String(), time.Minute), serde.Int64()), stream.Named("final"))
		}, []string{`stream: operator "final": when a window closes is only defined for tables of windowed aggregations, and this one is none: use stream.UntilTimeLimit`}},
		"limit of calls": {func(b *stream.Builder) {
			stream.AsyncMapValues(stream.From(b, "in", text), 0, func(context.Context, textRecord) (string, error) { return "", nil }, stream.Named("calls"))
		}, []string{`stream: operator "calls": a limit of 0 calls at the same time: it must be at least 1`}},
		"stores": {func(b *stream.Builder) {
			b.AddStateStore(store.Windows("size", serde.String(), serde.String(), time.Second, -time.Second))
			b.AddStateStore(store.Windows("short", serde.String(), serde.String(), time.Second, time.Minute))
			b.AddStateStore(store.Sessions("sessions", serde.String(), serde.String(), -time.Second))
			b.AddStateStore(store.VersionedKeyValue("versions", serde.String(), serde.String(), -time.Second))
			b.AddStateStore(store.VersionedKeyValue("segments", serde.String(), serde.String(), time.Hour, store.SegmentInterval(-time.Second)))
			b.AddStateStore(store.KeyValue("few", serde.String(), serde.String(), store.LRU(0)))
			b.AddStateStore(store.KeyValue("keys", serde.Serde[string](nil), serde.String()))
			stream.Process[string, string, string, string](stream.From(b, "in", text), func() *firsts { return &firsts{} },
				stream.OwnStores(store.TimestampedWindows("own", serde.String(), serde.String(), -time.Second, 0)))
		}, []string{
			`topology: store: window store "size" has a window size of -1000 ms: it must not be negative`,
			`topology: store: window store "short" has a retention of 1000 ms, which is less than its window size of 60000 ms`,
			`topology: store: session store "sessions" has a retention of -1000 ms: it must not be negative`,
			`topology: store: versioned-key-value store "versions" has a retention of -1000 ms: it must not be negative`,
			`topology: store: versioned-key-value store "segments" has segments of -1000 ms: it must be at least 1`,
			`topology: store: key-value store "few" is limited to less than one entry: it must have one at least`,
			`topology: store: key-value store "keys" has no serde for its keys or its values: give both`,
			`topology: store: timestamped-window store "own" has a retention of -1000 ms: it must not be negative`,
		}},
		"a join's own store": {func(b *stream.Builder) {
			kept := store.Windows("kept", serde.String(), serde.Serde[string](nil), 2*time.Second, 2*time.Second, store.RetainDuplicates())
			stream.Join(stream.From(b, "l", text), stream.From(b, "r", text), both, stream.TimeDifference(time.Second),
				stream.StreamJoinedWith(serde.String(), serde.String(), serde.String()).ThisStore(kept))
		}, []string{`topology: store: window store "kept" has no serde for its keys or its values: give both`}},
		"builders": {func(b *stream.Builder) {
			o := stream.NewBuilder()
			s := stream.From(b, "in", text)
			s.Merge(stream.From(o, "in", text), stream.Named("merge"))
			stream.JoinTable(s, stream.Table(o, "rows", text, nil), both, nil, stream.Named("join"))
			stream.JoinTable(s, stream.Table(o, "others", text, nil), both, nil)
			stream.JoinForeignKey(stream.Table(b, "l", text, nil), stream.Table(o, "r", text, nil), referred, both, nil, stream.Named("fk"))
			stream.CogroupWith(stream.Cogroup(s.GroupByKey(), keep), grouped(o), keep)
		}, []string{
			`stream: operator "merge": the two streams belong to different builders`,
			`stream: operator "join": stream and table belong to different builders`,
			`stream: operator "KSTREAM-JOIN-0000000003": stream and table belong to different builders`,
			`stream: operator "fk-result": the two tables belong to different builders`,
			`stream: operator "Cogroup": the grouped streams belong to different builders`,
		}},
		"numbers of partitions": {func(b *stream.Builder) {
			l := stream.From(b, "l", text).Repartition(nil, stream.Named("left"), stream.Partitions(2))
			r := stream.From(b, "r", text).Repartition(nil, stream.Named("right"), stream.Partitions(3))
			stream.Join(l, r, both, stream.TimeDifference(time.Second), nil)
		}, []string{`stream: operator "KSTREAM-MERGE-0000000012": repartition topics "left-repartition" (2 partitions) and "right-repartition" (3) are joined and must have the same number of partitions: ` +
			`give both the same stream.Partitions, or one of them none`}},
	} {
		t.Run(name, func(t *testing.T) {
			b := stream.NewBuilder()
			c.program(b)
			_, err := b.Build()
			wantMistakes(t, err, c.want...)
		})
	}
}

func lengthOf(_, v string) int { return len(v) }

// Which stores a processor asks for shows when it begins.
func TestStoreOfAnotherProcessor(t *testing.T) {
	b := stream.NewBuilder()
	s := stream.From(b, "in", text)
	own := store.KeyValue("seen", serde.String(), serde.Int64())
	stream.Process[string, string, string, string](s, func() *firsts { return &firsts{} }, stream.OwnStores(own), stream.Named("owner"))
	stream.Process[string, string, string, string](s, func() *firsts { return &firsts{} }, stream.Named("stranger"))
	_, err := streamtest.NewDriver(built(t, b), streamtest.Config{})
	const want = `processor "stranger" has no access to store "seen": connect the store to the processor, in the DSL with stream.Stores`
	if err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("NewDriver: %v, want %s", err, want)
	}
}
