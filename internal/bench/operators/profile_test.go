package operators

import "testing"

func TestPackageOf(t *testing.T) {
	const module = "github.com/streamweir/streamweir/"
	for function, want := range map[string]string{
		module + "stream.newFilter": "stream",
		module + "stream.(*windowNode[go.shape.string,go.shape.int64]).Receive":                                         "stream",
		module + "internal/graph.(*Out[go.shape.struct { Key " + module + "store.Windowed[go.shape.string] }]).Forward": "internal/graph",
		module + "internal/bench/operators.BenchmarkTask.func1.1":                                                       "internal/bench/operators",
		module + "store.(*keyValue[go.shape.string,go.shape.int64]).Get":                                                "store",
		"runtime.mallocgc": "runtime",
	} {
		if got := packageOf(function); got != want {
			t.Errorf("%s: %q, want %q", function, got, want)
		}
	}
}
