// Package topology is the Processor API: processors, sources, sinks and state
// stores put together by hand, as Kafka Streams' Topology. The DSL in package
// stream compiles to it, and a DSL program reaches it through stream.Process.
//
// A [Processor] receives the records of its parents one at a time, from one
// goroutine, and forwards any number of records to its children through its
// [Context]. State lives in stores, time in punctuations:
//
//	type dedupe struct {
//		ctx  *topology.Context[string, string]
//		seen store.KeyValueStore[string, int64]
//	}
//
// A topology made of several unconnected parts is split into sub-topologies; each
// partition of a sub-topology's input topics makes a task, and each task has its
// own instances of the processors and stores.
package topology
