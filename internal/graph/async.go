package graph

import "context"

// Async is what a node runs calls with that take long, while the task goes on. A
// commit waits for all calls, so an input's offset is committed with what follows
// from it. A task that is reset or closed cancels its calls and forgets them.
type Async interface {
	// Here is where the task stands: the record that is being processed.
	Here() Origin
	// Start calls f outside of the task's goroutine, with a context that ends when the
	// task is reset or closed. When f has returned, then is called on the task's
	// goroutine, between two records, as if the record of from were processed.
	Start(from Origin, f func(ctx context.Context), then func() error)
	// Await waits for one of the node's calls to end, and calls its then.
	Await() error
}

// Origin is a record that the task processed, and its moment.
type Origin struct {
	Source *Source
	Moment Moment
}
