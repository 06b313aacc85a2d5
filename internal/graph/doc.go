// Package graph is the untyped half of a topology: nodes and their edges, state
// stores, internal topics, names and numbers, sub-topologies, and the text that
// describes them.
//
// Types are erased here and nowhere else. A [Node] carries a constructor that
// knows its types; when a task is created, [Sub.Wire] calls the constructors from
// the sinks up, and each constructor asserts once that what it forwards is what
// its children receive. From then on records travel through typed nodes.
package graph
