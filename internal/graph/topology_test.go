package graph_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
)

// must stops a test whose topology is not what it meant.
func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func source(name string, topics ...string) *graph.Node {
	return &graph.Node{Name: name, Topics: topics}
}

func patterned(name, pattern string) *graph.Node {
	return &graph.Node{Name: name, Pattern: regexp.MustCompile(pattern)}
}

func below(name string, parents ...string) *graph.Node {
	return &graph.Node{Name: name, Parents: parents}
}

func sinkTo(name, topic string, parents ...string) *graph.Node {
	return &graph.Node{Name: name, Topic: topic, Parents: parents}
}

func words(name string, opts ...store.Option) store.Builder {
	return store.KeyValue(name, serde.String(), serde.String(), opts...)
}

// ladder is in -> p -> out, with a store "seen" at p.
func ladder(t *testing.T) *graph.Topology {
	t.Helper()
	g := &graph.Topology{}
	must(t, g.AddSource(source("in-source", "in")), g.AddProcessor(below("p", "in-source")), g.AddSink(sinkTo("out-sink", "out", "p")),
		g.AddStore(words("seen"), "p"))
	return g
}

func TestMistakesNameTheNode(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(g *graph.Topology) error
		want string
	}{
		"no name": {func(g *graph.Topology) error { return g.AddProcessor(below("", "p")) },
			`topology: a node has no name`},
		"second node of a name": {func(g *graph.Topology) error { return g.AddProcessor(below("p", "in-source")) },
			`topology: there is already a node "p": node names are unique`},
		"second source of a name": {func(g *graph.Topology) error { return g.AddSource(source("p", "other")) },
			`topology: there is already a node "p": node names are unique`},
		"own parent": {func(g *graph.Topology) error { return g.AddProcessor(below("q", "q")) },
			`topology: node "q" cannot be its own parent`},
		"parent that is not there": {func(g *graph.Topology) error { return g.AddSink(sinkTo("s", "t", "later")) },
			`topology: node "s" has the parent "later", which does not exist: add parents first`},
		"sink as parent": {func(g *graph.Topology) error { return g.AddProcessor(below("q", "out-sink")) },
			`topology: node "q" has the sink "out-sink" as parent: a sink has no children`},
		"processor without a parent": {func(g *graph.Topology) error { return g.AddProcessor(below("q")) },
			`topology: processor "q" has no parent`},
		"sink without a parent": {func(g *graph.Topology) error { return g.AddSink(sinkTo("s", "t")) },
			`topology: sink "s" has no parent`},
		"source without a topic": {func(g *graph.Topology) error { return g.AddSource(source("q")) },
			`topology: source "q" has no topic`},
		"source of a topic without a name": {func(g *graph.Topology) error { return g.AddSource(source("q", "a", "")) },
			`topology: source "q" has an empty topic name`},
		"topic read twice": {func(g *graph.Topology) error { return g.AddSource(source("q", "a", "in")) },
			`topology: source "q": topic "in" is already read by source "in-source"`},
		"topic read twice by one source": {func(g *graph.Topology) error { return g.AddSource(source("q", "a", "b", "a")) },
			`topology: source "q" reads topic "a" twice`},
		"pattern that matches a topic": {func(g *graph.Topology) error { return g.AddSource(patterned("q", "i.")) },
			`topology: source "q": pattern "i." matches topic "in", which source "in-source" reads`},
		"topic that a pattern matches": {func(g *graph.Topology) error {
			must(t, g.AddSource(patterned("q", "orders-.*")))
			return g.AddSource(source("r", "orders-eu"))
		}, `topology: source "r": topic "orders-eu" is already read by source "q"`},
		"second store of a name": {func(g *graph.Topology) error { return g.AddStore(words("seen"), "p") },
			`topology: there is already a store "seen": store names are unique`},
		"store with a bad name": {func(g *graph.Topology) error { return g.AddStore(words("a/b"), "p") },
			`topology: store: the name "a/b" has a character other than letters, digits, '.', '_' and '-'`},
		"store for nobody": {func(g *graph.Topology) error { return g.AddStore(words("s"), "q") },
			`topology: store "s": there is no processor "q": add it first`},
		"store for a source": {func(g *graph.Topology) error { return g.AddStore(words("s"), "in-source") },
			`topology: store "s": "in-source" is not a processor: only processors use stores`},
		"store that is not there": {func(g *graph.Topology) error { return g.ConnectStore("p", "s") },
			`topology: processor "p": there is no store "s": add it first`},
		"processor with a store that is not there": {func(g *graph.Topology) error {
			n := below("q", "p")
			n.Stores = []string{"s"}
			return g.AddProcessor(n)
		}, `topology: processor "q": there is no store "s": add it first`},
		"repartition topic with a bad name": {func(g *graph.Topology) error {
			return g.AddRepartitionTopic(graph.RepartitionTopic{Name: "a b"})
		}, `topology: repartition topic: the name "a b" has a character other than letters, digits, '.', '_' and '-'`},
	} {
		g := ladder(t)
		if err := c.do(g); err == nil || err.Error() != c.want {
			t.Errorf("%s:\n got %v\nwant %s", name, err, c.want)
		}
	}
}

// A pattern matches whole names, as Java's Matcher.matches.
func TestPatternsMatchWholeNames(t *testing.T) {
	g := ladder(t)
	must(t, g.AddSource(patterned("q", "i")), g.AddSource(patterned("r", "n")), g.AddSource(source("s", "inn", "min")))
}

func TestSameStoreMayBeAddedAgain(t *testing.T) {
	g := ladder(t)
	must(t, g.AddProcessor(below("q", "p")))
	seen := g.Store("seen").Builder
	must(t, g.AddStore(seen, "q", "p"), g.ConnectStore("q", "seen"))
	if diff := cmp.Diff([]string{"p", "q"}, g.Store("seen").Users); diff != "" {
		t.Errorf("users of the store (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"seen"}, g.Node("q").Stores); diff != "" {
		t.Errorf("stores of the processor (-want +got):\n%s", diff)
	}
}

func TestNamesOfTopicsAndStores(t *testing.T) {
	long := strings.Repeat("x", 249)
	for _, name := range []string{"a", "orders", "A.b_c-9", "...", long} {
		if err := graph.CheckName(name); err != nil {
			t.Errorf("%.20q: %v", name, err)
		}
	}
	for name, want := range map[string]string{
		"":         "a name is empty",
		".":        `the name "." is not allowed`,
		"..":       `the name ".." is not allowed`,
		"a b":      "has a character other than letters",
		"a/b":      "has a character other than letters",
		"größe":    "has a character other than letters",
		long + "x": "250 characters long, at most 249 are allowed",
	} {
		if err := graph.CheckName(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want an error with %q", name, err, want)
		}
	}
}
