package graph_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/internal/graph"
)

// written makes an operator that adds its name to a list when it is written.
func written(order *[]string, name string) *graph.Op {
	return &graph.Op{Name: name, Write: func(_ *graph.Topology, parents []string) error {
		*order = append(*order, name+"<"+strings.Join(parents, ","))
		return nil
	}}
}

func TestNamesAreNumberedByOneCounter(t *testing.T) {
	b := &graph.Builder{}
	got := []string{b.Next("A-"), b.Generate("A-"), b.Name("", "B-"), b.Generate("C-")}
	if diff := cmp.Diff([]string{"A-0000000000", "A-0000000000", "B-0000000001", "C-0000000002"}, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if got := b.Name("mine", "D-"); got != "mine" {
		t.Errorf("a given name became %q", got)
	}
	b.Name("not mine", "D-")
	if _, err := b.Build(); err == nil || !strings.Contains(err.Error(), `"not mine"`) {
		t.Errorf("Build: %v, want an error about the name", err)
	}
}

// Operators are written in the order in which they were made, but never before a
// parent: both parents of a merge come first.
func TestOperatorsAreWrittenInOrder(t *testing.T) {
	var order []string
	b := &graph.Builder{}
	one, two := written(&order, "one"), written(&order, "two")
	b.Add(one)
	b.Add(two)
	three := written(&order, "three")
	b.Add(three, one)
	b.Add(written(&order, "merge"), two, three)
	b.Add(written(&order, "four"), one)
	b.Add(&graph.Op{Write: func(*graph.Topology, []string) error { order = append(order, "store"); return nil }})
	if _, err := b.Build(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"one<", "two<", "three<one", "merge<two,three", "four<one", "store"}, order); diff != "" {
		t.Errorf("operators (-want +got):\n%s", diff)
	}
}

func TestErrorsOfAllOperatorsAreReturned(t *testing.T) {
	b := &graph.Builder{}
	failing := func(text string) *graph.Op {
		return &graph.Op{Name: text, Write: func(*graph.Topology, []string) error { return errors.New(text) }}
	}
	b.Add(failing("first"))
	b.Add(failing("second"))
	if _, err := b.Build(); err == nil || err.Error() != "first\nsecond" {
		t.Errorf("Build: %v, want both errors", err)
	}

	// What was wrong from the beginning is reported without what follows from it.
	b = &graph.Builder{}
	b.Failf("filter", "no %s", "serde")
	b.Add(failing("third"))
	if _, err := b.Build(); err == nil || err.Error() != `stream: operator "filter": no serde` {
		t.Errorf("Build: %v, want the one error", err)
	}
}

func TestSourcesOfOneTopicAreMerged(t *testing.T) {
	var order []string
	b := &graph.Builder{}
	from := func(name string, s graph.SourceOp) *graph.Op {
		op := written(&order, name)
		op.Source = &s
		b.Add(op)
		b.Add(written(&order, name+"-child"), op)
		return op
	}
	from("a", graph.SourceOp{Topics: []string{"x", "y"}, Type: "T"})
	from("b", graph.SourceOp{Topics: []string{"z"}, Type: "T"})
	from("c", graph.SourceOp{Topics: []string{"y", "x"}, Type: "T"})
	from("p", graph.SourceOp{Pattern: "o.*", Type: "T"})
	from("q", graph.SourceOp{Pattern: "o.*", Type: "T"})
	from("table", graph.SourceOp{Topics: []string{"z"}, Type: "U", Table: true})
	if _, err := b.Build(); err != nil {
		t.Fatal(err)
	}
	want := []string{"a<", "a-child<a", "b<", "b-child<b", "c-child<a", "p<", "p-child<p", "q-child<p", "table<", "table-child<table"}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Errorf("operators (-want +got):\n%s", diff)
	}
}

func TestSourcesThatCannotBeMerged(t *testing.T) {
	for want, second := range map[string]graph.SourceOp{
		`stream: sources "a" and "b": they read overlapping but not equal sets of topics: read each topic once`: {Topics: []string{"x"}, Type: "T"},
		`stream: sources "a" and "b": they read the same topics with different reset policies`:                  {Topics: []string{"y", "x"}, Type: "T", Reset: graph.ResetNone},
		`stream: sources "a" and "b": they read the same topics with different types, T and U`:                  {Topics: []string{"x", "y"}, Type: "U"},
	} {
		var order []string
		b := &graph.Builder{}
		op := written(&order, "a")
		op.Source = &graph.SourceOp{Topics: []string{"x", "y"}, Type: "T"}
		b.Add(op)
		op = written(&order, "b")
		op.Source = &second
		b.Add(op)
		if _, err := b.Build(); err == nil || err.Error() != want {
			t.Errorf("Build: %v\nwant %s", err, want)
		}
	}
}
