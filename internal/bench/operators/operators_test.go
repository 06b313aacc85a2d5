package operators

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/store"
)

// feeder makes records whose keys are random and whose timestamps go on.
type feeder struct {
	*rig
	operator
	keys    int
	time    int64
	records []record.Record
}

func newFeeder(tb testing.TB, o operator, keys int) *feeder {
	tb.Helper()
	return newFeederOn(tb, o, keys, store.Memory(), 1<<30)
}

func newFeederOn(tb testing.TB, o operator, keys int, engine store.Opener, cacheBytes int) *feeder {
	tb.Helper()
	topo, err := o.topology()
	if err != nil {
		tb.Fatal(err)
	}
	f := &feeder{rig: newRig(tb, topo, engine, cacheBytes), operator: o, keys: keys, time: 1_000_000}
	for i := 0; i < o.inputs; i++ { // all keys are known
		for from := 0; from < keys; from += batch {
			f.records = f.records[:0]
			for k := from; k < min(from+batch, keys); k++ {
				f.records = append(f.records, keyed(k, int64(k), f.time))
			}
			f.push(tb, i)
		}
	}
	return f
}

// run feeds n records.
func (f *feeder) run(tb testing.TB, n int) {
	for i := 0; n > 0; i++ {
		f.records = f.records[:0]
		for range min(batch, n) {
			f.time += f.step
			f.records = append(f.records, keyed(rand.IntN(f.keys), int64(rand.IntN(1000)), f.time))
		}
		n -= len(f.records)
		f.push(tb, i%f.operator.inputs)
	}
}

func (f *feeder) push(tb testing.TB, input int) {
	if err := f.feed(fmt.Sprint("in-", input), append([]record.Record(nil), f.records...)); err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkTask measures the engine without a broker.
func BenchmarkTask(b *testing.B) {
	for _, o := range all {
		for _, keys := range []int{1_000, 100_000, 1_000_000} {
			b.Run(fmt.Sprintf("%s/keys=%d", o.name, keys), func(b *testing.B) {
				f := newFeeder(b, o, keys)
				f.run(b, 10_000)
				f.rig.records = 0
				b.ReportAllocs()
				p := profiling(b)
				b.ResetTimer()
				f.run(b, b.N)
				b.StopTimer()
				b.ReportMetric(float64(f.rig.records)/float64(b.N), "out/op")
				p.report(b, func(records int) { f.run(b, records) })
			})
		}
	}
}

// Every operator that is measured works.
func TestOperatorsProduce(t *testing.T) {
	for _, o := range all {
		t.Run(o.name, func(t *testing.T) {
			f := newFeeder(t, o, 20)
			f.run(t, 5000)
			if f.rig.records < 20 {
				t.Errorf("%d records came out", f.rig.records)
			}
		})
	}
}
