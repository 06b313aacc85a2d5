// Package avrojson is Avro's JSON encoding, as the console tools print and read it:
// [Append] turns binary data into it, [Encode] turns it into binary data, and
// [AppendDefault] encodes the default of a schema's field.
//
// A union that is not null is {"type": value}, bytes are text with a character up to
// U+00FF for each, a logical type is the number, text or bytes below it.
package avrojson
