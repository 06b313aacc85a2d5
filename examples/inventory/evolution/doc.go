// Package evolution is the next version of the inventory application: an event may name
// its supplier, and the stock of a product counts them. The README of the example walks
// through the change; the tests run both versions together, on one registry and one
// state.
//
// Version 2 adds a field with a default to each record, which all six compatibility
// modes allow. The other schemas of the folder show what is refused: with required a
// reader of version 2 could not read an event of version 1, with return one of version 1
// could not read all of what is new.
package evolution

import (
	_ "embed"

	"github.com/streamweir/streamweir/examples/inventory/inventory"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/serde/avro"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

//go:generate go run github.com/streamweir/streamweir/cmd/streamweir avro generate -raw schemas/InventoryAggregate.v2.avsc schemas/InventoryEvent.v2.avsc

// Schemas that are refused, the second one only if old readers go on.
var (
	//go:embed schemas/InventoryEvent.required.avsc
	RequiredSchema string
	//go:embed schemas/InventoryEvent.return.avsc
	ReturnSchema string
)

// Event and Aggregate are the records of version 2.
type (
	Event     = InventoryEvent
	Aggregate = InventoryAggregate
)

// Apply is [inventory.Apply] of version 2: the rules of version 1, and suppliers.
func Apply(sku string, e *Event, a *Aggregate) *Aggregate {
	old := inventory.Apply(sku, &inventory.Event{
		EventID: e.EventID, SKU: e.SKU, EventType: inventory.EventType(e.EventType), Quantity: e.Quantity, LocationID: e.LocationID,
		ProductName: e.ProductName, Timestamp: e.Timestamp, UserID: e.UserID, Reason: e.Reason, Metadata: e.Metadata,
	}, &inventory.Aggregate{
		SKU: a.SKU, ProductName: a.ProductName, TotalQuantity: a.TotalQuantity, WarehouseQuantity: a.WarehouseQuantity,
		StoreQuantity: a.StoreQuantity, EcommerceQuantity: a.EcommerceQuantity, ReservedQuantity: a.ReservedQuantity,
		AvailableQuantity: a.AvailableQuantity, LowStock: a.LowStock, Locations: a.Locations, EventCount: a.EventCount,
		LastEventID: a.LastEventID, LastUpdated: a.LastUpdated,
	})
	now := &Aggregate{
		SKU: old.SKU, ProductName: old.ProductName, TotalQuantity: old.TotalQuantity, WarehouseQuantity: old.WarehouseQuantity,
		StoreQuantity: old.StoreQuantity, EcommerceQuantity: old.EcommerceQuantity, ReservedQuantity: old.ReservedQuantity,
		AvailableQuantity: old.AvailableQuantity, LowStock: old.LowStock, Locations: old.Locations, EventCount: old.EventCount,
		LastEventID: old.LastEventID, LastUpdated: old.LastUpdated, Suppliers: a.Suppliers,
	}
	if e.SupplierName.Set {
		*now.Suppliers.At(e.SupplierName.Value)++
	}
	return now
}

// Topology is that of the application, without its dead letters: the same topics, store
// and changelog, so it goes on from what version 1 left.
func Topology(registry *avro.Registry) (*topology.Topology, error) {
	key, events, aggregates := serde.String(), avro.Of[*Event](registry), avro.Of[*Aggregate](registry)
	b := stream.NewBuilder()
	stream.Aggregate(
		stream.From(b, inventory.EventsTopic, stream.With(key, events)).GroupByKey(),
		NewInventoryAggregate, Apply,
		stream.InStore(inventory.StoreName, key, aggregates),
	).ToStream().To(inventory.AggregatesTopic, stream.With(key, aggregates))
	return b.Build()
}
