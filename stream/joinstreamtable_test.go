package stream_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/streamtest"
	"github.com/streamweir/streamweir/topology"
)

func both(v, w string) string { return v + w }

func eitherOf(v string, w *string) string {
	if w == nil {
		return v + "-"
	}
	return v + *w
}

func keyed(s *stream.KStream[string, string]) *stream.KStream[string, string] {
	return stream.TrySelectKey(s, func(_ context.Context, r textRecord) (string, error) { return r.Key, nil })
}

// A repartition keeps records with a null key only if a left join behind it, at any
// distance, has a use for them.
func TestNullKeysAtTheRepartitionOfAJoin(t *testing.T) {
	for name, c := range map[string]struct {
		left, filtered bool
		want           string
	}{
		"inner":             {false, false, ""},
		"left":              {true, false, "=a-"},
		"left, at distance": {true, true, "=a-"},
	} {
		t.Run(name, func(t *testing.T) {
			b := stream.NewBuilder()
			// The function's key is the zero value, not null; null keys are what comes from
			// the input.
			s := stream.Process[string, string, string, string](stream.From(b, "in", text), func() *passOn { return &passOn{} })
			if c.filtered {
				s = s.Repartition(text, stream.Named("first")).Filter(yes)
			}
			rows := stream.Table(b, "rows", text, nil)
			if c.left {
				stream.LeftJoinTable(s, rows, eitherOf, text).To("out", text)
			} else {
				stream.JoinTable(s, rows, both, text).To("out", text)
			}
			d := driverOf(t, b, streamtest.Config{})
			pipeAll(t, d, textRecord{NullKey: true, Value: "a"})
			wantText(t, d, "out", strings.Fields(strings.Replace(c.want, "=", "null=", 1))...)
		})
	}
}

// passOn forwards what it receives, null keys included.
type passOn struct {
	out *topology.Context[string, string]
}

func (p *passOn) Init(out *topology.Context[string, string]) error { p.out = out; return nil }

func (p *passOn) Process(_ context.Context, r textRecord) error { return p.out.Forward(r) }

// A table that is computed is read through the functions that compute it.
func TestJoinReadsAComputedTable(t *testing.T) {
	calls := 0
	b := stream.NewBuilder()
	rows := stream.Table(b, "rows", text, nil)
	large := stream.MapTableValuesWithKey(rows.Filter(func(_, v string) bool { return v > "b" }), func(k, v string) string {
		calls++
		return k + v
	})
	stream.LeftJoinTable(stream.From(b, "in", text), large, eitherOf, nil).To("out", text)
	d := driverOf(t, b, streamtest.Config{})
	in := streamtest.NewInput(d, "rows", serde.String(), serde.String())
	for _, v := range []string{"a", "c", "b", "d"} {
		if err := in.Pipe("k", v); err != nil {
			t.Fatal(err)
		}
		pipeAll(t, d, textRecord{Key: "k", Value: "v"})
	}
	wantText(t, d, "out", "k=v-", "k=vkc", "k=v-", "k=vkd")
	if calls != 2+2 {
		t.Errorf("the mapping was called %d times, want once for each change and each join that sees one", calls)
	}
}

// The value that a left join hands out belongs to the function: the next record
// does not overwrite it.
func TestLeftJoinHandsOutItsOwnValue(t *testing.T) {
	var kept []*string
	b := stream.NewBuilder()
	rows := stream.Table(b, "rows", text, nil)
	stream.LeftJoinTable(stream.From(b, "in", text), rows, func(v string, w *string) string {
		kept = append(kept, w)
		return v
	}, nil)
	d := driverOf(t, b, streamtest.Config{})
	in := streamtest.NewInput(d, "rows", serde.String(), serde.String())
	for _, v := range []string{"a", "b"} {
		if err := in.Pipe("k", v); err != nil {
			t.Fatal(err)
		}
		pipeAll(t, d, textRecord{Key: "k", Value: "v"})
	}
	if len(kept) != 2 || *kept[0] != "a" || *kept[1] != "b" {
		t.Errorf("what was handed out reads %v", kept)
	}
}

// What goes wrong in the join's function, or in one that computes its table, is an
// error of the stream's record at the join's node.
func TestErrorOfAJoinWithATable(t *testing.T) {
	var asked []string
	b := stream.NewBuilder()
	rows := stream.Table(b, "rows", text, nil)
	broken := false
	computed := stream.MapTableValues(rows, func(v string) string {
		if broken {
			panic("no mapping")
		}
		return v
	})
	attempts := 0
	stream.TryJoinTable(stream.From(b, "in", text), computed, func(_ context.Context, r textRecord, w string) (string, error) {
		switch attempts++; {
		case r.Value == "bad", r.Value == "later" && attempts < 4:
			return "", errFlaky
		}
		return r.Value + w, nil
	}, nil, stream.Named("join")).To("out", text)
	d := driverOf(t, b, streamtest.Config{ErrorHandler: func(_ context.Context, e *stream.ProcessingError) stream.Action {
		asked = append(asked, fmt.Sprintf("%s %s", e.Node, e.Value))
		if string(e.Value) == "later" {
			return stream.Retry
		}
		return stream.Skip
	}})
	if err := streamtest.NewInput(d, "rows", serde.String(), serde.String()).Pipe("k", "w"); err != nil {
		t.Fatal(err)
	}
	pipeAll(t, d, textRecord{Key: "k", Value: "bad"}, textRecord{Key: "k", Value: "later"})
	broken = true
	pipeAll(t, d, textRecord{Key: "k", Value: "unmapped"}, textRecord{Key: "other", Value: "unmatched"})
	wantText(t, d, "out", "k=laterw")
	if got, want := fmt.Sprint(asked), "[join bad join later join later join unmapped]"; got != want {
		t.Errorf("the handler was asked about %s, want %s", got, want)
	}
}

// The topics of a join must have equally many partitions, that of its repartition
// as well, also where one repartition serves two joins.
func TestTopicsOfAJoinAreCopartitioned(t *testing.T) {
	b := stream.NewBuilder()
	s := keyed(stream.From(b, "in", text))
	one := stream.JoinTable(s, stream.Table(b, "one", text, nil), both, text)
	stream.JoinTable(s, stream.Table(b, "two", text, nil), both, text)
	stream.JoinTable(one, stream.From(b, "three", text).Filter(yes).ToTable(nil), both, nil)
	topo, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	const repartition = "KSTREAM-KEY-SELECT-0000000001-repartition"
	if got, want := fmt.Sprint(topo.Graph().Copartitioned(nil)), "[["+repartition+" one two three]]"; got != want {
		t.Errorf("co-partitioned are %s, want %s", got, want)
	}
	if got, want := fmt.Sprint(topo.Graph().ListedCopartitions(topo.Graph().Topics("app"))), "[[app-"+repartition+" one three] [two]]"; got != want {
		t.Errorf("listed are %s, want %s", got, want)
	}
}
