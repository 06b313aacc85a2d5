package task_test

import (
	"context"
	"testing"

	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/internal/task"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

// sink is an output that takes everything and keeps nothing.
type sink struct{ records int }

func (*sink) Partitions(string) (int32, error) { return 8, nil }

func (s *sink) Send(string, int32, []byte, []byte, int64, []serde.Header) error {
	s.records++
	return nil
}

// costs returns how many allocations processing a batch of n records costs, the
// Add and the queue's included.
func costs(t *testing.T, topo *topology.Topology, n int) float64 {
	t.Helper()
	out := &sink{}
	r := newRig(t, topo, func(c *task.Config) { c.Output = out })
	records := make([]record.Record, n)
	for i := range records {
		records[i] = record.Record{Key: []byte{0, 0, 0, 0, 0, 0, 0, byte(i % 7)}, Value: []byte{0, 0, 0, 0, 0, 0, 0, 1}, Timestamp: int64(i)}
	}
	next := int64(0)
	return testing.AllocsPerRun(20, func() {
		before := out.records
		for i := range records {
			records[i].Offset = next
			next++
		}
		if _, err := r.Add(task.Batch{Partition: part("in"), Records: records, Next: next, End: next}); err != nil {
			t.Fatal(err)
		}
		done, err := r.Process(context.Background(), 0, n)
		if err != nil || done != n || out.records < before+n {
			t.Fatalf("%d records processed, %d sent, %v", done, out.records-before, err)
		}
	})
}

// wantNoCost checks that a batch costs the same number of allocations however many
// records are in it.
func wantNoCost(t *testing.T, build func() *topology.Topology) {
	t.Helper()
	few, many := costs(t, build(), 10), costs(t, build(), 1010)
	if many != few {
		t.Errorf("1,000 more records in a batch cost %v allocations: %v with 10, %v with 1,010", many-few, few, many)
	}
	if few > 2 {
		t.Errorf("a batch of 10 records costs %v allocations, want at most 2", few)
	}
}

func numbers() *stream.Serdes[int64, int64] { return stream.With(serde.Int64(), serde.Int64()) }

func built(t *testing.T, b *stream.Builder) *topology.Topology {
	t.Helper()
	topo, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return topo
}

// The promise of DESIGN.md: a record costs the codec, the store and the network.
func TestStatelessOperatorsDoNotAllocate(t *testing.T) {
	wantNoCost(t, func() *topology.Topology {
		b := stream.NewBuilder()
		seen := int64(0)
		s := stream.From(b, "in", numbers()).Filter(func(k, _ int64) bool { return k >= 0 })
		mapped := stream.MapValues(s, func(v int64) int64 { return v + 1 }).Peek(func(_, v int64) { seen += v })
		keyed := stream.SelectKey(mapped, func(k, v int64) int64 { return k + v })
		branches := keyed.Split()
		odd := branches.Branch(func(k, _ int64) bool { return k%2 == 1 })
		odd.Merge(branches.Default()).To("out", numbers())
		return built(t, b)
	})
}

// adder is a processor that forwards each value and the one after it.
type adder struct {
	pc *topology.Context[int64, int64]
}

func (a *adder) Init(pc *topology.Context[int64, int64]) error { a.pc = pc; return nil }

func (a *adder) Process(_ context.Context, r topology.Record[int64, int64]) error {
	if err := a.pc.Forward(r); err != nil {
		return err
	}
	return a.pc.Forward(topology.WithValue(r, r.Value+1))
}

func TestProcessorsDoNotAllocate(t *testing.T) {
	wantNoCost(t, func() *topology.Topology {
		b := stream.NewBuilder()
		s := stream.Process(stream.From(b, "in", numbers()), func() *adder { return &adder{} })
		s.To("out", numbers())
		return built(t, b)
	})
}

// A store in memory copies values into memory that it uses again, so that a key
// that is there costs nothing either; nor does its changelog record.
func TestCountOfKnownKeysDoesNotAllocate(t *testing.T) {
	wantNoCost(t, func() *topology.Topology {
		b := stream.NewBuilder()
		counts := stream.From(b, "in", numbers()).GroupByKey().
			Count(stream.InStore("counts", serde.Int64(), serde.Int64()).Options(store.InMemory()))
		counts.ToStream().To("out", numbers())
		return built(t, b)
	})
}

func TestTableOperatorsOnKnownKeysDoNotAllocate(t *testing.T) {
	wantNoCost(t, func() *topology.Topology {
		b := stream.NewBuilder()
		rows := stream.Table(b, "in", numbers(), stream.InStore("rows", serde.Int64(), serde.Int64()).Options(store.InMemory()))
		mapped := stream.MapTableValues(rows.Filter(func(_, v int64) bool { return v > 0 }), func(v int64) int64 { return v + 1 })
		mapped.ToStream().To("out", numbers())
		return built(t, b)
	})
}

func TestDynamicSinkAndPartitionerDoNotAllocate(t *testing.T) {
	wantNoCost(t, func() *topology.Topology {
		b := stream.NewBuilder()
		one := []int32{1}
		s := stream.From(b, "in", numbers())
		s.ToDynamic("parity", func(r topology.Record[int64, int64]) string {
			if r.Key%2 == 0 {
				return "even"
			}
			return "odd"
		}, numbers().Partitioner(func(string, topology.Record[int64, int64], int32) ([]int32, bool) { return one, true }))
		return built(t, b)
	})
}
