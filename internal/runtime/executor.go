package runtime

import (
	"context"
	"sync"
)

// executor runs the asynchronous calls of a worker's tasks, each on a goroutine: how
// many there can be is for the operators to say.
type executor struct {
	under sync.WaitGroup
	ended chan struct{} // has room for one
}

// Run implements task.Executor.
func (e *executor) Run(f func()) {
	e.under.Add(1)
	go func() { // stop waits for it
		defer e.under.Done()
		f()
		select {
		case e.ended <- struct{}{}:
		default:
		}
	}()
}

// Wait implements task.Executor.
func (e *executor) Wait(ctx context.Context) error {
	select {
	case <-e.ended:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// stop waits for calls that were cancelled. One that does not care is left behind.
func (e *executor) stop(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		e.under.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}
