package stream_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/streamtest"
	"github.com/streamweir/streamweir/topology"
)

// globalOf is a global table of "glob" and a stream of "in".
func globalOf(b *stream.Builder) (*stream.GlobalKTable[string, string], *stream.KStream[string, string]) {
	return stream.GlobalTable(b, "glob", text, nil), stream.From(b, "in", text)
}

// A nil key of the table has no value: the record is dropped, or joined with nothing.
// A null key of the record does not matter, a null value does.
func TestNullsInJoinsWithAGlobalTable(t *testing.T) {
	key := func(_, v string) *string {
		if v == "nobody" {
			return nil
		}
		return &v
	}
	optional := serde.JSON[*string]()
	for name, c := range map[string]struct {
		join    func(s *stream.KStream[string, string], g *stream.GlobalKTable[*string, string]) *stream.KStream[string, string]
		want    []string
		dropped int64
	}{
		"inner": {func(s *stream.KStream[string, string], g *stream.GlobalKTable[*string, string]) *stream.KStream[string, string] {
			return stream.JoinGlobal(s, g, key, func(v, g string) string { return v + g })
		}, []string{"x1"}, 2},
		"left": {func(s *stream.KStream[string, string], g *stream.GlobalKTable[*string, string]) *stream.KStream[string, string] {
			return stream.LeftJoinGlobal(s, g, key, func(v string, g *string) string {
				if g == nil {
					return v + "-"
				}
				return v + *g
			})
		}, []string{"x1", "y-", "nobody-"}, 1},
	} {
		b := stream.NewBuilder()
		g := stream.GlobalTable(b, "glob", stream.With(optional, serde.String()), nil)
		c.join(stream.From(b, "in", text), g).To("out", text)
		d, err := streamtest.NewDriver(built(t, b), streamtest.Config{})
		if err != nil {
			t.Fatal(err)
		}
		x := "x"
		if err := streamtest.NewInput(d, "glob", optional, serde.String()).Pipe(&x, "1"); err != nil {
			t.Fatal(err)
		}
		in := streamtest.NewInput(d, "in", serde.String(), serde.String())
		for _, r := range []textRecord{{NullKey: true, Value: "x"}, {Key: "k", Value: "y"}, {Key: "k", Value: "nobody"}, {Key: "k", NullValue: true}} {
			if err := in.PipeRecord(r); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		out, err := streamtest.NewOutput(d, "out", serde.String(), serde.String()).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range out {
			got = append(got, r.Value)
		}
		if diff := cmp.Diff(c.want, got); diff != "" || d.Dropped() != c.dropped {
			t.Errorf("%s: %d dropped, want %d; results (-want +got):\n%s", name, d.Dropped(), c.dropped, diff)
		}
		d.Close()
	}
}

// An error or a panic of either function is met at the join's own node, and can be
// tried again.
func TestErrorsOfAJoinWithAGlobalTable(t *testing.T) {
	boom := errors.New("boom")
	plainKey := func(_, v string) string { return v }
	for name, join := range map[string]func(s *stream.KStream[string, string], g *stream.GlobalKTable[string, string], fail func() error) *stream.KStream[string, string]{
		"panic of the key": func(s *stream.KStream[string, string], g *stream.GlobalKTable[string, string], fail func() error) *stream.KStream[string, string] {
			return stream.JoinGlobal(s, g, func(_, v string) string {
				if err := fail(); err != nil {
					panic(err)
				}
				return v
			}, func(v, g string) string { return v + g }, stream.Named("join"))
		},
		"panic of the join": func(s *stream.KStream[string, string], g *stream.GlobalKTable[string, string], fail func() error) *stream.KStream[string, string] {
			return stream.LeftJoinGlobal(s, g, plainKey, func(v string, g *string) string {
				if err := fail(); err != nil {
					panic(err)
				}
				return v + *g
			}, stream.Named("join"))
		},
		"error of the key": func(s *stream.KStream[string, string], g *stream.GlobalKTable[string, string], fail func() error) *stream.KStream[string, string] {
			return stream.TryLeftJoinGlobal(s, g, func(_ context.Context, r textRecord) (string, error) { return r.Value, fail() },
				func(_ context.Context, r textRecord, g *string) (string, error) { return r.Value + *g, nil }, stream.Named("join"))
		},
		"error of the join": func(s *stream.KStream[string, string], g *stream.GlobalKTable[string, string], fail func() error) *stream.KStream[string, string] {
			return stream.TryJoinGlobal(s, g, func(_ context.Context, r textRecord) (string, error) { return r.Value, nil },
				func(_ context.Context, r textRecord, g string) (string, error) { return r.Value + g, fail() }, stream.Named("join"))
		},
	} {
		b := stream.NewBuilder()
		g, s := globalOf(b)
		fails := 2
		join(s, g, func() error {
			if fails--; fails >= 0 {
				return boom
			}
			return nil
		}).To("out", text)
		asked := 0
		d, err := streamtest.NewDriver(built(t, b), streamtest.Config{ErrorHandler: func(_ context.Context, e *topology.ProcessingError) topology.Action {
			if asked++; e.Node != "join" || e.Phase != topology.Processing || !errors.Is(e.Err, boom) {
				t.Errorf("%s: the handler was asked about %v", name, e)
			}
			return topology.Retry
		}})
		if err != nil {
			t.Fatal(err)
		}
		pipe(d, "glob", "x", "1")
		pipe(d, "in", "k", "x")
		out, err := streamtest.NewOutput(d, "out", serde.String(), serde.String()).ReadAll()
		if err != nil || asked != 2 || len(out) != 1 || out[0].Value != "x1" {
			t.Errorf("%s: asked %d times, got %v, %v", name, asked, out, err)
		}
		d.Close()
	}
}

func TestMistakesWithGlobalTables(t *testing.T) {
	b, other := stream.NewBuilder(), stream.NewBuilder()
	g, _ := globalOf(other)
	stream.GlobalTable[string, string](b, "glob", nil, nil, stream.Named("g"))
	stream.GlobalTable(b, "rows", text, nil, stream.ResetTo(topology.ResetLatest))
	stream.AddGlobalStore(b, nil, "more", text, func() *upperStore { return &upperStore{} })
	stream.JoinGlobal(stream.From(b, "in", text), g, keyOf, func(v, _ string) string { return v }, stream.Named("foreign"))
	_, err := b.Build()
	for _, want := range []string{`operator "g": no key serde`, `operator "g": no value serde`, `operator "GlobalTable": option ResetTo does not apply here`,
		"AddGlobalStore was called without a store", `operator "foreign": stream and global table belong to different builders`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Build: %v\nhas no %q", err, want)
		}
	}
}
