package topology_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream/streamtest"
	"github.com/streamweir/streamweir/topology"
)

// timed is in -> out with a timestamp extractor.
func timed(f topology.TimestampExtractor[string, string]) *topology.Topology {
	topo := topology.New()
	topology.AddSource(topo, "source", textSource{Key: serde.String(), Value: serde.String(), Topics: []string{"in"}, Timestamp: f})
	addSink(topo, "sink", "out", "source")
	return topo
}

func TestTimestampExtractors(t *testing.T) {
	ofValue := func(r text, _ int64) int64 { return int64(len(r.Value)) }
	for name, c := range map[string]struct {
		f       topology.TimestampExtractor[string, string]
		in      []int64
		want    []int64
		dropped int64
	}{
		"of the value":                       {ofValue, []int64{500, 3}, []int64{1, 1}, 0},
		"skip":                               {topology.SkipInvalidTimestamp[string, string], []int64{5, -1, 3}, []int64{5, 3}, 1},
		"partition time":                     {topology.PartitionTimeOnInvalidTimestamp[string, string], []int64{5, -1, 3, -1}, []int64{5, 5, 3, 5}, 0},
		"partition time before there is one": {topology.PartitionTimeOnInvalidTimestamp[string, string], []int64{-1, 7}, []int64{7}, 1},
	} {
		d := run(t, timed(c.f), streamtest.Config{})
		for _, ts := range c.in {
			pipe(t, d, "in", text{Value: "v", Timestamp: ts})
		}
		records, err := streamtest.NewOutput(d, "out", serde.String(), serde.String()).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		var got []int64
		for _, r := range records {
			got = append(got, r.Timestamp)
		}
		if diff := cmp.Diff(c.want, got); diff != "" || d.Dropped() != c.dropped {
			t.Errorf("%s: %d dropped, timestamps (-want +got):\n%s", name, d.Dropped(), diff)
		}
	}
}

func TestNegativeTimestampWithoutAnExtractorIsAnError(t *testing.T) {
	d := run(t, timed(nil), streamtest.Config{})
	err := streamtest.NewInput(d, "in", serde.String(), serde.String()).PipeAt(-1, "k", "v")
	if err == nil || !strings.Contains(err.Error(), `node "source": deserialization of record in-0@0: the record has a negative timestamp`) {
		t.Errorf("Pipe: %v, want an error that names the source and the record", err)
	}
}

func TestPanicOfAnExtractorIsAnErrorOfTheRecord(t *testing.T) {
	asked := 0
	d := run(t, timed(func(text, int64) int64 { panic("no time") }), streamtest.Config{
		ErrorHandler: func(_ context.Context, e *topology.ProcessingError) topology.Action {
			if asked++; e.Phase != topology.Deserialization || !strings.Contains(e.Err.Error(), "no time") {
				t.Errorf("the handler was asked about %v", e)
			}
			return topology.Skip
		}})
	pipe(t, d, "in", text{})
	if asked != 1 {
		t.Errorf("the handler was asked %d times, want once", asked)
	}
}

// For a type that has a nil, bytes that are decoded as nil are a null.
func TestDecodedNilIsNull(t *testing.T) {
	type order struct{ N int }
	json := serde.JSON[*order]()
	var got []bool
	topo := topology.New()
	topology.AddSource(topo, "source", topology.Source[*order, *order]{Key: json, Value: json, Topics: []string{"in"},
		Timestamp: func(r topology.Record[*order, *order], _ int64) int64 {
			got = append(got, r.NullKey, r.NullValue)
			return r.Timestamp
		}})
	topology.AddSink(topo, "sink", topology.Sink[*order, *order]{Key: json, Value: json, Topic: "out"}, "source")
	d := run(t, topo, streamtest.Config{})
	pipe(t, d, "in", text{Key: "null", Value: `{"N":1}`}, text{Key: `{"N":2}`, Value: "null"})
	if diff := cmp.Diff([]bool{true, false, false, true}, got); diff != "" {
		t.Errorf("nulls (-want +got):\n%s", diff)
	}
	wantRecords(t, d, "out", text{NullKey: true, Value: `{"N":1}`}, text{Key: `{"N":2}`, NullValue: true})
}

// recorder is a serde that tells what it is bound to.
type recorder struct {
	bound *[]string
	err   error
}

func (r recorder) Bind(topic string, role serde.Role) (serde.Codec[string], error) {
	*r.bound = append(*r.bound, topic+" "+role.String())
	if r.err != nil {
		return nil, r.err
	}
	return serde.String().Bind(topic, role)
}

func TestSerdesAreBoundToEachTopic(t *testing.T) {
	var bound []string
	s := recorder{bound: &bound}
	topo := topology.New()
	topology.AddSource(topo, "source", textSource{Key: s, Value: s, Topics: []string{"a", "b"}})
	topology.AddSource(topo, "matching", textSource{Key: s, Value: s, Pattern: regexp.MustCompile("orders-.*")})
	topology.AddSink(topo, "sink", textSink{Key: s, Value: s, Topic: "out"}, "source", "matching")
	d := run(t, topo, streamtest.Config{})
	want := []string{"out key", "out value", "a key", "a value", "b key", "b value"}
	if diff := cmp.Diff(want, bound); diff != "" {
		t.Errorf("bound (-want +got):\n%s", diff)
	}
	bound = nil
	pipe(t, d, "orders-eu", text{}, text{})
	if diff := cmp.Diff([]string{"orders-eu key", "orders-eu value"}, bound); diff != "" {
		t.Errorf("bound for a topic that matches (-want +got):\n%s", diff)
	}
}

func TestSerdeThatCannotBeBoundNamesTheNode(t *testing.T) {
	var bound []string
	errBind := errors.New("no subject")
	broken := recorder{bound: &bound, err: errBind}
	for want, topo := range map[string]*topology.Topology{
		"key serde: no subject": func() *topology.Topology {
			topo := topology.New()
			topology.AddSource(topo, "source", textSource{Key: broken, Value: serde.String(), Topics: []string{"in"}})
			return topo
		}(),
		`node "sink": value serde: no subject`: func() *topology.Topology {
			topo := topology.New()
			addSource(topo, "source", "in")
			topology.AddSink(topo, "sink", textSink{Key: serde.String(), Value: broken, Topic: "out"}, "source")
			return topo
		}(),
	} {
		_, err := streamtest.NewDriver(topo, streamtest.Config{})
		if !errors.Is(err, errBind) || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("NewDriver: %v\nwant it to end in %s", err, want)
		}
	}
}

func TestWallClockTimestampIsNow(t *testing.T) {
	d := run(t, timed(topology.WallClockTimestamp[string, string]), streamtest.Config{})
	before := time.Now().UnixMilli()
	pipe(t, d, "in", text{Key: "k", Timestamp: 5})
	r, _, err := streamtest.NewOutput(d, "out", serde.String(), serde.String()).Read()
	if after := time.Now().UnixMilli(); err != nil || r.Timestamp < before || r.Timestamp > after {
		t.Errorf("the timestamp is %d, %v; want one from %d to %d", r.Timestamp, err, before, after)
	}
}
