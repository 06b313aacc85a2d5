package stream_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/streamtest"
	"github.com/streamweir/streamweir/topology"
)

// bag is a value that is read into the one before; bags counts how often, and spoils
// the one before, so that whoever still has it notices.
type bag struct {
	N     int
	Words []string
}

type bags struct{ reused, copied *int }

func (s bags) Bind(string, serde.Role) (serde.Codec[*bag], error) {
	if s.copied != nil {
		return copier{s}, nil
	}
	return s, nil
}

// copier takes over encodings, and counts that.
type copier struct{ bags }

func (c copier) AppendCopy(dst, data []byte, codec any) ([]byte, bool, error) {
	if _, ok := codec.(copier); !ok {
		return dst, false, nil
	}
	*c.copied++
	return append(dst, data...), true, nil
}

func (bags) Append(dst []byte, b *bag) ([]byte, error) {
	return fmt.Appendf(dst, "%d %s", b.N, strings.Join(b.Words, " ")), nil
}

func (bags) Decode(data []byte) (*bag, error) {
	words := strings.Fields(string(data))
	b := &bag{Words: words[1:]}
	_, err := fmt.Sscan(words[0], &b.N)
	return b, err
}

func (s bags) DecodeInto(old *bag, data []byte) (*bag, error) {
	if old != nil {
		*s.reused++
		old.N = -1 << 40
		for i := range old.Words {
			old.Words[i] = "spoilt"
		}
	}
	return s.Decode(data)
}

// scribe changes a table behind its back.
type scribe struct {
	table string
	sums  store.TimestampedKeyValueStore[string, *bag]
}

func (s *scribe) Init(out *topology.Context[string, string]) (err error) {
	s.sums, err = topology.Store[store.TimestampedKeyValueStore[string, *bag]](out, s.table)
	return err
}

func (s *scribe) Process(_ context.Context, r topology.Record[string, *bag]) error {
	if r.Value.N%3 != 0 {
		return nil
	}
	return s.sums.Put(fmt.Sprint("k", r.Value.N%5), store.ValueAndTimestamp[*bag]{Value: &bag{N: r.Value.N % 7, Words: []string{"x"}}, Timestamp: r.Timestamp})
}

// everything has one of each kind of operator behind a source and aggregations.
func everything(t *testing.T, reuse bool, values bags) *topology.Topology {
	t.Helper()
	b := stream.NewBuilder()
	key := serde.String()
	with, kept := stream.With(key, values), func(name string) *stream.Materialized[string, *bag] { return stream.InStore(name, key, values) }
	if reuse {
		with = with.ReuseValues()
		plain := kept
		kept = func(name string) *stream.Materialized[string, *bag] { return plain(name).ReuseValues() }
	}
	out := stream.With(key, values)
	add := func(_ string, v, a *bag) *bag {
		a.N += v.N
		a.Words = append(a.Words[max(0, len(a.Words)-2):], v.Words...)
		return a
	}
	empty := func() *bag { return &bag{} }
	both := func(l, r *bag) *bag { return &bag{l.N*1000 + r.N, slices.Concat(l.Words, r.Words)} }

	in := stream.From(b, "in", with)
	even := in.Filter(func(_ string, v *bag) bool { return v.N%2 == 0 })
	sum := stream.Aggregate(in.GroupByKey(), empty, add, kept("sum"))
	sum.ToStream().To("sums", out)
	sum.Suppress(stream.UntilTimeLimit(20*time.Millisecond, stream.BufferUnbounded())).ToStream().To("late-sums", out)
	stream.JoinTable(even, sum, both, nil).To("joined", out)

	// The first child writes to a store that is cached: what the cache gives up then comes
	// by the aggregation again, before its second child's turn.
	second := stream.Aggregate(sum.ToStream().GroupByKey(), empty, add, kept("second").Options(store.NotCached()))
	stream.Process(second.ToStream(), func() *scribe { return &scribe{table: "sum"} }, stream.Stores("sum"))
	second.ToStream().To("second", out)

	// The first child writes to the table's store before the second one sends.
	third := stream.Aggregate(even.GroupByKey(), empty, add, kept("third").Options(store.NotCached())).ToStream()
	stream.Process(third, func() *scribe { return &scribe{table: "third"} }, stream.Stores("third"))
	third.To("third", out)

	shown := stream.Aggregate(even.GroupByKey(), empty, add, kept("shown"))
	byWord := stream.GroupTableBy(shown, func(_ string, v *bag) (string, *bag) { return fmt.Sprint(len(v.Words)), v }, out)
	stream.AggregateTable(byWord, empty, add, func(_ string, v, a *bag) *bag { a.N -= v.N; return a }, stream.InStore("words", key, values)).ToStream().To("words", out)
	stream.JoinTables(sum, shown, both, nil).ToStream().To("tables", out)

	even.GroupByKey().Reduce(func(sofar, v *bag) *bag { return add("", v, sofar) }, kept("reduced")).ToStream().To("reduced", out)
	stream.Join(in, even, both, stream.TimeDifference(10*time.Millisecond), stream.StreamJoinedWith(key, values, values)).To("pairs", out)
	windows := stream.AggregateWindows(stream.WindowedBy(in.GroupByKey(), stream.Tumbling(30*time.Millisecond)), empty, add, kept("windows"))
	windows.ToStream().To("windows", stream.With(stream.TimeWindowed(key, 30*time.Millisecond), values))
	stream.SelectKey(windows.Suppress(stream.UntilWindowCloses(stream.BufferUnbounded())).ToStream(), func(w stream.Windowed[string], _ *bag) string { return w.Key }).To("closed", out)
	stream.AggregateSessions(stream.SessionWindowedBy(in.GroupByKey(), stream.Sessions(5*time.Millisecond)), empty, add,
		func(k string, x, y *bag) *bag { return add(k, y, x) }, kept("sessions")).ToStream().To("sessions", stream.With(stream.SessionWindowed(key), values))
	stream.Deduplicate(in, 10*time.Millisecond, func(_ string, v *bag) string { return v.Words[0] }, key).To("unique", out)
	again := in.Repartition(out, stream.Named("again"))
	stream.Aggregate(again.GroupByKey(), empty, add, kept("again-sum")).ToStream().To("again", out)

	topo, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return topo
}

// TestReusedAndCopiedValuesMakeNoDifference reads into spoilt values, and copies encodings
// instead of encoding, wherever operators allow it, with and without record cache and
// commits between.
func TestReusedAndCopiedValuesMakeNoDifference(t *testing.T) {
	run := func(reuse bool, cfg streamtest.Config) (log []string, reused, copied int) {
		values := bags{reused: &reused}
		if reuse {
			values.copied = &copied
		}
		d, err := streamtest.NewDriver(everything(t, reuse, values), cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		in := streamtest.NewInput(d, "in", serde.String(), serde.Serde[*bag](values)).AutoAdvance(time.Millisecond)
		r := rand.New(rand.NewPCG(1, 2))
		for range 300 {
			v := &bag{N: r.IntN(100), Words: []string{"a", "b", "c", "d"}[:1+r.IntN(4)]}
			if err := in.Pipe(fmt.Sprint("k", r.IntN(4)), v); err != nil {
				t.Fatal(err)
			}
			if r.IntN(10) == 0 {
				in.Advance(50 * time.Millisecond)
				if err := d.Advance(50 * time.Millisecond); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, topic := range d.Topics() {
			records, err := streamtest.NewOutput(d, topic, serde.Bytes(), serde.Bytes()).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range records {
				log = append(log, fmt.Sprintf("%s %s: %s @%d", topic, r.Key, r.Value, r.Timestamp))
			}
		}
		return log, reused, copied
	}
	for name, cfg := range map[string]streamtest.Config{
		"plain":      {},
		"cache":      {CacheMaxBytes: 900, Partitions: 1, CommitInterval: 40 * time.Millisecond},
		"partitions": {Partitions: 3, CommitInterval: 40 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			want, none, _ := run(false, cfg)
			got, reused, copied := run(true, cfg)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if len(want) < 2000 || none != 0 || reused < 400 || copied < 400 {
				t.Errorf("%d records, %d values used again with ReuseValues and %d without, %d copied", len(want), reused, none, copied)
			}
		})
	}
}

func TestMistakesWithReusedValues(t *testing.T) {
	values := bags{reused: new(int)}
	with, plain := stream.With(serde.String(), values).ReuseValues(), stream.With(serde.String(), values)
	wait := func(s *stream.KStream[string, *bag]) {
		stream.AsyncMapValues(s, 2, func(_ context.Context, r topology.Record[string, *bag]) (*bag, error) { return r.Value, nil }, stream.Named("wait"))
	}
	sum := func(s *stream.KStream[string, *bag]) *stream.KTable[string, *bag] {
		keep := func(_, v *bag) *bag { return v }
		return s.GroupByKey().Reduce(keep, stream.InStore("sum", serde.String(), values).ReuseValues())
	}
	const waits = `stream: operator "wait": AsyncMapValues keeps values while others are read, and a source or an aggregation before it has ReuseValues, which overwrites them: leave that out`
	for name, c := range map[string]struct {
		program func(b *stream.Builder)
		want    string // "": no error
	}{
		"behind a source": {func(b *stream.Builder) {
			wait(stream.From(b, "in", with).Filter(func(string, *bag) bool { return true }))
		}, waits},
		"behind an aggregation": {func(b *stream.Builder) { wait(sum(stream.From(b, "in", plain)).ToStream()) }, waits},
		"behind a repartition":  {func(b *stream.Builder) { wait(stream.From(b, "in", with).Repartition(plain)) }, ""},
		"behind many ways from a source without": {func(b *stream.Builder) {
			s := stream.From(b, "in", plain)
			for range 40 {
				s = s.Merge(s.Filter(func(string, *bag) bool { return true }))
			}
			wait(s)
		}, ""},
		"of one of two": {func(b *stream.Builder) {
			stream.From(b, "in", with, stream.Named("first"))
			stream.From(b, "in", plain, stream.Named("second"))
		}, `stream: sources "first" and "second": they read the same topics, one of them with ReuseValues: give it to both, or to none`},
	} {
		t.Run(name, func(t *testing.T) {
			b := stream.NewBuilder()
			c.program(b)
			_, err := b.Build()
			if got := fmt.Sprint(err); err == nil && c.want != "" || err != nil && got != c.want {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}
