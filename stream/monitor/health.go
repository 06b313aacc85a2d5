package monitor

import (
	"fmt"
	"sync"
	"time"

	"github.com/streamweir/streamweir/stream"
)

// A rebalance waits for other members, each up to Config.RebalanceTimeout, and
// workers rest meanwhile: it may last this many times the limit of a worker.
const rebalanceFactor = 10

// liveness judges whether workers are stuck. What a snapshot does not tell, since
// when the App has been in its state, it learns from the snapshots before: the
// clock of a worker that had nothing to do begins with the first one seen after.
type liveness struct {
	limit time.Duration

	mu         sync.Mutex
	state      stream.State
	rebalances int64
	since      time.Time // state and rebalances are as they are, and nothing is waited for
}

// problems returns why the process should be replaced; none if it is alive.
func (l *liveness) problems(s stream.Status, now time.Time) []string {
	since := l.observe(s, now)
	switch s.State {
	case stream.Failed:
		return []string{"the application has failed: Run returned an error"}
	case stream.Rebalancing:
		if d := now.Sub(since); d > rebalanceFactor*l.limit {
			return []string{fmt.Sprintf("the rebalance has not ended for %v", d.Round(time.Second))}
		}
	case stream.Restoring, stream.Running:
		return l.stuck(s, since, now)
	}
	return nil
}

func (l *liveness) stuck(s stream.Status, since, now time.Time) []string {
	var problems []string
	for i, last := range s.WorkerProgress {
		if last.Before(since) {
			last = since
		}
		if d := now.Sub(last); d > l.limit {
			problems = append(problems, fmt.Sprintf("worker %d has made no progress for %v: does a function of the topology not return?", i, d.Round(time.Second)))
		}
	}
	return problems
}

func (l *liveness) observe(s stream.Status, now time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.since.IsZero() || s.State != l.state || s.Rebalances != l.rebalances || s.Waiting != nil {
		l.state, l.rebalances, l.since = s.State, s.Rebalances, now
	}
	return l.since
}

// unready returns why the App does not do its work now.
func unready(s stream.Status, now time.Time) []string {
	var problems []string
	switch {
	case s.State == stream.Restoring:
		problems = append(problems, fmt.Sprintf("the application is restoring, %d changelog records are left", s.RestoreRemaining))
	case s.State != stream.Running:
		problems = append(problems, fmt.Sprintf("the application is %v", s.State))
	case s.RestoreRemaining > 0:
		problems = append(problems, fmt.Sprintf("%d changelog records are left to restore", s.RestoreRemaining))
	}
	told := ""
	if s.Waiting != nil {
		told = s.Waiting.Error()
		problems = append(problems, waiting(told, s.WaitingSince, now))
	}
	for _, t := range s.Tasks {
		if s.State == stream.Running && t.Restoring {
			problems = append(problems, fmt.Sprintf("task %s is restoring", t.ID))
		}
		if t.Waiting != nil && t.Waiting.Error() != told {
			problems = append(problems, fmt.Sprintf("task %s is waiting: %v", t.ID, t.Waiting))
		}
	}
	return problems
}

func waiting(why string, since, now time.Time) string {
	if since.IsZero() {
		return "waiting: " + why
	}
	return fmt.Sprintf("waiting for %v: %s", now.Sub(since).Round(time.Second), why)
}
