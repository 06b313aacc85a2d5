// Package embedded runs a Kafka broker and a schema registry inside the
// process, for development and tests: nothing to install, nothing to clean up,
// ready in milliseconds.
//
//	cluster, err := embedded.Start(embedded.Config{
//		Topics: []embedded.Topic{{Name: "lines", Partitions: 4}},
//	})
//	defer cluster.Close()
//	// cluster.Brokers(), cluster.RegistryURL()
//
// Clients speak the real protocols to it over TCP and HTTP: groups,
// transactions, read_committed, compaction and the Confluent registry's API
// work, from any process on this machine. With a [Config.DataDir] topics,
// records, group offsets and schemas outlive the process, a killed one too.
//
// Tests can take the broker and the registry away and give them back at the
// same address ([Cluster.StopBrokers], [Cluster.StopRegistry]), answer requests
// with an error ([Cluster.Fault]), lose an answer after the work was done
// ([Cluster.LoseAnswers]) and move leaders ([Cluster.MoveLeader]).
//
// It is not Kafka. What differs, as far as it shows in a stream application:
//   - Topics are never created on demand, and there is one copy of the data.
//   - Records and group offsets are kept for ever unless a topic's own
//     configuration says otherwise; a broker of Kafka deletes both after seven
//     days by default.
//   - A fetch of the offsets of a group that does not exist is answered with
//     GROUP_ID_NOT_FOUND; Kafka answers that there are none.
//   - CONCURRENT_TRANSACTIONS, NOT_COORDINATOR after a start and a delay of the
//     first rebalance do not occur.
//   - A process killed in the middle of EndTxn, which takes microseconds, may
//     leave the transaction committed in some partitions and not in others.
//   - The registry checks Avro schemas, and their compatibility in all seven levels,
//     but not schemas of other types. Its level is BACKWARD unless it is told otherwise.
package embedded
