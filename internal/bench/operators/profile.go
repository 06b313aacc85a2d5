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

// profiled is a benchmark's profile: what is left of its time and allocations without
// what its store accesses take.
type profiled struct {
	cpu    bytes.Buffer
	before map[string]int64
	rate   int
}

func profiling(b *testing.B) *profiled {
	if !*beyond {
		return nil
	}
	p := &profiled{rate: runtime.MemProfileRate}
	runtime.MemProfileRate = 512
	p.before = allocations(b)
	if err := pprof.StartCPUProfile(&p.cpu); err != nil {
		b.Fatal(err)
	}
	return p
}

// report adds the metrics beyond-ns/op and beyond-allocs/op. Short runs have too few
// samples to tell.
func (p *profiled) report(b *testing.B) {
	if p == nil {
		return
	}
	pprof.StopCPUProfile()
	after := allocations(b)
	runtime.MemProfileRate = p.rate
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
	b.ReportMetric(float64(after["beyond"]-p.before["beyond"])/float64(b.N), "beyond-allocs/op")
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

// part tells what a sample belongs to: an access to a store, the benchmark itself,
// the runtime's own work, or else what the operator does beyond.
func part(s *profile.Sample) string {
	part := "runtime"
	for _, l := range s.Location {
		for _, line := range l.Line {
			name := line.Function.Name
			switch {
			case strings.Contains(name, "streamweir/store.") || strings.Contains(name, "streamweir/internal/state."):
				return "store"
			case part == "runtime" && (strings.Contains(name, "operators.keyed") || strings.Contains(name, "operators.(*rig).Send")):
				part = "benchmark"
			case part == "runtime" && (strings.Contains(name, "streamweir/stream") || strings.Contains(name, "streamweir/topology") || strings.Contains(name, "streamweir/internal/task")):
				part = "beyond"
			}
		}
	}
	return part
}
