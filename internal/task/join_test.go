package task_test

import (
	"strings"
	"testing"
	"time"

	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/internal/task"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

// joined is the outer join of the topics left and right, 10 ms apart, 5 ms late.
func joined(t *testing.T) *topology.Topology {
	t.Helper()
	b := stream.NewBuilder()
	show := func(v *string) string {
		if v == nil {
			return "-"
		}
		return *v
	}
	stream.OuterJoin(stream.From(b, "left", pair), stream.From(b, "right", pair), func(l, r *string) string { return show(l) + show(r) },
		stream.TimeDifference(10*time.Millisecond).Grace(5*time.Millisecond), stream.StreamJoinedWith[string, string, string](words{}, words{}, words{}).StoreName("j")).
		To("out", pair)
	return built(t, b)
}

var joinStores = []string{"j-outer-this-join-store", "j-outer-other-join-store", "j-outer-shared-join-store"}

// What a join kept, and what found a partner or was sent without one, since the last
// commit did not happen.
func TestResetOfAJoin(t *testing.T) {
	r := newRig(t, joined(t))
	r.addTo("left", 0, "a", "A")
	r.addTo("left", 1, "b", "B")
	r.commit()
	at := r.committedOffsets()
	r.addTo("right", 2, "a", "x")
	r.addTo("right", 3, "c", "z")
	r.addTo("left", 100, "d", "D") // the windows of b and c end
	r.wantOutOf("out", "out-0 a=Ax @2", "out-0 b=B- @1", "out-0 c=-z @3")
	r.reset(at...)
	r.addTo("right", 4, "b", "y")
	r.addTo("left", 100, "e", "E")
	r.wantOutOf("out", "out-0 b=By @4", "out-0 a=A- @0")
	r.addTo("right", 200, "e", "w") // c and d were never there
	r.wantOutOf("out", "out-0 e=E- @100")
}

// After a crash the stores are made of their changelogs: who has a partner is known, and
// who waits is sent when a window has ended.
func TestJoinIsRestored(t *testing.T) {
	topo := joined(t)
	first := newRig(t, topo)
	first.addTo("left", 0, "a", "A")
	first.addTo("left", 0, "a", "A2")
	first.addTo("left", 1, "b", "B")
	first.addTo("right", 2, "b", "y")
	first.addTo("right", 3, "c", "z")
	first.commit()
	changelogs := map[string][]record.Record{}
	for i, l := range first.out.lines {
		for _, s := range joinStores {
			if strings.HasPrefix(l, "app-"+s+"-changelog-0 ") {
				rec := first.out.records[i]
				rec.Offset = int64(len(changelogs[s]))
				changelogs[s] = append(changelogs[s], rec)
			}
		}
	}
	second := wireRig(t, topo)
	for _, s := range joinStores {
		if err := second.cfg.Stores.Restore(s, changelogs[s], int64(len(changelogs[s]))); err != nil {
			t.Fatal(err)
		}
	}
	second.start()
	second.addTo("left", 4, "c", "C") // finds its partner
	second.wantOutOf("out", "out-0 c=Cz @4")
	second.addTo("right", 100, "d", "w")
	second.wantOutOf("out", "out-0 a=A- @0", "out-0 a=A2- @0")
}

func TestJoinWithGarbage(t *testing.T) {
	for name, bad := range map[string]record.Record{
		"short key":    {Key: []byte("a"), Value: []byte{1, 0, 0, 0, 0}},
		"no list":      {Key: make([]byte, 10), Value: []byte{2, 0, 0, 0, 0}},
		"short list":   {Key: make([]byte, 10), Value: []byte{1, 0, 0, 0, 1}},
		"no value":     {Key: make([]byte, 10), Value: []byte{1, 0, 0, 0, 1, 0, 0, 0, 0}},
		"long value":   {Key: make([]byte, 10), Value: []byte{1, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 1}},
		"many values":  {Key: make([]byte, 10), Value: []byte{1, 0xff, 0xff, 0xff, 0xff}},
		"more behind":  {Key: make([]byte, 10), Value: []byte{1, 0, 0, 0, 0, 7}},
		"empty record": {Key: make([]byte, 10), Value: []byte{}},
	} {
		r := wireRig(t, joined(t))
		if err := r.cfg.Stores.Restore(joinStores[2], []record.Record{bad}, 1); err != nil {
			t.Fatal(err)
		}
		r.start()
		r.addRecords("left", record.Record{Key: []byte("k"), Value: []byte("v"), Timestamp: 100})
		if err := r.fails(); !strings.Contains(err.Error(), joinStores[2]) {
			t.Errorf("%s: %v, want an error with the store", name, err)
		}
	}
}

// A record costs the same whether ten or ten thousand windows have closed before it, and
// whether as many keys wait.
func TestCostOfAJoinDoesNotGrow(t *testing.T) {
	cost := func(closed int64) float64 {
		r := newRig(t, joined(t), func(c *task.Config) { c.Output = &sink{} })
		at := int64(0)
		for range closed {
			at += 20 // what waits is sent with the next
			r.addTo("left", at, "k", "v")
			if at%2000 == 0 {
				r.Committed(func(record.Partition) (int64, bool) { return 0, false })
			}
		}
		return testing.AllocsPerRun(50, func() {
			at += 20
			r.addTo("left", at, "k", "v")
		})
	}
	few, many := cost(10), cost(10_000)
	if many > few+10 {
		t.Errorf("a record costs %v allocations behind 10,000 closed windows, %v behind ten", many, few)
	}
}
