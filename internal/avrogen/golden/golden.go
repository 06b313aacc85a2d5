// Package golden is what the generator makes of schemas that have everything in them,
// checked in so that a change of the generator shows what it does.
package golden

//go:generate go run github.com/streamweir/streamweir/cmd/streamweir avro generate schemas/Forest.avsc schemas/Logical.avsc schemas/Node.avsc schemas/Order.avsc schemas/Unions.avsc schemas/names.avsc
