package topology_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream/streamtest"
	"github.com/streamweir/streamweir/topology"
)

type (
	text        = topology.Record[string, string]
	textContext = topology.Context[string, string]
	textSource  = topology.Source[string, string]
	textSink    = topology.Sink[string, string]
)

// proc is a processor made of functions, each of which may be nil. One that has
// no process forwards what it gets.
type proc struct {
	pc      *textContext
	init    func(pc *textContext) error
	process func(pc *textContext, r text) error
	close   func() error
}

func (p *proc) Init(pc *textContext) error {
	p.pc = pc
	if p.init == nil {
		return nil
	}
	return p.init(pc)
}

func (p *proc) Process(_ context.Context, r text) error {
	if p.process == nil {
		return p.pc.Forward(r)
	}
	return p.process(p.pc, r)
}

func (p *proc) Close() error {
	if p.close == nil {
		return nil
	}
	return p.close()
}

func addSource(topo *topology.Topology, name, topic string) {
	topology.AddSource(topo, name, textSource{Key: serde.String(), Value: serde.String(), Topics: []string{topic}})
}

func addProc(topo *topology.Topology, name string, p proc, parents ...string) {
	topology.AddProcessor[string, string, string, string](topo, name, func() *proc { c := p; return &c }, parents...)
}

func addSink(topo *topology.Topology, name, topic string, parents ...string) {
	topology.AddSink(topo, name, textSink{Key: serde.String(), Value: serde.String(), Topic: topic}, parents...)
}

// chain is in -> p -> out.
func chain(p proc) *topology.Topology {
	topo := topology.New()
	addSource(topo, "source", "in")
	addProc(topo, "p", p, "source")
	addSink(topo, "sink", "out", "p")
	return topo
}

// run starts a topology until the end of the test.
func run(t *testing.T, topo *topology.Topology, cfg streamtest.Config) *streamtest.Driver {
	t.Helper()
	d, err := streamtest.NewDriver(topo, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() }) // its error is looked at by the tests of Close
	return d
}

// pipe gives records to a topic, and expects no error.
func pipe(t *testing.T, d *streamtest.Driver, topic string, records ...text) {
	t.Helper()
	in := streamtest.NewInput(d, topic, serde.String(), serde.String())
	for _, r := range records {
		if err := in.PipeRecord(r); err != nil {
			t.Fatal(err)
		}
	}
}

// wantRecords checks all records of a topic.
func wantRecords(t *testing.T, d *streamtest.Driver, topic string, want ...text) {
	t.Helper()
	got, err := streamtest.NewOutput(d, topic, serde.String(), serde.String()).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("topic %s (-want +got):\n%s", topic, diff)
	}
}

// wantErr checks that an error is there with a text.
func wantErr(t *testing.T, err error, want string) {
	t.Helper()
	if got := fmt.Sprint(err); got != want {
		t.Errorf("error\n got %s\nwant %s", got, want)
	}
}
