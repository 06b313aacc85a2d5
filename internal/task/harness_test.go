package task_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/internal/state"
	"github.com/streamweir/streamweir/internal/task"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/topology"
)

// rig steps a task as a driver does, with time and output in the test's hands.
type rig struct {
	*task.Task
	t   *testing.T
	cfg task.Config
	out *output
	now int64
}

// newRig starts a task of the whole topology with partition 0 of each of its
// topics as inputs. configure may change its configuration.
func newRig(t *testing.T, topo *topology.Topology, configure ...func(*task.Config)) *rig {
	t.Helper()
	r := wireRig(t, topo, configure...)
	r.start()
	return r
}

func wireRig(t *testing.T, topo *topology.Topology, configure ...func(*task.Config)) *rig {
	t.Helper()
	if err := topo.Validate(); err != nil {
		t.Fatal(err)
	}
	sub := topo.Graph().Whole()
	set, err := state.Open(state.Config{Stores: sub.StoreSpecs(), Opener: store.Memory(), Dir: "memory"})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, out: &output{partitions: 1}}
	r.cfg = task.Config{Sub: sub, Topics: topo.Graph().Topics("app"), Output: r.out, Stores: set, MaxIdle: -1}
	for _, topic := range sub.Sources(nil) {
		r.cfg.Inputs = append(r.cfg.Inputs, task.Input{Partition: part(r.cfg.Topics.Name(topic)), Time: -1})
	}
	for _, f := range configure {
		f(&r.cfg)
	}
	if r.Task, err = task.New(r.cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(r.Close(), set.Close()); err != nil {
			t.Error(err)
		}
	})
	return r
}

func part(topic string) record.Partition { return record.Partition{Topic: topic} }

func (r *rig) start() {
	r.t.Helper()
	if err := r.Start(context.Background(), r.now); err != nil {
		r.t.Fatal(err)
	}
}

// add queues records of partition 0 of a topic: key, value, key, value. Offsets
// and timestamps go on where the topic's last batch ended.
func (r *rig) add(topic string, pairs ...string) {
	r.t.Helper()
	var records []record.Record
	at := r.Offsets()[part(topic)].Offset + int64(r.Queued(part(topic)))
	for i := 0; i < len(pairs); i += 2 {
		n := at + int64(i/2)
		records = append(records, record.Record{Key: []byte(pairs[i]), Value: []byte(pairs[i+1]), Offset: n, Timestamp: n})
	}
	r.addRecords(topic, records...)
}

// addTo adds a record to a topic and processes it.
func (r *rig) addTo(topic string, at int64, key, value string) {
	r.t.Helper()
	r.addRecords(topic, record.Record{Key: []byte(key), Value: []byte(value), Timestamp: at, Offset: r.Offsets()[part(topic)].Offset})
	r.process()
}

// committedOffsets are those that a reset goes back to.
func (r *rig) committedOffsets() []int64 {
	var at []int64
	for _, in := range r.cfg.Inputs {
		at = append(at, r.Offsets()[in.Partition].Offset)
	}
	return at
}

func (r *rig) addRecords(topic string, records ...record.Record) {
	r.t.Helper()
	next := records[len(records)-1].Offset + 1
	if _, err := r.Add(task.Batch{Partition: part(topic), Records: records, Next: next, End: next}); err != nil {
		r.t.Fatal(err)
	}
}

// process processes all that can be processed, and expects no error.
func (r *rig) process() int {
	r.t.Helper()
	n, err := r.Process(context.Background(), r.now, 1000)
	if err != nil {
		r.t.Fatal(err)
	}
	return n
}

// fails processes and expects an error.
func (r *rig) fails() error {
	r.t.Helper()
	_, err := r.Process(context.Background(), r.now, 1000)
	if err == nil {
		r.t.Fatal("Process returned no error")
	}
	return err
}

func (r *rig) flush() {
	r.t.Helper()
	if err := r.Flush(context.Background(), r.now); err != nil {
		r.t.Fatal(err)
	}
}

// commit flushes and commits.
func (r *rig) commit() {
	r.t.Helper()
	r.flush()
	r.Committed(r.out.next)
}

// punctuate moves the wall clock to now.
func (r *rig) punctuate(now int64) {
	r.t.Helper()
	r.now = now
	if err := r.Punctuate(context.Background(), now); err != nil {
		r.t.Fatal(err)
	}
}

// reset starts the task anew at the given offsets of its inputs.
func (r *rig) reset(offsets ...int64) {
	r.t.Helper()
	inputs := make([]task.Input, len(offsets))
	for i, at := range offsets {
		inputs[i] = task.Input{Partition: r.cfg.Inputs[i].Partition, Offset: at, Time: -1}
	}
	if err := r.Reset(inputs); err != nil {
		r.t.Fatal(err)
	}
	r.start()
}

// wantOut checks what was sent since the last call.
func (r *rig) wantOut(want ...string) {
	r.t.Helper()
	if diff := cmp.Diff(want, r.out.take()); diff != "" {
		r.t.Errorf("output (-want +got):\n%s", diff)
	}
}

// wantStats checks the counters.
func (r *rig) wantStats(want task.Stats) {
	r.t.Helper()
	if diff := cmp.Diff(want, r.Stats()); diff != "" {
		r.t.Errorf("stats (-want +got):\n%s", diff)
	}
}

// output keeps what a task sends.
type output struct {
	partitions int32 // of every topic
	lines      []string
	records    []record.Record
	ends       map[record.Partition]int64
	err        error // of Send, if it is set
}

func (o *output) Partitions(string) (int32, error) { return o.partitions, nil }

func (o *output) Send(topic string, partition int32, key, value []byte, timestamp int64, headers []serde.Header) error {
	if o.err != nil {
		return o.err
	}
	line := fmt.Sprintf("%s-%d %s=%s @%d", topic, partition, text(key), text(value), timestamp)
	for _, h := range headers {
		line += fmt.Sprintf(" %s:%s", h.Name, h.Value)
	}
	o.lines = append(o.lines, line)
	o.records = append(o.records, record.Record{Key: bytes.Clone(key), Value: bytes.Clone(value), Timestamp: timestamp, Headers: headers})
	if o.ends == nil {
		o.ends = map[record.Partition]int64{}
	}
	o.ends[record.Partition{Topic: topic, ID: partition}]++
	return nil
}

// next is what Committed asks the driver: the offset behind the last record.
func (o *output) next(p record.Partition) (int64, bool) {
	n, ok := o.ends[p]
	return n, ok
}

func (o *output) take() []string {
	lines := o.lines
	o.lines = nil
	return lines
}

// text shows bytes as they are, null as null, and what is not printable in hex.
func text(b []byte) string {
	switch {
	case b == nil:
		return "null"
	case strings.ContainsFunc(string(b), func(r rune) bool { return r < ' ' || r > '~' }):
		return fmt.Sprintf("%x", b)
	default:
		return string(b)
	}
}

// words is a serde of strings. It cannot decode "bad", nor encode "unspeakable",
// and decodes nothing of a topic that is down.
type words struct {
	down  map[string]bool
	topic string
}

var (
	errBad  = errors.New("no word")
	errDown = fmt.Errorf("the registry does not answer: %w", serde.ErrRetriable)
)

func (w words) Bind(topic string, _ serde.Role) (serde.Codec[string], error) {
	return words{w.down, topic}, nil
}

func (w words) Append(dst []byte, v string) ([]byte, error) {
	if v == "unspeakable" {
		return dst, errBad
	}
	return append(dst, v...), nil
}

func (w words) Decode(b []byte) (string, error) {
	switch {
	case w.down[w.topic]:
		return "", errDown
	case string(b) == "bad":
		return "", errBad
	}
	return string(b), nil
}

type (
	procContext = topology.Context[string, string]
	word        = topology.Record[string, string]
)

// proc is a processor made of functions, each of which may be nil. One that has
// no process forwards what it gets.
type proc struct {
	pc      *procContext
	init    func(p *proc) error
	process func(p *proc, r word) error
	close   func() error
}

func (p *proc) Init(pc *procContext) error {
	p.pc = pc
	if p.init == nil {
		return nil
	}
	return p.init(p)
}

func (p *proc) Process(_ context.Context, r word) error {
	if p.process == nil {
		return p.pc.Forward(r)
	}
	return p.process(p, r)
}

func (p *proc) Close() error {
	if p.close == nil {
		return nil
	}
	return p.close()
}

// chain is a topology: in -> p -> out. supplier may be nil.
func chain(supplier func() *proc, stores ...store.Builder) *topology.Topology {
	if supplier == nil {
		supplier = func() *proc { return &proc{} }
	}
	topo := topology.New()
	topology.AddSource(topo, "source", topology.Source[string, string]{Key: words{}, Value: words{}, Topics: []string{"in"}})
	topology.AddProcessor[string, string, string, string](topo, "p", supplier, "source")
	topology.AddSink(topo, "sink", topology.Sink[string, string]{Key: words{}, Value: words{}, Topic: "out"}, "p")
	for _, s := range stores {
		topo.AddStateStore(s, "p")
	}
	return topo
}

// chainOf is chain with a processor that is one function.
func chainOf(process func(p *proc, r word) error, stores ...store.Builder) *topology.Topology {
	return chain(func() *proc { return &proc{process: process} }, stores...)
}

// handle is a configuration with an error handler that answers with actions, one
// after the other, and Fail after them. It keeps the errors it was asked about.
type handle struct {
	actions []topology.Action
	asked   []*topology.ProcessingError
}

func (h *handle) configure(c *task.Config) {
	c.DeadLetterTopic = "dead"
	c.Handler = func(_ context.Context, e *topology.ProcessingError) topology.Action {
		h.asked = append(h.asked, e)
		if len(h.actions) == 0 {
			return topology.Fail
		}
		a := h.actions[0]
		h.actions = h.actions[1:]
		return a
	}
}
