// Package serde converts keys and values to bytes and back.
//
// A [Serde] is a description that is passed to the places where a topology
// meets bytes: a topic, a store, a repartitioning. The type of the stream
// follows from it:
//
//	lines := stream.From(b, "lines", stream.With(serde.String(), serde.String()))
//
// The formats here are those of Kafka's own serializers, byte for byte, so that
// topics and stores are shared with applications on the JVM:
//
//	String   StringSerializer     UTF-8
//	Bytes    ByteArraySerializer  the bytes
//	Int32    IntegerSerializer    4 bytes, big-endian
//	Int64    LongSerializer       8 bytes, big-endian
//	Float64  DoubleSerializer     8 bytes, IEEE 754, big-endian
//	Bool     BooleanSerializer    1 byte, 0 or 1
//	UUID     UUIDSerializer       the 36 characters of the text form
//	Void     VoidSerializer       always null
//
// [JSON] writes any Go type as JSON. Avro with a schema registry is in package
// serde/avro.
//
// # Null
//
// A record's null key or null value has no bytes and never reaches a [Codec].
// For a type that has a nil (pointer, slice, map) nil and null are the same
// thing, so Serde[*Order] carries tombstones; an empty slice is not null.
//
// # Writing a serde
//
// Implement [Serde] and [Codec]; both are often one empty struct. Append must
// append, not replace, and what Decode returns must not refer to its argument,
// which is overwritten by the next record. A failure that may pass, such as a
// server that does not answer, must wrap [ErrRetriable]: the task then waits
// and tries the record again. Every other error is final for the record and
// goes to the error handler.
//
// A codec may do more where that saves work: see [Reuser] and [Copier].
package serde
