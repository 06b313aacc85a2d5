// Package wire is Avro's binary encoding, value by value: what generated codecs and
// hand-written ones are made of. It knows no schemas.
//
// To append cannot fail, but for logical types, whose values may be out of range. A
// [Reader] keeps its first error, so a codec reads all fields and looks once:
//
//	r := wire.NewReader(data)
//	e.SKU = r.String()
//	e.Quantity = r.Int()
//	return r.Rest(), r.Err()
package wire
