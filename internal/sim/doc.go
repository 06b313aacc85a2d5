// Package sim looks for differences that must not be: random programs over random
// inputs are run on a simulated cluster in many ways, with one partition and with
// several, with the record cache and without, on engines of all kinds, with commits
// now and then, with crashes, lost disks and aborted transactions in between, and the
// results must be the same.
//
// The tasks are those that run in production, stepped by [Cluster] in an order that a
// seed decides, so a failure can be repeated: the tests print the seed.
//
// There are two kinds of programs. Those of [NewProgram] are run in all ways; their
// final results are compared, that is the last value of each key of a table, and all
// records of a stream in any order. Those of [NewStrictProgram] have operators whose
// results depend, in Kafka Streams as here, on the order of records or on stream time, and
// so on partitions and the record cache. They run with one partition and without a cache;
// every record is compared with its headers, in order.
//
// Besides, [Cluster.Replay] runs the scenarios of internal/conformance, those of Kafka
// Streams' generator among them, with crashes at every step. All topics are compared,
// changelogs too. conformance.Programs and [Cluster.Replayable] say which are left out.
//
// What is left out, and why:
//
//   - Late records where there are several partitions: stream time is a task's own. Grace
//     periods are endless there, and at the end stream time goes on by itself
//     ([Cluster.Settle]), so that what waits for a window's end is compared too.
//   - With several partitions, joins of a stream with a table, Deduplicate, and results of
//     stream joins without a partner, unless timestamps ascend: which record meets which
//     depends on when it comes. A record without a partner that is later than its window has
//     a result at once, whatever the grace period.
//   - The order of results without a partner, in stream joins: with which record they
//     come depends on the oldest one that waits as far as the join knows, which after a
//     restart it does not. That they come is compared.
//   - Old values of tables that are not stored, and of joins: they need not be what was
//     new before (maker.vague), so nothing is subtracted behind them. Deletions in front
//     of joins, with a record cache: what was there only in between is not seen.
//   - Inner foreign-key joins: an answer that is out of date may be the last.
//   - [store.TTL] with late records: its stream time begins again with a restart.
//   - Programs in which a task reads the output of another besides something else are not
//     strict: which of them is ahead depends on commits.
//   - A strict program with stores in memory is compared with itself: they forget rows
//     sooner than those on disk.
//   - Punctuations, and AsyncMapValues: they depend on clocks. internal/task tests them.
package sim
