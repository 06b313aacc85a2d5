package sim

import (
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/store"
)

var (
	seeds = flag.Int("seeds", 50, "how many programs to run")
	first = flag.Uint64("seed", 1, "the first program's seed")
)

// way is one way to run a program.
type way struct {
	name     string
	inMemory bool
	badger   bool
	Config
}

var ways = []way{
	{name: "cache", Config: Config{Partitions: 1, Step: 50, CacheBytes: 1 << 20}},
	{name: "small cache", Config: Config{Partitions: 1, Step: 50, CacheBytes: 2000}},
	{name: "crashes", Config: Config{Partitions: 1, Step: 20, Trouble: 100}},
	{name: "crashes, stores in memory", inMemory: true, Config: Config{Partitions: 2, Step: 20, Trouble: 100}},
	{name: "partitions", Config: Config{Partitions: 4, Step: 30}},
	{name: "all of it", Config: Config{Partitions: 3, Step: 30, CacheBytes: 10_000, Trouble: 50}},
	{name: "badger", badger: true, Config: Config{Partitions: 2, Step: 100, CacheBytes: 10_000, Trouble: 30}},
}

// However a program is run, its final result is the same.
func TestEveryWayGivesTheSame(t *testing.T) {
	for seed := *first; seed < *first+uint64(*seeds); seed++ {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			plain := way{name: "plain", Config: Config{Partitions: 1, Step: 1}}
			want := result(t, seed, plain)
			for i, w := range ways {
				if w.badger && seed%10 != 0 {
					continue
				}
				if d := cmp.Diff(want, result(t, seed, w)); d != "" {
					t.Fatalf("%s (%d): (-plain +%s)\n%s", w.name, i, w.name, d)
				}
			}
		})
	}
}

// result runs a program and returns what its outputs come to.
func result(t *testing.T, seed uint64, w way) map[string]any {
	t.Helper()
	place := store.Persistent(nil)
	if w.inMemory {
		place = store.InMemory()
	}
	p, err := NewProgram(seed, place)
	if err != nil {
		t.Fatal(err)
	}
	w.Disk, w.Dir = Memory{}, "disk"
	if w.badger {
		w.Disk, w.Dir = Badger{}, t.TempDir()
	}
	c, err := NewCluster(p.Topology, w.Config, rand.New(rand.NewPCG(seed, 2)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}()
	input(c, p, seed)
	if err := c.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", w.name, err, p.Topology.Describe())
	}
	out := map[string]any{}
	for _, o := range p.Outputs {
		if o.Table {
			out[o.Topic] = finals(c.Records(o.Topic), p.Loose)
		} else {
			out[o.Topic] = all(c.Records(o.Topic))
		}
	}
	return out
}

// input fills the input topics: few keys with many records, in and out of order.
func input(c *Cluster, p *Program, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 3))
	at := int64(1000)
	for range 50 + r.IntN(150) {
		at += 1 + r.Int64N(20)
		to, late := r.IntN(p.Inputs), r.Int64N(30)
		if p.Ordered {
			late = 0
		}
		value := binary.BigEndian.AppendUint64(nil, uint64(r.Int64N(100)))
		c.Produce(fmt.Sprint("in-", to), record.Record{Key: []byte(strconv.Itoa(r.IntN(8))), Value: value, Timestamp: at - late})
	}
}

// finals are the last values of the keys.
func finals(records []record.Record, loose bool) map[string]string {
	m := map[string]string{}
	for _, r := range records {
		if r.Value == nil {
			delete(m, string(r.Key))
		} else {
			if loose {
				r.Timestamp = -1
			}
			m[string(r.Key)] = text(r)
		}
	}
	return m
}

func all(records []record.Record) []string {
	var list []string
	for _, r := range records {
		list = append(list, string(r.Key)+"="+text(r))
	}
	slices.Sort(list)
	return list
}

func text(r record.Record) string {
	return fmt.Sprintf("%d@%d", int64(binary.BigEndian.Uint64(r.Value)), r.Timestamp)
}
