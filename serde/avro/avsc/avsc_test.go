package avsc

import (
	"fmt"
	"strings"
	"testing"
)

func parse(t testing.TB, text string, references ...*Schema) *Schema {
	t.Helper()
	s, err := Parse(text, references...)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}

func TestReferencesAreKnownTypes(t *testing.T) {
	money := parse(t, `{"type":"record","name":"m.Money","fields":[{"name":"cents","type":{"type":"enum","name":"E","symbols":["A"]}}]}`)
	s := parse(t, `{"type":"record","name":"m.Order","fields":[{"name":"a","type":"Money"},{"name":"b","type":"m.Money"},{"name":"c","type":"E"}]}`, money)
	if s.Fields[0].Type != money || s.Fields[1].Type != money {
		t.Error("another type")
	}
	if again, err := Parse(s.Text()); err != nil || again.Canonical() != s.Canonical() {
		t.Errorf("%s: %v", s.Text(), err)
	}
}

func TestTextKeepsWhatAReaderNeeds(t *testing.T) {
	const text = `{"name":"n.R","type":"record","aliases":["n.Old"],"fields":[` +
		`{"name":"a","type":{"type":"long","logicalType":"timestamp-millis"},"aliases":["b"],"default":0},` +
		`{"name":"c","type":{"name":"n.E","type":"enum","symbols":["X","Y"],"default":"Y"},"default":"X"},` +
		`{"name":"d","type":{"name":"n.D","type":"fixed","size":4,"logicalType":"decimal","precision":5,"scale":2}},` +
		`{"name":"e","type":["null",{"type":"array","items":"n.R"}],"default":null}]}`
	s, err := Parse(text)
	if err != nil || s.Text() != text {
		t.Errorf("%v\n%s\n%s", err, s.Text(), text)
	}
}

func TestSmallestSizes(t *testing.T) {
	for text, want := range map[string]int{
		`"null"`: 0, `"int"`: 1, `"double"`: 8, `["null","double"]`: 1, `["double"]`: 9, `{"type":"map","values":"float"}`: 1,
		`{"type":"record","name":"R","fields":[{"name":"a","type":"float"},{"name":"b","type":["null","R"]}]}`: 5,
		`{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"fixed","name":"F","size":0}}]}`:     0,
	} {
		if s, err := Parse(text); err != nil || s.MinSize != want {
			t.Errorf("%s: %d, %v, want %d", text, s.MinSize, err, want)
		}
	}
}

func TestDeepSchemasAreRefused(t *testing.T) {
	deep := strings.Repeat(`{"type":"array","items":`, 5000) + `"int"` + strings.Repeat("}", 5000)
	if _, err := Parse(deep); err == nil || !strings.Contains(err.Error(), "nested deeper") {
		t.Errorf("%v", err)
	}
}

func TestErrorsSayWhere(t *testing.T) {
	const text = "{\n  \"type\": \"record\", \"name\": \"R\",\n  \"fields\": [\n    {\"name\": \"ä\", \"type\": {\"type\": \"array\", \"items\": \"Nix\"}}\n  ]\n}"
	for _, c := range []struct{ text, want string }{
		{text, `avro schema: r.avsc:4:54: /fields/0/type/items: type "Nix" is not defined`},
		{`"Nix"`, `avro schema: r.avsc:1:1: /: type "Nix" is not defined`},
		{"[\"int\",\n \"int\"]", `avro schema: r.avsc:2:2: /1: int is in the union twice; only records, enums and fixed of different names may be`},
		{"{\"type\":\n int}", `avro schema: r.avsc:2:2: /: not JSON: invalid character 'i' looking for beginning of value`},
		{`{"type":"int"`, `avro schema: r.avsc:1:14: /: not JSON: the text ends early`},
		{`"int" "long"`, `avro schema: r.avsc:1:7: /: not JSON: text after the schema: long`},
		{"\"a\xff\"", `avro schema: r.avsc:1:1: /: not JSON: the text is not UTF-8`},
		{`/* " */ {"type":"enum","name":"E","symbols":["a","b","a"]} // "`, `avro schema: r.avsc:1:54: /symbols/2: enum E has two symbols "a"`},
		{`{"type":"record","name":"R","fields":[{"name":"a","type":"int","default":1.0}]}`,
			`avro schema: r.avsc:1:74: /fields/0/default: field a: default 1.0 cannot be used: it is no int`},
		{`{"type":"record","name":"R","fields":[{"name":"a","type":"R","default":{}}]}`,
			`avro schema: r.avsc:1:72: /fields/0/default: field a: default {} cannot be used: the default of field a of record R contains itself`},
		{`{"type":"map","values":{"type":"record","name":"n.R","aliases":["1"],"fields":[]}}`,
			`avro schema: r.avsc:1:65: /values/aliases/0: alias "1" is not a name`},
	} {
		if _, err := ParseFile(Source{"r.avsc", c.text}); err == nil || err.Error() != c.want {
			t.Errorf("%s\n%v\nwant\n%s", c.text, err, c.want)
		}
	}
}

func TestPositions(t *testing.T) {
	s, err := ParseFile(Source{"r.avsc", "{\"type\":\"record\",\"name\":\"R\",\"fields\":[\n {\"name\":\"a\",\"type\":\"int\"}]}"})
	if err != nil {
		t.Fatal(err)
	}
	if p := s.Fields[0].Position; p != (Position{"r.avsc", 2, 2}) {
		t.Errorf("field: %v", p)
	}
	if p := s.Fields[0].Type.Position.String(); p != "r.avsc:2:21" {
		t.Errorf("type: %v", p)
	}
}

func TestFilesReferToEachOtherInAnyOrder(t *testing.T) {
	files := []Source{
		{"a.avsc", `{"type":"record","name":"x.A","fields":[{"name":"b","type":["null","y.B"]},{"name":"e","type":"E"}]}`},
		{"b.avsc", `{"type":"record","name":"y.B","fields":[{"name":"a","type":{"type":"array","items":"x.A"}}]}`},
		{"e.avsc", `{"type":"enum","name":"x.E","symbols":["X"]}`},
		{"twice.avsc", `{"type":"enum","namespace":"x","name":"E","symbols":["X"],"doc":"same"}`},
	}
	list, err := ParseAll(files)
	if err != nil {
		t.Fatal(err)
	}
	a, b, e := list[0], list[1], list[2]
	if a.Fields[0].Type.Branches[1] != b || b.Fields[0].Type.Items != a || a.Fields[1].Type != e || list[3] != e {
		t.Error("a reference is not the type of the other file")
	}
	if !a.HasValue() || a.MinSize != 2 {
		t.Errorf("%v, %d", a.HasValue(), a.MinSize)
	}
	_, err = ParseAll(files[:2])
	if want := `avro schema: a.avsc:1:95: /fields/1/type: type "x.E" is not defined`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	files[3].Text = `{"type":"enum","name":"x.E","symbols":["X","Y"]}`
	_, err = ParseAll(files)
	if want := `avro schema: twice.avsc:1:1: /: "x.E" is defined twice, and not in the same way (first at e.avsc:1:1)`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestTypesWithoutValues(t *testing.T) {
	const record = `{"type":"record","name":"A","fields":[{"name":"a","type":`
	for text, want := range map[string]bool{
		`"int"`:                       true,
		`[]`:                          false,
		`{"type":"array","items":[]}`: true,
		`{"type":"enum","name":"E","symbols":[]}`: false,
		record + `"A"}]}`:                         false,
		record + `["null","A"]}]}`:                true,
		record + `["A"]}]}`:                       false,
		record + `{"type":"map","values":"A"}}]}`: true,
		record + `{"type":"record","name":"B","fields":[{"name":"a","type":"A"}]}}]}`:                                 false,
		`["null",` + record + `"A"}]}]`:                                                                               true,
		record + `"B"},{"name":"c","type":{"type":"record","name":"B","fields":[{"name":"x","type":["A","int"]}]}}]}`: true,
	} {
		if s := parse(t, text); s.HasValue() != want {
			t.Errorf("%s: %v", text, !want)
		}
	}
}

func TestDecimalsAreBounded(t *testing.T) {
	for text, want := range map[string]string{
		`{"type":"bytes","logicalType":"decimal","precision":10000,"scale":10000}`:            "decimal",
		`{"type":"bytes","logicalType":"decimal","precision":10001}`:                          "",
		`{"type":"bytes","logicalType":"decimal","precision":2147483647}`:                     "",
		`{"type":"bytes","logicalType":"decimal","precision":99999999999999999999,"scale":1}`: "",
		`{"type":"bytes","logicalType":"decimal","precision":4,"scale":1.0}`:                  "",
		`{"type":"fixed","name":"F","size":0,"logicalType":"decimal","precision":1}`:          "",
		`{"type":"fixed","name":"F","size":1,"logicalType":"decimal","precision":2}`:          "decimal",
		`{"type":"fixed","name":"F","size":1,"logicalType":"decimal","precision":3}`:          "",
		`{"type":"fixed","name":"F","size":2147483639,"logicalType":"decimal","precision":9}`: "decimal",
	} {
		s := parse(t, text)
		if s.Logical != want || want == "" && (s.Precision != 0 || s.Scale != 0) {
			t.Errorf("%s: %q, %d, %d", text, s.Logical, s.Precision, s.Scale)
		}
	}
}

func TestFullKeepsWhatTheTextSays(t *testing.T) {
	const text = `{"type":"record","name":"R","namespace":"n","doc":"d","fields":[` +
		`{"name":"a","type":{"type":"error","name":"int","namespace":"m","fields":[{"name":"x","type":["null","m.int"]}]},` +
		`"order":"ignore","z":{"k":[1,2.50]},"aliases":["b"]},` +
		`{"name":"c","type":{"type":"enum","name":"E","namespace":"","symbols":["X"],"default":"X","p":null,"aliases":["F"]}},` +
		`{"name":"d","type":{"type":"fixed","name":"D","size":4,"logicalType":"decimal","precision":50}},` +
		`{"name":"e","type":{"type":"map","values":"D","q":1},"doc":"e","default":{}}],"aliases":[".S","T","m.U"]}`
	s := parse(t, text)
	if s.Full() != text {
		t.Errorf("\n%s\nwant\n%s", s.Full(), text)
	}
	if len(s.Aliases) != 3 || s.Aliases[0] != "S" || s.Aliases[1] != "n.T" || s.Aliases[2] != "m.U" {
		t.Errorf("aliases %q", s.Aliases)
	}
}

func TestStoredSchemasAreNotValidated(t *testing.T) {
	s, err := ParseStored(`{"type":"record","name":"a-b","fields":[{"name":"1","type":"int","default":"x"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Fields[0].DefaultValue(); err == nil || !strings.Contains(err.Error(), "it is no int") {
		t.Errorf("%v", err)
	}
}

func TestChainsOfReferencesAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString(`[{"type":"record","name":"R0","fields":[]}`)
	for i := 3000; i > 0; i-- {
		fmt.Fprintf(&b, `,{"type":"record","name":"R%d","fields":[{"name":"f","type":"R%d"}]}`, i, i-1)
	}
	b.WriteString(`]`)
	if _, err := Parse(b.String()); err == nil || !strings.Contains(err.Error(), "nested deeper") {
		t.Errorf("%v", err)
	}
}

func TestSingleObject(t *testing.T) {
	fp := parse(t, `"int"`).Fingerprint()
	if fp != 0x7275d51a3f395c8f {
		t.Errorf("%x", fp)
	}
	data := AppendSingleObject(nil, fp)
	if string(data) != "\xc3\x01\x8f\x5c\x39\x3f\x1a\xd5\x75\x72" {
		t.Errorf("%x", data)
	}
	if got, rest, err := CutSingleObject(append(data, 1)); got != fp || string(rest) != "\x01" || err != nil {
		t.Errorf("%x %x %v", got, rest, err)
	}
	for _, bad := range []string{"", "\xc3\x02\x00\x00\x00\x00\x00\x00\x00\x00", "\xc3\x01\x00"} {
		if _, _, err := CutSingleObject([]byte(bad)); err == nil {
			t.Errorf("%x is taken", bad)
		}
	}
}
