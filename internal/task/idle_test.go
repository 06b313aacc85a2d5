package task_test

import (
	"testing"
	"time"

	"github.com/streamweir/streamweir/internal/task"
	"github.com/streamweir/streamweir/topology"
)

// Stream time of an idle task goes on with the wall clock, by what passes after
// IdleAfter.
func TestStreamTimeGoesOnWhileIdle(t *testing.T) {
	idle := func(c *task.Config) { c.IdleAfter = 100 }
	r := newRig(t, chain(every(10*time.Millisecond, topology.StreamTime, tick)), idle)
	r.punctuate(1000)
	r.wantOut() // no record yet: there is no stream time
	r.add("in", "k", "v")
	r.process()
	r.wantOut("out-0 k=v @0", "out-0 tick=0 @0")
	r.punctuate(1100)
	r.wantOut() // not idle for longer than that
	if needed, _ := r.CommitNeeded(); !needed {
		t.Error("a record was processed")
	}
	r.commit()
	r.punctuate(1109)
	if needed, _ := r.CommitNeeded(); needed {
		t.Error("nothing happened, but a commit is needed")
	}
	r.punctuate(1125)
	r.wantOut("out-0 tick=25 @25")
	r.add("in", "k", "v") // @1: late
	r.process()
	r.punctuate(1230)
	r.wantOut("out-0 k=v @1", "out-0 tick=30 @30")

	r = newRig(t, chain(every(10*time.Millisecond, topology.StreamTime, tick)))
	r.add("in", "k", "v")
	r.process()
	r.punctuate(1_000_000)
	r.wantOut("out-0 k=v @0", "out-0 tick=0 @0") // unless it is asked for
}

// A task that waits for what is on the broker is not idle.
func TestTaskThatIsBehindIsNotIdle(t *testing.T) {
	r := newRig(t, chain(every(10*time.Millisecond, topology.StreamTime, tick)), func(c *task.Config) { c.IdleAfter = 100 })
	r.add("in", "k", "v")
	r.process()
	r.out.take()
	if _, err := r.Add(task.Batch{Partition: part("in"), Next: 1, End: 5}); err != nil {
		t.Fatal(err)
	}
	r.punctuate(1_000_000)
	r.wantOut()
}
