package inventory

import "testing"

func valid() Event {
	return Event{EventID: "e-1", SKU: "SKU-1", EventType: EventTypeStockIn, Quantity: 5, LocationID: "WH-01", Timestamp: 1}
}

func TestProblem(t *testing.T) {
	for name, c := range map[string]struct {
		key   string
		spoil func(*Event)
		want  string
	}{
		"valid":                   {"SKU-1", func(*Event) {}, ""},
		"key differs from sku":    {"other", func(*Event) {}, ""},
		"no key":                  {"", func(*Event) {}, "key is empty"},
		"no event id":             {"SKU-1", func(e *Event) { e.EventID = "" }, "eventId is empty"},
		"no sku":                  {"SKU-1", func(e *Event) { e.SKU = "" }, "sku is empty"},
		"zero quantity":           {"SKU-1", func(e *Event) { e.Quantity = 0 }, "quantity 0 is not allowed for STOCK_IN"},
		"zero adjustment":         {"SKU-1", func(e *Event) { e.Quantity, e.EventType = 0, EventTypeAdjustment }, "quantity 0 is not allowed for ADJUSTMENT"},
		"negative sale":           {"SKU-1", func(e *Event) { e.Quantity, e.EventType = -3, EventTypeSale }, "quantity -3 is not allowed for SALE"},
		"negative reservation":    {"SKU-1", func(e *Event) { e.Quantity, e.EventType = -1, EventTypeReservation }, "quantity -1 is not allowed for RESERVATION"},
		"negative adjustment":     {"SKU-1", func(e *Event) { e.Quantity, e.EventType = -3, EventTypeAdjustment }, ""},
		"unknown location":        {"SKU-1", func(e *Event) { e.LocationID = "XX-01" }, "locationId 'XX-01' has no known prefix"},
		"empty location":          {"SKU-1", func(e *Event) { e.LocationID = "" }, "locationId '' has no known prefix"},
		"location in small":       {"SKU-1", func(e *Event) { e.LocationID = "wh-01" }, "locationId 'wh-01' has no known prefix"},
		"location without a dash": {"SKU-1", func(e *Event) { e.LocationID = "WH01" }, "locationId 'WH01' has no known prefix"},
		"prefix alone":            {"SKU-1", func(e *Event) { e.LocationID = "EC-" }, ""},
		"no time":                 {"SKU-1", func(e *Event) { e.Timestamp = 0 }, "timestamp is not positive"},
		"time before 1970":        {"SKU-1", func(e *Event) { e.Timestamp = -1 }, "timestamp is not positive"},
		"the first rule counts":   {"", func(e *Event) { *e = Event{} }, "key is empty"},
		"ids before quantities":   {"k", func(e *Event) { e.SKU, e.Quantity = "", 0 }, "sku is empty"},
		"quantity before place":   {"k", func(e *Event) { e.Quantity, e.LocationID = 0, "" }, "quantity 0 is not allowed for STOCK_IN"},
	} {
		t.Run(name, func(t *testing.T) {
			e := valid()
			c.spoil(&e)
			if got := Problem(c.key, &e); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
