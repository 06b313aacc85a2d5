package inventory

import "github.com/streamweir/streamweir/serde/avro"

// LowStock is the available quantity below which a product is low on stock.
const LowStock = 10

// Aggregate is the stock of one product: a record of inventory-aggregates and of
// the store.
type Aggregate = InventoryAggregate

// Empty returns the aggregate before the first event.
func Empty() *Aggregate { return NewInventoryAggregate() }

// Apply folds an event without a [Problem] into the aggregate of its key. It
// changes a, which nobody else may hold, and returns it.
//
// STOCK_IN and ADJUSTMENT add to the location and its kind, STOCK_OUT and SALE
// take from them; RESERVATION takes nothing away but is no longer available. The
// last product name that is known stays, and the time never goes back.
func Apply(sku string, e *Event, a *Aggregate) *Aggregate {
	a.SKU = sku
	if e.ProductName.Set {
		a.ProductName = e.ProductName
	}
	quantity := int64(e.Quantity)
	switch e.EventType {
	case EventTypeReservation:
		a.ReservedQuantity += quantity
	case EventTypeStockOut, EventTypeSale:
		a.move(e.LocationID, -quantity)
	default:
		a.move(e.LocationID, quantity)
	}
	a.AvailableQuantity = a.TotalQuantity - a.ReservedQuantity
	a.LowStock = a.AvailableQuantity < LowStock
	a.EventCount++
	a.LastEventID = avro.Some(e.EventID)
	a.LastUpdated = max(a.LastUpdated, e.Timestamp)
	return a
}

func (a *Aggregate) move(location string, by int64) {
	a.TotalQuantity += by
	switch KindOf(location) {
	case Warehouse:
		a.WarehouseQuantity += by
	case Store:
		a.StoreQuantity += by
	default:
		a.EcommerceQuantity += by
	}
	*a.Locations.At(location) += by
}
