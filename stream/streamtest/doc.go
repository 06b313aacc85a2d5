// Package streamtest runs a topology in a test, without a broker: records go in one
// at a time, and all they lead to comes out before the call returns. Kafka Streams:
// TopologyTestDriver.
//
//	d, err := streamtest.NewDriver(topo, streamtest.Config{})
//	...
//	defer d.Close()
//	lines := streamtest.NewInput(d, "lines", serde.String(), serde.String())
//	counts := streamtest.NewOutput(d, "word-counts", serde.String(), serde.Int64())
//	err = lines.Pipe("1", "to be or not to be")
//	got, err := counts.ReadAll()
//
// It steps the engine that an App runs, so operators, stores, punctuations, the
// error handler and dead letters do what they do in production. Different are:
//
//   - Each topic has one partition, and one task runs the whole topology, so stream
//     time is shared by sub-topologies.
//   - Each record is committed when it is processed. With a record cache a key is
//     therefore forwarded once for each input record, not once for each interval.
//   - Time stands still until [Driver.Advance] moves it.
//
// [Config].Partitions removes the first two differences: topics have partitions, each
// sub-topology has a task for each of them, and commits come at an interval of the
// driver's clock, so that a test sees what the record cache, repartitioning and the
// order of tasks do to results. It is still one goroutine, and every run is the same.
//
// A record for the topic of a global store is in the store when the call returns.
//
// What goes to a topic that the topology reads, an internal one for instance, is
// processed in the same call.
package streamtest
