package avrojson

import (
	"encoding/json"
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/streamweir/streamweir/serde/avro/avsc"
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

func value(t testing.TB, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

const lineSchema = `{"type":"record","name":"Line","fields":[{"name":"sku","type":"string"},
	{"name":"price","type":["null","double"],"default":null},{"name":"data","type":"bytes"}]}`

func Example() {
	s, _ := avsc.Parse(lineSchema)
	data, _ := Encode(nil, s, map[string]any{"sku": "é\t", "price": map[string]any{"double": json.Number("1e7")}, "data": "\u00ff"})
	text, _, err := Append(nil, s, data)
	fmt.Println(string(text), err)
	_, err = Encode(nil, s, map[string]any{"sku": "x", "price": json.Number("1"), "data": ""})
	fmt.Println(err)
	// Output:
	// {"sku":"é\t","price":{"double":1.0E7},"data":"ÿ"} <nil>
	// price: 1 is no branch of the union
}

func TestPlainJSONIsTakenByEncodePlainOnly(t *testing.T) {
	s := parse(t, lineSchema)
	for text, both := range map[string]bool{
		`{"sku":"a","price":{"double":1},"data":""}`: true, `{"sku":"a","price":null,"data":""}`: true,
		`{"sku":"a","price":1,"data":""}`: false, `{"sku":"a","data":""}`: false,
	} {
		_, strict := Encode(nil, s, value(t, text))
		_, plain := EncodePlain(nil, s, value(t, text))
		if (strict == nil) != both || plain != nil {
			t.Errorf("%s: %v, plain %v", text, strict, plain)
		}
	}
	for _, text := range []string{`{"sku":"a"}`, `{"sku":"a","data":"","more":1}`, `{"sku":"a","data":"Ā"}`, `{"sku":1,"data":""}`} {
		if _, err := EncodePlain(nil, s, value(t, text)); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}

func TestFloatsAreWrittenAsJavaDoes(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0.0", 1: "1.0", -0.001: "-0.001", 0.00099: "9.9E-4", 9999999: "9999999.0", 1e7: "1.0E7",
		123456789.125: "1.23456789125E8", 5e-324: "4.9E-324", 2e-5: "2.0E-5", 1.7976931348623157e308: "1.7976931348623157E308",
	} {
		if got := string(appendFloat(nil, v, 64)); got != want {
			t.Errorf("%v is %s, want %s", v, got, want)
		}
	}
	if got := string(appendFloat(nil, float64(float32(1.4e-45)), 32)); got != "1.4E-45" {
		t.Error(got)
	}
}

func TestErrorsSayWhere(t *testing.T) {
	s := parse(t, `{"type":"array","items":{"type":"map","values":`+lineSchema+`}}`)
	_, err := Encode(nil, s, value(t, `[{},{"a b":{"sku":"x","price":null,"data":5}}]`))
	if want := `[1]["a b"].data: 5 is not of type bytes`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	_, _, err = Append(nil, s, []byte{4, 0, 2, 2, 'k', 2, 'x', 6})
	if want := `[1]["k"].price: branch 3, there are 2`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// FuzzAppend checks that what is printed is read back as the same data.
func FuzzAppend(f *testing.F) {
	f.Add(`"double"`, []byte{1, 2, 3, 4, 5, 6, 7, 0x40})
	f.Add(`{"type":"array","items":["null","string","bytes"]}`, []byte{4, 2, 2, 'x', 4, 2, 0xff, 0})
	f.Add(lineSchema, []byte{2, 'a', 2, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0})
	f.Fuzz(func(t *testing.T, schema string, data []byte) {
		s, err := avsc.Parse(schema)
		if err != nil {
			return
		}
		text, _, err := Append(nil, s, data)
		if err != nil {
			return
		}
		if !json.Valid(text) {
			t.Fatalf("%q is not JSON", text)
		}
		once, err := Encode(nil, s, value(t, string(text)))
		if err != nil {
			return // numbers and depths that JSON has and the encoder does not take
		}
		again, _, err := Append(nil, s, once)
		twice, _ := Encode(nil, s, value(t, string(again)))
		if err != nil || string(once) != string(twice) {
			t.Errorf("%s became %s, %v", text, again, err)
		}
	})
}
