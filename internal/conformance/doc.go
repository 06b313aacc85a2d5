// Package conformance holds this library against Kafka Streams: it runs scenarios,
// and compares what comes of them with what the original was recorded to do.
//
// A scenario, testdata/NAME.json, is a list of steps, each one call of the DSL or
// of the Processor API, and a list of inputs. Beside it, NAME.golden.json is what
// Kafka Streams 4.3 made of it: the text of describe, internal topics, every record
// written with its place among all that its input caused, the content of stores,
// errors. [Run] gives the same of this library.
//
//	go test ./internal/conformance                        all scenarios of testdata, which must be equal
//	go test ./internal/conformance -v -scenarios DIR      those of any folder; the last line is the score
//
// Keys and values are of one dynamic type here (value.go), so that one interpreter
// drives the typed DSL. Each family of operators is a file with a table of them by
// name: sources.go, streams.go, tables.go, grouped.go, topology.go. To add one,
// write its table and name the class that its operators are called on in operators
// (builder.go). Functions are tables too: functions.go, aggregators.go,
// processors.go, fixedkey.go, commands.go. What the library does not have is
// reported as missing, never passed over.
//
// Where the library differs on purpose, divergences.go says why.
package conformance
