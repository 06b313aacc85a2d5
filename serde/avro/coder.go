package avro

// Coder is implemented by *S, for a struct S, by code that was generated from a
// schema. [For] uses it in place of its own plan, for S and *S alike: to write,
// if its schema is the one given to For, and to read data whose writer's schema
// is the same as well. Data of another schema is resolved by the plan, so S
// must be a type that For takes without it. Schemas are compared in canonical
// form.
type Coder interface {
	// AvroSchema returns the text of the schema; it may be called on nil.
	AvroSchema() string
	// AppendAvro appends the value in Avro's binary encoding, without a header.
	AppendAvro(dst []byte) ([]byte, error)
	// DecodeAvro sets the value, which is zero, to what the head of data
	// encodes, and returns the rest of data. It must copy what it keeps.
	DecodeAvro(data []byte) (rest []byte, err error)
}
