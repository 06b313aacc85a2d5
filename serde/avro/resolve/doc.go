// Package resolve turns data of a writer's schema into data of a reader's schema, bytes
// to bytes, after § Schema Resolution of Avro 1.12. What decodes it then needs to know
// the reader's schema alone.
//
// A [Plan] is compiled once for a pair of schemas. Neighbours that both sides encode
// alike are gone over and copied in one run, what the reader does not have is gone over
// and left out, and defaults are in the plan as they are encoded.
//
// # Rules
//
// Fields go by name, or by the reader's alias. A field that the writer does not have
// gets its default; a record without default for it is a conflict. An int may become a
// long, float or double, a long a float or double, a float a double; string and bytes
// are interchangeable. A symbol that the reader's enum does not have becomes its
// default. Where the specification leaves a choice, it is Java's: in a reader's union
// the type itself wins over one it is promoted to, wherever it stands; a record without
// counterpart by name goes to the first branch that has the right fields; the names of
// records play no part outside of unions, those of enums and fixed without namespace.
//
// # Conflicts
//
// A conflict that every value meets is an error of [New], with the path of it in the
// schema. One that depends on the value, such as a branch of a union that the reader
// does not have, is an error of [Plan.Append] for the values that meet it, with the path
// in the value.
//
// # Bounds
//
// Data can make no more of [Plan.Append] than 8 MiB and 64 times its size of output,
// 1000 levels of nesting and 65536 elements that take no bytes; lengths and counts that
// the data does not have are errors.
package resolve
