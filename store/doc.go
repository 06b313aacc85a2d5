// Package store holds the state stores of a topology: what an operator or a
// processor keeps between two records.
//
// There are three layers, each of which knows nothing of the one above:
//
//   - An [Engine] keeps ordered bytes. [Memory] is one; package store/badger is
//     the persistent one. Package store/storetest checks an implementation.
//   - [Bytes] is what a task gives to each of its stores: bytes over an engine,
//     with transactions and a changelog.
//   - A typed store, such as [KeyValueStore], encodes keys and values with serdes
//     and has the methods of its kind. Its bytes are those of Kafka Streams, in
//     the engine and in the changelog.
//
// A store is described by a [Builder], which [KeyValue] and [TimestampedKeyValue]
// return:
//
//	counts := store.KeyValue("counts", serde.String(), serde.Int64(), store.InMemory())
//
// Each task that has the store binds the description to bytes of its own.
package store
