package serde

import "errors"

// ErrRetriable marks a failure that is expected to pass: the answer cannot be
// given now, but the bytes or the value may well be good (a schema registry
// that does not answer). An error for which errors.Is(err, ErrRetriable) holds
// makes the task wait with backoff and try the same record again; any other
// error goes to the application's error handler.
var ErrRetriable = errors.New("cannot be answered now, retrying may help")

// Role tells a [Serde] which half of a record it is bound to, and whether the
// topic is one that the application made for itself. A schema registry serde
// derives its subject from both. A serde that wraps another one passes the role
// on as it is; to tell keys from values it asks [Role.IsKey].
type Role int8

// The two halves of a record of a topic that users know.
const (
	Key Role = iota
	Value
)

const internal Role = 2 // a bit

// Internal is the same half of a record of an internal topic: a changelog, a
// repartition topic, or what is called after one without being a topic.
func (r Role) Internal() Role { return r | internal }

// IsInternal reports whether the topic is internal.
func (r Role) IsInternal() bool { return r&internal != 0 }

// IsKey reports whether it is the key, of whatever topic.
func (r Role) IsKey() bool { return r&^internal == Key }

// String returns "key" or "value", the suffix of a schema registry subject.
func (r Role) String() string {
	if r.IsKey() {
		return "key"
	}
	return "value"
}

// A Serde converts values of type T to bytes and back. It is a description that
// many tasks share: it must be safe for concurrent use, and holds no state of a
// stream. The work is done by the [Codec] that Bind returns.
type Serde[T any] interface {
	// Bind returns a codec for the keys or the values of a topic. It is called
	// once for each task and place of use while the task is created, and must
	// not wait for a server: what needs one happens in the codec's first call.
	Bind(topic string, role Role) (Codec[T], error)
}

// A Codec encodes and decodes the keys or the values of one topic. It belongs
// to one task and is used by one goroutine at a time, so it may keep scratch
// space.
//
// Neither method ever sees null: a record's null key or null value (no bytes)
// is kept apart from the type, and does not reach the codec. An encoding of
// zero bytes is a value like any other.
type Codec[T any] interface {
	// Append appends the encoding of v to dst and returns the extended slice.
	// On an error what was appended is dropped by the caller.
	Append(dst []byte, v T) ([]byte, error)
	// Decode returns the value that data encodes. data belongs to the caller
	// and is overwritten after the call: the result must not refer to it.
	Decode(data []byte) (T, error)
}

// A Reuser is a [Codec] that can decode into a value which it returned before. Operators
// ask for it where an application allows it (ReuseValues in package stream).
type Reuser[T any] interface {
	Codec[T]
	// DecodeInto is Decode; old is zero, or was returned before and is needed no more: it
	// may become the result, with the memory that it refers to. Strings stay as they are.
	// After an error old is of no use.
	DecodeInto(old T, data []byte) (T, error)
}

// A Copier is a [Codec] that can take over what another codec has encoded, so that a value
// which goes to the store of a table and to a topic is encoded once: between the two there
// is nothing but ToStream. Those of [JSON] and of package serde/avro are.
type Copier interface {
	// AppendCopy appends what Append would append for the value that codec, any other one,
	// has encoded as data: what both append differs by the topic at most. If it cannot
	// tell, ok is false and nothing is appended; Append is called then.
	AppendCopy(dst, data []byte, codec any) (out []byte, ok bool, err error)
}

// Header is a header of a record. Names may repeat; order is kept. Whoever is
// handed a header must not modify Value.
type Header struct {
	Name  string
	Value []byte // nil is null
}
