package stream_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/streamtest"
	"github.com/streamweir/streamweir/topology"
)

// fragileTransform transforms as f does.
type fragileTransform struct{ f func(string) string }

func (fragileTransform) Init(*topology.TransformContext) error { return nil }

func (t fragileTransform) Transform(_ context.Context, r textRecord) (string, bool, error) {
	return t.f(r.Value), !r.NullValue, nil
}

// What a function of a table's operator does wrong is an error of the record that
// caused it, at the node that called it: the record is skipped there, or tried again,
// and the table goes on. A value that cannot be grouped, or whose reference cannot be
// found, takes the next change of its key with it, which would have to undo it.
func TestErrorsOfOperatorsOfTables(t *testing.T) {
	type table = *stream.KTable[string, string]
	first := func(v, _ string) string { return v }
	for name, c := range map[string]struct {
		build func(l, r table, f func(string) string) table
		node  string
		want  []string
	}{
		"JoinTables": {func(l, r table, f func(string) string) table {
			return stream.JoinTables(l, r, func(v, _ string) string { return f(v) }, nil, stream.Named("op"))
		}, "op-join-this", []string{"k=good", "k=later"}},
		"GroupTableBy": {func(l, _ table, f func(string) string) table {
			g := stream.GroupTableBy(l, func(k, v string) (string, string) { return k, f(v) }, text, stream.Named("op"))
			return g.Reduce(first, first, nil)
		}, "op", []string{"k=good"}},
		"Reduce": {func(l, _ table, f func(string) string) table {
			g := stream.GroupTableBy(l, func(k, v string) (string, string) { return k, v }, text)
			return g.Reduce(func(_, v string) string { return f(v) }, first, nil, stream.Named("op"))
		}, "op", []string{"k=good", "k=later"}},
		"JoinForeignKey's extractor": {func(l, r table, f func(string) string) table {
			return stream.JoinForeignKey(l, r, func(_, v string) (string, bool) { return "k", f(v) != "" }, first, nil, stream.Named("op"))
		}, "op-subscription-registration-processor", []string{"k=good"}},
		"JoinForeignKey's joiner": {func(l, r table, f func(string) string) table {
			return stream.JoinForeignKey(l, r, func(k, _ string) (string, bool) { return k, true }, func(v, _ string) string { return f(v) }, nil, stream.Named("op"))
		}, "op-subscription-response-resolver", []string{"k=good", "k=later"}},
		"TryJoinForeignKey's extractor": {func(l, r table, f func(string) string) table {
			return stream.TryJoinForeignKey(l, r, func(_ context.Context, k, v string) (string, bool, error) { return k, true, errorOf(f, v) },
				func(_ context.Context, _, v, _ string) (string, error) { return v, nil }, nil, stream.Named("op"))
		}, "op-subscription-registration-processor", []string{"k=good"}},
		"TryJoinForeignKey's joiner": {func(l, r table, f func(string) string) table {
			return stream.TryJoinForeignKey(l, r, func(_ context.Context, k, _ string) (string, bool, error) { return k, true, nil },
				func(_ context.Context, k, v, w string) (string, error) { return k + v + w, errorOf(f, v) }, nil, stream.Named("op"))
		}, "op-subscription-response-resolver", []string{"k=kgoodw", "k=klaterw"}},
		"TryLeftJoinForeignKey's joiner": {func(l, r table, f func(string) string) table {
			return stream.TryLeftJoinForeignKey(l, r, func(_ context.Context, _, _ string) (string, bool, error) { return "other", true, nil },
				func(_ context.Context, k, v string, w *string) (string, error) { return k + v + or(w), errorOf(f, v) }, nil, stream.Named("op"))
		}, "op-subscription-response-resolver", []string{"k=kgood-", "k=klater-"}},
		"TransformTableValues": {func(l, _ table, f func(string) string) table {
			return stream.TransformTableValues[string, string, string](l, func() fragileTransform { return fragileTransform{f} }, nil, stream.Named("op"))
		}, "op", []string{"k=good", "k=later"}},
	} {
		t.Run(name, func(t *testing.T) {
			attempts := 0
			f := func(v string) string {
				switch {
				case v == "bad":
					panic("bad")
				case v == "later":
					if attempts++; attempts < 3 {
						panic("not now")
					}
				}
				return v
			}
			var nodes []string
			b := stream.NewBuilder()
			c.build(stream.Table(b, "in", text, nil), stream.Table(b, "right", text, nil), f).ToStream().To("out", text)
			d := driverOf(t, b, streamtest.Config{ErrorHandler: func(_ context.Context, e *stream.ProcessingError) stream.Action {
				if !slices.Contains(nodes, e.Node) {
					nodes = append(nodes, e.Node)
				}
				if attempts > 0 && attempts < 3 {
					return stream.Retry
				}
				return stream.Skip
			}})
			if err := streamtest.NewInput(d, "right", serde.String(), serde.String()).Pipe("k", "w"); err != nil {
				t.Fatal(err)
			}
			for _, v := range []string{"good", "bad", "later"} {
				pipeAll(t, d, textRecord{Key: "k", Value: v})
			}
			if fmt.Sprint(nodes) != "["+c.node+"]" {
				t.Errorf("errors came from %v, want %s", nodes, c.node)
			}
			wantText(t, d, "out", c.want...)
		})
	}
}

// errorOf is an error where f panics.
func errorOf(f func(string) string, v string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errFlaky, r)
		}
	}()
	f(v)
	return nil
}

func TestMistakesWithTables(t *testing.T) {
	b, other := stream.NewBuilder(), stream.NewBuilder()
	l := stream.Table(b, "left", text, nil)
	r := stream.Table(other, "right", text, nil)
	stream.JoinTables(l, r, both, nil, stream.Named("strangers"))
	lengths := stream.MapTableValues(l, func(v string) int64 { return int64(len(v)) })
	stream.JoinForeignKey(lengths, l, func(k string, _ int64) (string, bool) { return k, true }, func(n int64, v string) string { return v }, nil, stream.Named("fk"))
	stream.GroupTableBy(l, func(k, v string) (string, int) { return k, len(v) }, nil, stream.Named("groups"))
	stream.JoinTable(stream.From(b, "in", text), l, both, nil, stream.Partitions(3), stream.Named("join"))
	stream.TransformTableValues[string, string, string, fragileTransform](l, nil, nil, stream.Named("transform"))
	_, err := b.Build()
	wantMistakes(t, err,
		`stream: operator "strangers": the two tables belong to different builders`,
		`stream: operator "fk-result": the left table has no value serde: give it one with WithSerdes`,
		`stream: operator "groups": no key serde is given and none can be inferred here: pass stream.With(keySerde, valueSerde)`,
		`stream: operator "groups": no value serde is given and none can be inferred here: pass stream.With(keySerde, valueSerde)`,
		`stream: operator "join": option Partitions does not apply here`,
		`stream: operator "transform": there is no supplier of a transformer`)
}

func wantMistakes(t *testing.T, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("Build reports no mistake")
	}
	var got []string
	for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
		got = append(got, e.Error())
	}
	if !slices.Equal(got, want) {
		t.Errorf("Build reports\n%q\nwant\n%q", got, want)
	}
}
