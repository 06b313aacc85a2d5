// Package stream is Kafka Streams for Go: typed streams and tables, state stores
// and exactly-once processing on Kafka, as a library in your own program.
//
// A program builds a topology of operators with a [Builder], and runs it with an
// [App]. This one counts words:
//
//	b := stream.NewBuilder()
//	lines := stream.From(b, "lines", stream.With(serde.String(), serde.String()))
//	words := stream.FlatMapValues(lines, strings.Fields)
//	counts := stream.GroupBy(words, func(_, word string) string { return word }, stream.With(serde.String(), serde.String())).
//		Count(stream.InStore("counts", serde.String(), serde.Int64()))
//	counts.ToStream().To("word-counts", stream.With(serde.String(), serde.Int64()))
//	topo, err := b.Build()
//	...
//	app, err := stream.NewApp(topo, stream.Config{ApplicationID: "wordcount", Brokers: []string{"localhost:9092"}, Guarantee: stream.ExactlyOnce})
//	...
//	err = app.Run(ctx) // until ctx is cancelled: then it commits, and returns nil
//
// It imports this package and [serde]; add serde/avro for Avro with a schema
// registry, [store] and [topology] for processors of your own. The whole program
// is examples/wordcount.
//
// # Streams and tables
//
// In a [KStream] each record stands for itself: an order was placed. In a [KTable]
// it replaces what was known of its key: the stock of a product is now 7. [From]
// reads a topic as a stream, [Table] as a table. An aggregation makes a table of a
// stream (Count, Reduce, [Aggregate]), ToTable takes the last record of each key,
// and ToStream gives the changes of a table.
//
// Operators that keep the types are methods; those that change a type are
// functions with the stream first, since Go's methods have no type parameters of
// their own:
//
//	keep the types    Filter, FilterNot, Peek, Foreach, Print, Merge, Split, Repartition, GroupByKey, To, ToDynamic, ToTable
//	of a table        Filter, FilterNot, FilterInto, ToStream, Suppress, SuppressWith, WithSerdes, PartitionedBy
//	of a group        Count, Reduce; in windows (WindowedBy, SessionWindowedBy) also EmitStrategy, AggregateWindows, AggregateSessions
//	of groups         Cogroup, CogroupWith, CogroupWindowedBy, CogroupSessionWindowedBy, and Aggregate
//	not Kafka's       Deduplicate, AsyncMapValues
//	change a type     Map, MapValues, FlatMap, FlatMapValues, SelectKey, GroupBy, Aggregate, Process, ProcessValues, MapTableValues, TransformTableValues
//	of streams        Join, LeftJoin, OuterJoin
//	with a table      JoinTable, LeftJoinTable; with a GlobalTable JoinGlobal, LeftJoinGlobal
//	of tables         JoinTables, LeftJoinTables, OuterJoinTables, JoinForeignKey, LeftJoinForeignKey, GroupTableBy with Count, Reduce and AggregateTable
//
// All take options: [Named] for a name of their own, and what their documentation
// names. Names of operators, stores and internal topics are those that Kafka
// Streams generates, so they depend on the order in which operators are made: name
// the stores and repartitions that must outlive a change of the program.
//
// A mistake, a missing serde for instance, does not panic: [Builder.Build] returns
// all of them with the names of the operators.
//
// # Serdes
//
// A [serde.Serde] of a type is needed where records are bytes: at a topic, a
// repartition, a store. [With] makes a pair of them, for keys and for values;
// [InStore] and [Stored] take them for a store. A stream knows the serdes it was
// read with as long as the type stays the same: behind an operator that makes
// other values, say how they are encoded. Where a serde cannot be known, Build
// returns an error that says so.
//
// # Null
//
// Keys and values may be null in Kafka. It is a property of a record
// ([topology.Record] has NullKey and NullValue), not of its type. For a type that
// has a nil, a pointer, slice or map, nil and null are the same thing. For another
// a function sees the zero value; an operator that keeps the key or the value
// keeps the null with it, and a function that returns one makes it not null.
//
//	Filter, Peek, MapValues and the like    see null keys and values
//	Count, Reduce, Aggregate                drop records with a null key or value
//	the same in windows                     drop null keys; in sliding windows also null values
//	Table, ToTable                          drop null keys; a null value deletes the key
//	Join                                    drops null keys and values
//	LeftJoin, OuterJoin                     drop null values; LeftJoin also null keys on the right
//	JoinTable                               drops null keys and values
//	LeftJoinTable                           drops null values
//	JoinGlobal, LeftJoinGlobal              drop null values; JoinGlobal also a key of the table that is nil
//	a repartition                           drops null keys, but not in front of a left or outer join
//
// What is dropped is counted in [Status], but for what a repartition leaves out.
// Reduce and Aggregate delete a key by returning nil.
//
// # Errors
//
// Functions such as Filter's are for pure work. For work that can fail, or needs a
// context, a header or the timestamp, most operators have a variant whose name
// begins with Try, and there are processors ([Process]). An error, and a panic of
// any function, goes to [Config].ErrorHandler with the input record that caused it:
//
//	ErrorHandler: func(ctx context.Context, e *stream.ProcessingError) stream.Action {
//		if e.Phase == topology.Deserialization {
//			return stream.DeadLetter
//		}
//		return stream.Fail
//	},
//	DeadLetterTopic: "orders-dead",
//
// Without a handler, Run returns the error and the record is not committed. An
// error that wraps [serde.ErrRetriable] does not reach the handler: the record is
// tried again, with backoff, and [Status] says what is waited for. So it is with
// brokers and registries that do not answer.
//
// # Time
//
// A record has a timestamp in milliseconds, its own unless the source's serdes
// have [Serdes.Timestamps]. An operator passes it on; an aggregate has the largest
// of the records in it. A task with several inputs prefers the record with the
// smallest timestamp; [Config].MaxTaskIdle says how long it waits for an input
// that has none at hand. Stream time, the largest timestamp a task has seen,
// drives punctuations of processors.
//
// # What repartitions
//
// Aggregations and tables need the records of one key in one partition. [Map],
// [FlatMap], [SelectKey] and [Process] may change keys; behind them, the first
// GroupByKey with an aggregation, or ToTable, goes through a topic of its own,
// <application id>-<name>-repartition. [GroupBy] always does. [MapValues],
// [FlatMapValues] and [ProcessValues] cannot change keys and so avoid it.
// [KStream.Repartition] asks for one, for instance to have more partitions.
//
// A repartition divides the topology in two: sub-topologies run independently of
// each other. Each partition of a sub-topology's input is a task, the unit that is
// spread over workers and processes.
//
// # State
//
// A table that is kept, and a store of a processor, is in memory and on disk (see
// [Config].StateDir), and in a compacted topic, <application id>-<store>-changelog,
// from which another process restores it. With the record cache
// ([Config].CacheMaxBytes) the updates of one key between two commits are
// forwarded as one; [NoCache] forwards each.
//
// # Exactly once
//
// With [ExactlyOnce] what a record leads to, its output, the changes of state and
// the fact that it was read, is committed in one Kafka transaction or not at all.
// After a crash the process goes on from its last commit with the state on its
// disk. Readers of the output must read read_committed. What a function does
// outside of Kafka is not part of it: it may happen again.
//
// With [AtLeastOnce], the default as in Kafka Streams, records since the last
// commit may be processed again after a failure.
//
// # Testing
//
// Package stream/streamtest drives a topology record by record without a broker;
// the examples of this package do so. Package stream/embedded is a broker and a
// schema registry inside of a test, for the whole App.
//
// # Monitoring
//
// [App.Status] is a snapshot of what the App does. Package stream/monitor serves
// it over HTTP: health, readiness, metrics for Prometheus, and a picture of the
// topology.
package stream
