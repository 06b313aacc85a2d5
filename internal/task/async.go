package task

import (
	"context"
	"sync"

	"github.com/streamweir/streamweir/internal/graph"
)

// An Executor runs the asynchronous calls of a task's nodes; it is the driver's.
type Executor interface {
	// Run calls f on another goroutine, or at once.
	Run(f func())
	// Wait returns when a function has ended since the call before, or may have.
	Wait(ctx context.Context) error
}

// inline is the executor of a driver that has none: calls are made at once.
type inline struct{}

func (inline) Run(f func()) { f() }

func (inline) Wait(ctx context.Context) error { return context.Cause(ctx) }

// async is the calls of one node.
type async struct {
	task   *Task
	ctx    context.Context
	cancel context.CancelFunc
	under  int // calls whose then was not called

	mu    sync.Mutex
	ended []ended
}

type ended struct {
	from graph.Origin
	then func() error
}

// Async is part of graph.Task.
func (t *Task) Async() graph.Async {
	a := &async{task: t}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	t.asyncs = append(t.asyncs, a)
	return a
}

func (a *async) Here() graph.Origin {
	return graph.Origin{Source: a.task.keepSource(), Moment: a.task.moment}
}

func (a *async) Start(from graph.Origin, f func(ctx context.Context), then func() error) {
	a.under++
	a.task.cfg.Executor.Run(func() {
		f(a.ctx)
		a.mu.Lock()
		a.ended = append(a.ended, ended{from, then})
		a.mu.Unlock()
	})
}

func (a *async) Await() error {
	for {
		if some, err := a.complete(1); some || err != nil || a.under == 0 {
			return err
		}
		if err := a.task.cfg.Executor.Wait(a.task.ctx); err != nil {
			return err
		}
	}
}

// complete calls then for at most that many calls that have ended.
func (a *async) complete(most int) (some bool, err error) {
	for ; most > 0 && a.under > 0; most-- {
		a.mu.Lock()
		if len(a.ended) == 0 {
			a.mu.Unlock()
			break
		}
		e := a.ended[0]
		a.ended = a.ended[1:]
		a.mu.Unlock()
		a.under--
		some = true
		if err := a.task.resume(e); err != nil {
			return true, err
		}
	}
	return some, nil
}

// resume goes on with a record whose call has ended.
func (t *Task) resume(e ended) error {
	current, moment := t.current, t.moment
	t.current, t.moment, t.dirty = e.from.Source, e.from.Moment, true
	err := e.then()
	t.current, t.moment = current, moment
	if t.failed != nil {
		return t.failed
	}
	return err
}

// complete goes on with all records whose calls have ended.
func (t *Task) complete() error {
	for _, a := range t.asyncs {
		if _, err := a.complete(maxComplete); err != nil {
			return err
		}
	}
	return nil
}

// maxComplete bounds what is done between two records.
const maxComplete = 1000

// drain waits for all calls. What ends in one node may begin in another.
func (t *Task) drain() error {
	for again := true; again; {
		again = false
		for _, a := range t.asyncs {
			for a.under > 0 {
				again = true
				if err := a.Await(); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// dropAsyncs cancels all calls and forgets them.
func (t *Task) dropAsyncs() {
	for _, a := range t.asyncs {
		a.cancel()
	}
	t.asyncs = nil
}
