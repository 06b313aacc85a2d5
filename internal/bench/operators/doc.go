// Package operators measures what operators cost: on a task as it runs in
// production, without a broker, and in an App over the embedded broker.
//
//	go test -run '^$' -bench . -benchmem ./internal/bench/operators
//
// Each benchmark's operation is one input record. Besides time and allocations it
// reports what is left of both without the store accesses that the operator cannot do
// without (beyond-ns/op), whose cost is measured on stores with as many keys.
package operators
