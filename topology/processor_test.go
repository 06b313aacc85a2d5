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

func TestForwardReachesAllChildrenInOrder(t *testing.T) {
	var order []string
	seen := func(name string) proc {
		return proc{process: func(_ *textContext, r text) error { order = append(order, name+" "+r.Value); return nil }}
	}
	topo := topology.New()
	addSource(topo, "source", "in")
	addProc(topo, "p", proc{process: func(pc *textContext, r text) error {
		return errors.Join(pc.Forward(topology.WithValue(r, "1")), pc.Forward(topology.WithValue(r, "2")))
	}}, "source")
	addProc(topo, "b", seen("b"), "p")
	addProc(topo, "a", seen("a"), "p")
	d := run(t, topo, streamtest.Config{})
	pipe(t, d, "in", text{})
	if diff := cmp.Diff([]string{"b 1", "a 1", "b 2", "a 2"}, order); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestForwardToReachesOneChild(t *testing.T) {
	topo := topology.New()
	addSource(topo, "source", "in")
	addProc(topo, "p", proc{process: func(pc *textContext, r text) error { return pc.ForwardTo(r.Key, r) }}, "source")
	addSink(topo, "left", "left", "p")
	addSink(topo, "right", "right", "p")
	d := run(t, topo, streamtest.Config{})
	pipe(t, d, "in", text{Key: "right", Value: "1"}, text{Key: "left", Value: "2"})
	wantRecords(t, d, "left", text{Key: "left", Value: "2"})
	wantRecords(t, d, "right", text{Key: "right", Value: "1"})
	err := streamtest.NewInput(d, "in", serde.String(), serde.String()).PipeAt(0, "middle", "3")
	wantErr(t, err, `task 0_0: node "p": processing of record in-0@2: topology: processor "p" has no child "middle"`)
}

func TestForwardThatIsRefused(t *testing.T) {
	d := run(t, chain(proc{process: func(pc *textContext, r text) error { r.Timestamp = -5; return pc.Forward(r) }}), streamtest.Config{})
	err := streamtest.NewInput(d, "in", serde.String(), serde.String()).Pipe("k", "v")
	wantErr(t, err, `task 0_0: node "p": processing of record in-0@0: topology: processor "p" forwards a record with the negative timestamp -5`)

	forward := func(f func(*textContext) error) error {
		_, err := streamtest.NewDriver(chain(proc{init: f}), streamtest.Config{})
		return err
	}
	want := `task 0_0: processor "p": Init: topology: processor "p" forwards in Init, before its children are ready`
	wantErr(t, forward(func(pc *textContext) error { return pc.Forward(text{}) }), want)
	wantErr(t, forward(func(pc *textContext) error { return pc.ForwardTo("sink", text{}) }), want)
}

func TestPanicWhileATaskIsMadeIsAnError(t *testing.T) {
	_, err := streamtest.NewDriver(chain(proc{init: func(*textContext) error { panic("no config") }}), streamtest.Config{})
	wantErr(t, err, `task 0_0: processor "p": Init: panic: no config`)

	topo := topology.New()
	addSource(topo, "source", "in")
	topology.AddProcessor[string, string, string, string](topo, "p", func() *proc { panic("no config") }, "source")
	_, err = streamtest.NewDriver(topo, streamtest.Config{})
	wantErr(t, err, `task 0_0: node "p": panic: no config`)
}

// What a processor forwards it may change afterwards: the record is a copy.
func TestRecordBelongsToTheProcessor(t *testing.T) {
	topo := topology.New()
	addSource(topo, "source", "in")
	change := proc{process: func(pc *textContext, r text) error {
		r.Value += "!"
		r.Headers = r.Headers.With("changed", nil)
		return pc.Forward(r)
	}}
	addProc(topo, "first", change, "source")
	addProc(topo, "second", change, "source")
	addSink(topo, "sink", "out", "first", "second")
	d := run(t, topo, streamtest.Config{})
	headers := append(make(topology.Headers, 0, 8), topology.Header{Name: "h", Value: []byte("1")})
	pipe(t, d, "in", text{Key: "k", Value: "v", Headers: headers})
	want := text{Key: "k", Value: "v!", Headers: topology.Headers{{Name: "h", Value: []byte("1")}, {Name: "changed"}}}
	wantRecords(t, d, "out", want, want)
}

// For a type that has a nil, forwarding nil is enough to make null; for others the
// bits are.
func TestForwardedNulls(t *testing.T) {
	topo := topology.New()
	addSource(topo, "source", "in")
	topology.AddProcessor[string, string, []byte, string](topo, "p", func() *nuller { return &nuller{} }, "source")
	topology.AddSink(topo, "sink", topology.Sink[[]byte, string]{Key: serde.Bytes(), Value: serde.String(), Topic: "out"}, "p")
	d := run(t, topo, streamtest.Config{})
	pipe(t, d, "in", text{Key: "k", Value: "v"})
	wantRecords(t, d, "out", text{NullKey: true, Value: "v"}, text{NullKey: true, NullValue: true}, text{Key: "", Value: ""})
}

type nuller struct {
	pc *topology.Context[[]byte, string]
}

func (n *nuller) Init(pc *topology.Context[[]byte, string]) error { n.pc = pc; return nil }

func (n *nuller) Process(_ context.Context, r text) error {
	out := topology.Record[[]byte, string]{Value: r.Value}
	bits := topology.Record[[]byte, string]{Key: []byte("ignored"), NullKey: true, Value: "ignored", NullValue: true}
	return errors.Join(n.pc.Forward(out), n.pc.Forward(bits), n.pc.Forward(topology.Record[[]byte, string]{Key: []byte{}}))
}

func TestContextTellsWhereAndWhen(t *testing.T) {
	type told struct {
		App, Task              string
		StreamTime, WallClock  int64
		Metadata               topology.RecordMetadata
		HasMetadata, Cancelled bool
	}
	var got []told
	tell := func(ctx context.Context, pc *textContext) {
		m, ok := pc.RecordMetadata()
		got = append(got, told{pc.ApplicationID(), pc.TaskID(), pc.StreamTime(), pc.WallClock(), m, ok, ctx.Err() != nil})
	}
	d := run(t, chain(proc{
		init: func(pc *textContext) error {
			_, err := pc.Schedule(time.Minute, topology.WallClockTime, func(ctx context.Context, _ int64) error { tell(ctx, pc); return nil })
			tell(context.Background(), pc)
			return err
		},
		process: func(pc *textContext, _ text) error { tell(context.Background(), pc); return nil },
	}), streamtest.Config{ApplicationID: "shop", Start: time.UnixMilli(1000)})
	pipe(t, d, "in", text{Timestamp: 70}, text{Timestamp: 50})
	if err := d.Advance(time.Minute); err != nil {
		t.Fatal(err)
	}
	in := func(offset int64) topology.RecordMetadata {
		return topology.RecordMetadata{Topic: "in", Offset: offset}
	}
	want := []told{
		{"shop", "0_0", -1, 1000, topology.RecordMetadata{}, false, false},
		{"shop", "0_0", 70, 1000, in(0), true, false},
		{"shop", "0_0", 70, 1000, in(1), true, false},
		{"shop", "0_0", 70, 61000, topology.RecordMetadata{}, false, false},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("contexts (-want +got):\n%s", diff)
	}
}

func TestProcessorIsClosedWithItsTask(t *testing.T) {
	closed := 0
	errClose := errors.New("cannot let go")
	d := run(t, chain(proc{close: func() error { closed++; return errClose }}), streamtest.Config{})
	if closed != 0 {
		t.Fatal("the processor was closed before its task")
	}
	if err := d.Close(); !errors.Is(err, errClose) || closed != 1 {
		t.Errorf("Close returned %v and closed the processor %d times, want its error and once", err, closed)
	}
}

// Each task has an instance of its own.
func TestSupplierIsCalledForEachTask(t *testing.T) {
	calls := 0
	topo := topology.New()
	addSource(topo, "source", "in")
	topology.AddProcessor[string, string, string, string](topo, "p", func() *proc { calls++; return &proc{} }, "source")
	for want := 1; want <= 2; want++ {
		run(t, topo, streamtest.Config{})
		if calls != want {
			t.Errorf("%d tasks have %d instances", want, calls)
		}
	}
}
