package inventory

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/streamweir/streamweir/serde/avro"
)

func TestApply(t *testing.T) {
	events := []struct {
		Event
		want Aggregate
	}{
		{
			Event{EventID: "1", EventType: EventTypeStockIn, Quantity: 100, LocationID: "WH-NY", ProductName: avro.Some("15-inch Laptop"), Timestamp: 1000},
			Aggregate{ProductName: avro.Some("15-inch Laptop"), TotalQuantity: 100, WarehouseQuantity: 100, AvailableQuantity: 100,
				Locations: avro.MapOf(map[string]int64{"WH-NY": 100}), EventCount: 1, LastEventID: avro.Some("1"), LastUpdated: 1000},
		},
		{ // a sale may drive a location below zero: the stock came from elsewhere
			Event{EventID: "2", EventType: EventTypeSale, Quantity: 1, LocationID: "ST-NYC-001", Timestamp: 3000},
			Aggregate{ProductName: avro.Some("15-inch Laptop"), TotalQuantity: 99, WarehouseQuantity: 100, StoreQuantity: -1, AvailableQuantity: 99,
				Locations: avro.MapOf(map[string]int64{"WH-NY": 100, "ST-NYC-001": -1}), EventCount: 2, LastEventID: avro.Some("2"), LastUpdated: 3000},
		},
		{ // a reservation names a location and does not touch it; an event from the past does not turn time back
			Event{EventID: "3", EventType: EventTypeReservation, Quantity: 5, LocationID: "EC-ONLINE", Timestamp: 2000},
			Aggregate{ProductName: avro.Some("15-inch Laptop"), TotalQuantity: 99, WarehouseQuantity: 100, StoreQuantity: -1, ReservedQuantity: 5,
				AvailableQuantity: 94, Locations: avro.MapOf(map[string]int64{"WH-NY": 100, "ST-NYC-001": -1}), EventCount: 3, LastEventID: avro.Some("3"), LastUpdated: 3000},
		},
		{
			Event{EventID: "4", EventType: EventTypeStockOut, Quantity: 80, LocationID: "WH-NY", Timestamp: 4000},
			Aggregate{ProductName: avro.Some("15-inch Laptop"), TotalQuantity: 19, WarehouseQuantity: 20, StoreQuantity: -1, ReservedQuantity: 5,
				AvailableQuantity: 14, Locations: avro.MapOf(map[string]int64{"WH-NY": 20, "ST-NYC-001": -1}), EventCount: 4, LastEventID: avro.Some("4"), LastUpdated: 4000},
		},
		{
			Event{EventID: "5", EventType: EventTypeAdjustment, Quantity: -5, LocationID: "EC-ONLINE", ProductName: avro.Some(""), Timestamp: 5000},
			Aggregate{ProductName: avro.Some(""), TotalQuantity: 14, WarehouseQuantity: 20, StoreQuantity: -1, EcommerceQuantity: -5, ReservedQuantity: 5,
				AvailableQuantity: 9, LowStock: true, Locations: avro.MapOf(map[string]int64{"WH-NY": 20, "ST-NYC-001": -1, "EC-ONLINE": -5}), EventCount: 5, LastEventID: avro.Some("5"), LastUpdated: 5000},
		},
		{
			Event{EventID: "6", EventType: EventTypeAdjustment, Quantity: 1, LocationID: "EC-ONLINE", Timestamp: 5000},
			Aggregate{ProductName: avro.Some(""), TotalQuantity: 15, WarehouseQuantity: 20, StoreQuantity: -1, EcommerceQuantity: -4, ReservedQuantity: 5,
				AvailableQuantity: 10, Locations: avro.MapOf(map[string]int64{"WH-NY": 20, "ST-NYC-001": -1, "EC-ONLINE": -4}), EventCount: 6, LastEventID: avro.Some("6"), LastUpdated: 5000},
		},
	}
	a := Empty()
	for _, e := range events {
		a = Apply("LAPTOP-15", &e.Event, a)
		e.want.SKU = "LAPTOP-15"
		if diff := cmp.Diff(&e.want, a); diff != "" {
			t.Fatalf("after event %s: %s", e.EventID, diff)
		}
	}
}

func TestAggregateNeverContradictsItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := Empty()
		n := rapid.IntRange(1, 50).Draw(t, "events")
		for range n {
			kind := rapid.SampledFrom([]EventType{EventTypeStockIn, EventTypeStockOut, EventTypeSale, EventTypeReservation, EventTypeAdjustment}).Draw(t, "type")
			e := &Event{EventID: "e", SKU: "s", EventType: kind, Timestamp: 1,
				Quantity:   rapid.Int32Range(1, 1000).Draw(t, "quantity"),
				LocationID: rapid.SampledFrom([]string{"WH-1", "WH-2", "ST-1", "EC-1"}).Draw(t, "location")}
			if problem := Problem("s", e); problem != "" {
				t.Fatal(problem)
			}
			a = Apply("s", e, a)
		}
		kinds := map[Kind]int64{}
		var total int64
		for location, quantity := range a.Locations.All() {
			kinds[KindOf(location)] += quantity
			total += quantity
		}
		if total != a.TotalQuantity || kinds[Warehouse] != a.WarehouseQuantity || kinds[Store] != a.StoreQuantity || kinds[Ecommerce] != a.EcommerceQuantity {
			t.Fatalf("locations do not add up: %+v", a)
		}
		if a.AvailableQuantity != total-a.ReservedQuantity || a.LowStock != (a.AvailableQuantity < LowStock) || a.EventCount != int64(n) {
			t.Fatalf("%+v", a)
		}
	})
}
