package resolve

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/streamweir/streamweir/serde/avro/avrojson"
	"github.com/streamweir/streamweir/serde/avro/avsc"
	"github.com/streamweir/streamweir/serde/avro/wire"
)

var _ = flag.String("cases", "", "read by internal/cases")

func parse(t testing.TB, text string) *avsc.Schema {
	t.Helper()
	s, err := avsc.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}

func plan(t testing.TB, writer, reader string, o Options) *Plan {
	t.Helper()
	p, err := New(parse(t, writer), parse(t, reader), o)
	if err != nil {
		t.Fatalf("%s as %s: %v", writer, reader, err)
	}
	return p
}

// record is a record R of fields a, b, c...
func record(types ...string) string {
	var fields []string
	for i, t := range types {
		fields = append(fields, fmt.Sprintf(`{"name":"%c","type":%s}`, 'a'+i, t))
	}
	return `{"type":"record","name":"R","fields":[` + strings.Join(fields, ",") + `]}`
}

func Example() {
	old, _ := avsc.Parse(`{"type":"record","name":"Order","fields":[{"name":"no","type":"int"},{"name":"note","type":"string"}]}`)
	today, _ := avsc.Parse(`{"type":"record","name":"Order","fields":[
		{"name":"id","type":"double","aliases":["no"]},{"name":"state","type":"string","default":"open"}]}`)
	p, err := New(old, today, Options{})
	if err != nil {
		panic(err)
	}
	data, rest, err := p.Append(nil, []byte{14, 2, 'x'})
	text, _, _ := avrojson.Append(nil, today, data)
	fmt.Println(string(text), len(rest), err)

	_, err = New(old, old.Fields[0].Type, Options{})
	fmt.Println(err)
	// Output:
	// {"id":7.0,"state":"open"} 0 <nil>
	// written as Order, which cannot be read as int
}

func TestConflictsOfAllValuesAreErrorsOfNew(t *testing.T) {
	for _, c := range []struct{ writer, reader, want string }{
		{record(`"int"`), record(`"string"`), "a: written as int, which cannot be read as string"},
		{record(`"int"`), record(`"int"`, `"int"`), "b: the schema it was written with (R) has no such field, and there is no default"},
		{`{"type":"record","name":"O","fields":[{"name":"r","type":` + record(`["int","string"]`) + `}]}`,
			`{"type":"record","name":"O","fields":[{"name":"r","type":` + record(`"boolean"`) + `}]}`, "r.a: written as int, which cannot be read as boolean"},
		{`{"type":"enum","name":"E","symbols":["A"]}`, `{"type":"enum","name":"E","symbols":["B"]}`, "no symbol of E is one of E, which has no default"},
		{`{"type":"fixed","name":"F","size":1}`, `{"type":"fixed","name":"F","size":2}`, "written as F of 1 bytes, which cannot be read with 2"},
	} {
		_, err := New(parse(t, c.writer), parse(t, c.reader), Options{})
		if err == nil || err.Error() != c.want {
			t.Errorf("%s as %s: %v, want %s", c.writer, c.reader, err, c.want)
		}
	}
}

func TestErrorsOfValuesHaveTheirPath(t *testing.T) {
	inner := func(x string) string {
		return record(`"string"`, `{"type":"map","values":{"type":"array","items":`+x+`}}`)
	}
	b := func(v string) string {
		return `["null",{"type":"record","name":"B","fields":[{"name":"p","type":"int"},{"name":"x","type":` + v + `}]}]`
	}
	for _, c := range []struct {
		writer, reader string
		data           []byte
		want           string
	}{
		{inner(b(`"string"`)), inner(b(`"int"`)), []byte{2, 'x', 2, 2, 'k', 4, 0, 2, 1, 2, 'x', 0, 0},
			`b["k"][1].x: written as string, which cannot be read as int`},
		{inner(`"string"`), inner(`"int"`), []byte{2, 'x', 2, 2, 'k', 4, 2, 'x', 2, 'y', 0, 0}, `b["k"][0]: written as string, which cannot be read as int`},
		{inner(`["int","null"]`), inner(`["int","string"]`), []byte{2, 'x', 2, 2, 'k', 4, 0, 2, 2, 0, 0}, `b["k"][1]: written as null, which cannot be read as [int, string]`},
		{inner(`"int"`), inner(`"long"`), []byte{2, 'x', 2, 2, 'k', 4, 2, 0x80}, `b["k"][1]: the data ends too early`},
		{inner(`"int"`), inner(`"double"`), []byte{2, 'x', 2, 2, 'k', 4, 2, 0x80}, `b["k"][1]: the data ends too early`},
		{inner(`{"type":"enum","name":"E","symbols":["P","Q"]}`), inner(`{"type":"enum","name":"E","symbols":["Q"]}`),
			[]byte{2, 'x', 2, 2, 'k', 2, 0, 0, 0}, `b["k"][0]: symbol P is unknown to the reader's enum, which has no default`},
		{record(`"double"`, `"float"`), record(`"double"`, `"float"`), make([]byte, 11), `b: the data ends too early`},
		{record(`"string"`), record(`"string"`), []byte{1}, `a: negative length -1`},
	} {
		_, _, err := plan(t, c.writer, c.reader, Options{}).Append(nil, c.data)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s as %s: %v, want %s", c.writer, c.reader, err, c.want)
		}
	}
}

func TestPathAt(t *testing.T) {
	s := parse(t, record(`"string"`, `{"type":"array","items":["null","long"]}`, `"null"`, `"double"`))
	data := []byte{4, 'x', 'y', 4, 0, 2, 14, 0, 1, 2, 3, 4, 5, 6, 7, 8}
	var got []string
	for i := range len(data) {
		got = append(got, PathAt(s, data, i))
	}
	want := strings.Fields("a a a b b[0] b[1] b[1] b d d d d d d d d")
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%q, want %q", got, want)
	}
	if got := PathAt(s, data, 100) + PathAt(parse(t, `"int"`), nil, 0); got != "" {
		t.Errorf("%q", got)
	}
}

func TestTimes(t *testing.T) {
	logical := func(kind, name string) string { return `{"type":"` + kind + `","logicalType":"` + name + `"}` }
	millis, micros, nanos := logical("long", "timestamp-millis"), logical("long", "local-timestamp-micros"), logical("long", "timestamp-nanos")
	for _, c := range []struct {
		writer, reader string
		in, out        int64
	}{
		{millis, micros, -5, -5000}, {micros, millis, -1, -1}, {nanos, millis, 1_999_999, 1}, {nanos, micros, -1000, -1},
		{logical("int", "time-millis"), logical("long", "time-micros"), 7, 7000},
		{logical("int", "date"), millis, 7, 7}, {millis, `"long"`, 7, 7}, {millis, logical("long", "time-micros"), 7, 7},
		{logical("int", "timestamp-millis"), micros, 7, 7}, // not a valid logical type
	} {
		out, _, err := plan(t, c.writer, c.reader, Options{Times: true}).Append(nil, wire.AppendLong(nil, c.in))
		if err != nil || !bytes.Equal(out, wire.AppendLong(nil, c.out)) {
			t.Errorf("%d of %s as %s: %x, %v, want %d", c.in, c.writer, c.reader, out, err, c.out)
		}
		out, _, err = plan(t, c.writer, c.reader, Options{}).Append(nil, wire.AppendLong(nil, c.in))
		if err != nil || !bytes.Equal(out, wire.AppendLong(nil, c.in)) {
			t.Errorf("%d of %s as %s without Times: %x, %v", c.in, c.writer, c.reader, out, err)
		}
	}
	if _, _, err := plan(t, millis, nanos, Options{Times: true}).Append(nil, wire.AppendLong(nil, math.MaxInt64/1000)); err == nil {
		t.Error("a time after 2262 has nanoseconds")
	}
}

func TestEqualPlansChangeNothing(t *testing.T) {
	for _, c := range []struct {
		writer, reader string
		equal          bool
	}{
		{oldEvent, oldEvent, true}, {oldEvent, newEvent, false}, {`"int"`, `"long"`, true}, {`"long"`, `"int"`, false},
		{`["null","int"]`, `["null","long","string"]`, true}, {`["null","int"]`, `["int","null"]`, false}, {record(`"string"`), record(`"bytes"`), true},
		{record(`["null","R"]`), record(`["null","R"]`), true}, {record(`"int"`), record(), false}, {`"int"`, `["int"]`, false},
	} {
		p, err := New(parse(t, c.writer), parse(t, c.reader), Options{})
		if got := err == nil && p.Equal(); got != c.equal {
			t.Errorf("%s as %s: %v, %v", c.writer, c.reader, got, err)
		}
	}
}

func TestNothingIsAllocatedForARecord(t *testing.T) {
	buf := make([]byte, 0, 4096)
	for reader, name := range map[string]string{newEvent: "evolved", oldEvent: "equal",
		`{"type":"record","name":"InventoryEvent","fields":[{"name":"reason","type":["null","string"]},{"name":"sku","type":"string","default":"x"},{"name":"quantity","type":"double"},{"name":"eventId","type":"string"}]}`: "reordered"} {
		p := plan(t, oldEvent, reader, Options{})
		if n := testing.AllocsPerRun(100, func() {
			var err error
			if buf, _, err = p.Append(buf[:0], oldData()[:0:0]); err == nil {
				t.Error("nothing is read")
			}
		}); n == 0 {
			t.Errorf("%s: an error costs nothing, so this test does not see anything", name)
		}
		data := oldData()
		if n := testing.AllocsPerRun(100, func() {
			var err error
			if buf, _, err = p.Append(buf[:0], data); err != nil {
				t.Error(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// grown bounds what the tests of hostile data may take.
func grown(t *testing.T, limit uint64, f func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > limit {
		t.Errorf("%d bytes were allocated", n)
	}
}

func TestOutputIsBounded(t *testing.T) {
	large := strings.Repeat("x", 10_000)
	empty := `{"type":"array","items":` + record() + `}`
	wide := `{"type":"array","items":{"type":"record","name":"R","fields":[{"name":"s","type":"string","default":"` + large + `"}]}}`
	p := plan(t, empty, wide, Options{})
	grown(t, 8*maxOutput, func() {
		out, rest, err := p.Append([]byte("kept"), append(wire.AppendLong(nil, wire.MaxEmpty), 0))
		if !errors.Is(err, errOutput) || string(out) != "kept" || len(rest) == 0 {
			t.Errorf("%d bytes, %v", len(out), err)
		}
	})
	if _, _, err := p.Append(nil, append(wire.AppendLong(nil, 100), 0)); err != nil {
		t.Error(err)
	}
	if _, _, err := p.Append(nil, append(wire.AppendLong(wire.AppendLong(nil, wire.MaxEmpty), 1), 0)); err == nil {
		t.Error("more elements without bytes than MaxEmpty")
	}
	// A list whose every node gets the default.
	list := func(more string) string {
		return `{"type":"record","name":"N","fields":[{"name":"next","type":["null","N"]}` + more + `]}`
	}
	p = plan(t, list(""), list(`,{"name":"s","type":"string","default":"`+large+`"}`), Options{})
	grown(t, 8*maxOutput, func() {
		if _, _, err := p.Append(nil, bytes.Repeat([]byte{2}, 990)); err == nil {
			t.Error("no error")
		}
	})
}

func TestDepthIsBounded(t *testing.T) {
	for name, reader := range map[string]string{"equal": "", "other": `,{"name":"more","type":"int","default":1}`} {
		s := `{"type":"record","name":"N","fields":[{"name":"next","type":["null","N"]}`
		p := plan(t, s+"]}", s+reader+"]}", Options{})
		if _, _, err := p.Append(nil, append(bytes.Repeat([]byte{2}, wire.MaxDepth-2), 0)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, _, err := p.Append(nil, bytes.Repeat([]byte{2}, 1<<20)); !errors.Is(err, wire.ErrDepth) {
			t.Errorf("%s: %v", name, err)
		}
	}
	direct := plan(t, record(`"R"`), record(`"R"`), Options{})
	if _, _, err := direct.Append(nil, []byte{0}); !errors.Is(err, wire.ErrDepth) {
		t.Errorf("%v", err)
	}
}

// A schema may name a type in two fields, whose type does so again: 2^40 places.
func TestPlansDoNotExplode(t *testing.T) {
	chain := func(leaf string) string {
		s := leaf
		for i := range 40 {
			s = fmt.Sprintf(`{"type":"record","name":"R%d","fields":[{"name":"a","type":%s},{"name":"b","type":"%s"}]}`, i, s, map[bool]string{true: "L", false: fmt.Sprint("R", i-1)}[i == 0])
		}
		return s
	}
	w := chain(`{"type":"record","name":"L","fields":[{"name":"x","type":"int"}]}`)
	r := chain(`{"type":"record","name":"L","fields":[{"name":"x","type":"double"}]}`)
	grown(t, 64<<20, func() {
		for _, reader := range []string{w, r, `{"type":"record","name":"R39","fields":[]}`} {
			if n := len(plan(t, w, reader, Options{}).programs); n > 100 {
				t.Errorf("%d programs", n)
			}
		}
	})
}

func TestPlansAreShared(t *testing.T) {
	p := plan(t, oldEvent, newEvent, Options{})
	want, _, err := p.Append(nil, oldData())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan bool)
	for range 4 {
		go func() {
			ok := true
			for range 200 {
				got, _, err := p.Append(nil, oldData())
				ok = ok && err == nil && bytes.Equal(got, want)
			}
			done <- ok
		}()
	}
	for range 4 {
		if !<-done {
			t.Error("another outcome")
		}
	}
}

// To go over good data makes no paths.
func TestCheckAllocatesNothing(t *testing.T) {
	s := parse(t, `{"type":"map","values":{"type":"array","items":"string"}}`)
	data := wire.AppendLong(nil, 100)
	for range 100 {
		data = append(wire.AppendString(wire.AppendLong(wire.AppendString(data, "key"), 1), "value"), 0)
	}
	data = append(data, 0)
	if n := testing.AllocsPerRun(10, func() {
		if rest, err := Check(s, data); err != nil || len(rest) > 0 {
			t.Fatal(err, rest)
		}
	}); n > 1 {
		t.Errorf("%v allocations for 200 elements", n)
	}
}
