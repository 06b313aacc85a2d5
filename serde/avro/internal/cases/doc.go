// Package cases runs cases of Avro schemas and data that Apache Avro for Java
// has run, and compares what comes of them. A case is a line of KIND.jsonl; the
// same line of KIND.golden.jsonl is what Java made of it.
//
//	go test -v ./serde/avro/internal/cases -cases FILE_OR_DIR
//
// runs the cases of a file or of a folder instead of those in testdata. The last
// line of the output is their number, how many are equal and how many are not.
// Where a difference is on purpose, divergences_test.go has the reason.
package cases
