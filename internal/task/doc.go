// Package task is the engine: a [Task] owns the nodes, queues and stores of one
// partition of one sub-topology and is stepped by a driver. It starts no
// goroutine, reads no clock and opens no socket: records come in with
// [Task.Add], time with each step, and output leaves through an [Output]. The
// driver in internal/runtime and the test driver in stream/streamtest step the
// same engine, so what is tested is what runs.
//
// The driver's cycle:
//
//	Add batches        as they are fetched
//	Process            until it has nothing to do, or it is time to commit
//	Punctuate          now and then
//	Flush              forwards what the record cache holds back
//	Offsets            what to commit, together with the output
//	Committed          when the commit has succeeded; or Reset when it has not
//
// A task is used by one goroutine at a time.
package task
