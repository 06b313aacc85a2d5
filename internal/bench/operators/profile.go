package operators

import (
	"bytes"
	"flag"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"

	"github.com/google/pprof/profile"
)

var beyond = flag.Bool("beyond", true, "profile each benchmark to report what is beyond store accesses; not with -cpuprofile")

// profiled is a benchmark's profile: what is left of its time without what its store
// accesses take.
type profiled struct{ cpu bytes.Buffer }

func profiling(b *testing.B) *profiled {
	if !*beyond {
		return nil
	}
	p := &profiled{}
	if err := pprof.StartCPUProfile(&p.cpu); err != nil {
		b.Fatal(err)
	}
	return p
}

// counted is how many records allocations are counted for.
const counted = 20_000

// report adds the metrics beyond-ns/op and beyond-allocs/op. Short runs have too few
// samples to tell. Allocations are counted one by one while more records are run, which
// takes too long for the time to be measured as well.
func (p *profiled) report(b *testing.B, run func(records int)) {
	if p == nil {
		return
	}
	pprof.StopCPUProfile()
	if b.N < 10_000 {
		return
	}
	cpu, err := profile.Parse(&p.cpu)
	if err != nil {
		b.Fatal(err)
	}
	total, left := int64(0), int64(0)
	for _, s := range cpu.Sample {
		total += s.Value[0]
		if part(s) == "beyond" {
			left += s.Value[0]
		}
	}
	if total > 0 {
		b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)*float64(left)/float64(total), "beyond-ns/op")
	}
	rate := runtime.MemProfileRate
	runtime.MemProfileRate = 1
	before := allocations(b)
	run(counted)
	after := allocations(b)
	runtime.MemProfileRate = rate
	b.ReportMetric(float64(after["beyond"]-before["beyond"])/counted, "beyond-allocs/op")
}

// allocations counts all allocations so far, by part.
func allocations(b *testing.B) map[string]int64 {
	runtime.GC()
	var buf bytes.Buffer
	if err := pprof.Lookup("allocs").WriteTo(&buf, 0); err != nil {
		b.Fatal(err)
	}
	p, err := profile.Parse(&buf)
	if err != nil {
		b.Fatal(err)
	}
	n := map[string]int64{}
	for _, s := range p.Sample {
		n[part(s)] += s.Value[0]
	}
	return n
}

// parts are what the packages of the module belong to.
var parts = map[string]string{
	"store": "store", "internal/state": "store", "internal/bench/operators": "benchmark",
	"stream": "beyond", "topology": "beyond", "serde": "beyond", "internal/graph": "beyond", "internal/task": "beyond",
}

// part tells what a sample belongs to: an access to a store, the benchmark itself,
// the runtime's own work, or else what the operator does beyond.
func part(s *profile.Sample) string {
	part := "runtime"
	for _, l := range s.Location {
		for _, line := range l.Line {
			switch in := parts[packageOf(line.Function.Name)]; {
			case in == "store":
				return in
			case part == "runtime" && in != "":
				part = in
			}
		}
	}
	return part
}

// packageOf is the package of a function in the module. What a generic one is made with
// has packages of its own, in brackets.
func packageOf(function string) string {
	if i := strings.IndexAny(function, "[("); i >= 0 {
		function = function[:i]
	}
	path, _ := strings.CutPrefix(function, "github.com/streamweir/streamweir/")
	last := strings.LastIndexByte(path, '/') + 1
	name, _, _ := strings.Cut(path[last:], ".")
	return path[:last] + name
}
