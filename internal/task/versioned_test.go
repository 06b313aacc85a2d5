package task_test

import (
	"strings"
	"testing"
	"time"

	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

// waiting is a stream that is joined 10 ms late with a table of which 100 ms are known.
func waiting(t *testing.T) *topology.Topology {
	t.Helper()
	b := stream.NewBuilder()
	rows := stream.Table(b, "rows", pair, stream.InStore[string, string]("rows", words{}, words{}).Versioned(100*time.Millisecond))
	stream.LeftJoinTable(stream.From(b, "in", pair), rows, func(v string, w *string) string {
		if w == nil {
			return v + "-"
		}
		return v + *w
	}, nil, stream.GracePeriod(10*time.Millisecond), stream.Named("join")).To("out", pair)
	return built(t, b)
}

// Records that wait, versions, and what was joined since the last commit did not happen.
func TestResetOfAJoinThatWaits(t *testing.T) {
	r := newRig(t, waiting(t))
	r.addTo("in", 10, "a", "1")
	r.addTo("rows", 5, "a", "x")
	r.commit()
	at := r.committedOffsets()
	r.addTo("rows", 9, "a", "y")
	r.addTo("in", 12, "a", "2")
	r.addTo("in", 30, "b", "3")
	r.wantOutOf("out", "out-0 a=1y @10", "out-0 a=2y @12")
	r.reset(at...)
	r.addTo("in", 25, "b", "4")
	r.wantOutOf("out", "out-0 a=1x @10")
	r.addTo("in", 14, "a", "5") // later than the grace period allows: at once
	r.wantOutOf("out", "out-0 a=5x @14")
}

// After a crash the records that wait and the versions are made of their changelogs, and
// what comes after is not mistaken for what was there.
func TestJoinThatWaitsIsRestored(t *testing.T) {
	topo := waiting(t)
	first := newRig(t, topo)
	first.addTo("rows", 5, "a", "x")
	first.addTo("in", 10, "a", "1")
	first.addTo("in", 10, "a", "2")
	first.addTo("rows", 20, "a", "z")
	first.addTo("rows", 8, "a", "y")
	first.addTo("in", 21, "b", "3") // lets the first two go
	first.addTo("in", 15, "a", "4")
	first.commit()
	logs := map[string][]record.Record{}
	for i, l := range first.out.lines {
		for _, store := range []string{"rows", "join-Buffer"} {
			if strings.HasPrefix(l, "app-"+store+"-changelog-0 ") {
				rec := first.out.records[len(first.out.records)-len(first.out.lines)+i]
				rec.Offset = int64(len(logs[store]))
				logs[store] = append(logs[store], rec)
			}
		}
	}
	first.wantOutOf("out", "out-0 a=1y @10", "out-0 a=2y @10")

	second := wireRig(t, topo)
	for store, records := range logs {
		if err := second.cfg.Stores.Restore(store, records, int64(len(records))); err != nil {
			t.Fatal(err)
		}
	}
	second.start()
	second.addTo("in", 15, "a", "5")
	second.wantOutOf("out")
	second.addTo("in", 40, "c", "6")
	second.wantOutOf("out", "out-0 a=4y @15", "out-0 a=5y @15", "out-0 b=3- @21")
}

// A row that is not a row is the error handler's affair.
func TestJoinThatWaitsWithGarbage(t *testing.T) {
	h := &handle{actions: []topology.Action{topology.Skip}}
	r := wireRig(t, waiting(t), h.configure)
	key := append([]byte{0, 0, 0, 0, 0, 0, 0, 0, 10}, "a\x00\x00\x00\x01"...)
	if err := r.cfg.Stores.Restore("join-Buffer", []record.Record{{Key: key, Value: []byte("garbage")}}, 1); err != nil {
		t.Fatal(err)
	}
	r.start()
	r.addTo("in", 40, "b", "1")
	if len(h.asked) != 1 || h.asked[0].Node != "join" {
		t.Errorf("the handler was asked about %v, want the row at node join", h.asked)
	}
	r.addTo("in", 60, "b", "2")
	r.wantOutOf("out", "out-0 b=1- @40")
}
