package avro

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	hamba "github.com/hamba/avro/v2"
	"github.com/linkedin/goavro/v2"
	twmb "github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/streamweir/streamweir/examples/inventory/inventory"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/serde/avro"
	"github.com/streamweir/streamweir/serde/avro/avsc"
	"github.com/streamweir/streamweir/serde/avro/resolve"
)

var table = flag.Bool("table", false, "measure, and print the table")

const (
	headerSize = 5 // before the data that serdes write
	loops      = 5000
	rounds     = 60
)

// The types without their methods, which makes avro.For compile a plan.
type (
	plainEvent   inventory.InventoryEvent
	plainStrings Strings
	plainWide    Wide
)

// codec is one implementation for one row. Each call of decode makes a new value.
type codec struct {
	encode func(dst []byte) ([]byte, error)
	decode func(data []byte) error
	skip   int // bytes before the data
}

type row struct {
	name   string
	data   []byte
	codecs [6]codec // ours generated, ours by avro.For, goavro, goavro with a ready map, hamba, twmb

	value avro.Coder // of the row's type
}

func plan[T any](t *testing.T, r *avro.Registry, schema string, v *T) codec {
	t.Helper()
	c, err := avro.For[*T](r, schema).Bind("bench-"+fmt.Sprintf("%T", v), serde.Value)
	if err != nil {
		t.Fatal(err)
	}
	return codec{
		encode: func(dst []byte) ([]byte, error) { return c.Append(dst, v) },
		decode: func(data []byte) error { _, err := c.Decode(data); return err },
		skip:   headerSize,
	}
}

// made is the map that goavro takes, made anew as a service has to for each of its values.
func made(native any) any {
	switch v := native.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, e := range v {
			m[k] = made(e)
		}
		return m
	case []any:
		l := make([]any, len(v))
		for i, e := range v {
			l[i] = made(e)
		}
		return l
	}
	return native
}

// others are goavro, with a map that is made for each record and with one that is ready,
// and hamba and twmb, which get a struct.
func others[T any](t *testing.T, schema string, data []byte) [4]codec {
	t.Helper()
	g, err := goavro.NewCodec(schema)
	if err != nil {
		t.Fatal(err)
	}
	native, _, err := g.NativeFromBinary(data)
	if err != nil {
		t.Fatal(err)
	}
	w, err := twmb.Parse(schema)
	if err != nil {
		t.Fatal(err)
	}
	v := new(T)
	if _, err := w.Decode(data, v); err != nil {
		t.Fatal(err)
	}
	h := hamba.MustParse(schema)
	out := hamba.NewWriter(io.Discard, 4096)
	return [4]codec{
		{
			encode: func(dst []byte) ([]byte, error) { return g.BinaryFromNative(dst, made(native)) },
			decode: func(data []byte) error { _, _, err := g.NativeFromBinary(data); return err },
		},
		{encode: func(dst []byte) ([]byte, error) { return g.BinaryFromNative(dst, native) }},
		{
			encode: func(dst []byte) ([]byte, error) {
				out.Reset(io.Discard)
				out.WriteVal(h, v)
				return append(dst, out.Buffer()...), out.Error
			},
			decode: func(data []byte) error { return hamba.Unmarshal(h, data, new(T)) },
		},
		{
			encode: func(dst []byte) ([]byte, error) { return w.AppendEncode(dst, v) },
			decode: func(data []byte) error { _, err := w.Decode(data, new(T)); return err },
		},
	}
}

func appended(t *testing.T, v avro.Coder) []byte {
	t.Helper()
	data, err := v.AppendAvro(nil)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func event() inventory.InventoryEvent {
	return inventory.InventoryEvent{EventID: "8d5dbd7e-4c5f-4d3a-9a2e-2a8a5a1b2c3d", SKU: "SKU-000123", EventType: inventory.EventTypeSale, Quantity: 3, LocationID: "WH-001",
		ProductName: avro.Some("Wireless Mouse 12, black"), Timestamp: 1700000000000, UserID: avro.Some("user-17-abcdefgh")}
}

func rows(t *testing.T) []row {
	f := srfake.New()
	t.Cleanup(f.Close)
	r := avro.NewRegistry(f.URL(), avro.Config{})
	t.Cleanup(r.Close)
	e, m := event(), event()
	m.Metadata = avro.Some(avro.MapOf(map[string]string{"source": "scanner-7", "shift": "late"}))
	s := Strings{"8d5dbd7e-4c5f-4d3a", "SKU-000123", "WH-001", "Wireless Mouse 12", "user-17-abcdefgh", "a", "", "counted by hand"}
	w := wide(t)
	pe, pm, ps, pw := plainEvent(e), plainEvent(m), plainStrings(s), plainWide(w)
	decodeEvent := func(data []byte) error { var v inventory.InventoryEvent; _, err := v.DecodeAvro(data); return err }
	out := []row{
		{"event", appended(t, &e), [6]codec{{encode: e.AppendAvro, decode: decodeEvent}, plan(t, r, inventory.InventoryEventSchema, &pe)}, &inventory.InventoryEvent{}},
		{"event with map", appended(t, &m), [6]codec{{encode: m.AppendAvro, decode: decodeEvent}, plan(t, r, inventory.InventoryEventSchema, &pm)}, &inventory.InventoryEvent{}},
		{"strings only", appended(t, &s), [6]codec{{encode: s.AppendAvro,
			decode: func(data []byte) error { var v Strings; _, err := v.DecodeAvro(data); return err }}, plan(t, r, StringsSchema, &ps)}, &Strings{}},
		{"50 fields", appended(t, &w), [6]codec{{encode: w.AppendAvro,
			decode: func(data []byte) error { var v Wide; _, err := v.DecodeAvro(data); return err }}, plan(t, r, WideSchema, &pw)}, &Wide{}},
	}
	rest := [][4]codec{others[foreignEvent](t, inventory.InventoryEventSchema, out[0].data), others[foreignEvent](t, inventory.InventoryEventSchema, out[1].data),
		others[foreignStrings](t, StringsSchema, out[2].data), others[foreignWide](t, WideSchema, out[3].data)}
	for i := range out {
		copy(out[i].codecs[2:], rest[i][:])
	}
	return append(out, resolution(t, r, "event with resolution", older), resolution(t, r, "event with resolution, other order", shuffled))
}

// wide reads the record of 50 fields from bytes in which field i is of type i mod 10.
func wide(t *testing.T) (w Wide) {
	t.Helper()
	text := func(b []byte, s string) []byte { return append(append(b, byte(len(s)*2)), s...) }
	var b []byte
	for range 5 {
		b = binary.AppendVarint(binary.AppendVarint(b, 7), 1<<40)
		b = text(binary.LittleEndian.AppendUint64(b, math.Float64bits(1.5)), "some text")
		b = append(text(append(b, 1, 2), "optional"), 0)
		b = text(text(binary.LittleEndian.AppendUint32(b, math.Float32bits(2.5)), "\x01\x02\x03"), "some other text")
	}
	if rest, err := w.DecodeAvro(b); err != nil || len(rest) > 0 {
		t.Fatal(err, rest)
	}
	return w
}

// today is the event with an alias for a field that had another name.
var today = strings.Replace(inventory.InventoryEventSchema, `"name":"locationId"`, `"name":"locationId","aliases":["location"]`, 1)

const (
	oldHead = `{"type":"record","name":"InventoryEvent","namespace":"com.inventory.avro","fields":[{"name":"eventId","type":"string"},{"name":"supplier","type":"string"},{"name":"sku","type":"string"},`
	oldType = `{"name":"eventType","type":{"type":"enum","name":"EventType","symbols":["STOCK_IN","STOCK_OUT","SALE","RESERVATION","ADJUSTMENT"]}},`
	oldRest = `{"name":"location","type":"string"},{"name":"productName","type":["null","string"]},{"name":"timestamp","type":"int"}]}`

	// older is the schema of an event before one field went, one got another name, one
	// became a long, and three came; shuffled has two fields in another order too.
	older    = oldHead + oldType + `{"name":"quantity","type":"int"},` + oldRest
	shuffled = oldHead + `{"name":"quantity","type":"int"},` + oldType + oldRest
)

type olderEvent struct {
	EventID     string  `avro:"eventId"`
	Supplier    string  `avro:"supplier"`
	SKU         string  `avro:"sku"`
	Quantity    int32   `avro:"quantity"`
	EventType   string  `avro:"eventType"`
	LocationID  string  `avro:"location"`
	ProductName *string `avro:"productName"`
	Timestamp   int32   `avro:"timestamp"`
}

// resolution reads older events as today's; goavro cannot.
func resolution(t *testing.T, r *avro.Registry, name, older string) row {
	t.Helper()
	product := "Wireless Mouse 12, black"
	old := plan(t, r, older, &olderEvent{"8d5dbd7e-4c5f-4d3a-9a2e-2a8a5a1b2c3d", "ACME", "SKU-000123", 3, "SALE", "WH-001", &product, 1700000000})
	framed, err := old.encode(nil)
	if err != nil {
		t.Fatal(err)
	}
	writer, err := avsc.Parse(older)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := avsc.Parse(today)
	if err != nil {
		t.Fatal(err)
	}
	p, err := resolve.New(writer, reader, resolve.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h, err := hamba.NewSchemaCompatibility().Resolve(hamba.MustParse(today), hamba.MustParse(older))
	if err != nil {
		t.Fatal(err)
	}
	w, err := twmb.Resolve(twmb.MustParse(older), twmb.MustParse(today))
	if err != nil {
		t.Fatal(err)
	}
	var buf []byte
	x := row{name: name, data: framed[headerSize:]}
	x.codecs[0].decode = func(data []byte) error {
		var v inventory.InventoryEvent
		var err error
		if buf, _, err = p.Append(buf[:0], data); err == nil {
			_, err = v.DecodeAvro(buf)
		}
		return err
	}
	plain := plan(t, r, today, &plainEvent{})
	x.codecs[1] = codec{decode: func([]byte) error { return plain.decode(framed) }}
	x.codecs[4].decode = func(data []byte) error { return hamba.Unmarshal(h, data, new(foreignEvent)) }
	x.codecs[5].decode = func(data []byte) error { _, err := w.Decode(data, new(foreignEvent)); return err }
	return x
}

// TestAgree checks that all write the same bytes, and read them.
func TestAgree(t *testing.T) {
	for _, r := range rows(t) {
		for i, c := range r.codecs {
			data := r.data
			if c.encode != nil {
				got, err := c.encode(nil)
				if err != nil {
					t.Fatalf("%s, %d: %v", r.name, i, err)
				}
				// The maps of others have no order, and may have more blocks than they need.
				same := got[c.skip:]
				if i >= 2 {
					if rest, err := r.value.DecodeAvro(same); err != nil || len(rest) > 0 {
						t.Fatalf("%s, %d: %v, %d bytes left", r.name, i, err, len(rest))
					}
					same = appended(t, r.value)
				}
				if !bytes.Equal(same, r.data) {
					t.Errorf("%s, %d:\n% x\n% x", r.name, i, got, r.data)
				}
				data = got
			}
			if c.decode != nil {
				if err := c.decode(data); err != nil {
					t.Errorf("%s, %d: %v", r.name, i, err)
				}
			}
		}
	}
}

// TestTable measures: the least of many short rounds, and allocations.
func TestTable(t *testing.T) {
	if !*table {
		t.Log("measures with -table only")
		return
	}
	var out strings.Builder
	for _, what := range []string{"encode", "decode"} {
		fmt.Fprintf(&out, "\n| %s, ns (allocations) | generated | avro.For | goavro | goavro, ready map | hamba/avro v2 | twmb/avro |\n|---|---|---|---|---|---|---|\n", what)
		for _, r := range rows(t) {
			if what == "encode" && r.codecs[0].encode == nil {
				continue // resolution is for reading
			}
			fmt.Fprintf(&out, "| %s, %d bytes |", r.name, len(r.data))
			for _, c := range r.codecs {
				f := c.measured(t, what, r.data)
				if f == nil {
					out.WriteString(" - |")
					continue
				}
				fmt.Fprintf(&out, " %.0f (%.0f) |", least(f), testing.AllocsPerRun(100, f))
			}
			out.WriteByte('\n')
		}
	}
	fmt.Println(out.String())
}

func (c codec) measured(t *testing.T, what string, data []byte) func() {
	if what == "encode" {
		if c.encode == nil {
			return nil
		}
		buf := make([]byte, 0, 4096)
		return func() {
			if _, err := c.encode(buf); err != nil {
				t.Fatal(err)
			}
		}
	}
	if c.decode == nil {
		return nil
	}
	if c.encode != nil {
		var err error
		if data, err = c.encode(nil); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		if err := c.decode(data); err != nil {
			t.Fatal(err)
		}
	}
}

func least(f func()) float64 {
	best := math.Inf(1)
	for range rounds {
		from := time.Now()
		for range loops {
			f()
		}
		best = min(best, float64(time.Since(from).Nanoseconds())/loops)
	}
	return best
}
