package inventory

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/streamweir/streamweir/serde/avro"
)

// The Avro schemas of the records.
var (
	//go:embed schemas/InventoryEvent.avsc
	EventSchema string
	//go:embed schemas/InventoryAggregate.avsc
	AggregateSchema string
)

// EventType says what happened to a stock.
type EventType string

// The event types.
const (
	StockIn     EventType = "STOCK_IN"
	StockOut    EventType = "STOCK_OUT"
	Sale        EventType = "SALE"
	Reservation EventType = "RESERVATION"
	Adjustment  EventType = "ADJUSTMENT"
)

// Event is a change of the stock of one product at one location: a record of
// inventory-events, whose key is the sku.
type Event struct {
	EventID     string                `avro:"eventId"`
	SKU         string                `avro:"sku"`
	EventType   EventType             `avro:"eventType"`
	Quantity    int32                 `avro:"quantity"`
	LocationID  string                `avro:"locationId"`
	ProductName avro.Optional[string] `avro:"productName"`
	Timestamp   int64                 `avro:"timestamp"` // milliseconds since the epoch
	UserID      avro.Optional[string] `avro:"userId"`
	Reason      avro.Optional[string] `avro:"reason"`
	Metadata    avro.Map[string]      `avro:"metadata"` // nil is null
}

// Problem says which rule an event with this key breaks; "" is none.
func Problem(key string, e *Event) string {
	switch {
	case key == "":
		return "key is empty"
	case e.EventID == "":
		return "eventId is empty"
	case e.SKU == "":
		return "sku is empty"
	case e.Quantity == 0, e.Quantity < 0 && e.EventType != Adjustment:
		return fmt.Sprintf("quantity %d is not allowed for %s", e.Quantity, e.EventType)
	case KindOf(e.LocationID) == Unknown:
		return fmt.Sprintf("locationId '%s' has no known prefix", e.LocationID)
	case e.Timestamp <= 0:
		return "timestamp is not positive"
	}
	return ""
}

// Kind is a kind of location.
type Kind int

// The kinds of locations.
const (
	Unknown Kind = iota
	Warehouse
	Store
	Ecommerce
)

// KindOf tells the kind of a location by the prefix of its id: WH-, ST- or EC-.
func KindOf(location string) Kind {
	switch {
	case strings.HasPrefix(location, "WH-"):
		return Warehouse
	case strings.HasPrefix(location, "ST-"):
		return Store
	case strings.HasPrefix(location, "EC-"):
		return Ecommerce
	}
	return Unknown
}
