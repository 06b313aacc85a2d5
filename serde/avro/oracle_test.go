package avro

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/serde/avro/avrojson"
	"github.com/streamweir/streamweir/serde/avro/avsc"
	"github.com/streamweir/streamweir/serde/avro/resolve"
)

// oracleCase is a line of the cases with its golden line.
type oracleCase struct {
	ID         string
	About      string
	Schema     json.RawMessage
	SchemaText string
	Writer     json.RawMessage
	Reader     json.RawMessage
	Hex        json.RawMessage
	Repeat     [][2]any
	Want       string
	Lax        bool
	Deviates   bool

	Golden struct {
		ID      string
		Error   *struct{ Kind, Message string }
		Results []oracleResult
	}
}

type oracleResult struct {
	Hex, Phase, Rewritten string
	Value, JSON           json.RawMessage
	Error                 *struct{ Kind, Phase, Message string }
	Left                  int
	Array                 json.RawMessage
	Without               json.RawMessage `json:"withoutWriterDefaults"`
}

func oracle(t *testing.T, kind string) []oracleCase {
	t.Helper()
	dir := "internal/cases/testdata/"
	cases, goldens := lines(t, dir+kind+".jsonl"), lines(t, dir+kind+".golden.jsonl")
	list := make([]oracleCase, len(cases))
	for i := range cases {
		if err := json.Unmarshal(cases[i], &list[i]); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(goldens[i], &list[i].Golden); err != nil {
			t.Fatal(err)
		}
		if list[i].ID != list[i].Golden.ID {
			t.Fatalf("line %d: case %s, golden %s", i, list[i].ID, list[i].Golden.ID)
		}
	}
	return list
}

func lines(t *testing.T, name string) [][]byte {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var list [][]byte
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<24)
	for s.Scan() {
		list = append(list, bytes.Clone(s.Bytes()))
	}
	return list
}

func (c oracleCase) schema(t *testing.T) *avsc.Schema {
	t.Helper()
	text := c.SchemaText
	if text == "" {
		text = string(c.Schema)
	}
	return parse(t, text)
}

// parse leaves out the validation of names and defaults if the case is lax.
func (c oracleCase) parse(text string) (*avsc.Schema, error) {
	if c.Lax {
		return avsc.ParseStored(text)
	}
	return avsc.Parse(text)
}

func parse(t testing.TB, text string) *avsc.Schema {
	t.Helper()
	s, err := avsc.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// goType makes a Go type for a schema. There is none for a union of several
// types and, at run time, none for a recursive record.
func goType(s *avsc.Schema, outer ...*avsc.Schema) reflect.Type {
	for _, o := range outer {
		if o == s {
			return nil
		}
	}
	outer = append(outer, s)
	switch s.Kind {
	case avsc.Boolean:
		return reflect.TypeFor[bool]()
	case avsc.Int:
		return reflect.TypeFor[int32]()
	case avsc.Long:
		return reflect.TypeFor[int64]()
	case avsc.Float:
		return reflect.TypeFor[float32]()
	case avsc.Double:
		return reflect.TypeFor[float64]()
	case avsc.Bytes:
		return reflect.TypeFor[[]byte]()
	case avsc.String, avsc.Enum:
		return reflect.TypeFor[string]()
	case avsc.Fixed:
		return reflect.ArrayOf(s.Size, reflect.TypeFor[byte]())
	case avsc.Array:
		if of := goType(s.Items, outer...); of != nil {
			return reflect.SliceOf(of)
		}
	case avsc.Map:
		if of := goType(s.Items, outer...); of != nil {
			return reflect.MapOf(reflect.TypeFor[string](), of)
		}
	case avsc.Record:
		var fields []reflect.StructField
		for i, f := range s.Fields {
			of := goType(f.Type, outer...)
			if of == nil {
				return nil
			}
			fields = append(fields, reflect.StructField{Name: "F" + strconv.Itoa(i), Type: of,
				Tag: reflect.StructTag(`avro:"` + f.Name + `"`)})
		}
		return reflect.StructOf(fields)
	case avsc.Union:
		var some reflect.Type
		null := false
		for _, b := range s.Branches {
			switch {
			case b.Kind == avsc.Null:
				null = true
			case some != nil:
				return nil
			default:
				if some = goType(b, outer...); some == nil {
					return nil
				}
			}
		}
		if null && some != nil {
			return reflect.PointerTo(some)
		}
		return some
	}
	return nil
}

// plain brings a Go value of goType into the form of the goldens.
func plain(s *avsc.Schema, v reflect.Value) any {
	switch s.Kind {
	case avsc.Boolean:
		return v.Bool()
	case avsc.Int, avsc.Long:
		return strconv.FormatInt(v.Int(), 10)
	case avsc.Float, avsc.Double:
		return number(v.Float())
	case avsc.Bytes:
		return hex.EncodeToString(v.Bytes())
	case avsc.Fixed:
		b := make([]byte, v.Len())
		reflect.Copy(reflect.ValueOf(b), v)
		return hex.EncodeToString(b)
	case avsc.String, avsc.Enum:
		return v.String()
	case avsc.Array:
		list := []any{}
		for i := range v.Len() {
			list = append(list, plain(s.Items, v.Index(i)))
		}
		return list
	case avsc.Map:
		m := map[string]any{}
		for it := v.MapRange(); it.Next(); {
			m[it.Key().String()] = plain(s.Items, it.Value())
		}
		return m
	case avsc.Record:
		m := map[string]any{}
		for i, f := range s.Fields {
			m[f.Name] = plain(f.Type, v.Field(i))
		}
		return m
	}
	b := s.Branches[0]
	if len(s.Branches) == 2 {
		if v.IsNil() {
			return nil
		}
		if v = v.Elem(); b.Kind == avsc.Null {
			b = s.Branches[1]
		}
	}
	return map[string]any{b.Label(): plain(b, v)}
}

func number(f float64) string {
	if math.IsNaN(f) {
		return "NaN"
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// golden brings a golden value into the same form.
func golden(s *avsc.Schema, v any) any {
	switch s.Kind {
	case avsc.Int, avsc.Long:
		return fmt.Sprint(v)
	case avsc.Float, avsc.Double:
		if _, ok := v.(map[string]any); ok {
			return "NaN"
		}
		bits := 64
		if s.Kind == avsc.Float {
			bits = 32
		}
		f, _ := strconv.ParseFloat(fmt.Sprint(v), bits)
		return number(f)
	case avsc.String:
		if m, ok := v.(map[string]any); ok {
			b, _ := hex.DecodeString(m["utf8"].(string))
			return string(b)
		}
	case avsc.Array:
		list := v.([]any)
		for i := range list {
			list[i] = golden(s.Items, list[i])
		}
	case avsc.Map:
		for k, e := range v.(map[string]any) {
			v.(map[string]any)[k] = golden(s.Items, e)
		}
	case avsc.Record:
		for _, f := range s.Fields {
			v.(map[string]any)[f.Name] = golden(f.Type, v.(map[string]any)[f.Name])
		}
	case avsc.Union:
		if m, ok := v.(map[string]any); ok {
			for _, b := range s.Branches {
				if e, ok := m[b.Label()]; ok {
					m[b.Label()] = golden(b, e)
				}
			}
		}
	}
	return v
}

func numbers(t *testing.T, text []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// read resolves data of a writer's schema and reads it as a Go type.
func read(w, r *avsc.Schema, typ reflect.Type, data []byte) (reflect.Value, int, error) {
	v := reflect.New(typ)
	plan, err := resolve.New(w, r, resolve.Options{})
	if err != nil {
		return v.Elem(), 0, err
	}
	out, left, err := plan.Append(nil, data)
	if err != nil {
		return v.Elem(), 0, err
	}
	p, err := compileDecode(r, typ)
	if err != nil {
		return v.Elem(), 0, err
	}
	var d decoder
	rest, err := d.decode(out, p, v.UnsafePointer())
	if err == nil && len(rest) > 0 {
		err = errLeft(len(rest))
	}
	return v.Elem(), len(data) - len(left), err
}

// check returns an error unless data is exactly one value of the schema.
func check(s *avsc.Schema, data []byte) error {
	rest, err := resolve.Check(s, data)
	if err == nil && len(rest) > 0 {
		err = errLeft(len(rest))
	}
	return err
}

// apart are the cases in which the plan differs from Java on purpose.
var apart = map[string]string{
	"data/string-invalid-utf8":       "in JSON each byte that is not UTF-8 is one U+FFFD, in Java a sequence of them",
	"data/long-overlong":             "a number of more than 64 bits is refused",
	"data/int-fifth-byte":            "a number of more than 32 bits is refused",
	"data/array-negative-wrong-size": "a block of more bytes than there are is refused",
	"data/boolean-other":             "a boolean other than 0 and 1 is refused",
}

func TestResolutionIsJavas(t *testing.T) {
	if ran := resolveCases(t, oracle(t, "resolve")); ran < 150 {
		t.Errorf("only %d values were read", ran)
	}
}

func resolveCases(t *testing.T, cases []oracleCase) (ran int) {
	for _, c := range cases {
		w, err := c.parse(string(c.Writer))
		if err != nil {
			t.Errorf("%s: writer: %v", c.ID, err)
			continue
		}
		r, err := c.parse(string(c.Reader))
		if err != nil {
			t.Errorf("%s: reader: %v", c.ID, err)
			continue
		}
		typ := goType(r)
		if typ == nil || apart[c.ID] != "" {
			continue
		}
		if _, err := compileEncode(r, typ); err != nil {
			t.Errorf("%s: %v", c.ID, err)
			continue
		}
		for i, g := range c.Golden.Results {
			if g.Without != nil {
				continue // Java's own bug
			}
			if g.Hex == "" {
				var list []string
				if json.Unmarshal(c.Hex, &list) != nil {
					continue
				}
				g.Hex = list[i]
			}
			ran++
			name := fmt.Sprintf("%s (%s; deviates %v) %s", c.ID, c.About, c.Deviates, g.Hex)
			v, end, err := read(w, r, typ, unhex(t, g.Hex))
			switch {
			case g.Error != nil && err == nil:
				t.Errorf("%s: read as %v, Java: %s", name, plain(r, v), g.Error.Message)
			case g.Error == nil && err != nil:
				t.Errorf("%s: %v, Java: %s", name, err, g.Value)
			case err == nil:
				if d := cmp.Diff(golden(r, numbers(t, g.Value)), plain(r, v)); d != "" {
					t.Errorf("%s: (-java +ours)\n%s", name, d)
				}
				if left := len(g.Hex)/2 - end; left != g.Left {
					t.Errorf("%s: %d bytes left, Java: %d", name, left, g.Left)
				}
			}
		}
	}
	return ran
}

func TestDataIsJavas(t *testing.T) {
	if ran := dataCases(t, oracle(t, "data")); ran < 100 {
		t.Errorf("only %d values were read", ran)
	}
}

func dataCases(t *testing.T, cases []oracleCase) (ran int) {
	for _, c := range cases {
		s := c.schema(t)
		for i, g := range c.Golden.Results {
			fromBytes := g.Hex == ""
			if fromBytes {
				var list []string
				if json.Unmarshal(c.Hex, &list) != nil {
					continue
				}
				g.Hex = list[i]
			}
			if apart[c.ID] != "" {
				continue
			}
			ran++
			checkData(t, fmt.Sprintf("%s (%s; deviates %v) %s", c.ID, c.About, c.Deviates, g.Hex), s, g, fromBytes)
		}
	}
	return ran
}

func checkData(t *testing.T, name string, s *avsc.Schema, g oracleResult, fromBytes bool) {
	t.Helper()
	data := unhex(t, g.Hex)
	rest, err := resolve.Check(s, data)
	end := len(data) - len(rest)
	if (err == nil) != (g.Error == nil) {
		t.Errorf("%s: %v, Java: %+v", name, err, g.Error)
		return
	}
	text, _, textErr := avrojson.Append(nil, s, data)
	if (err == nil) != (textErr == nil) {
		t.Errorf("%s: skipped: %v, as text: %v", name, err, textErr)
	}
	if err != nil {
		return
	}
	if left := len(data) - end; left != g.Left {
		t.Errorf("%s: %d bytes left, Java: %d", name, left, g.Left)
	}
	if g.JSON != nil {
		var javas string
		if json.Unmarshal(g.JSON, &javas) != nil {
			javas = string(g.JSON)
		}
		ours, err := textToBinary(t, s, text)
		if err != nil {
			t.Errorf("%s: %s: %v", name, text, err)
		}
		if theirs, err := textToBinary(t, s, []byte(javas)); err != nil || !bytes.Equal(ours, theirs) {
			t.Errorf("%s: %v: JSON\n%s\nJava:\n%s", name, err, text, javas)
		}
	}
	typ := goType(s)
	if typ == nil {
		return
	}
	ops, err := compileEncode(s, typ)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	v, end, err := read(s, s, typ, data)
	if err != nil || len(data)-end != g.Left {
		t.Errorf("%s: %d bytes read, %v", name, end, err)
		return
	}
	pv := reflect.New(typ)
	pv.Elem().Set(v)
	var e encoder
	out, err := e.run(nil, ops, pv.UnsafePointer())
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	if !fromBytes && !bytes.Equal(out, data) && !strings.Contains(s.Text(), "\"map\"") {
		t.Errorf("%s: written as %x", name, out)
	}
	back, _, err := read(s, s, typ, out)
	if diff := cmp.Diff(plain(s, v), plain(s, back)); err != nil || diff != "" {
		t.Errorf("%s: written and read: %v\n%s", name, err, diff)
	}
}

func textToBinary(t *testing.T, s *avsc.Schema, text []byte) ([]byte, error) {
	t.Helper()
	return avrojson.EncodePlain(nil, s, numbers(t, text))
}

func TestHostileBytesAreRefused(t *testing.T) {
	for _, c := range oracle(t, "hostile") {
		text := c.Schema
		if text == nil {
			text = c.Writer
		}
		s, err := avsc.Parse(string(text))
		if err != nil {
			t.Errorf("%s: %v", c.ID, err)
			continue
		}
		reader := s
		if c.Reader != nil {
			reader = parse(t, string(c.Reader))
		}
		var data []byte
		for _, part := range c.Repeat {
			data = append(data, bytes.Repeat(unhex(t, part[0].(string)), int(part[1].(float64)))...)
		}
		if c.Repeat == nil {
			var one string
			if err := json.Unmarshal(c.Hex, &one); err != nil {
				t.Fatal(err)
			}
			data = unhex(t, one)
		}
		answers := map[string]error{"skip": check(s, data)}
		if _, rest, err := avrojson.Append(nil, s, data); err != nil || len(rest) == 0 {
			answers["text"] = err
		}
		if typ := goType(reader); typ != nil {
			if _, end, err := read(s, reader, typ, data); err != nil || end == len(data) {
				answers["typed"] = err
			}
		}
		for how, err := range answers {
			if c.Want == "error" && err == nil && !(how != "typed" && c.Reader != nil) || c.Want == "value" && err != nil {
				t.Errorf("%s (%s): %s: %v, want %s", c.ID, c.About, how, err, c.Want)
			}
		}
	}
}
