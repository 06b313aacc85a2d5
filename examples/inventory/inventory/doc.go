// Package inventory is the application itself: its records, its rules and its
// topology. It knows no broker, clock or configuration, so that its tests need
// none.
//
//	inventory-events --decode--> validate --valid--> group by sku --> aggregate --> inventory-aggregates
//	                                |
//	                                +--invalid or undecodable--> inventory-events-dlq
//
// Read event.go and aggregate.go for the rules, inbound.go for the decoding that
// keeps what it cannot decode, topology.go for the whole.
package inventory
