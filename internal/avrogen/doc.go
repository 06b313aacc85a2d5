// Package avrogen makes Go types of Avro schemas, with code that reads and writes them
// straight through: no plan, no reflection.
//
//	record         struct; the methods AvroSchema, AppendAvro, DecodeAvro, ReadAvro; NewX sets the defaults
//	enum           int32 with constants, String, ParseX, MarshalText, UnmarshalText
//	fixed          [N]byte, above 4096 bytes []byte
//	array, map     slice, avro.Map
//	[null, X]      avro.Optional[X], but *X for a record: that may contain itself, and is large
//	[X]            X
//	other unions   an interface that only the branches implement: *X for a record, the type
//	               itself for an enum or fixed, struct{ Value T } for the others; nil is null
//	null           struct{}
//
//	decimal                                      *big.Rat; nil is 0
//	uuid                                         uuid.UUID of github.com/google/uuid
//	date, timestamp-*, local-timestamp-*         time.Time
//	time-*                                       time.Duration
//	duration                                     wire.Duration
//
// generate.go is the whole in one function; model.go is what is known before code is
// written; record.go, enum.go and union.go write types; append.go and read.go the code of
// one value; defaults.go the constructors.
package avrogen
