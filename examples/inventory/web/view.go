package web

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/streamweir/streamweir/examples/inventory/inventory"
)

const (
	maxRows    = 200 // products sent to the page, the scarcest first
	maxLetters = 40  // dead letters kept
	maxReasons = 8
	history    = 120 // samples kept for the curves
)

// A View is what the page shows: it is told of every committed aggregate and
// dead letter and sampled once a second. It may be used by several goroutines.
type View struct {
	mu       sync.Mutex
	products map[string]*product
	changes  int64
	letters  []Letter // the newest last
	dead     int64
	byType   map[string]int64
	reasons  map[string]int64
	app      App
	rate     []float64
	lag      []int64
	events   int64
	sampled  time.Time
}

type product struct {
	row     Row
	changed int64
}

// NewView returns an empty view.
func NewView() *View {
	return &View{products: map[string]*product{}, byType: map[string]int64{}, reasons: map[string]int64{}}
}

// App is what the page shows of the application.
type App struct {
	ID        string `json:"id"`
	State     string `json:"state"`
	Guarantee string `json:"guarantee"`
	Cluster   string `json:"cluster"`
	Threads   int    `json:"threads"`
	// Waiting says what the application waits for; "" is nothing.
	Waiting string `json:"waiting"`
}

// Row is a product in the table.
type Row struct {
	SKU       string `json:"sku"`
	Name      string `json:"name"`
	Total     int64  `json:"total"`
	Warehouse int64  `json:"warehouse"`
	Store     int64  `json:"store"`
	Ecommerce int64  `json:"ecommerce"`
	Reserved  int64  `json:"reserved"`
	Available int64  `json:"available"`
	Low       bool   `json:"low"`
	Events    int64  `json:"events"`
	Updated   int64  `json:"updated"` // event time, milliseconds since the epoch
}

// Letter is a dead letter.
type Letter struct {
	Key       string `json:"key"`
	Type      string `json:"type"`
	Message   string `json:"message"`
	Partition string `json:"partition"`
	Offset    string `json:"offset"`
	Time      int64  `json:"time"` // milliseconds since the epoch
}

// Reason is a reason of dead letters and how many it has caused.
type Reason struct {
	Message string `json:"message"`
	Count   int64  `json:"count"`
}

// State is one picture of the view.
type State struct {
	App      App              `json:"app"`
	Products int              `json:"products"`
	Low      int              `json:"low"`
	Totals   Row              `json:"totals"`
	Rows     []Row            `json:"rows"`
	Events   int64            `json:"events"`
	Rate     []float64        `json:"rate"`
	Lag      []int64          `json:"lag"`
	Dead     int64            `json:"dead"`
	ByType   map[string]int64 `json:"byType"`
	Reasons  []Reason         `json:"reasons"`
	Letters  []Letter         `json:"letters"` // the newest first
}

// Aggregate takes a record of inventory-aggregates; nil is a tombstone.
func (v *View) Aggregate(sku string, a *inventory.Aggregate) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if a == nil {
		delete(v.products, sku)
		return
	}
	p := v.products[sku]
	if p == nil {
		p = &product{}
		v.products[sku] = p
	}
	v.changes++
	p.changed = v.changes
	p.row = Row{
		SKU: sku, Name: a.ProductName.Value, Total: a.TotalQuantity, Warehouse: a.WarehouseQuantity, Store: a.StoreQuantity,
		Ecommerce: a.EcommerceQuantity, Reserved: a.ReservedQuantity, Available: a.AvailableQuantity,
		Low: a.LowStock, Events: a.EventCount, Updated: a.LastUpdated,
	}
}

// DeadLetter takes a record of inventory-events-dlq.
func (v *View) DeadLetter(l Letter) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.dead++
	v.byType[l.Type]++
	v.reasons[l.Message]++
	if len(v.letters) == maxLetters {
		v.letters = append(v.letters[:0], v.letters[1:]...)
	}
	v.letters = append(v.letters, l)
}

// Sample takes the application's figures: events is the number of events
// processed since it started, lag the number that wait.
func (v *View) Sample(now time.Time, app App, events, lag int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.app = app
	if passed := now.Sub(v.sampled).Seconds(); !v.sampled.IsZero() && passed > 0 {
		v.rate = last(append(v.rate, float64(events-v.events)/passed))
		v.lag = last(append(v.lag, lag))
	}
	v.sampled, v.events = now, events
}

func last[T any](s []T) []T { return s[max(0, len(s)-history):] }

// State returns the view as it is now.
func (v *View) State() State {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := State{
		App: v.app, Products: len(v.products), Events: v.events, Dead: v.dead, ByType: map[string]int64{},
		Rate: slices.Clone(v.rate), Lag: slices.Clone(v.lag), Letters: slices.Clone(v.letters),
	}
	slices.Reverse(s.Letters)
	for kind, n := range v.byType {
		s.ByType[kind] = n
	}
	for message, n := range v.reasons {
		s.Reasons = append(s.Reasons, Reason{message, n})
	}
	slices.SortFunc(s.Reasons, func(a, b Reason) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Message, b.Message))
	})
	s.Reasons = s.Reasons[:min(len(s.Reasons), maxReasons)]
	v.addRows(&s)
	return s
}

func (v *View) addRows(s *State) {
	all := make([]*product, 0, len(v.products))
	for _, p := range v.products {
		all = append(all, p)
		t := &s.Totals
		t.Total += p.row.Total
		t.Warehouse += p.row.Warehouse
		t.Store += p.row.Store
		t.Ecommerce += p.row.Ecommerce
		t.Reserved += p.row.Reserved
		t.Available += p.row.Available
		if p.row.Low {
			s.Low++
		}
	}
	slices.SortFunc(all, func(a, b *product) int {
		if a.row.Low != b.row.Low {
			if a.row.Low {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(b.changed, a.changed), cmp.Compare(a.row.SKU, b.row.SKU))
	})
	all = all[:min(len(all), maxRows)]
	s.Rows = make([]Row, len(all))
	for i, p := range all {
		s.Rows[i] = p.row
	}
}
