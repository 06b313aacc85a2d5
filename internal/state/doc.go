// Package state is what stands between an operator and an engine: transactions,
// the changelog, the cache, restoring, and the folders on disk.
//
// A [Set] has the stores of one task. What is written to a [Store] is pending
// until the task's transaction ends: [Set.Commit] makes it committed, [Set.Abort]
// drops it. From time to time the committed part is written to the engine by a
// [Flush], in the background, the changelog positions last. A read sees pending,
// committed and engine, in this order.
//
// So an engine always holds a committed prefix of its stores' history, and with
// it, per store, a position p in the changelog such that
//
//	content of the engine ⊇ effect of all changelog records before p,
//	and has nothing that is not in the committed changelog.
//
// After a crash the records from p on are restored; those whose effect was
// there already change nothing, since a changelog record says what a key's value
// is, not how it changes.
//
// A set is owned by one goroutine, its task's. Others may run [Flush.Write] and
// read through [Store.Committed].
//
// [Dir] is the state directory of an application: one folder for each task.
package state
