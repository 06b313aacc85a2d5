package streamtest_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/streamtest"
	"github.com/streamweir/streamweir/topology"
)

// listed joins "in" with the table "rows" and the global table "glob".
func listed(t *testing.T, cfg streamtest.Config) *streamtest.Driver {
	t.Helper()
	b := stream.NewBuilder()
	strings := stream.With(serde.String(), serde.String())
	rows := stream.Table(b, "rows", strings, stream.InStore("rows", serde.String(), serde.String()))
	glob := stream.GlobalTable(b, "glob", strings, stream.InStore("glob", serde.String(), serde.String()))
	in := stream.TryMapValues(stream.From(b, "in", strings), func(_ context.Context, r topology.Record[string, string]) (string, error) {
		if r.Value == "bad" {
			return "", errors.New("bad")
		}
		return r.Value, nil
	})
	both := stream.JoinTable(in, rows, func(v, row string) string { return v + row }, strings)
	stream.JoinGlobal(both, glob, func(k, _ string) string { return k }, func(v, g string) string { return v + g }).To("joined", strings)
	in.To("all", strings)
	topo, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	d, err := streamtest.NewDriver(topo, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestListsGoInAndComeOut(t *testing.T) {
	d := listed(t, streamtest.Config{})
	in := streamtest.NewInput(d, "in", serde.String(), serde.String()).StartAt(time.UnixMilli(100)).AutoAdvance(10 * time.Millisecond)
	if err := errors.Join(in.PipeAll(stream.KV("a", "1"), stream.KV("b", "2")), in.PipeValues("3", "4"),
		in.PipeRecords(topology.Record[string, string]{Key: "c", NullValue: true, Timestamp: 7})); err != nil {
		t.Fatal(err)
	}
	all := func() *streamtest.Output[string, string] {
		return streamtest.NewOutput(d, "all", serde.String(), serde.String())
	}
	records, err := all().ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := []topology.Record[string, string]{{Key: "a", Value: "1", Timestamp: 100}, {Key: "b", Value: "2", Timestamp: 110},
		{Value: "3", NullKey: true, Timestamp: 120}, {Value: "4", NullKey: true, Timestamp: 130}, {Key: "c", Timestamp: 7}}
	if diff := cmp.Diff(want, records); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	kvs, err := all().ReadKeyValues()
	if diff := cmp.Diff([]stream.KeyValue[string, string]{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}, {Value: "3"}, {Value: "4"}, {Key: "c"}}, kvs); diff != "" || err != nil {
		t.Errorf("%v; keys and values (-want +got):\n%s", err, diff)
	}
	values, err := all().ReadValues()
	if diff := cmp.Diff([]string{"1", "2", "3", "4", ""}, values); diff != "" || err != nil {
		t.Errorf("%v; values (-want +got):\n%s", err, diff)
	}
}

// All stores can be filled before a test, global ones too.
func TestStoresAreListedAndCanBeFilled(t *testing.T) {
	d := listed(t, streamtest.Config{})
	stores := d.Stores()
	if diff := cmp.Diff([]string{"glob", "rows"}, slices.Sorted(maps.Keys(stores))); diff != "" {
		t.Fatalf("stores (-want +got):\n%s", diff)
	}
	for name, s := range stores {
		filled := s.(store.TimestampedKeyValueStore[string, string])
		if err := filled.Put("k", store.ValueAndTimestamp[string]{Value: "-" + name}); err != nil {
			t.Fatal(err)
		}
	}
	if err := streamtest.NewInput(d, "in", serde.String(), serde.String()).Pipe("k", "v"); err != nil {
		t.Fatal(err)
	}
	got, err := streamtest.NewOutput(d, "joined", serde.String(), serde.String()).ReadValues()
	if diff := cmp.Diff([]string{"v-rows-glob"}, got); diff != "" || err != nil {
		t.Errorf("%v; joined (-want +got):\n%s", err, diff)
	}
}

func TestListEndsWithTheFirstError(t *testing.T) {
	d := listed(t, streamtest.Config{})
	err := streamtest.NewInput(d, "in", serde.String(), serde.String()).PipeAll(stream.KV("a", "1"), stream.KV("b", "bad"), stream.KV("c", "3"))
	got, _ := streamtest.NewOutput(d, "all", serde.String(), serde.String()).ReadValues()
	if diff := cmp.Diff([]string{"1"}, got); diff != "" || err == nil {
		t.Errorf("error %v; values (-want +got):\n%s", err, diff)
	}
}

func TestDeadLettersAreCounted(t *testing.T) {
	d := listed(t, streamtest.Config{DeadLetterTopic: "dead", ErrorHandler: func(context.Context, *topology.ProcessingError) topology.Action { return topology.DeadLetter }})
	if err := streamtest.NewInput(d, "in", serde.String(), serde.String()).PipeValues("bad", "good", "bad"); err != nil {
		t.Fatal(err)
	}
	if n := d.DeadLetters(); n != 2 {
		t.Errorf("%d dead letters are counted, want 2", n)
	}
}
