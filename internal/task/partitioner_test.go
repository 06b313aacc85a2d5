package task_test

import (
	"strings"
	"testing"

	"github.com/streamweir/streamweir/topology"
)

// partitioned is in -> out with a partitioner.
func partitioned(f topology.Partitioner[string, string]) *topology.Topology {
	topo := topology.New()
	topology.AddSource(topo, "source", topology.Source[string, string]{Key: words{}, Value: words{}, Topics: []string{"in"}})
	topology.AddSink(topo, "sink", topology.Sink[string, string]{Key: words{}, Value: words{}, Topic: "out", Partitioner: f}, "source")
	return topo
}

func TestPartitionerChoosesDropsAndMulticasts(t *testing.T) {
	r := newRig(t, partitioned(func(topic string, r word, n int32) ([]int32, bool) {
		if topic != "out" || n != 4 {
			t.Errorf("the partitioner is asked about %d partitions of %q", n, topic)
		}
		switch r.Value {
		case "one":
			return []int32{3}, true
		case "all":
			return []int32{0, 1, 2, 3}, true
		case "none":
			return nil, true
		default:
			return []int32{9}, false // not looked at
		}
	}))
	r.out.partitions = 4
	r.add("in", "foobar", "one", "foobar", "all", "foobar", "none", "foobar", "default")
	r.process()
	r.wantOut("out-3 foobar=one @0", "out-0 foobar=all @1", "out-1 foobar=all @1", "out-2 foobar=all @1", "out-3 foobar=all @1", "out-2 foobar=default @3")
	if got := r.Stats().Dropped; got != 1 {
		t.Errorf("%d records are counted as dropped, want 1", got)
	}
}

func TestPartitionThatIsNotThereIsAnError(t *testing.T) {
	for p, want := range map[int32]string{
		4:  "topic out: the partitioner chose partition 4 of 4",
		-1: "topic out: the partitioner chose partition -1 of 4",
	} {
		r := newRig(t, partitioned(func(string, word, int32) ([]int32, bool) { return []int32{p}, true }))
		r.out.partitions = 4
		r.add("in", "a", "1")
		if err := r.fails(); !strings.HasSuffix(err.Error(), want) || !strings.Contains(err.Error(), `node "sink": production`) {
			t.Errorf("Process: %v\nwant it to end in %s", err, want)
		}
	}
}

func TestPanicOfAPartitionerIsAnErrorOfTheRecord(t *testing.T) {
	h := &handle{actions: []topology.Action{topology.Skip}}
	r := newRig(t, partitioned(func(_ string, r word, _ int32) ([]int32, bool) {
		if r.Value == "odd" {
			panic("odd")
		}
		return nil, false
	}), h.configure)
	r.add("in", "a", "odd", "b", "2")
	r.process()
	r.wantOut("out-0 b=2 @1")
}
