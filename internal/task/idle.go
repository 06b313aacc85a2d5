package task

import (
	"slices"

	"github.com/streamweir/streamweir/internal/graph"
)

// OnAdvance is part of graph.Task.
func (t *Task) OnAdvance(f func(streamTime int64) (worked bool, err error)) {
	t.listeners = append(t.listeners, f)
}

// advance moves stream time on with the wall clock while the task is idle: when
// nothing came for IdleAfter, by as much as passes from then on.
func (t *Task) advance() error {
	if t.cfg.IdleAfter <= 0 || t.time < 0 {
		return nil
	}
	if t.idleFrom < 0 || t.busy() {
		t.idleFrom = t.now
	}
	passed := t.now - t.idleFrom - t.cfg.IdleAfter
	if passed <= 0 {
		return nil
	}
	t.idleFrom += passed
	t.time += passed
	t.when, t.moment = t.time, graph.Moment{Timestamp: t.time}
	for _, f := range t.listeners {
		worked, err := f(t.time)
		t.dirty = t.dirty || worked
		if t.failed != nil {
			return t.failed
		}
		if err != nil {
			return err
		}
	}
	return t.punctuate(&t.stream, t.time)
}

// busy tells whether records are queued, on the broker, or with a call.
func (t *Task) busy() bool {
	return slices.ContainsFunc(t.queues, func(q *queue) bool { return q.size > 0 || q.position < q.end }) ||
		slices.ContainsFunc(t.asyncs, func(a *async) bool { return a.under > 0 })
}
