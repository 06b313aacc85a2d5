package simulator

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/examples/inventory/inventory"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/serde/avro"
)

var start = time.UnixMilli(1_750_000_000_000)

func TestEventsAreValidAndStockIsPlausible(t *testing.T) {
	s := New(1)
	stock := map[string]*inventory.Aggregate{}
	kinds := map[inventory.EventType]int{}
	for i := range 20_000 {
		e := s.Event(start.Add(time.Duration(i) * 50 * time.Millisecond))
		if problem := inventory.Problem(e.SKU, &e); problem != "" {
			t.Fatalf("event %d, %+v: %s", i, e, problem)
		}
		a := stock[e.SKU]
		if a == nil {
			a = inventory.Empty()
		}
		stock[e.SKU] = inventory.Apply(e.SKU, &e, a)
		kinds[e.EventType]++
		for location, n := range a.Locations.All() {
			if n < 0 {
				t.Fatalf("event %d left %d at %s", i, n, location)
			}
		}
	}
	if len(stock) != len(catalogue) || len(kinds) != 5 {
		t.Errorf("%d products, kinds %v", len(stock), kinds)
	}
	low := 0
	for sku, a := range stock {
		if a.TotalQuantity > 3000 {
			t.Errorf("%s has %d in stock: the shelves fill for ever", sku, a.TotalQuantity)
		}
		if !a.ProductName.Set {
			t.Errorf("%s has no name", sku)
		}
		if a.LowStock {
			low++
		}
	}
	if low == len(stock) {
		t.Error("everything is low on stock")
	}
	t.Logf("%v, %d low", kinds, low)
}

func TestOneSeedOneStory(t *testing.T) {
	a, b := New(7), New(7)
	for range 100 {
		if diff := cmp.Diff(a.Event(start), b.Event(start)); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestStockOfAnEarlierRunIsUsed(t *testing.T) {
	s := New(1)
	for _, p := range s.products {
		s.Stock(&inventory.Aggregate{SKU: p.sku, Locations: avro.MapOf(map[string]int64{"WH-LYON": 5000, "ST-PARIS": 50, shop: 50})})
	}
	s.Stock(&inventory.Aggregate{SKU: "of somebody else"})
	for range 200 {
		if e := s.Event(start); e.EventType == inventory.EventTypeStockIn && inventory.KindOf(e.LocationID) == inventory.Warehouse {
			t.Fatalf("%s is ordered although there is enough", e.SKU)
		}
	}
	if e := New(1).Event(start); e.EventType != inventory.EventTypeStockIn {
		t.Errorf("empty shelves begin with %s", e.EventType)
	}
}

// lines writes an event as its id and refuses when told to.
type lines struct{ err error }

func (l *lines) Bind(string, serde.Role) (serde.Codec[*inventory.Event], error) { return l, nil }

func (l *lines) Append(dst []byte, e *inventory.Event) ([]byte, error) {
	return append(append(dst, 0, 0, 0, 0, 1), e.EventID...), l.err
}

func (l *lines) Decode([]byte) (*inventory.Event, error) { return nil, errors.New("not used") }

func TestSomeRecordsAreBad(t *testing.T) {
	s := New(3)
	noKey, other, good := 0, 0, 0
	for i := range 5000 {
		key, value, err := s.Record(start.Add(time.Duration(i)*time.Millisecond), &lines{})
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case len(key) == 0:
			noKey++
		case len(value) < 9 || string(value[5:9]) != "sim-" || value[2] != 0:
			other++
		default:
			good++
		}
	}
	if noKey == 0 || other < 30 || good < 4700 {
		t.Errorf("%d without key, %d otherwise bad, %d good", noKey, other, good)
	}
}

func TestRunKeepsItsRate(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	sent := 0
	began := time.Now()
	err := New(1).Run(ctx, 1000, &lines{}, func(_, _ []byte) error {
		if sent++; sent == 300 {
			cancel()
		}
		return nil
	})
	if took := time.Since(began); err != nil || sent < 300 || sent > 500 || took < 200*time.Millisecond {
		t.Errorf("%d records in %v, %v", sent, took, err)
	}
}

func TestRunEndsWithItsErrors(t *testing.T) {
	broken := errors.New("broken")
	if err := New(1).Run(t.Context(), 1000, &lines{}, func(_, _ []byte) error { return broken }); !errors.Is(err, broken) {
		t.Error(err)
	}
	if err := New(1).Run(t.Context(), 1000, &lines{err: broken}, func(_, _ []byte) error { return nil }); !errors.Is(err, broken) {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	if err := New(1).Run(ctx, 1000, &lines{err: serde.ErrRetriable}, func(_, _ []byte) error { return broken }); err != nil {
		t.Errorf("a registry that is away ends the simulator: %v", err)
	}
}
