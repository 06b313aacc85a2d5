package topology_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream/streamtest"
	"github.com/streamweir/streamweir/topology"
)

type (
	voidContext = topology.Context[topology.Void, topology.Void]
	textView    = store.ReadOnlyKeyValueStore[string, string]
)

// keeper puts what it gets into a store.
type keeper struct {
	name  string
	init  func(pc *voidContext) error
	store textStore
}

func (k *keeper) Init(pc *voidContext) (err error) {
	if k.init != nil {
		return k.init(pc)
	}
	k.store, err = topology.Store[textStore](pc, k.name)
	return err
}

func (k *keeper) Process(_ context.Context, r text) error {
	if r.Value == "bad" {
		return errors.New("refused")
	}
	if r.NullValue {
		_, _, err := k.store.Delete(r.Key)
		return err
	}
	return k.store.Put(r.Key, r.Value)
}

func textOf(topics ...string) textSource {
	return textSource{Key: serde.String(), Value: serde.String(), Topics: topics}
}

func addGlobal(topo *topology.Topology, name, topic string) {
	topology.AddGlobalStore(topo, latest(name), name+"-source", textOf(topic), name+"-keeper", func() *keeper { return &keeper{name: name} })
}

// looks forwards what the store has of each record's key.
func looks(name string) proc {
	return proc{process: func(pc *textContext, r text) error {
		s, err := topology.Store[textView](pc, name)
		if err != nil {
			return err
		}
		v, ok, err := s.Get(r.Key)
		if !ok {
			v = "none"
		}
		if err != nil {
			return err
		}
		return pc.Forward(topology.WithValue(r, v))
	}}
}

func TestGlobalStoreIsReadByEveryProcessor(t *testing.T) {
	topo := chain(looks("g"))
	addGlobal(topo, "g", "glob")
	d := run(t, topo, streamtest.Config{})
	pipe(t, d, "in", text{Key: "a", Value: "?"})
	pipe(t, d, "glob", text{Key: "a", Value: "1"}, text{Key: "b", Value: "2"})
	pipe(t, d, "in", text{Key: "a", Value: "?"}, text{Key: "b", Value: "?"})
	pipe(t, d, "glob", text{Key: "a", NullValue: true})
	pipe(t, d, "in", text{Key: "a", Value: "?"})
	wantRecords(t, d, "out", text{Key: "a", Value: "none"}, text{Key: "a", Value: "1"}, text{Key: "b", Value: "2"}, text{Key: "a", Value: "none"})
	if s, err := streamtest.Store[textStore](d, "g"); err != nil {
		t.Error(err)
	} else if v, _, err := s.Get("b"); v != "2" || err != nil {
		t.Errorf("the driver reads %q, %v", v, err)
	}
}

// A global store is no KeyValueStore to those who only read it.
func TestGlobalStoreIsReadOnly(t *testing.T) {
	topo := chain(opens[textStore]("g"))
	addGlobal(topo, "g", "glob")
	_, err := streamtest.NewDriver(topo, streamtest.Config{})
	if err == nil || !strings.Contains(err.Error(), `store "g" is a`) {
		t.Errorf("NewDriver: %v, want an error about the type of the store", err)
	}
}

func TestProcessorOfAGlobalStoreMayNot(t *testing.T) {
	every := func(by topology.Punctuation) func(*voidContext) error {
		return func(pc *voidContext) error {
			_, err := pc.Schedule(time.Second, by, func(context.Context, int64) error { return nil })
			return err
		}
	}
	for name, init := range map[string]func(*voidContext) error{"schedule by stream time": every(topology.StreamTime), "schedule by the wall clock": every(topology.WallClockTime)} {
		topo := chain(proc{})
		topology.AddGlobalStore(topo, latest("g"), "gs", textOf("glob"), "gp", func() *keeper { return &keeper{init: init} })
		if _, err := streamtest.NewDriver(topo, streamtest.Config{}); err == nil || !strings.Contains(err.Error(), `"gp"`) {
			t.Errorf("%s: %v, want an error that names the processor", name, err)
		}
	}
}

// A record that the processor refuses is the error handler's, and counted.
func TestErrorHandlerIsAskedAboutAGlobalRecord(t *testing.T) {
	topo := chain(looks("g"))
	addGlobal(topo, "g", "glob")
	var asked []string
	d := run(t, topo, streamtest.Config{DeadLetterTopic: "dead", ErrorHandler: func(_ context.Context, e *topology.ProcessingError) topology.Action {
		asked = append(asked, e.Task+" "+e.Node+" "+e.Topic)
		if len(asked) == 1 {
			return topology.Skip
		}
		return topology.DeadLetter
	}})
	pipe(t, d, "glob", text{Key: "a", Value: "bad"}, text{Key: "b", Value: "bad"}, text{Key: "c", Value: "1"})
	pipe(t, d, "in", text{Key: "c"})
	wantRecords(t, d, "out", text{Key: "c", Value: "1"})
	if diff := cmp.Diff([]string{"global g-keeper glob", "global g-keeper glob"}, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	dead, err := streamtest.NewOutput(d, "dead", serde.String(), serde.String()).ReadAll()
	if err != nil || len(dead) != 1 || dead[0].Key != "b" || d.Dropped() != 1 {
		t.Errorf("dead letters %v, %v; %d dropped", dead, err, d.Dropped())
	}
}

func TestReadOnlyStoreIsFilledFromItsTopic(t *testing.T) {
	topo := chain(looks("ro"))
	topology.AddReadOnlyStateStore(topo, latest("ro"), "rs", textOf("rows"), "rp", func() *keeper { return &keeper{name: "ro"} })
	topo.ConnectProcessorAndStateStores("p", "ro")
	d := run(t, topo, streamtest.Config{})
	pipe(t, d, "rows", text{Key: "a", Value: "1"})
	pipe(t, d, "in", text{Key: "a"}, text{Key: "b"})
	wantRecords(t, d, "out", text{Key: "a", Value: "1"}, text{Key: "b", Value: "none"})
	if diff := cmp.Diff([]string{"in", "out", "rows"}, d.Topics()); diff != "" {
		t.Errorf("topics that were written to (-want +got):\n%s", diff)
	}
}

func TestMistakesWithGlobalStoresAreCollected(t *testing.T) {
	topo := chain(proc{})
	supply := func() *keeper { return &keeper{} }
	addGlobal(topo, "g", "glob")
	addGlobal(topo, "g", "glob2")
	topology.AddGlobalStore(topo, latest("other"), "again", textOf("glob"), "again-keeper", supply)
	topology.AddGlobalStore(topo, latest("two"), "two", textOf("a", "b"), "two-keeper", supply)
	topology.AddGlobalStore(topo, nil, "gs", textOf("c"), "no-store", supply)
	topology.AddGlobalStore(topo, latest("no-serde"), "gs", textSource{Topics: []string{"c"}}, "gp", supply)
	topology.AddGlobalStore[string, string, *keeper](topo, latest("no-supplier"), "gs", textOf("c"), "gp", nil)
	topo.ConnectProcessorAndStateStores("p", "g")
	topo.ConnectProcessorAndStateStores("p")
	topology.AddReadOnlyStateStore(topo, latest("ro"), "ros", textOf("in"), "rop", supply)
	want := []string{
		`topology: there is already a store "g": store names are unique`,
		`topology: source "again": topic "glob" is already read by source "g-source"`,
		`topology: global store "two": source "two" must read one topic`,
		`topology: processor "no-store" was added for a global store, without the store`,
		`topology: global store "no-serde" needs a serde for the keys of its topic and one for the values`,
		`topology: processor "gp" has no supplier`,
		`topology: processor "p": store "g" is global: every processor can read it without being connected`,
		`topology: processor "p" is connected to no store: name at least one`,
		`topology: source "ros": topic "in" is already read by source "source"`,
	}
	got := strings.Split(topo.Err().Error(), "\n")
	if len(got) > len(want) {
		got = got[:len(want)] // what follows from the last one
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("mistakes (-want +got):\n%s", diff)
	}
}
