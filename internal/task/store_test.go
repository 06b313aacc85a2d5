package task_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/internal/task"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/topology"
)

type wordStore = store.KeyValueStore[string, string]

// latest is a store in memory of the last word of each key.
func latest(name string, opts ...store.Option) store.Builder {
	return store.KeyValue(name, serde.String(), serde.String(), append([]store.Option{store.InMemory()}, opts...)...)
}

// remember puts each record into the store of a name and forwards the value that
// was there before; "-" deletes.
func remember(name string) func(*proc, word) error {
	return func(p *proc, r word) error {
		s, err := topology.Store[wordStore](p.pc, name)
		if err != nil {
			return err
		}
		old, _, err := s.Get(r.Key)
		if err != nil {
			return err
		}
		if r.Value == "-" {
			_, _, err = s.Delete(r.Key)
		} else {
			err = s.Put(r.Key, r.Value)
		}
		if err != nil {
			return err
		}
		return p.pc.Forward(topology.WithValue(r, old))
	}
}

// committed is what readers of a store see: the committed value of a key.
func (r *rig) committed(store, key string) string {
	r.t.Helper()
	v, err := r.cfg.Stores.Store(store).Committed().Get([]byte(key))
	if err != nil {
		r.t.Fatal(err)
	}
	return text(v)
}

func TestChangelogRecordsHaveTheTimeOfTheRecord(t *testing.T) {
	r := newRig(t, chainOf(remember("s"), latest("s")))
	r.addRecords("in", record.Record{Key: []byte("a"), Value: []byte("1"), Timestamp: 70},
		record.Record{Key: []byte("a"), Value: []byte("2"), Offset: 1, Timestamp: 30},
		record.Record{Key: []byte("a"), Value: []byte("-"), Offset: 2, Timestamp: 90})
	r.process()
	r.wantOut("app-s-changelog-0 a=1 @70", "out-0 a= @70", "app-s-changelog-0 a=2 @30", "out-0 a=1 @30",
		"app-s-changelog-0 a=null @90", "out-0 a=2 @90")
}

func TestChangelogGoesToTheTasksPartition(t *testing.T) {
	r := newRig(t, chainOf(remember("s"), latest("s")), func(c *task.Config) {
		c.ID.Partition = 3
		c.Inputs[0].Partition.ID = 3
	})
	r.out.partitions = 5
	if _, err := r.Add(task.Batch{Partition: record.Partition{Topic: "in", ID: 3}, Records: []record.Record{{Key: []byte("foobar"), Value: []byte("1")}}, Next: 1, End: 1}); err != nil {
		t.Fatal(err)
	}
	r.process()
	// The sink's partition follows from the key, the changelog's from the task.
	r.wantOut("app-s-changelog-3 foobar=1 @0", "out-1 foobar= @0")
	r.commit()
	if at, ok := r.cfg.Stores.Offset("s"); !ok || at != 1 {
		t.Errorf("the store is at changelog offset %d, %v; want 1", at, ok)
	}
}

func TestStoreThatIsNotLoggedHasNoChangelog(t *testing.T) {
	r := newRig(t, chainOf(remember("s"), latest("s", store.NotLogged())))
	r.add("in", "a", "1", "a", "2")
	r.process()
	r.wantOut("out-0 a= @0", "out-0 a=1 @1")
}

func TestCommittedMakesWritesVisibleWithTheirPositions(t *testing.T) {
	r := newRig(t, chainOf(remember("s"), latest("s"), latest("unused")))
	r.add("in", "a", "1", "b", "2")
	r.process()
	if got := r.committed("s", "a"); got != "null" {
		t.Errorf("before the commit readers see %q, want nothing", got)
	}
	r.commit()
	if got := r.committed("s", "a"); got != "1" {
		t.Errorf("after the commit readers see %q, want 1", got)
	}
	if at, ok := r.cfg.Stores.Offset("s"); !ok || at != 2 {
		t.Errorf("the store is at changelog offset %d, %v; want 2, behind the last record", at, ok)
	}
	if at, ok := r.cfg.Stores.Offset("unused"); ok {
		t.Errorf("a store without changes is at changelog offset %d, want none", at)
	}
	if needed, _ := r.CommitNeeded(); needed {
		t.Error("a commit is needed right after a commit")
	}
}

func TestResetDropsWhatIsNotCommitted(t *testing.T) {
	closed := 0
	r := newRig(t, chain(func() *proc {
		seen := "" // the state of a processor outside of its stores
		return &proc{
			process: func(p *proc, w word) error {
				if err := remember("s")(p, w); err != nil {
					return err
				}
				seen += w.Value
				return p.pc.Forward(word{Key: "seen", Value: seen, Timestamp: w.Timestamp})
			},
			close: func() error { closed++; return nil },
		}
	}, latest("s")))
	r.add("in", "a", "1")
	r.process()
	r.commit()
	r.out.take()
	r.add("in", "a", "2", "a", "3")
	if n, err := r.Process(context.Background(), 0, 1); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	r.wantOut("app-s-changelog-0 a=2 @1", "out-0 a=1 @1", "out-0 seen=12 @1")
	r.reset(1)
	if closed != 1 {
		t.Errorf("the processor was closed %d times, want once", closed)
	}
	if n := r.Queued(part("in")); n != 0 {
		t.Errorf("%d records are queued after a reset", n)
	}
	if needed, _ := r.CommitNeeded(); needed {
		t.Error("a commit is needed after a reset")
	}
	r.add("in", "a", "2")
	r.process()
	r.wantOut("app-s-changelog-0 a=2 @1", "out-0 a=1 @1", "out-0 seen=2 @1")
}

func TestResetReturnsTheErrorOfClose(t *testing.T) {
	errClose := errors.New("cannot let go")
	failing := true
	r := newRig(t, chain(func() *proc {
		return &proc{close: func() error {
			if failing {
				return errClose
			}
			return nil
		}}
	}))
	if err := r.Reset(r.cfg.Inputs); !errors.Is(err, errClose) || !strings.Contains(err.Error(), `processor "p": Close`) {
		t.Errorf("Reset returned %v, want the processor's error", err)
	}
	failing = false
	r.start()
	r.add("in", "a", "1")
	r.process()
	r.wantOut("out-0 a=1 @0")
}

func TestCloseClosesProcessorsThatWereStarted(t *testing.T) {
	var calls []string
	errInit := errors.New("not today")
	supplier := func(name string, err error) func() *proc {
		return func() *proc {
			return &proc{
				init:  func(*proc) error { calls = append(calls, "init "+name); return err },
				close: func() error { calls = append(calls, "close "+name); return nil },
			}
		}
	}
	topo := topology.New()
	topology.AddSource(topo, "source", topology.Source[string, string]{Key: words{}, Value: words{}, Topics: []string{"in"}})
	topology.AddProcessor[string, string, string, string](topo, "first", supplier("first", nil), "source")
	topology.AddProcessor[string, string, string, string](topo, "second", supplier("second", errInit), "first")
	topology.AddProcessor[string, string, string, string](topo, "third", supplier("third", nil), "first")
	r := wireRig(t, topo)
	if err := r.Start(context.Background(), 0); !errors.Is(err, errInit) || !strings.Contains(err.Error(), `processor "second": Init`) {
		t.Errorf("Start returned %v, want the processor's error", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"init first", "init second", "close first"}, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestStepWithACancelledContextProcessesNothing(t *testing.T) {
	r := newRig(t, chain(nil))
	r.add("in", "a", "1")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if n, err := r.Process(ctx, 0, 10); n != 0 || err != nil {
		t.Errorf("Process: %d, %v; want 0 and no error", n, err)
	}
	r.process()
	r.wantOut("out-0 a=1 @0")
}

func TestRequestCommitEndsTheStep(t *testing.T) {
	r := newRig(t, chainOf(func(p *proc, w word) error {
		if w.Value == "commit" {
			p.pc.RequestCommit()
		}
		return p.pc.Forward(w)
	}))
	r.add("in", "a", "1", "b", "commit", "c", "3")
	if n := r.process(); n != 2 {
		t.Errorf("%d records were processed before the commit, want 2", n)
	}
	if needed, soon := r.CommitNeeded(); !needed || !soon {
		t.Errorf("commit needed %v, soon %v", needed, soon)
	}
	r.commit()
	if needed, soon := r.CommitNeeded(); needed || soon {
		t.Errorf("after the commit: needed %v, soon %v", needed, soon)
	}
	if n := r.process(); n != 1 {
		t.Errorf("%d records were processed after the commit, want 1", n)
	}
	if needed, soon := r.CommitNeeded(); !needed || soon {
		t.Errorf("the request is over with its commit, but then: needed %v, soon %v", needed, soon)
	}
}

func TestRequestCommitWithNothingToCommit(t *testing.T) {
	r := newRig(t, chain(func() *proc {
		return &proc{init: func(p *proc) error { p.pc.RequestCommit(); return nil }}
	}))
	if needed, soon := r.CommitNeeded(); needed || soon {
		t.Errorf("commit needed %v, soon %v", needed, soon)
	}
}

func TestRequestCommitInAPunctuation(t *testing.T) {
	r := newRig(t, chain(every(10*time.Millisecond, topology.WallClockTime, func(p *proc, _ int64) error {
		p.pc.RequestCommit()
		return nil
	})))
	r.punctuate(10)
	if needed, soon := r.CommitNeeded(); !needed || !soon {
		t.Errorf("commit needed %v, soon %v", needed, soon)
	}
}

func TestRecordsWithoutAKeyChangePartitionWithTheCommit(t *testing.T) {
	r := newRig(t, chain(nil), func(c *task.Config) { c.ID.Partition = 1; c.Inputs[0].Partition.ID = 0 })
	r.out.partitions = 3
	null := func(offset int64) record.Record { return record.Record{Value: []byte("v"), Offset: offset} }
	r.addRecords("in", null(0), null(1))
	r.process()
	r.wantOut("out-1 null=v @0", "out-1 null=v @0")
	r.commit()
	r.addRecords("in", null(2))
	r.process()
	r.wantOut("out-2 null=v @0")
	r.commit()
	r.addRecords("in", null(3))
	r.process()
	r.wantOut("out-0 null=v @0")
}

func TestAddInputOfAPattern(t *testing.T) {
	r := newRig(t, chain(nil))
	err := r.AddInput(task.Input{Partition: part("unread"), Time: -1})
	if err == nil || !strings.Contains(err.Error(), `no source reads topic "unread"`) {
		t.Errorf("AddInput: %v, want an error that names the topic", err)
	}
}

// The time that was committed with an offset is the partition's time, and part of
// the task's stream time.
func TestTimeGoesOnFromTheCommittedOne(t *testing.T) {
	var partitionTimes []int64
	topo := topology.New()
	topology.AddSource(topo, "source", topology.Source[string, string]{Key: words{}, Value: words{}, Topics: []string{"in"},
		Timestamp: func(r word, partitionTime int64) int64 {
			partitionTimes = append(partitionTimes, partitionTime)
			return r.Timestamp
		}})
	r := newRig(t, topo, func(c *task.Config) { c.Inputs[0].Time = 500 })
	if got := r.StreamTime(); got != 500 {
		t.Errorf("stream time %d, want 500", got)
	}
	r.add("in", "a", "1", "b", "2")
	r.process()
	if at := r.Offsets()[part("in")].Time; at != 500 {
		t.Errorf("partition time %d after smaller timestamps, want 500", at)
	}
	if diff := cmp.Diff([]int64{500, 500}, partitionTimes); diff != "" {
		t.Errorf("partition times of the extractor (-want +got):\n%s", diff)
	}
}
