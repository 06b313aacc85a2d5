package avro

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/linkedin/goavro/v2"
	twmb "github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/serde/avro/wire"
)

func fake(t testing.TB) (*Registry, *srfake.Registry) {
	t.Helper()
	f := srfake.New()
	t.Cleanup(f.Close)
	r := NewRegistry(f.URL(), Config{})
	t.Cleanup(r.Close)
	return r, f
}

func bind[T any](t testing.TB, s serde.Serde[T]) serde.Codec[T] {
	t.Helper()
	c, err := s.Bind("topic", serde.Value)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func encode[T any](t testing.TB, c serde.Codec[T], v T) []byte {
	t.Helper()
	data, err := c.Append([]byte("head"), v)
	if err != nil {
		t.Fatal(err)
	}
	rest, ok := bytes.CutPrefix(data, []byte("head"))
	if !ok {
		t.Fatalf("Append replaced what was there: %q", data)
	}
	return rest
}

// decode also overwrites data afterwards, as the caller of a codec may.
func decode[T any](t testing.TB, c serde.Codec[T], data []byte) T {
	t.Helper()
	data = bytes.Clone(data)
	v, err := c.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		data[i] = '#'
	}
	return v
}

// roundTrip writes and reads a value, and lets two other implementations read
// it and write it again.
func roundTrip[T any](t *testing.T, r *Registry, schema string, v T) {
	t.Helper()
	c := bind(t, For[T](r, schema))
	data := encode(t, c, v)
	if d := cmp.Diff(v, decode(t, c, data)); d != "" {
		t.Errorf("%s: (-want +got)\n%s", schema, d)
	}
	same := func(name string, body []byte, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %s: %v", schema, name, err)
			return
		}
		if d := cmp.Diff(v, decode(t, c, append(bytes.Clone(data[:HeaderSize]), body...))); d != "" {
			t.Errorf("%s: as %s reads and writes it: (-want +got)\n%s", schema, name, d)
		}
	}
	native, err := goavro.NewCodec(schema)
	if err != nil {
		t.Fatal(err)
	}
	generic, left, err := native.NativeFromBinary(data[HeaderSize:])
	if err != nil || len(left) > 0 {
		t.Fatalf("%s: goavro reads %x: %v, %d bytes left", schema, data, err, len(left))
	}
	body, err := native.BinaryFromNative(nil, generic)
	same("goavro", body, err)
	other, err := twmb.Parse(schema)
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if left, err := other.Decode(data[HeaderSize:], &value); err != nil || len(left) > 0 {
		t.Fatalf("%s: twmb reads %x: %v, %d bytes left", schema, data, err, len(left))
	}
	body, err = other.Encode(value)
	same("twmb", body, err)
}

type (
	node struct {
		Value int32
		Next  *node
		Kids  []node
		Named map[string]*node
	}
	place   string
	widened struct {
		A int
		B int8
		C uint16
		D int64
		E uint8
	}
	embedded struct{ ID string }
	whole    struct {
		embedded
		Embedded2
		Skipped chan int `avro:"-"`
		hidden  int
		N       int64
	}
	// Embedded2 is promoted as well.
	Embedded2 struct {
		Tag string `avro:"label"`
	}
)

func field(types ...string) string {
	var b strings.Builder
	b.WriteString(`{"type":"record","name":"R","fields":[`)
	for i, t := range types {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"name":"%c","type":%s}`, 'a'+i, t)
	}
	b.WriteString("]}")
	return b.String()
}

func TestEveryTypeRoundTrips(t *testing.T) {
	r, _ := fake(t)
	ev := sampleEvent()
	roundTrip(t, r, eventSchema, ev)
	roundTrip(t, r, eventSchema, withMetadata(ev))
	roundTrip(t, r, eventSchema, sampleLean())
	a := sampleAggregate()
	roundTrip(t, r, aggregateSchema, &a)

	type scalars struct {
		A bool
		B int32
		C int64
		D float32
		E float64
		F string
		G []byte
		H [3]byte
	}
	roundTrip(t, r, field(`"boolean"`, `"int"`, `"long"`, `"float"`, `"double"`, `"string"`, `"bytes"`,
		`{"type":"fixed","name":"F","size":3}`), scalars{true, -5, 1 << 40, 1.5, -2.5, "é", []byte{0, 255}, [3]byte{1, 2, 3}})
	roundTrip(t, r, field(`"int"`, `"int"`, `"int"`, `"int"`, `"int"`), widened{-1 << 31, -128, 65535, 1<<31 - 1, 255})

	type unions struct {
		A *int64
		B Optional[bool]
		C []byte
		D map[string]int64
		E []string
		F *[]string
		G **node
		H Optional[place]
	}
	const rec = `{"type":"record","name":"node","fields":[{"name":"value","type":"int"},{"name":"next","type":["null","node"]},
		{"name":"kids","type":{"type":"array","items":"node"}},{"name":"named","type":{"type":"map","values":["node","null"]}}]}`
	schema := field(`["null","long"]`, `["boolean","null"]`, `["null","bytes"]`, `["null",{"type":"map","values":"long"}]`,
		`["null",{"type":"array","items":"string"}]`, `["null",{"type":"array","items":"string"}]`, `["null",`+rec+`]`, `["null","string"]`)
	roundTrip(t, r, schema, unions{})
	leaf := &node{Value: 1, Kids: []node{}, Named: map[string]*node{}}
	roundTrip(t, r, schema, unions{A: pointer(int64(-1)), B: Some(false), C: []byte{}, D: map[string]int64{}, E: []string{},
		F: &[]string{"x"}, G: &leaf, H: Some(place(""))})

	type containers struct {
		A map[place]int64
		B map[string]node
		C []*string
		D []map[string][]int64
		E map[string]bool
	}
	deep := node{Value: 2, Next: leaf, Kids: []node{*leaf, *leaf}, Named: map[string]*node{"nil": nil, "leaf": leaf}}
	roundTrip(t, r, field(`{"type":"map","values":"long"}`, `{"type":"map","values":`+rec+`}`,
		`{"type":"array","items":["string","null"]}`, `{"type":"array","items":{"type":"map","values":{"type":"array","items":"long"}}}`,
		`{"type":"map","values":"boolean"}`),
		containers{map[place]int64{"x": 1, "y": 2}, map[string]node{"d": deep, "l": *leaf}, []*string{nil, pointer("s")},
			[]map[string][]int64{{"a": {1, 2}}, {}}, map[string]bool{"t": true, "f": false}})
	roundTrip(t, r, `{"type":"array","items":"string"}`, []string{"a", "", "b"})
	roundTrip(t, r, `"long"`, int64(7))
	c := bind(t, For[whole](r, `{"type":"record","name":"W","fields":[{"name":"n","type":"long"},{"name":"label","type":"string"},{"name":"id","type":"string"}]}`))
	want := whole{embedded: embedded{"i"}, Embedded2: Embedded2{"t"}, N: 9}
	if got := decode(t, c, encode(t, c, want)); got.ID != "i" || got.Tag != "t" || got.N != 9 || got.hidden != 0 {
		t.Errorf("embedded: %+v", got)
	}
}

func TestTimes(t *testing.T) {
	r, _ := fake(t)
	type times struct {
		A, B, C, D, E time.Time
		F, G          time.Duration
	}
	logical := func(of, name string) string { return fmt.Sprintf(`{"type":"%s","logicalType":"%s"}`, of, name) }
	schema := field(logical("long", "timestamp-millis"), logical("long", "timestamp-micros"), logical("long", "timestamp-nanos"),
		logical("int", "date"), logical("long", "local-timestamp-millis"), logical("int", "time-millis"), logical("long", "time-micros"))
	c := bind(t, For[times](r, schema))
	zone := time.FixedZone("", -9*3600)
	at := time.Date(1969, 12, 30, 23, 30, 15, 123456789, zone)
	got := decode(t, c, encode(t, c, times{at, at, at, at, at, 90 * time.Second, -3 * time.Microsecond}))
	want := times{at.Truncate(time.Millisecond).UTC(), at.Truncate(time.Microsecond).UTC(), at.UTC(),
		time.Date(1969, 12, 30, 0, 0, 0, 0, time.UTC), time.Date(1969, 12, 30, 23, 30, 15, 123e6, time.UTC), 90 * time.Second, -3 * time.Microsecond}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, v := range []times{{C: time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC)}, {C: at, F: 1 << 62}} {
		if _, err := c.Append(nil, v); err == nil {
			t.Errorf("%v is written", v)
		}
	}
}

func TestTimeIsReadByTheWritersUnit(t *testing.T) {
	r, f := fake(t)
	f.SeedSchema("topic-value", 1, 1, sr.Schema{Schema: field(`{"type":"long","logicalType":"timestamp-micros"}`)})
	f.SeedSchema("topic-value", 2, 2, sr.Schema{Schema: field(`"long"`)})
	c := bind(t, For[struct{ A time.Time }](r, field(`{"type":"long","logicalType":"timestamp-millis"}`)))
	body := wire.AppendLong(nil, 1_500_000)
	if v := decode(t, c, append(AppendHeader(nil, 1), body...)); v.A.UnixMilli() != 1500 {
		t.Errorf("micros: %v", v.A)
	}
	if v := decode(t, c, append(AppendHeader(nil, 2), body...)); v.A.UnixMilli() != 1_500_000 {
		t.Errorf("no unit: %v", v.A)
	}
}

func TestTypesThatDoNotFitAreErrorsOfBind(t *testing.T) {
	r, _ := fake(t)
	wrong := func(s interface{ Validate() error }, words ...string) {
		t.Helper()
		err := s.Validate()
		for _, w := range words {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%v does not say %q", err, w)
			}
		}
	}
	type a[T any] struct{ A T }
	wrong(For[a[int32]](r, field(`"string"`)).(*typed[a[int32]]), "a: ", "int32 cannot hold string")
	wrong(For[a[float64]](r, field(`"float"`)).(*typed[a[float64]]), "float64 cannot hold float")
	wrong(For[a[uint64]](r, field(`"long"`)).(*typed[a[uint64]]), "uint64 cannot hold long")
	wrong(For[a[string]](r, field(`["null","string"]`)).(*typed[a[string]]), "*string or avro.Optional[string]")
	wrong(For[a[any]](r, field(`["null","string","int"]`)).(*typed[a[any]]), "avro.Record")
	wrong(For[a[string]](r, field(`"string"`, `"int"`)).(*typed[a[string]]), "b: ", "no default")
	wrong(For[struct{ A, B string }](r, field(`"string"`)).(*typed[struct{ A, B string }]), "B: R has no such field")
	wrong(For[a[time.Time]](r, field(`"long"`)).(*typed[a[time.Time]]), "time.Time needs")
	wrong(For[a[[2]byte]](r, field(`{"type":"fixed","name":"F","size":3}`)).(*typed[a[[2]byte]]), "[2]uint8 cannot hold F")
	wrong(For[a[[]map[string]int32]](r, field(`{"type":"array","items":{"type":"map","values":"string"}}`)).(*typed[a[[]map[string]int32]]), `a[][""]`)
	wrong(For[a[string]](r, `{`).(*typed[a[string]]), "schema of", "not JSON")
	wrong(For[a[int64]](r, `{"type":"record","name":"R","fields":[{"name":"a","type":"long","default":"x"}]}`).(*typed[a[int64]]), "field a", "default")
	type twice struct {
		A string
		X string `avro:"a"`
	}
	wrong(For[twice](r, field(`"string"`)).(*typed[twice]), "both the field a")
	if _, err := For[a[int32]](r, field(`"string"`)).Bind("t", serde.Key); err == nil {
		t.Error("Bind takes it")
	}
}

func TestValuesThatCannotBeWritten(t *testing.T) {
	r, _ := fake(t)
	refuse := func(err error, words ...string) {
		t.Helper()
		for _, w := range words {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%v does not say %q", err, w)
			}
		}
	}
	ev := bind(t, For[inventoryEvent](r, eventSchema))
	bad := sampleEvent()
	bad.EventType = "GIFT"
	_, err := ev.Append(nil, bad)
	refuse(err, "eventType", `"GIFT" is not one of STOCK_IN`, "topic-value", "InventoryEvent")
	lean := sampleLean()
	lean.EventType = 5
	_, err = bind(t, For[leanEvent](r, eventSchema)).Append(nil, lean)
	refuse(err, "eventType: symbol 5, there are 5")
	_, err = bind(t, For[widened](r, field(`"int"`, `"int"`, `"int"`, `"int"`, `"int"`))).Append(nil, widened{D: 1 << 31})
	refuse(err, "d: 2147483648 is too large for an int")
	const list = `{"type":"record","name":"node","fields":[{"name":"value","type":"int"},{"name":"next","type":["null","node"]}]}`
	type linked struct {
		Value int32
		Next  *linked
	}
	type links struct{ A []*linked }
	c := bind(t, For[links](r, field(`{"type":"array","items":`+list+`}`)))
	_, err = c.Append(nil, links{[]*linked{{}, nil}})
	refuse(err, "a[1]: a nil *avro.linked")
	circle := &linked{}
	circle.Next = circle
	_, err = c.Append(nil, links{[]*linked{circle}})
	refuse(err, "nested deeper than 1000 levels")
	roundTrip(t, r, field(`{"type":"array","items":`+list+`}`), links{[]*linked{{Value: 4}}})
	type maps struct{ A map[string]eventType }
	m := bind(t, For[maps](r, field(`{"type":"map","values":{"type":"enum","name":"E","symbols":["X"]}}`)))
	_, err = m.Append(nil, maps{map[string]eventType{"a": "X", "b": "X", "c": "Z", "d": "Z"}})
	refuse(err, `a["`, `"Z" is not one of X`)
	if left := len(m.(*typedCodec[maps]).enc.entries); left != 0 {
		t.Errorf("%d entries are left over after an error", left)
	}
	if data := encode(t, c, links{}); len(data) != HeaderSize+1 {
		t.Errorf("after an error: % x", data)
	}
}

func TestDefaultIsWrittenForAFieldWithoutGoField(t *testing.T) {
	r, _ := fake(t)
	const schema = `{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"b","type":{"type":"array","items":"string"},"default":["x","y"]}]}`
	c := bind(t, For[struct{ A int32 }](r, schema))
	data := encode(t, c, struct{ A int32 }{7})
	if text, err := ToJSON(r, data); err != nil || string(text) != `{"a":7,"b":["x","y"]}` {
		t.Errorf("%s, %v", text, err)
	}
	if v := decode(t, c, data); v.A != 7 {
		t.Errorf("%v", v)
	}
}

func TestFramesThatAreNone(t *testing.T) {
	r, _ := fake(t)
	c := bind(t, For[inventoryEvent](r, eventSchema))
	good := encode(t, c, sampleEvent())
	for text, data := range map[string][]byte{
		"not in the Confluent wire format: 0 bytes":       {},
		"not in the Confluent wire format: 4 bytes":       good[:4],
		"not in the Confluent wire format: the first":     append([]byte{1}, good[1:]...),
		"eventId: the data ends too early":                good[:HeaderSize],
		"metadata: the data ends too early":               good[:len(good)-1],
		"2 bytes left over after the value":               append(bytes.Clone(good), 0, 0),
		"not a com.inventory.avro.InventoryEvent (schema": append(bytes.Clone(good[:HeaderSize]), 0xff, 0xff, 0xff),
	} {
		v, err := c.Decode(data)
		if err == nil || errors.Is(err, serde.ErrRetriable) || !strings.Contains(err.Error(), text) {
			t.Errorf("%x: %v, want %s", data, err, text)
		}
		if d := cmp.Diff(inventoryEvent{}, v); d != "" {
			t.Errorf("%x: an error and a value: %s", data, d)
		}
	}
	decode(t, c, good)
}

func TestWriterWithoutTheNewFields(t *testing.T) {
	r, f := fake(t)
	f.SeedSchema("topic-value", 1, 1, sr.Schema{Schema: `{"type":"record","name":"InventoryEvent","fields":[
		{"name":"old","type":["null",{"type":"array","items":"string"}]},
		{"name":"event","type":"bytes"},{"name":"n","type":"int"}]}`})
	type reader struct {
		Event string
		N     float64
		Tags  []string
		Kind  string
		Note  *string
	}
	const schema = `{"type":"record","name":"InventoryEvent","fields":[{"name":"event","type":"string"},
		{"name":"n","type":"double"},{"name":"tags","type":{"type":"array","items":"string"},"default":["a"]},
		{"name":"kind","type":{"type":"enum","name":"K","symbols":["X","Y"]},"default":"Y"},
		{"name":"note","type":["string","null"],"default":"none"}]}`
	c := bind(t, For[reader](r, schema))
	data := append(AppendHeader(nil, 1), 2, 2, 4, 'h', 'i', 0, 4, 'e', 'v', 6)
	want := reader{"ev", 3, []string{"a"}, "Y", pointer("none")}
	for range 2 { // a default must not be shared by two records
		got := decode(t, c, data)
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		got.Tags[0], *got.Note = "changed", "changed"
	}
}

func TestMapsAreWrittenInOrder(t *testing.T) {
	r, _ := fake(t)
	type maps struct {
		A map[string]string
		B map[string]int64
		C map[string]bool
	}
	c := bind(t, For[maps](r, field(`{"type":"map","values":"string"}`, `{"type":"map","values":"long"}`, `{"type":"map","values":"boolean"}`)))
	v := maps{map[string]string{}, map[string]int64{}, map[string]bool{}}
	for i := range 40 {
		k := fmt.Sprint("key", i*7919%101)
		v.A[k], v.B[k], v.C[k] = k, int64(i), i%2 == 0
	}
	first := encode(t, c, v)
	for range 20 {
		if !bytes.Equal(first, encode(t, c, v)) {
			t.Fatal("equal maps, other bytes")
		}
	}
	if d := cmp.Diff(v, decode(t, c, first)); d != "" {
		t.Error(d)
	}
}

func TestEncodingAllocatesNothing(t *testing.T) {
	r, _ := fake(t)
	buf := make([]byte, 0, 1024)
	ev, lean, ag := bind(t, For[inventoryEvent](r, eventSchema)), bind(t, For[leanEvent](r, eventSchema)), bind(t, For[*inventoryAggregate](r, aggregateSchema))
	e, l, a := withMetadata(sampleEvent()), sampleLean(), sampleAggregate()
	got := testing.AllocsPerRun(200, func() {
		buf, _ = ev.Append(buf[:0], e)
		buf, _ = lean.Append(buf[:0], l)
		buf, _ = ag.Append(buf[:0], &a)
	})
	if got != 0 {
		t.Errorf("%v allocations", got)
	}
}

func TestDecodingAllocatesOneCopyOfTheStrings(t *testing.T) {
	r, _ := fake(t)
	ev, lean := bind(t, For[inventoryEvent](r, eventSchema)), bind(t, For[leanEvent](r, eventSchema))
	data := encode(t, ev, sampleEvent())
	for name, c := range map[string]struct {
		want   float64
		decode func() error
	}{
		"values":   {1, func() error { _, err := lean.Decode(data); return err }},
		"pointers": {2, func() error { _, err := ev.Decode(data); return err }}, // and the three *string
	} {
		got := testing.AllocsPerRun(200, func() {
			if err := c.decode(); err != nil {
				t.Error(err)
			}
		})
		if got != c.want {
			t.Errorf("%s: %v allocations, want %v", name, got, c.want)
		}
	}
}

func TestResolvingCostsNoMoreThanTheStrings(t *testing.T) {
	r, f := fake(t)
	f.SeedSchema("topic-value", 1, 1, sr.Schema{Schema: `{"type":"record","name":"R","fields":[{"name":"n","type":"int"},{"name":"old","type":"string"}]}`})
	type reader struct {
		N int32
		S string
	}
	c := bind(t, For[reader](r, `{"type":"record","name":"R","fields":[{"name":"n","type":"int"},{"name":"s","type":"string","default":"none"}]}`))
	data := append(AppendHeader(nil, 1), 14, 2, 'x')
	got := testing.AllocsPerRun(100, func() {
		if v, err := c.Decode(data); err != nil || v != (reader{7, "none"}) {
			t.Errorf("%v, %v", v, err)
		}
	})
	if got != 1 {
		t.Errorf("%v allocations, want 1", got)
	}
}

// TestTasksShareASerde runs under the race detector.
func TestTasksShareASerde(t *testing.T) {
	r, _ := fake(t)
	s := For[*inventoryAggregate](r, aggregateSchema)
	want := sampleAggregate()
	var all sync.WaitGroup
	for range 8 {
		c := bind(t, s)
		all.Go(func() {
			for range 50 {
				data, err := c.Append(nil, &want)
				if err != nil {
					t.Error(err)
					return
				}
				got, err := c.Decode(data)
				if d := cmp.Diff(&want, got); err != nil || d != "" {
					t.Error(err, d)
				}
			}
		})
	}
	all.Wait()
}

// coded counts the calls of its generated code in codedCalls.
type coded struct{ N int64 }

func (c *coded) AvroSchema() string {
	return `{"name":"C","type":"record","fields":[{"name":"n","type":"long"}]}`
}

var codedCalls [2]int

func (c *coded) AppendAvro(dst []byte) ([]byte, error) {
	codedCalls[0]++
	return wire.AppendLong(dst, c.N), nil
}

func (c *coded) DecodeAvro(data []byte) ([]byte, error) {
	codedCalls[1]++
	r := wire.NewReader(data)
	c.N = r.Long()
	return r.Rest(), r.Err()
}

// sealed is a generated type that For has no plan for.
type sealed struct {
	coded
	Value any
}

func TestOfTakesTheSchemaOfTheType(t *testing.T) {
	r, f := fake(t)
	f.SeedSchema("other-value", 1, 9, sr.Schema{Schema: `{"type":"record","name":"C","fields":[{"name":"old","type":"string"},{"name":"n","type":"int"}]}`})
	ptr, value := bind(t, Of[*sealed](r)), bind(t, Of[coded](r))
	if v := decode(t, ptr, encode(t, ptr, &sealed{coded: coded{N: -7}})); v.N != -7 {
		t.Errorf("%v", v)
	}
	if v := decode(t, value, append(AppendHeader(nil, 9), 2, 'x', 8)); v.N != 4 {
		t.Errorf("other writer: %v", v)
	}
	for data, want := range map[string]string{"\x02x": "n: the data ends too early", "\x02": "old: the data ends too early"} {
		if _, err := ptr.Decode(append(AppendHeader(nil, 9), data...)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", data, err, want)
		}
	}
	id := encode(t, ptr, &sealed{})[:HeaderSize]
	if _, err := ptr.Decode(append(id, 0x80)); err == nil || !strings.Contains(err.Error(), ": n: ") {
		t.Errorf("%v", err)
	}
	if _, err := Of[int](r).Bind("t", serde.Value); err == nil || !strings.Contains(err.Error(), "was not generated") {
		t.Errorf("%v", err)
	}
}

func TestTimesOfAnotherUnitAreConverted(t *testing.T) {
	r, f := fake(t)
	f.SeedSchema("other-value", 1, 9, sr.Schema{Schema: field(`{"type":"long","logicalType":"timestamp-millis"}`, `{"type":"int","logicalType":"time-millis"}`)})
	type reader struct {
		A time.Time
		B time.Duration
	}
	c := bind(t, For[reader](r, field(`{"type":"long","logicalType":"timestamp-micros"}`, `{"type":"long","logicalType":"time-micros"}`)))
	want := reader{time.UnixMilli(-1).UTC(), 3 * time.Millisecond}
	if v := decode(t, c, append(AppendHeader(nil, 9), 1, 6)); v != want {
		t.Errorf("%v, want %v", v, want)
	}
}

func TestGeneratedCodeIsUsedForItsOwnSchema(t *testing.T) {
	r, f := fake(t)
	codedCalls = [2]int{}
	const schema = `{"type":"record","name":"C","doc":"the same","fields":[{"name":"n","type":"long","default":0}]}`
	f.SeedSchema("other-value", 1, 9, sr.Schema{Schema: `{"type":"record","name":"C","fields":[{"name":"n","type":"int"}]}`})
	value, ptr := bind(t, For[coded](r, schema)), bind(t, For[*coded](r, schema))
	data := encode(t, value, coded{N: 300})
	if v := decode(t, value, data); v.N != 300 {
		t.Errorf("%v", v)
	}
	if v := decode(t, ptr, encode(t, ptr, &coded{N: -1})); v.N != -1 {
		t.Errorf("%v", v)
	}
	if codedCalls != [2]int{2, 2} {
		t.Errorf("calls %v", codedCalls)
	}
	if v := decode(t, ptr, append(AppendHeader(nil, 9), 8)); v.N != 4 || codedCalls[1] != 3 {
		t.Errorf("other writer: %v, calls %v", v, codedCalls)
	}
	if _, err := value.Decode(append(data, 0)); err == nil || !strings.Contains(err.Error(), "1 bytes left over") {
		t.Errorf("%v", err)
	}
	wide := `{"type":"record","name":"C","fields":[{"name":"n","type":"long"},{"name":"m","type":"long","default":5}]}`
	encode(t, bind(t, For[*coded](r, wide)), &coded{N: 1})
	if codedCalls[0] != 2 {
		t.Error("used for a schema that is not its own")
	}
}
