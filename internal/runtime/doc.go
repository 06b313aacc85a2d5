// Package runtime runs a topology against Kafka: it joins the group, spreads the
// assigned tasks over workers, feeds them, commits what they did, and hands tasks
// over. Goroutines and the clock live here and in internal/kafka; the tasks they
// drive are pure (internal/task).
//
// A [Runner] has one group membership and N workers. A worker is one goroutine
// that owns its tasks, a fetcher, and a producer; nothing of a task is shared.
// The runner talks to a worker by sending it functions.
//
//	Runner   join -> give up tasks -> take over tasks -> wait for the next rebalance
//	worker   take fetched batches -> process -> punctuate -> commit -> persist -> repeat
//
// Any failure between two commits has one answer: abort, drop what is pending,
// go back to the committed offsets.
package runtime
