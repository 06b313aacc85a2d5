package avro

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/serde/avro/avsc"
	"github.com/streamweir/streamweir/serde/avro/wire"
)

//go:embed testdata/events.jsonl
var sampleEvents []byte

func TestSampleEventsAreTakenAsTheyAre(t *testing.T) {
	r, _ := fake(t)
	c := bind(t, For[inventoryEvent](r, eventSchema))
	var got []inventoryEvent
	for line := range bytes.Lines(sampleEvents) {
		data, err := FromJSON(r, "events-value", eventSchema, line)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, decode(t, c, data))
		text, err := ToJSON(r, data)
		if err != nil {
			t.Fatal(err)
		}
		again, err := FromJSON(r, "events-value", eventSchema, text)
		if err != nil || !bytes.Equal(data, again) {
			t.Errorf("%s gives % x, % x, %v", text, data, again, err)
		}
	}
	want := []inventoryEvent{
		{EventID: "evt-001", SKU: "LAPTOP-15", EventType: "STOCK_IN", Quantity: 100, LocationID: "WH-NY",
			ProductName: pointer("15-inch Laptop"), Timestamp: time.UnixMilli(1704067200000).UTC(), UserID: pointer("admin")},
		{EventID: "evt-002", SKU: "LAPTOP-15", EventType: "SALE", Quantity: 1, LocationID: "ST-NYC-001",
			Timestamp: time.UnixMilli(1704067260000).UTC(), UserID: pointer("cashier-001")},
		{EventID: "evt-003", SKU: "LAPTOP-15", EventType: "RESERVATION", Quantity: 5, LocationID: "EC-ONLINE",
			Timestamp: time.UnixMilli(1704067320000).UTC(), UserID: pointer("system")},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestUnionsInJSON(t *testing.T) {
	r, _ := fake(t)
	const schema = `{"type":"record","name":"n.R","fields":[{"name":"u","type":["null","int","string",
		{"type":"map","values":"string"},{"type":"record","name":"Q","fields":[{"name":"string","type":"int"}]}]}]}`
	for in, out := range map[string]string{
		`{"u":null}`:                   `{"u":null}`,
		`{"u":5}`:                      `{"u":{"int":5}}`,
		`{"u":{"int":5}}`:              `{"u":{"int":5}}`,
		`{"u":"x"}`:                    `{"u":{"string":"x"}}`,
		`{"u":{"a":"b"}}`:              `{"u":{"map":{"a":"b"}}}`,
		`{"u":{"map":{"a":"b"}}}`:      `{"u":{"map":{"a":"b"}}}`,
		`{"u":{"map":"b"}}`:            `{"u":{"map":{"map":"b"}}}`,
		`{"u":{"string":5}}`:           `{"u":{"n.Q":{"string":5}}}`,
		`{"u":{"n.Q":{"string":5}}}`:   `{"u":{"n.Q":{"string":5}}}`,
		`{"u":{"string":"a\"\\\n"}}`:   `{"u":{"string":"a\"\\\n"}}`,
		`{"u":5,"v":1}`:                `error has no field "v"`,
		`{}`:                           "error u: missing",
		`{"u":1.5}`:                    "error u: 1.5 is not of type int",
		`{"u":99999999999}`:            "error not of type int",
		`{"u":true}`:                   "error u: ",
		`[]`:                           "error not of type n.R",
		`{"u":null} x`:                 "error not JSON",
		`{"u":`:                        "error not JSON",
		`{"u":{"string":"\u0001é\t"}}`: `{"u":{"string":"\u0001é\t"}}`,
	} {
		data, err := FromJSON(r, "s", schema, []byte(in))
		if word, ok := strings.CutPrefix(out, "error "); ok {
			if err == nil || !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %v, want %s", in, err, word)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if text, err := ToJSON(r, data); err != nil || string(text) != out || !json.Valid(text) {
			t.Errorf("%s: %s, %v, want %s", in, text, err, out)
		}
	}
}

func TestDefaultsThatNeverEnd(t *testing.T) {
	r, _ := fake(t)
	for word, schema := range map[string]string{
		"contains itself": `{"type":"record","name":"A","fields":[{"name":"b","type":"A","default":{}}]}`,
		"more than":       nested(40),
	} {
		if _, err := FromJSON(r, "s", schema, []byte(`{}`)); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%v, want %s", err, word)
		}
	}
}

func TestDeepValuesAreRefused(t *testing.T) {
	r, f := fake(t)
	const schema = `{"type":"record","name":"linked","fields":[{"name":"value","type":"int"},{"name":"next","type":["null","linked"]}]}`
	type linked struct {
		Value int32
		Next  *linked
	}
	f.SeedSchema("topic-value", 1, 1, sr.Schema{Schema: schema})
	list := func(n int) []byte {
		return append(append(AppendHeader(nil, 1), bytes.Repeat([]byte{0, 2}, n-1)...), 0, 0)
	}
	typed, dyn := bind(t, For[*linked](r, schema)), bind(t, Record(r, schema))
	for _, read := range []func([]byte) error{
		func(b []byte) error { _, err := typed.Decode(b); return err },
		func(b []byte) error { _, err := dyn.Decode(b); return err },
		func(b []byte) error { _, err := ToJSON(r, b); return err },
	} {
		if err := read(list(wire.MaxDepth)); err != nil {
			t.Errorf("%d levels: %v", wire.MaxDepth, err)
		}
		if err := read(list(wire.MaxDepth + 1)); !errors.Is(err, wire.ErrDepth) {
			t.Errorf("%d levels: %v", wire.MaxDepth+1, err)
		}
	}
	v := &linked{}
	for range wire.MaxDepth - 1 {
		v = &linked{Next: v}
	}
	if data := encode(t, typed, v); !bytes.Equal(data, list(wire.MaxDepth)) {
		t.Errorf("%d bytes", len(data))
	}
	if _, err := typed.Append(nil, &linked{Next: v}); !errors.Is(err, wire.ErrDepth) {
		t.Errorf("written: %v", err)
	}
	encode(t, typed, v) // an error leaves the codec as it was
	text := strings.Repeat(`{"value":0,"next":`, wire.MaxDepth+1) + "null" + strings.Repeat("}", wire.MaxDepth+1)
	if _, err := FromJSON(r, "s", schema, []byte(text)); !errors.Is(err, wire.ErrDepth) {
		t.Errorf("JSON: %v", err)
	}
}

// nested is a record of which each level's default holds the next level twice.
func nested(levels int) string {
	s := `{"type":"record","name":"L","fields":[]}`
	for i := range levels {
		n := string(rune('A'+i%26)) + strings.Repeat("x", i/26)
		s = `{"type":"record","name":"R` + n + `","fields":[{"name":"p","type":` + s + `,"default":{}},{"name":"q","type":"` +
			map[bool]string{true: "L", false: "R" + string(rune('A'+(i+25)%26)) + strings.Repeat("x", max(0, i-1)/26)}[i == 0] + `","default":{}}]}`
	}
	return s
}

func TestJSONWhileTheRegistryIsDown(t *testing.T) {
	down := httptest.NewServer(nil)
	down.Close()
	r := NewRegistry(down.URL, Config{})
	if _, err := ToJSON(r, []byte{0, 0, 0, 0, 1, 2}); !errors.Is(err, serde.ErrRetriable) {
		t.Errorf("%v", err)
	}
	if _, err := FromJSON(r, "s", `"int"`, []byte("1")); !errors.Is(err, serde.ErrRetriable) {
		t.Errorf("%v", err)
	}
	if _, err := ToJSON(r, []byte("plain")); err == nil || errors.Is(err, serde.ErrRetriable) {
		t.Errorf("%v", err)
	}
}

func TestRecordIsResolvedOrReadAsItWasWritten(t *testing.T) {
	r, f := fake(t)
	c := bind(t, Record(r, eventSchema))
	data := encode(t, c, map[string]any{"eventId": "e", "sku": "s", "eventType": "SALE", "quantity": 3, "locationId": "l",
		"timestamp": time.UnixMilli(1704067200000), "userId": map[string]any{"string": "u"}})
	want := map[string]any{"eventId": "e", "sku": "s", "eventType": "SALE", "quantity": int32(3), "locationId": "l", "productName": nil,
		"timestamp": time.UnixMilli(1704067200000).UTC(), "userId": map[string]any{"string": "u"}, "reason": nil, "metadata": nil}
	if d := cmp.Diff(want, decode(t, c, data)); d != "" {
		t.Error(d)
	}
	if v := decode(t, bind(t, For[inventoryEvent](r, eventSchema)), data); v.Quantity != 3 || *v.UserID != "u" {
		t.Errorf("%v", v)
	}
	f.SeedSchema("x-value", 1, 50, sr.Schema{Schema: field(`"int"`, `["null","int","string"]`)})
	other := append(AppendHeader(nil, 50), 2, 4, 2, 'x')
	asWritten := bind(t, RecordAsWritten(r))
	if d := cmp.Diff(map[string]any{"a": int32(1), "b": map[string]any{"string": "x"}}, decode(t, asWritten, other)); d != "" {
		t.Error(d)
	}
	if _, err := asWritten.Append(nil, nil); err == nil {
		t.Error("a record is written without a schema")
	}
	const newer = `{"type":"record","name":"R","fields":[{"name":"b","type":"string"},{"name":"c","type":"long","default":4}]}`
	if d := cmp.Diff(map[string]any{"b": "x", "c": int64(4)}, decode(t, bind(t, Record(r, newer)), other)); d != "" {
		t.Error(d)
	}
	if text, err := ToJSONAs(r, newer, other); err != nil || string(text) != `{"b":"x","c":4}` {
		t.Errorf("%s, %v", text, err)
	}
	if _, err := c.Append(nil, map[string]any{"eventId": 5}); err == nil || !strings.Contains(err.Error(), "topic-value") {
		t.Errorf("%v", err)
	}
	// Two billion elements announced in five bytes.
	f.SeedSchema("y-value", 1, 51, sr.Schema{Schema: field(`{"type":"array","items":"null"}`)})
	for _, bad := range [][]byte{{0, 0, 0, 0, 50, 2}, {0, 0, 0, 0, 50, 2, 0, 0}, {0, 0, 0, 0, 51, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0}, {1}} {
		if v, err := c.Decode(bad); err == nil {
			t.Errorf("% x is read as %v", bad, v)
		}
		if v, err := asWritten.Decode(bad); err == nil {
			t.Errorf("% x is read as %v", bad, v)
		}
	}
	if _, err := Record(r, `"int"`).Bind("t", serde.Value); err == nil {
		t.Error("an int is no record")
	}
}

// everything is a schema with every type in it.
const everything = `{"type":"record","name":"All","fields":[
	{"name":"a","type":"boolean"},{"name":"b","type":"int"},{"name":"c","type":"long"},{"name":"d","type":"float"},
	{"name":"e","type":"double"},{"name":"f","type":"string"},{"name":"g","type":"bytes"},
	{"name":"h","type":{"type":"fixed","name":"F","size":2}},{"name":"i","type":{"type":"enum","name":"E","symbols":["X","Y"]}},
	{"name":"j","type":{"type":"array","items":"string"}},{"name":"k","type":{"type":"map","values":"All"}},
	{"name":"l","type":["null","All"]},{"name":"m","type":{"type":"array","items":{"type":"record","name":"Z","fields":[]}}},
	{"name":"n","type":{"type":"map","values":"string"}},{"name":"o","type":["null","string"]}]}`

type all struct {
	A bool
	B int32
	C int64
	D float32
	E float64
	F string
	G []byte
	H [2]byte
	I string
	J []string
	K map[string]all
	L *all
	M []struct{}
	N map[string]string
	O *string
}

// FuzzDecode reads any bytes as any of the schemas. What is read can be
// written, and reads the same again; skipping and printing agree on what is
// good.
func FuzzDecode(f *testing.F) {
	s, err := avsc.Parse(everything)
	if err != nil {
		f.Fatal(err)
	}
	r, fakeRegistry := fake(f)
	fakeRegistry.SeedSchema("topic-value", 1, 1, sr.Schema{Schema: everything})
	fakeRegistry.SeedSchema("topic-value", 2, 2, sr.Schema{Schema: eventSchema})
	fakeRegistry.SeedSchema("topic-value", 3, 3, sr.Schema{Schema: strings.Replace(everything, `{"name":"f","type":"string"},`, `{"name":"f","type":["int","string"]},{"name":"x","type":["null","All"]},`, 1)})
	c, dyn, ev := bind(f, For[all](r, everything)), bind(f, Record(r, everything)), bind(f, For[inventoryEvent](r, eventSchema))
	inner := all{H: [2]byte{1, 2}, I: "Y", J: []string{"x"}, M: make([]struct{}, 3)}
	f.Add(encode(f, c, all{I: "X", K: map[string]all{"k": inner, "m": inner}, L: &inner, N: map[string]string{"a": "b"}, O: pointer("o")}))
	f.Add(append(AppendHeader(nil, 2), encode(f, ev, withMetadata(sampleEvent()))[HeaderSize:]...))
	f.Add([]byte{0, 0, 0, 0, 3, 1, 2, 2, 2})
	f.Fuzz(func(t *testing.T, data []byte) {
		if id, err := SchemaID(data); err != nil || id < 1 || id > 3 {
			return
		}
		_, _ = ev.Decode(data)
		_, dynErr := dyn.Decode(data)
		v, err := c.Decode(data)
		// goavro also refuses a map with a key twice.
		if data[4] == 1 && dynErr == nil && err != nil {
			t.Errorf("as a record: %v, as a struct: %v", dynErr, err)
		}
		if data[4] == 1 && (check(s, data[HeaderSize:]) == nil) != (err == nil) {
			t.Errorf("skipped: %v, read: %v", check(s, data[HeaderSize:]), err)
		}
		text, textErr := ToJSON(r, data)
		if data[4] == 1 && (textErr == nil) != (err == nil) {
			t.Errorf("as text: %v, read: %v", textErr, err)
		}
		if textErr == nil && !json.Valid(text) {
			t.Errorf("%q is not JSON", text)
		}
		if err != nil {
			return
		}
		out := encode(t, c, v)
		back := decode(t, c, out)
		if again := encode(t, c, back); !bytes.Equal(out, again) {
			t.Errorf("% x and again % x", out, again)
		}
	})
}
