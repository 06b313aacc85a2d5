package inventory

import "github.com/streamweir/streamweir/serde/avro"

// LowStock is the available quantity below which a product is low on stock.
const LowStock = 10

// Aggregate is the stock of one product: a record of inventory-aggregates and of
// the store.
type Aggregate struct {
	SKU               string                `avro:"sku"`
	ProductName       avro.Optional[string] `avro:"productName"`
	TotalQuantity     int64                 `avro:"totalQuantity"`
	WarehouseQuantity int64                 `avro:"warehouseQuantity"`
	StoreQuantity     int64                 `avro:"storeQuantity"`
	EcommerceQuantity int64                 `avro:"ecommerceQuantity"`
	ReservedQuantity  int64                 `avro:"reservedQuantity"`
	AvailableQuantity int64                 `avro:"availableQuantity"`
	LowStock          bool                  `avro:"lowStock"`
	Locations         avro.Map[int64]       `avro:"locations"`
	EventCount        int64                 `avro:"eventCount"`
	LastEventID       avro.Optional[string] `avro:"lastEventId"`
	LastUpdated       int64                 `avro:"lastUpdated"` // milliseconds since the epoch
}

// Empty returns the aggregate before the first event.
func Empty() *Aggregate { return &Aggregate{Locations: avro.Map[int64]{}} }

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
	case Reservation:
		a.ReservedQuantity += quantity
	case StockOut, Sale:
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
