package avro

import (
	_ "embed"
	"time"
)

//go:embed testdata/InventoryEvent.avsc
var eventSchema string

//go:embed testdata/InventoryAggregate.avsc
var aggregateSchema string

type eventType string

type inventoryEvent struct {
	EventID     string `avro:"eventId"`
	SKU         string
	EventType   eventType
	Quantity    int32
	LocationID  string `avro:"locationId"`
	ProductName *string
	Timestamp   time.Time
	UserID      *string
	Reason      *string
	Metadata    map[string]string
}

// leanEvent is the same with types that cost least.
type leanEvent struct {
	EventID     string
	SKU         string
	EventType   uint8
	Quantity    int32
	LocationID  string
	ProductName Optional[string]
	Timestamp   int64
	UserID      Optional[string]
	Reason      Optional[string]
	Metadata    map[string]string
}

type inventoryAggregate struct {
	SKU               string
	ProductName       *string
	TotalQuantity     int64
	WarehouseQuantity int64
	StoreQuantity     int64
	EcommerceQuantity int64
	ReservedQuantity  int64
	AvailableQuantity int64
	LowStock          bool
	Locations         map[string]int64
	EventCount        int64
	LastEventID       *string
	LastUpdated       time.Time
}

func pointer[T any](v T) *T { return &v }

func sampleEvent() inventoryEvent {
	return inventoryEvent{
		EventID: "evt-0000001234", SKU: "LAPTOP-15-0042", EventType: "STOCK_IN", Quantity: 100, LocationID: "WH-NY-001",
		ProductName: pointer("15-inch Laptop"), Timestamp: time.UnixMilli(1704067200000).UTC(), UserID: pointer("admin"),
	}
}

func sampleLean() leanEvent {
	return leanEvent{
		EventID: "evt-0000001234", SKU: "LAPTOP-15-0042", Quantity: 100, LocationID: "WH-NY-001",
		ProductName: Some("15-inch Laptop"), Timestamp: 1704067200000, UserID: Some("admin"),
	}
}

func sampleAggregate() inventoryAggregate {
	return inventoryAggregate{
		SKU: "LAPTOP-15", ProductName: pointer("15-inch Laptop"), TotalQuantity: 94, WarehouseQuantity: 100, StoreQuantity: -1,
		EcommerceQuantity: -5, ReservedQuantity: 5, AvailableQuantity: 89, Locations: map[string]int64{"WH-NY": 100, "ST-NYC-001": -1, "EC-ONLINE": -5},
		EventCount: 3, LastEventID: pointer("evt-003"), LastUpdated: time.UnixMilli(1704067320000).UTC(),
	}
}
