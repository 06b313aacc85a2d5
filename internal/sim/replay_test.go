package sim

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/internal/conformance"
	"github.com/streamweir/streamweir/internal/record"
)

// What Kafka Streams' own scenarios and those of its generator come to does not depend on
// crashes, lost disks, aborted transactions, or the engine: all topics, changelogs
// included, have the same records.
func TestScenariosComeToTheSame(t *testing.T) {
	programs, err := conformance.Programs("../conformance/testdata")
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for i, p := range programs {
		want, ok := replay(t, p, way{name: "plain"}, *first)
		if !ok {
			continue
		}
		ran++
		for r := range uint64(1 + *seeds/50) {
			w := way{name: "crashes", Config: Config{Trouble: 250}}
			if i%20 == 0 && r == 0 {
				w = way{name: "badger", badger: true, Config: Config{Trouble: 100}}
			}
			got, _ := replay(t, p, w, *first+r)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s: %s (seed %d): (-plain +%s)\n%s", p.Name, w.name, *first+r, w.name, d)
				break
			}
		}
	}
	if ran < 250 {
		t.Errorf("%d of %d scenarios were run", ran, len(programs))
	}
}

func raw(r record.Record) string {
	show := func(b []byte) string {
		if b == nil {
			return "null"
		}
		return fmt.Sprintf("%q", b)
	}
	return fmt.Sprint(show(r.Key), "=", show(r.Value), "@", r.Timestamp, r.Headers)
}

// replay runs a scenario and returns what all topics have then.
func replay(t *testing.T, p *conformance.Program, w way, seed uint64) (topics map[string][]string, ok bool) {
	t.Helper()
	w.Disk, w.Dir, w.Partitions, w.CacheBytes = Memory{}, "disk", 1, p.CacheBytes
	if w.badger {
		w.Disk, w.Dir = Badger{}, t.TempDir()
	}
	c, err := NewCluster(p.Topology, w.Config, rand.New(rand.NewPCG(seed, 5)))
	if err != nil {
		t.Fatalf("%s: %v", p.Name, err)
	}
	if !c.Replayable() {
		return nil, false
	}
	defer func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := c.Replay(p.Inputs); err != nil {
		t.Errorf("%s: %s (seed %d): %v", p.Name, w.name, seed, err)
	}
	topics = map[string][]string{}
	for at, records := range c.topics {
		for _, r := range records {
			topics[at.Topic] = append(topics[at.Topic], raw(r))
		}
	}
	return topics, true
}
