package stream_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/streamtest"
	"github.com/streamweir/streamweir/topology"
)

// nullRecords are the four kinds of records, with a deletion of what is there.
var nullRecords = []textRecord{
	{Key: "k", Value: "v"},
	{Key: "k", NullValue: true},
	{NullKey: true, Value: "v"},
	{NullKey: true, NullValue: true},
}

func mark(s string) string { return "[" + s + "]" }

// The table of stream/doc.go: what each operator does with the four kinds of
// records, where keys and values are strings, which have no nil.
func TestNullKeysAndValues(t *testing.T) {
	type pipeline func(s *stream.KStream[string, string])
	marked := func(_ context.Context, r textRecord) (string, error) { return mark(r.Value), nil }
	for name, c := range map[string]struct {
		build   pipeline
		want    string
		dropped int64
	}{
		"To": {func(s *stream.KStream[string, string]) { s.To("out", nil) }, "k=v k=null null=v null=null", 0},
		"Filter sees the zero value": {func(s *stream.KStream[string, string]) {
			s.Filter(func(k, v string) bool { return k == "" || v == "" }).To("out", nil)
		}, "k=null null=v null=null", 0},
		"Peek": {func(s *stream.KStream[string, string]) { s.Peek(func(string, string) {}).To("out", nil) }, "k=v k=null null=v null=null", 0},
		"MapValues makes a value and keeps a null key": {func(s *stream.KStream[string, string]) {
			stream.MapValues(s, mark).To("out", text)
		}, "k=[v] k=[] null=[v] null=[]", 0},
		"TryMapValues": {func(s *stream.KStream[string, string]) { stream.TryMapValues(s, marked).To("out", text) }, "k=[v] k=[] null=[v] null=[]", 0},
		"SelectKey makes a key and keeps a null value": {func(s *stream.KStream[string, string]) {
			stream.SelectKey(s, func(k, _ string) string { return mark(k) }).To("out", text)
		}, "[k]=v [k]=null []=v []=null", 0},
		"TrySelectKey": {func(s *stream.KStream[string, string]) {
			stream.TrySelectKey(s, func(_ context.Context, r textRecord) (string, error) { return mark(r.Key), nil }).To("out", text)
		}, "[k]=v [k]=null []=v []=null", 0},
		"Map makes both": {func(s *stream.KStream[string, string]) {
			stream.Map(s, func(k, v string) (string, string) { return mark(k), mark(v) }).To("out", text)
		}, "[k]=[v] [k]=[] []=[v] []=[]", 0},
		"FlatMapValues": {func(s *stream.KStream[string, string]) {
			stream.FlatMapValues(s, func(v string) []string { return []string{v, mark(v)} }).To("out", text)
		}, "k=v k=[v] k= k=[] null=v null=[v] null= null=[]", 0},
		"FlatMap": {func(s *stream.KStream[string, string]) {
			stream.FlatMap(s, func(k, v string) []stream.KeyValue[string, string] {
				return []stream.KeyValue[string, string]{stream.KV(mark(k), v)}
			}).To("out", text)
		}, "[k]=v [k]= []=v []=", 0},
		"Merge and Split": {func(s *stream.KStream[string, string]) {
			split := s.Split()
			split.Branch(func(k, _ string) bool { return k == "" }).Merge(split.Default()).To("out", text)
		}, "k=v k=null null=v null=null", 0},
		"Repartition drops null keys": {func(s *stream.KStream[string, string]) { s.Repartition(nil).To("out", nil) }, "k=v k=null", -1},
		"ToTable drops null keys": {func(s *stream.KStream[string, string]) {
			s.ToTable(seen("rows")).ToStream().To("out", nil)
		}, "k=v k=null", 2},
		"Count drops null keys and values": {func(s *stream.KStream[string, string]) {
			stream.MapTableValues(s.GroupByKey().Count(nil), func(n int64) string { return fmt.Sprint(n) }).ToStream().To("out", text)
		}, "k=1", 3},
		"Reduce drops null keys and values": {func(s *stream.KStream[string, string]) {
			s.GroupByKey().Reduce(firstOf, seen("rows")).ToStream().To("out", nil)
		}, "k=v", 3},
		"Aggregate drops null keys and values": {func(s *stream.KStream[string, string]) {
			stream.Aggregate(s.GroupByKey(), func() string { return "" }, func(_, v, a string) string { return a + v }, seen("rows")).ToStream().To("out", nil)
		}, "k=v", 3},
		"JoinTable drops null keys and values": {func(s *stream.KStream[string, string]) {
			stream.JoinTable(s, s.ToTable(nil), both, nil).To("out", text)
		}, "k=vv", 3 + 2},
		"LeftJoinTable drops null values": {func(s *stream.KStream[string, string]) {
			stream.LeftJoinTable(s, s.ToTable(nil), eitherOf, nil).To("out", text)
		}, "k=vv null=v-", 2 + 2},
	} {
		t.Run(name, func(t *testing.T) {
			b := stream.NewBuilder()
			c.build(stream.From(b, "in", text))
			d := driverOf(t, b, streamtest.Config{})
			pipeAll(t, d, nullRecords...)
			wantText(t, d, "out", strings.Fields(c.want)...)
			// -1: what a repartition leaves out need not be counted.
			if got := d.Dropped(); c.dropped >= 0 && got != c.dropped {
				t.Errorf("%d records are counted as dropped, want %d", got, c.dropped)
			}
		})
	}
}

func TestTableDropsNullKeysAndDeletesWithNullValues(t *testing.T) {
	for name, m := range map[string]*stream.Materialized[string, string]{"kept in a store": seen("rows"), "only forwarded": nil} {
		b := stream.NewBuilder()
		stream.Table(b, "in", text, m).ToStream().To("out", nil)
		d := driverOf(t, b, streamtest.Config{})
		pipeAll(t, d, nullRecords...)
		wantText(t, d, "out", "k=v", "k=null")
		if got := d.Dropped(); got != 2 {
			t.Errorf("%s: %d records are counted as dropped, want 2", name, got)
		}
	}
}

// Functions of a table's operators are not called for deletions.
func TestTableOperatorsPassDeletionsOn(t *testing.T) {
	b := stream.NewBuilder()
	rows := stream.Table(b, "in", text, nil)
	stream.MapTableValues(rows, func(v string) string { return mark(v) }).ToStream().To("mapped", text)
	rows.Filter(func(_, v string) bool { return v == "" }).ToStream().To("empty", nil)
	d := driverOf(t, b, streamtest.Config{})
	pipeAll(t, d, nullRecords...)
	wantText(t, d, "mapped", "k=[v]", "k=null")
	wantText(t, d, "empty", "k=null", "k=null")
}

// For a type that has a nil, nil and null are the same, read and written.
func TestNilIsNull(t *testing.T) {
	raw := stream.With(serde.Bytes(), serde.Bytes())
	b := stream.NewBuilder()
	var got []string
	s := stream.From(b, "in", raw).Peek(func(k, v []byte) { got = append(got, fmt.Sprintf("%t,%t", k == nil, v == nil)) })
	none := func([]byte) []byte { return nil }
	stream.MapValues(s, none).To("no-values", raw)
	stream.SelectKey(s, func(k, _ []byte) []byte { return none(k) }).To("no-keys", raw)
	stream.Map(s, func(k, v []byte) ([]byte, []byte) { return v, k }).To("swapped", raw)
	stream.FlatMapValues(s, func(v []byte) [][]byte { return [][]byte{nil, {}} }).To("both", raw)
	d := driverOf(t, b, streamtest.Config{})
	pipeAll(t, d, nullRecords...)
	if diff := cmp.Diff([]string{"false,false", "false,true", "true,false", "true,true"}, got); diff != "" {
		t.Errorf("Peek saw nil keys and values (-want +got):\n%s", diff)
	}
	wantText(t, d, "no-values", "k=null", "k=null", "null=null", "null=null")
	wantText(t, d, "no-keys", "null=v", "null=null", "null=v", "null=null")
	wantText(t, d, "swapped", "v=k", "null=k", "v=null", "null=null")
	wantText(t, d, "both", "k=null", "k=", "k=null", "k=", "null=null", "null=", "null=null", "null=")
}

// An aggregate that becomes nil deletes its key.
func TestNilAggregateDeletesTheKey(t *testing.T) {
	raw := stream.With(serde.String(), serde.Bytes())
	untilStop := func(_, v []byte) []byte {
		if string(v) == "stop" {
			return nil
		}
		return v
	}
	b := stream.NewBuilder()
	g := stream.From(b, "in", raw).GroupByKey()
	rows := stream.InStore("aggregates", serde.String(), serde.Bytes())
	stream.Aggregate(g, func() []byte { return nil }, func(_ string, v, a []byte) []byte { return untilStop(a, v) }, rows).ToStream().To("aggregated", raw)
	g.Reduce(untilStop, stream.InStore("reduced", serde.String(), serde.Bytes())).ToStream().To("reduced", raw)
	d := driverOf(t, b, streamtest.Config{})
	for _, v := range []string{"a", "b", "stop", "c"} {
		pipeAll(t, d, textRecord{Key: "k", Value: v})
	}
	wantText(t, d, "aggregated", "k=a", "k=b", "k=null", "k=c")
	wantText(t, d, "reduced", "k=a", "k=b", "k=null", "k=c")
	wantText(t, d, "test-aggregates-changelog", "k=a", "k=b", "k=null", "k=c")
}

// It must tell a key that is null from one without bytes.
func TestPartitionerSeesNull(t *testing.T) {
	b := stream.NewBuilder()
	var got []string
	with := text.Partitioner(func(topic string, r textRecord, n int32) ([]int32, bool) {
		got = append(got, fmt.Sprintf("%s %q %t %q %t", topic, r.Key, r.NullKey, r.Value, r.NullValue))
		return nil, false
	})
	stream.From(b, "in", text).To("out", with)
	d := driverOf(t, b, streamtest.Config{})
	pipeAll(t, d, nullRecords...)
	want := []string{`out "k" false "v" false`, `out "k" false "" true`, `out "" true "v" false`, `out "" true "" true`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the partitioner saw (-want +got):\n%s", diff)
	}
}

// An error of a function is one of its record alone, whatever is null in it.
func TestErrorOfARecordWithNulls(t *testing.T) {
	b := stream.NewBuilder()
	s := stream.TryMapValues(stream.From(b, "in", text), func(_ context.Context, r textRecord) (string, error) {
		if r.NullValue {
			return "", errors.New("no value")
		}
		return r.Value, nil
	})
	s.To("out", text)
	d := driverOf(t, b, streamtest.Config{ErrorHandler: func(_ context.Context, e *stream.ProcessingError) stream.Action {
		if e.Value != nil || e.Err.Error() != "no value" {
			t.Errorf("the handler was asked about value %q: %v", e.Value, e.Err)
		}
		return stream.DeadLetter
	}, DeadLetterTopic: "dead"})
	pipeAll(t, d, nullRecords...)
	wantText(t, d, "out", "k=v", "null=v")
	wantText(t, d, "dead", "k=null", "null=null")
}

func pipeAll(t *testing.T, d *streamtest.Driver, records ...topology.Record[string, string]) {
	t.Helper()
	in := streamtest.NewInput(d, "in", serde.String(), serde.String())
	for _, r := range records {
		if err := in.PipeRecord(r); err != nil {
			t.Fatal(err)
		}
	}
}
