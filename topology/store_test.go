package topology_test

import (
	"strings"
	"testing"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream/streamtest"
	"github.com/streamweir/streamweir/topology"
)

type textStore = store.KeyValueStore[string, string]

func latest(name string) store.Builder { return store.KeyValue(name, serde.String(), serde.String()) }

// opens is a processor that opens a store in Init.
func opens[S any](name string) proc {
	return proc{init: func(pc *textContext) error {
		_, err := topology.Store[S](pc, name)
		return err
	}}
}

func TestStoreOfAProcessor(t *testing.T) {
	remember := proc{process: func(pc *textContext, r text) error {
		s, err := topology.Store[textStore](pc, "latest")
		if err != nil {
			return err
		}
		old, _, err := s.Get(r.Key)
		if err != nil {
			return err
		}
		if err := s.Put(r.Key, r.Value); err != nil {
			return err
		}
		return pc.Forward(topology.WithValue(r, old+">"+r.Value))
	}}
	for name, connect := range map[string]func(topo *topology.Topology){
		"added and connected": func(topo *topology.Topology) { topo.AddStateStore(latest("latest"), "p") },
		"added, then connected": func(topo *topology.Topology) {
			topo.AddStateStore(latest("latest"))
			topo.ConnectProcessorAndStateStores("p", "latest")
		},
	} {
		topo := chain(remember)
		connect(topo)
		d := run(t, topo, streamtest.Config{})
		pipe(t, d, "in", text{Key: "a", Value: "1"}, text{Key: "a", Value: "2"})
		wantRecords(t, d, "out", text{Key: "a", Value: ">1"}, text{Key: "a", Value: "1>2"})
		if s, err := streamtest.Store[textStore](d, "latest"); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if v, ok, err := s.Get("a"); v != "2" || !ok || err != nil {
			t.Errorf("%s: the store has %q, %v, %v", name, v, ok, err)
		}
	}
}

func TestStoreThatIsNotTheProcessors(t *testing.T) {
	for name, c := range map[string]struct {
		topo *topology.Topology
		want string
	}{
		"not connected": {func() *topology.Topology {
			topo := chain(opens[textStore]("latest"))
			addProc(topo, "other", proc{}, "source")
			topo.AddStateStore(latest("latest"), "other")
			return topo
		}(), `processor "p" has no access to store "latest": connect the store to the processor, in the DSL with stream.Stores`},
		"not there": {chain(opens[textStore]("latest")),
			`processor "p" has no access to store "latest": connect the store to the processor, in the DSL with stream.Stores`},
		"of another type": {func() *topology.Topology {
			topo := chain(opens[store.KeyValueStore[string, int64]]("latest"))
			topo.AddStateStore(latest("latest"), "p")
			return topo
		}(), `store "latest" is a *store.keyValue[string,string], not a store.KeyValueStore[string,int64]`},
		"of another kind": {func() *topology.Topology {
			topo := chain(opens[store.TimestampedKeyValueStore[string, string]]("latest"))
			topo.AddStateStore(latest("latest"), "p")
			return topo
		}(), `store "latest" is a *store.keyValue[string,string], not a store.TimestampedKeyValueStore[string,string]`},
	} {
		_, err := streamtest.NewDriver(c.topo, streamtest.Config{})
		if err == nil || !strings.HasPrefix(err.Error(), `task 0_0: processor "p": Init: topology: `) || !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("%s:\n got %v\nwant %s", name, err, c.want)
		}
	}
}

func TestStoreWithoutASerdeIsRefused(t *testing.T) {
	topo := chain(proc{})
	topo.AddStateStore(store.KeyValue[string, string]("latest", serde.String(), nil), "p")
	_, err := streamtest.NewDriver(topo, streamtest.Config{})
	if err == nil || !strings.Contains(err.Error(), `key-value store "latest" has no serde for its keys or its values`) {
		t.Errorf("NewDriver: %v, want an error that names the store", err)
	}
}
