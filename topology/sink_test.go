package topology_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream/streamtest"
	"github.com/streamweir/streamweir/topology"
)

func TestDynamicSinkChoosesATopicForEachRecord(t *testing.T) {
	var bound []string
	s := recorder{bound: &bound}
	topo := topology.New()
	addSource(topo, "source", "in")
	topology.AddSink(topo, "sink", textSink{Key: s, Value: s, TopicOf: func(r text) string { return r.Key }, Extractor: "by key"}, "source")
	d := run(t, topo, streamtest.Config{})
	if len(bound) > 0 {
		t.Errorf("bound %v before a topic was chosen", bound)
	}
	pipe(t, d, "in", text{Key: "a", Value: "1"}, text{Key: "b", Value: "2"}, text{Key: "a", Value: "3"})
	wantRecords(t, d, "a", text{Key: "a", Value: "1"}, text{Key: "a", Value: "3"})
	wantRecords(t, d, "b", text{Key: "b", Value: "2"})
	if diff := cmp.Diff([]string{"a key", "a value", "b key", "b value"}, bound); diff != "" {
		t.Errorf("a serde is bound once to each topic (-want +got):\n%s", diff)
	}
	err := streamtest.NewInput(d, "in", serde.String(), serde.String()).PipeAt(0, "", "4")
	wantErr(t, err, `task 0_0: node "sink": production of record in-0@3: the function that chooses the topic returned an empty name`)
}

func TestSinkKeepsTimestampAndHeaders(t *testing.T) {
	d := run(t, chain(proc{}), streamtest.Config{})
	r := text{Key: "k", Value: "v", Timestamp: 42, Headers: topology.Headers{{Name: "a", Value: []byte("1")}, {Name: "a"}, {Name: "b", Value: []byte{}}}}
	pipe(t, d, "in", r)
	wantRecords(t, d, "out", r)
}

// An empty key or value has no bytes but is not null.
func TestEmptyIsNotNull(t *testing.T) {
	d := run(t, chain(proc{}), streamtest.Config{})
	for _, r := range []text{{}, {NullKey: true}, {NullValue: true}, {NullKey: true, NullValue: true}} {
		pipe(t, d, "in", r)
	}
	wantRecords(t, d, "out", text{}, text{NullKey: true}, text{NullValue: true}, text{NullKey: true, NullValue: true})
}

func TestHeaders(t *testing.T) {
	h := append(make(topology.Headers, 0, 4), topology.Header{Name: "a", Value: []byte("1")})
	one, two := h.With("a", []byte("2")), h.With("b", nil)
	if diff := cmp.Diff(topology.Headers{{Name: "a", Value: []byte("1")}, {Name: "a", Value: []byte("2")}}, one); diff != "" {
		t.Errorf("With changed what another With returned (-want +got):\n%s", diff)
	}
	for _, c := range []struct {
		h    topology.Headers
		name string
		want []byte
		ok   bool
	}{{one, "a", []byte("2"), true}, {h, "a", []byte("1"), true}, {two, "b", nil, true}, {one, "b", nil, false}, {nil, "a", nil, false}} {
		if got, ok := c.h.Last(c.name); string(got) != string(c.want) || ok != c.ok {
			t.Errorf("Last(%q) of %v = %q, %v; want %q, %v", c.name, c.h, got, ok, c.want, c.ok)
		}
	}
}

// A copy with another value is not null, and keeps everything else; so does one
// with another key.
func TestCopiesOfRecords(t *testing.T) {
	r := topology.Record[string, string]{Key: "k", Timestamp: 7, Headers: topology.Headers{{Name: "h"}}, NullKey: true, NullValue: true}
	if diff := cmp.Diff(topology.Record[string, int]{Key: "k", Value: 9, Timestamp: 7, Headers: r.Headers, NullKey: true}, topology.WithValue(r, 9)); diff != "" {
		t.Errorf("WithValue (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(topology.Record[int, string]{Key: 9, Timestamp: 7, Headers: r.Headers, NullValue: true}, topology.WithKey(r, 9)); diff != "" {
		t.Errorf("WithKey (-want +got):\n%s", diff)
	}
}
