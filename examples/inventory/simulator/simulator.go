// Package simulator is a small retail chain: warehouses that receive and ship,
// stores and a web shop that sell, a stock-taking that corrects, and a few
// systems that send nonsense.
package simulator

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/streamweir/streamweir/examples/inventory/inventory"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/serde/avro"
)

// badPercent of the records are bad.
const badPercent = 2

var (
	warehouses = []string{"WH-ROTTERDAM", "WH-LYON", "WH-POZNAN"}
	stores     = []string{"ST-AMSTERDAM", "ST-BERLIN", "ST-PARIS", "ST-MILAN", "ST-VIENNA"}
	shop       = "EC-WEBSHOP"

	users   = []string{"anna", "bruno", "chiara", "dirk", "elif", "fatima"}
	reasons = []string{"cycle count", "damaged", "customer return", "relocation"}
	sources = []string{"pos", "erp", "web"}
)

type product struct {
	sku, name string
	demand    int // how often it sells, compared with the others
	stock     map[string]int64
	arrival   uint64 // number of the event from which on an order may arrive; 0: nothing is ordered
}

// A Simulator makes the events of the chain. It is used by one goroutine; two
// with the same seed and stock make the same.
type Simulator struct {
	random   *rand.Rand
	products []*product
	demand   int
	number   uint64
	next     []inventory.Event // what follows from an event already made
}

// New returns a simulator whose shelves are empty.
func New(seed uint64) *Simulator {
	s := &Simulator{random: rand.New(rand.NewPCG(seed, seed))}
	for i, name := range catalogue {
		p := &product{sku: fmt.Sprintf("SKU-%03d", 101+i), name: name, demand: 1 + (len(catalogue)-i)/4, stock: map[string]int64{}}
		s.demand += p.demand
		s.products = append(s.products, p)
	}
	return s
}

// Stock tells the simulator what is there already, from an earlier run.
func (s *Simulator) Stock(a *inventory.Aggregate) {
	for _, p := range s.products {
		if p.sku == a.SKU {
			p.stock = map[string]int64{}
			for location, n := range a.Locations.All() {
				p.stock[location] = n
			}
		}
	}
}

func (p *product) in(locations ...string) int64 {
	var n int64
	for _, l := range locations {
		n += p.stock[l]
	}
	return n
}

// Event makes the next event.
func (s *Simulator) Event(now time.Time) inventory.Event {
	for len(s.next) == 0 {
		s.happen()
	}
	e := s.next[0]
	s.next = s.next[1:]
	s.number++
	e.EventID = "sim-" + strconv.FormatInt(now.UnixMilli(), 36) + "-" + strconv.FormatUint(s.number, 36)
	e.Timestamp = now.UnixMilli()
	s.apply(&e)
	return e
}

// happen lets something happen to a product, or nothing if it is sold out.
func (s *Simulator) happen() {
	p := s.choose()
	s.order(p)
	switch dice := s.random.IntN(100); {
	case p.arrival > 0 && s.number+1 >= p.arrival:
		s.receive(p)
	case dice < 8:
		s.count(p)
	case dice < 10 && p.stock[shop] > 0:
		s.add(p, inventory.EventTypeReservation, shop, 1)
	case dice < 25 || p.in(stores...)+p.in(shop) < 5:
		s.ship(p)
	default:
		s.sell(p)
	}
}

// order orders what runs out. That takes its time, in which a product may well
// be sold out; the first delivery is there at once.
func (s *Simulator) order(p *product) {
	if p.arrival > 0 || p.in(warehouses...) >= 20 {
		return
	}
	p.arrival = 1
	if len(p.stock) > 0 {
		p.arrival += s.number + 300 + s.random.Uint64N(1500)
	}
}

func (s *Simulator) choose() *product {
	n := s.random.IntN(s.demand)
	for _, p := range s.products {
		if n -= p.demand; n < 0 {
			return p
		}
	}
	return s.products[0]
}

func (s *Simulator) receive(p *product) {
	p.arrival = 0
	s.add(p, inventory.EventTypeStockIn, pick(s.random, warehouses), 40+10*s.random.Int64N(15))
	s.next[len(s.next)-1].ProductName = avro.Some(p.name)
}

// ship moves stock from a warehouse to a store or the shop.
func (s *Simulator) ship(p *product) {
	from := pick(s.random, warehouses)
	n := min(p.stock[from], 5+s.random.Int64N(20))
	if n <= 0 {
		return
	}
	to := pick(s.random, stores)
	if s.random.IntN(3) == 0 {
		to = shop
	}
	s.add(p, inventory.EventTypeStockOut, from, n)
	s.add(p, inventory.EventTypeStockIn, to, n)
}

func (s *Simulator) sell(p *product) {
	at := pick(s.random, stores)
	if s.random.IntN(2) == 0 {
		at = shop
	}
	if n := min(p.stock[at], 1+s.random.Int64N(3)); n > 0 {
		s.add(p, inventory.EventTypeSale, at, n)
		return
	}
	s.ship(p)
}

func (s *Simulator) count(p *product) {
	at := pick(s.random, stores)
	off := s.random.Int64N(5) - 2
	if off == 0 || p.stock[at]+off < 0 {
		return
	}
	s.add(p, inventory.EventTypeAdjustment, at, off)
	s.next[len(s.next)-1].Reason = avro.Some(pick(s.random, reasons))
}

func (s *Simulator) add(p *product, kind inventory.EventType, at string, n int64) {
	e := inventory.Event{SKU: p.sku, EventType: kind, LocationID: at, Quantity: int32(n)}
	if s.random.IntN(10) < 9 {
		e.UserID = avro.Some(pick(s.random, users))
	}
	if s.random.IntN(2) == 0 {
		e.Metadata = avro.Some(avro.Map[string]{{Key: "source", Value: pick(s.random, sources)}})
	}
	s.next = append(s.next, e)
}

// apply keeps the simulator's own idea of the stock.
func (s *Simulator) apply(e *inventory.Event) {
	for _, p := range s.products {
		if p.sku != e.SKU {
			continue
		}
		switch e.EventType {
		case inventory.EventTypeReservation:
		case inventory.EventTypeSale, inventory.EventTypeStockOut:
			p.stock[e.LocationID] -= int64(e.Quantity)
		default:
			p.stock[e.LocationID] += int64(e.Quantity)
		}
	}
}

// Record makes the next record: an event as codec writes it, or something bad.
func (s *Simulator) Record(now time.Time, codec serde.Codec[*inventory.Event]) (key, value []byte, err error) {
	if s.random.IntN(100) < badPercent {
		return s.bad(now, codec)
	}
	e := s.Event(now)
	value, err = codec.Append(nil, &e)
	return []byte(e.SKU), value, err
}

// bad makes a record that ends among the dead letters. It tells of nothing that
// happened.
func (s *Simulator) bad(now time.Time, codec serde.Codec[*inventory.Event]) (key, value []byte, err error) {
	p := s.choose()
	e := inventory.Event{EventID: "bad-" + strconv.FormatInt(now.UnixMilli(), 36), SKU: p.sku, EventType: inventory.EventTypeSale,
		Quantity: 1, LocationID: pick(s.random, stores), Timestamp: now.UnixMilli()}
	key = []byte(p.sku)
	how := s.random.IntN(7)
	switch how {
	case 0:
		e.Quantity = 0
	case 1:
		e.Quantity = -1 - s.random.Int32N(5)
	case 2:
		e.LocationID = "XX-" + strconv.Itoa(1+s.random.IntN(9))
	case 3:
		key = []byte{}
	case 4:
		return key, []byte(`{"sku":"` + p.sku + `","quantity":1}`), nil // JSON, by a system that was never migrated
	}
	value, err = codec.Append(nil, &e)
	if err != nil {
		return nil, nil, err
	}
	switch how {
	case 5:
		value = value[:len(value)/2] // cut off
	case 6:
		copy(value[1:5], []byte{0, 15, 66, 63}) // a schema id of another registry: 999999
	}
	return key, value, nil
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

var catalogue = []string{
	"15-inch laptop", "Wireless mouse", "USB-C dock", "27-inch monitor", "Mechanical keyboard",
	"Noise-cancelling headphones", "Webcam 4K", "Laptop sleeve", "Desk lamp, oak", "Office chair",
	"Standing desk frame", "Desk top, birch", "Monitor arm", "Cable tray", "Desk mat, felt",
	"Paper A4, 500 sheets", "Notebook, dotted", "Fountain pen", "Ink cartridges, blue", "Whiteboard, 120 x 90",
	"Markers, set of 8", "Label printer", "Label rolls", "Document shredder",
}
