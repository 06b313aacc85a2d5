package topology_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream/streamtest"
	"github.com/streamweir/streamweir/topology"
)

// shout forwards each value twice, the second time louder, and tells what its
// context says.
type shout struct {
	pc     *topology.FixedKeyContext[string, string]
	told   *[]any
	closed *bool
}

func (s *shout) Init(pc *topology.FixedKeyContext[string, string]) error {
	s.pc = pc
	store, err := topology.Store[textStore](pc, "latest")
	if err != nil {
		return err
	}
	_, err = pc.Schedule(time.Second, topology.WallClockTime, func(_ context.Context, ts int64) error {
		v, _, err := store.Get("k")
		*s.told = append(*s.told, ts, v)
		return err
	})
	return err
}

func (s *shout) Process(_ context.Context, r topology.FixedKeyRecord[string, string]) error {
	m, ok := s.pc.RecordMetadata()
	*s.told = append(*s.told, r.Key(), r.NullKey(), s.pc.ApplicationID(), s.pc.TaskID(), s.pc.StreamTime(), s.pc.WallClock(), m, ok)
	store, err := topology.Store[textStore](s.pc, "latest")
	if err != nil {
		return err
	}
	s.pc.RequestCommit()
	return errors.Join(store.Put("k", r.Value), s.pc.Forward(r), s.pc.Forward(topology.FixedValue(r, r.Value+"!")))
}

func (s *shout) Close() error { *s.closed = true; return nil }

func TestFixedKeyProcessor(t *testing.T) {
	var told []any
	closed := false
	topo := topology.New()
	addSource(topo, "source", "in")
	topology.AddFixedKeyProcessor[string, string, string](topo, "p", func() *shout { return &shout{told: &told, closed: &closed} }, "source")
	topo.AddStateStore(latest("latest"), "p")
	addSink(topo, "sink", "out", "p")
	d := run(t, topo, streamtest.Config{})
	h := topology.Headers{{Name: "h", Value: []byte("1")}}
	pipe(t, d, "in", text{Key: "k", Value: "hey", Timestamp: 5, Headers: h}, text{NullKey: true, NullValue: true, Timestamp: 6})
	wantRecords(t, d, "out", text{Key: "k", Value: "hey", Timestamp: 5, Headers: h}, text{Key: "k", Value: "hey!", Timestamp: 5, Headers: h},
		text{NullKey: true, NullValue: true, Timestamp: 6}, text{NullKey: true, Value: "!", Timestamp: 6})
	if err := d.Advance(time.Second); err != nil {
		t.Fatal(err)
	}
	at := func(offset int64) topology.RecordMetadata {
		return topology.RecordMetadata{Topic: "in", Offset: offset}
	}
	want := []any{"k", false, "test", "0_0", int64(5), int64(0), at(0), true, "", true, "test", "0_0", int64(6), int64(0), at(1), true, int64(1000), ""}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("the processor saw (-want +got):\n%s", diff)
	}
	if err := d.Close(); err != nil || !closed {
		t.Errorf("Close: %v, the processor is closed: %v", err, closed)
	}
}

// A processor without Close need not be closed.
type silent struct{}

func (silent) Init(*topology.FixedKeyContext[string, int64]) error { return nil }

func (silent) Process(context.Context, topology.FixedKeyRecord[string, string]) error { return nil }

func TestFixedKeyProcessorWithoutClose(t *testing.T) {
	topo := topology.New()
	addSource(topo, "source", "in")
	topology.AddFixedKeyProcessor[string, string, int64](topo, "p", func() silent { return silent{} }, "source")
	topology.AddSink(topo, "sink", topology.Sink[string, int64]{Key: serde.String(), Value: serde.Int64(), Topic: "out"}, "p")
	d := run(t, topo, streamtest.Config{})
	pipe(t, d, "in", text{Key: "k"})
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
