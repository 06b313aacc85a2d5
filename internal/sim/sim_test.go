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
	"github.com/streamweir/streamweir/serde"
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
			compare(t, seed, NewProgram, ways)
		})
	}
}

var strictWays = []way{
	{name: "commits", Config: Config{Partitions: 1, Step: 50}},
	{name: "crashes", Config: Config{Partitions: 1, Step: 20, Trouble: 100}},
	{name: "badger", badger: true, Config: Config{Partitions: 1, Step: 50, Trouble: 30}},
}

// A store in memory forgets rows earlier than one on disk, which drops segments, so
// these are compared among themselves.
var inMemory = []way{
	{name: "crashes, stores in memory", inMemory: true, Config: Config{Partitions: 1, Step: 20, Trouble: 100}},
}

// A program whose results depend on the order of its records has the same records, in
// the same order, whenever its tasks commit and begin again.
func TestEveryRestartGivesTheSameRecords(t *testing.T) {
	for seed := *first; seed < *first+uint64(*seeds); seed++ {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			compare(t, seed, NewStrictProgram, strictWays)
			compare(t, seed, NewStrictProgram, inMemory)
		})
	}
}

func compare(t *testing.T, seed uint64, program func(uint64, store.Option) (*Program, error), ways []way) {
	plain := way{name: "plain", inMemory: ways[0].inMemory, Config: Config{Partitions: 1, Step: 1}}
	want := result(t, seed, program, plain)
	for i, w := range ways {
		if w.badger && seed%10 != 0 {
			continue
		}
		if d := cmp.Diff(want, result(t, seed, program, w)); d != "" {
			t.Fatalf("%s (%d): (-plain +%s)\n%s", w.name, i, w.name, d)
		}
	}
}

// result runs a program and returns what its outputs come to.
func result(t *testing.T, seed uint64, program func(uint64, store.Option) (*Program, error), w way) map[string]any {
	t.Helper()
	place := store.Persistent(nil)
	if w.inMemory {
		place = store.InMemory()
	}
	p, err := program(seed, place)
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
	for _, f := range []func() error{c.Start, c.Run, c.Settle} {
		if err := f(); err != nil {
			t.Fatalf("%s: %v\n%s", w.name, err, p.Topology.Describe())
		}
	}
	out := map[string]any{}
	for _, o := range p.Outputs {
		records := c.Records(o.Topic)
		switch {
		case p.Strict:
			out[o.Topic] = list(records)
		case o.Table:
			out[o.Topic] = finals(records, p.Loose)
		default:
			out[o.Topic] = all(records)
		}
	}
	return out
}

// input fills the input topics: few keys with many records, in and out of order. No two
// inputs have equal timestamps: which of them is first depends on when a task began to
// look at them.
func input(c *Cluster, p *Program, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 3))
	value := func() []byte {
		if p.Strict && r.IntN(12) == 0 {
			return nil
		}
		return binary.BigEndian.AppendUint64(nil, uint64(r.Int64N(100)))
	}
	if p.Global {
		for i := range 5 {
			c.Produce("global", record.Record{Key: []byte("k" + strconv.Itoa(i)), Value: value(), Timestamp: int64(i)})
		}
	}
	topics := make([]string, p.Inputs, p.Inputs+p.Tables)
	for i := range topics {
		topics[i] = fmt.Sprint("in-", i)
	}
	for i := range p.Tables {
		topics = append(topics, fmt.Sprint("table-", i))
	}
	n, at := int64(len(topics)), int64(1000)
	for range 50 + r.IntN(150) {
		at += 1 + r.Int64N(20)
		to, late := r.IntN(len(topics)), r.Int64N(30)
		if p.Ordered {
			late = 0
		}
		rec := record.Record{Key: []byte(strconv.Itoa(r.IntN(8))), Value: value(), Timestamp: (at-late)/n*n + int64(to)}
		if p.Strict && r.IntN(20) == 0 {
			rec.Key = nil
		}
		if to >= p.Inputs && r.IntN(10) == 0 {
			rec.Value = nil
		}
		if r.IntN(5) == 0 {
			rec.Headers = []serde.Header{{Name: "h", Value: []byte(strconv.Itoa(r.IntN(3)))}}
		}
		c.Produce(topics[to], rec)
	}
}

// list are records as they are.
func list(records []record.Record) []string {
	var all []string
	for _, r := range records {
		key := "nil"
		if r.Key != nil {
			key = string(r.Key)
		}
		all = append(all, fmt.Sprint(key, "=", text(r), " ", r.Headers))
	}
	return all
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
	if r.Value == nil {
		return fmt.Sprintf("nil@%d", r.Timestamp)
	}
	return fmt.Sprintf("%d@%d", int64(binary.BigEndian.Uint64(r.Value)), r.Timestamp)
}
