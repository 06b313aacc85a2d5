package inventory

import (
	"fmt"
	"strings"
)

// The types of the records are made of their Avro schemas. Times stay the numbers that
// they are: they are compared and passed on, never shown.
//
//go:generate go run github.com/streamweir/streamweir/cmd/streamweir avro generate -raw schemas/InventoryAggregate.avsc schemas/InventoryEvent.avsc

// Event is a change of the stock of one product at one location: a record of
// inventory-events, whose key is the sku.
type Event = InventoryEvent

// Problem says which rule an event with this key breaks; "" is none.
func Problem(key string, e *Event) string {
	switch {
	case key == "":
		return "key is empty"
	case e.EventID == "":
		return "eventId is empty"
	case e.SKU == "":
		return "sku is empty"
	case e.Quantity == 0, e.Quantity < 0 && e.EventType != EventTypeAdjustment:
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
