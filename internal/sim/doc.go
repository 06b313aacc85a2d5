// Package sim looks for differences that must not be: random programs over random
// inputs are run on a simulated cluster in many ways, with one partition and with
// several, with the record cache and without, on engines of all kinds, with commits
// now and then, with crashes, lost disks and aborted transactions in between, and the
// final results must be the same.
//
// The tasks are those that run in production, stepped by [Cluster] in an order that a
// seed decides, so a failure can be repeated: the tests print the seed.
package sim
