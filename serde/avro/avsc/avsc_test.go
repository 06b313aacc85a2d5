package avsc

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

type oracleCase struct {
	ID, About  string
	Schema     json.RawMessage
	SchemaText string
	Deviates   bool
	Parse      string
	Canonical  string
	Error      struct{ Kind, Message string }
}

func oracle(t *testing.T, name string, list []oracleCase) []oracleCase {
	t.Helper()
	f, err := os.Open("../testdata/oracle/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<24)
	for i := 0; s.Scan(); i++ {
		if i == len(list) {
			list = append(list, oracleCase{})
		}
		if err := json.Unmarshal(s.Bytes(), &list[i]); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// apart are the schemas that Java takes and Parse refuses.
var apart = map[string]string{
	"schema/json-comment":            "a comment is not JSON",
	"schema/json-line-comment":       "a comment is not JSON",
	"schema/ref-forward":             "the specification wants the definition first",
	"schema/ref-forward-enum":        "the specification wants the definition first",
	"schema/default-forward-ref":     "the specification wants the definition first",
	"schema/default-forward-ref-bad": "the specification wants the definition first",
	"schema/redefine":                "the specification wants one definition",
}

func TestSchemasAreJavas(t *testing.T) {
	for _, c := range oracle(t, "schema.golden.jsonl", oracle(t, "schema.jsonl", nil)) {
		text := c.SchemaText
		if text == "" {
			text = string(c.Schema)
		}
		s, err := Parse(text)
		if c.Error.Kind == "default" || c.ID == "schema/default-self-ref-bad" {
			c.Parse = "" // is not looked at by Parse
		}
		switch {
		case apart[c.ID] != "":
			if err == nil {
				t.Errorf("%s is taken, though it should not: %s", c.ID, apart[c.ID])
			}
		case c.Parse == "":
			if err != nil {
				t.Errorf("%s (%s): %v", c.ID, c.About, err)
			}
		case err != nil && c.Parse == "ok":
			t.Errorf("%s (%s; deviates %v): %v, Java takes it", c.ID, c.About, c.Deviates, err)
		case err == nil && c.Parse != "ok":
			t.Errorf("%s (%s; deviates %v): taken, Java: %s %s", c.ID, c.About, c.Deviates, c.Error.Kind, c.Error.Message)
		case err == nil:
			if got := s.Canonical(); got != c.Canonical {
				t.Errorf("%s (%s; deviates %v): canonical form\n%s\nJava:\n%s", c.ID, c.About, c.Deviates, got, c.Canonical)
			}
			again, err := Parse(s.Text())
			if err != nil || again.Canonical() != c.Canonical || again.Text() != s.Text() {
				t.Errorf("%s: %s parsed again: %v", c.ID, s.Text(), err)
			}
		}
	}
}

func TestReferencesAreKnownTypes(t *testing.T) {
	money, err := Parse(`{"type":"record","name":"m.Money","fields":[{"name":"cents","type":{"type":"enum","name":"E","symbols":["A"]}}]}`)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Parse(`{"type":"record","name":"m.Order","fields":[{"name":"a","type":"Money"},{"name":"b","type":"m.Money"},{"name":"c","type":"E"}]}`, money)
	if err != nil {
		t.Fatal(err)
	}
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

// FuzzParse checks that what parses is written in a form that parses to the
// same.
func FuzzParse(f *testing.F) {
	for _, c := range []string{`"int"`, `["null","string"]`, `{"type":"enum","name":"a.E","symbols":["X"],"default":"X"}`,
		`{"type":"record","name":"n.R","namespace":"","fields":[{"name":"a","type":["null","n.R"],"default":null,"aliases":["b"]}]}`,
		`{"type":"map","values":{"type":"fixed","name":"F","size":3,"logicalType":"decimal","precision":1}}`} {
		f.Add(c)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil || strings.Contains(s.Text(), `"namespace":""`) {
			return // a name without namespace cannot be referred to from inside of one
		}
		again, err := Parse(s.Text())
		if err != nil || again.Text() != s.Text() || again.Canonical() != s.Canonical() {
			t.Errorf("%s parsed again: %v", s.Text(), err)
		}
	})
}
