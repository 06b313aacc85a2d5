// Package avro measures Avro codecs beside each other: make bench-avro prints the table.
// The types are made of the schemas; the measurements are tests, so that the other
// libraries are in no build but theirs.
package avro

//go:generate go run github.com/streamweir/streamweir/cmd/streamweir avro generate schemas/Strings.avsc schemas/Wide.avsc
