package runtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/internal/assign"
	"github.com/streamweir/streamweir/internal/graph"
	"github.com/streamweir/streamweir/internal/kafka"
	"github.com/streamweir/streamweir/serde"
)

func TestLatencyCountsUpToEachBound(t *testing.T) {
	var l latency
	for _, d := range []time.Duration{0, 100 * time.Microsecond, 101 * time.Microsecond, 3 * time.Millisecond, 10 * time.Second, time.Minute} {
		l.observe(d)
	}
	var got Latency
	got.add(&l)
	want := map[float64]int64{.0001: 2, .00025: 3, .0005: 3, .001: 3, .0025: 3, .005: 4, .01: 4, .025: 4, .05: 4, .1: 4, .25: 4, .5: 4, 1: 4, 2.5: 4, 5: 4, 10: 5}
	if diff := cmp.Diff(want, got.Buckets); diff != "" {
		t.Error(diff)
	}
	if got.Count != 6 || got.Sum != 70*time.Second+3201*time.Microsecond {
		t.Errorf("%d observations of %v in all", got.Count, got.Sum)
	}
	got.add(&l) // of another worker
	if got.Count != 12 || got.Buckets[10] != 10 || got.Sum != 140*time.Second+6402*time.Microsecond {
		t.Errorf("two workers: %+v", got)
	}
}

func TestLongestWaitIsTheOneToSpeakOf(t *testing.T) {
	var s status
	if s.longest() != nil {
		t.Error("it waits for something from the start")
	}
	first, second := errors.New("first"), errors.New("second")
	s.waiting("a", first)
	s.waiting("b", second)
	since := s.longest().Since
	again := errors.New("again")
	s.waiting("a", again) // goes on, for another reason
	if w := s.longest(); w.For != "a" || w.Err != again || w.Since != since {
		t.Errorf("got %+v", w)
	}
	s.waiting("a", nil)
	if w := s.longest(); w.For != "b" || w.Err != second {
		t.Errorf("got %+v", w)
	}
	s.waiting("b", nil)
	s.waiting("b", nil)
	if w := s.longest(); w != nil {
		t.Errorf("got %+v", w)
	}
}

// Whoever listens hears of each state in its turn, though they are set by several
// goroutines, and not twice of the same.
func TestStatesAreToldInTheirOrder(t *testing.T) {
	var s status
	var told []State
	s.onState = func(to State) {
		if now := State(s.state.Load()); now != to {
			t.Errorf("%v was told while the state was %v", to, now)
		}
		told = append(told, to)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				s.set(Running)
				s.set(Restoring)
			}
		})
	}
	wg.Wait()
	if n := len(slices.Compact(slices.Clone(told))); n != len(told) || n == 0 {
		t.Errorf("%d changes were told, %d of them to another state", len(told), n)
	}
}

// crewOf are workers with these tasks; a task that restores has an exclamation
// mark, and a nil worker has not said anything.
func crewOf(workers ...[]string) *Runner {
	r := &Runner{}
	var crew []*worker
	for _, tasks := range workers {
		w := &worker{r: r}
		if tasks != nil {
			list := []TaskStatus{}
			for _, id := range tasks {
				list = append(list, TaskStatus{ID: id, Restoring: id[len(id)-1] == '!'})
			}
			w.counters.tasks.Store(&list)
		}
		crew = append(crew, w)
	}
	r.crew.Store(&crew)
	return r
}

func TestRunningMeansThatAllTasksRun(t *testing.T) {
	for name, tt := range map[string]struct {
		workers [][]string
		before  State
		settled bool
		want    State
	}{
		"all run":                        {[][]string{{"0_0"}, {"0_1", "0_2"}}, Restoring, true, Running},
		"no tasks":                       {[][]string{{}}, Restoring, true, Running},
		"one restores":                   {[][]string{{"0_0"}, {"0_1", "0_2!"}}, Restoring, true, Restoring},
		"one restores again":             {[][]string{{"0_0"}, {"0_1", "0_2!"}}, Running, true, Restoring},
		"one has said nothing":           {[][]string{{"0_0"}, nil}, Restoring, true, Restoring},
		"tasks are still being given":    {[][]string{{"0_0"}, {}}, Restoring, false, Restoring},
		"a rebalance is on":              {[][]string{{"0_0"}}, Rebalancing, true, Rebalancing},
		"it stops":                       {[][]string{{"0_0"}}, Stopping, true, Stopping},
		"it has failed, and one goes on": {[][]string{{"0_0!"}}, Failed, true, Failed},
	} {
		t.Run(name, func(t *testing.T) {
			r := crewOf(tt.workers...)
			r.status.set(tt.before)
			r.settled.Store(tt.settled)
			r.settleState()
			if got := State(r.status.state.Load()); got != tt.want {
				t.Errorf("state %v, want %v", got, tt.want)
			}
		})
	}
}

func TestTasksAreSpreadOverTheWorkers(t *testing.T) {
	task := func(sub, partition int32) assign.Task { return assign.Task{Subtopology: sub, Partition: partition} }
	r := &Runner{place: map[assign.Task]*worker{}}
	for i := range 3 {
		r.workers = append(r.workers, &worker{id: i})
	}
	r.place[task(0, 0)], r.place[task(0, 1)], r.place[task(1, 0)] = r.workers[0], r.workers[0], r.workers[1]
	fresh := r.spread([]assign.Task{task(0, 0), task(0, 1), task(0, 2), task(1, 0), task(1, 1), task(1, 2)})
	want := [][]graph.TaskID{nil, {{Subtopology: 1, Partition: 1}}, {{Subtopology: 0, Partition: 2}, {Subtopology: 1, Partition: 2}}}
	for i, w := range r.workers {
		if diff := cmp.Diff(want[i], fresh[w]); diff != "" {
			t.Errorf("worker %d: %s", i, diff)
		}
	}
	load := map[*worker]int{}
	for _, w := range r.place {
		load[w]++
	}
	if len(r.place) != 6 || load[r.workers[0]] != 2 || load[r.workers[1]] != 2 || load[r.workers[2]] != 2 {
		t.Errorf("tasks by worker: %v", load)
	}
	if again := r.spread([]assign.Task{task(0, 0), task(1, 2)}); len(again) != 0 {
		t.Errorf("tasks that are placed were given again: %v", again)
	}
}

func TestOnlyWhatMayPassIsTriedAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"connection lost":                      {fmt.Errorf("kafka: %w", io.EOF), true},
		"fenced":                               {fmt.Errorf("x: %w", kafka.ErrFenced), true},
		"transaction given up":                 {kafka.ErrAbort, true},
		"outcome that the offsets do not tell": {fmt.Errorf("%w: %w", errUntold, kafka.ErrAbort), true},
		"broker in time":                       {context.DeadlineExceeded, true},
		"Run has ended":                        {context.Canceled, false},
		"anything else":                        {errors.New("no"), false},
		"the user's file ends too early":       {stepError{fmt.Errorf("task 0_0: %w", io.ErrUnexpectedEOF)}, false},
		"the user's call took too long":        {stepError{context.DeadlineExceeded}, false},
		"a registry is down":                   {stepError{fmt.Errorf("%w: %w", serde.ErrRetriable, io.EOF)}, true},
	} {
		if got := passing(tt.err); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

func TestSentRecordsAreCountedByTopic(t *testing.T) {
	var c counters
	for _, topic := range []string{"a", "a", "b", "a", "b", "c"} {
		c.sent(topic)
	}
	got := map[string]int64{}
	c.out.Range(func(topic, n any) bool { got[topic.(string)] = n.(*atomic.Int64).Load(); return true })
	if diff := cmp.Diff(map[string]int64{"a": 3, "b": 2, "c": 1}, got); diff != "" {
		t.Error(diff)
	}
}
