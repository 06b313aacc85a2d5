package task_test

import (
	"testing"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

func kept(b *stream.Builder) *stream.KTable[int64, int64] {
	return stream.Table(b, "in", numbers(), stream.InStore("rows", serde.Int64(), serde.Int64()).Options(store.InMemory()))
}

func sum(v, w int64) int64 { return v + w }

// The joins that hand out a pointer, for what may be missing, allocate what it points
// to: the user may keep it.
func TestJoinsWithTablesOnKnownKeysDoNotAllocate(t *testing.T) {
	wantNoCost(t, func() *topology.Topology {
		b := stream.NewBuilder()
		s := stream.From(b, "in", numbers())
		rows := s.ToTable(stream.InStore("rows", serde.Int64(), serde.Int64()).Options(store.InMemory()))
		computed := stream.MapTableValues(rows, func(v int64) int64 { return v + 1 })
		stream.JoinTable(s, computed, sum, nil).To("out", numbers())
		return built(t, b)
	})
}

func TestJoinsOfTablesOnKnownKeysDoNotAllocate(t *testing.T) {
	wantNoCost(t, func() *topology.Topology {
		b := stream.NewBuilder()
		rows := kept(b)
		once := stream.JoinTables(rows, stream.MapTableValues(rows, func(v int64) int64 { return v + 1 }), sum, nil)
		stream.JoinTables(once, rows, sum, nil).ToStream().To("out", numbers())
		return built(t, b)
	})
}

func TestGroupingOfATableOnKnownKeysDoesNotAllocate(t *testing.T) {
	wantNoCost(t, func() *topology.Topology {
		b := stream.NewBuilder()
		g := stream.GroupTableBy(kept(b), func(k, v int64) (int64, int64) { return k, v }, numbers())
		g.Reduce(sum, func(v, w int64) int64 { return v - w }, stream.InStore("sums", serde.Int64(), serde.Int64()).Options(store.InMemory()))
		return built(t, b)
	})
}
