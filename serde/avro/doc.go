// Package avro is Avro with a schema registry: serdes for Go structs, for
// records whose type is not known, and conversion to and from JSON.
//
// Data is in the Confluent wire format: a zero byte, the id of the writer's
// schema in four bytes, big-endian, and the value in Avro's binary encoding.
// Subjects follow TopicNameStrategy, <topic>-key and <topic>-value, unless an
// [Option] says otherwise; those of internal topics are named after the record.
//
//	type Order struct {
//		ID     string
//		Amount int64
//		Note   *string // null or a string
//	}
//
//	registry := avro.NewRegistry("http://localhost:8081", avro.Config{})
//	orders := stream.From(b, "orders", stream.With(serde.String(), avro.For[*Order](registry, orderSchema)))
//
// # Go types
//
// [For] compiles a plan for the type and the schema once, and one for each
// schema that data was written with. A record is then written and read without
// reflection, except for Go maps other than map[string]string and
// map[string]int64.
//
//	boolean             bool
//	int, long           int, int8 to int64, uint8 to uint32; a value that does not fit is an error
//	float, double       float32, float64
//	string              string
//	bytes               []byte
//	fixed               [N]byte
//	enum                string, the symbol, or an integer, its position
//	array               slice; nil is written as empty, and read is never nil
//	map                 map with a string key, or Map[X]; likewise
//	record              struct, or a pointer to one
//	[null, X]           *X, Optional[X], or a slice or map, of which nil is null
//	date, timestamp-*   time.Time in UTC, or an integer
//	local-timestamp-*   time.Time, whose zone is not looked at, or an integer
//	time-*              time.Duration, or an integer
//
// Types with one of these as underlying type do as well (type EventType string).
// Other logical types, such as decimal and uuid, are their underlying type. A
// union of several types besides null has no Go type here; [Record] takes it.
//
// For [null, X] a pointer is the usual choice and [Optional] the cheaper one, and
// for a map a Go map and [Map].
//
// The fields of a struct are found by a tag, avro:"name", or else by their name:
// as it is, with a lower first letter, or without regard to case. A Go field
// without counterpart is an error unless it is tagged avro:"-"; a schema field
// without Go field must have a default, which is then written. The fields of an
// embedded struct count as the struct's own.
//
// Types that were generated from a schema need no plan: [Of] uses their own code.
//
// # Reading what another schema wrote
//
// Data of another schema is first turned into data of the reader's, after the Avro
// specification (package resolve): fields by name or alias, fields that the reader does
// not have are skipped, those that the writer did not have get their default, numbers are
// promoted, string and bytes are interchangeable, unions and enums are matched by branch
// and symbol. A mismatch that no value gets around is an error of the first record that
// has the schema, one that depends on the value is that value's, and both say where:
//
//	avro: schema id 7 cannot be read as Order: total.amount: written as string, which cannot be read as long
//	avro: not a Order (schema id 8): lines[2].price: written as null, which cannot be read as long
//
// Timestamps and times of day come in the reader's unit if writer and reader name one
// each.
//
// Bytes after the value, a number that does not fit, lengths and counts that
// the data does not have, and values nested 1000 deep are errors.
//
// # Strings
//
// The strings of a record of up to 4 KiB are cut out of one copy of it, so one
// string that is kept keeps as much.
//
// # The registry
//
// [Registry] asks for each id and each subject's schema once. While it does not
// answer, errors wrap serde.ErrRetriable; tasks that need nothing new go on.
// [Config] has authentication, TLS and the timeout; several URLs are asked in turn.
// Config.Observe counts requests, see stream/monitor.
//
// A serde registers its schema when the first record is written. Options of [For], [Of],
// [Record] and [FromJSON] change that, as those of Confluent's serializers do:
//
//	Subject(RecordNameStrategy)           value.subject.name.strategy
//	NormalizeSchemas()                    normalize.schemas
//	UseLatestVersion()                    use.latest.version
//	UseSchemaID(id)                       use.schema.id
//	RequireCompatible(mode)               refuses what the registry would take
//	References(...)                       a schema that uses types of other subjects
//	Config.LookupOnly                     auto.register.schemas=false
//
// The schemas of changelogs and repartition topics are registered under the full name
// of the record, once for all of them, and not under two subjects for each topic.
// InternalSubject(TopicNameStrategy) brings back what Kafka Streams does. What was
// written before is read either way: the id is in the data. A registry gives one
// schema one id under all subjects, so keys remain the same bytes too.
//
// [Registry.Check] asks the registry whether a schema may be registered, and
// [Registry.Register] registers one; an incompatible schema is refused with the reasons.
package avro
