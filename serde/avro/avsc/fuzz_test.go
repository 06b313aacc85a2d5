package avsc

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"

	twmb "github.com/twmb/avro"
)

// texts are the schemas of the cases, to start from.
func texts(f *testing.F) (list []string) {
	f.Helper()
	file, err := os.Open("../internal/cases/testdata/schema.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	defer file.Close()
	s := bufio.NewScanner(file)
	for s.Scan() {
		var c struct {
			Schema     json.RawMessage
			SchemaText *string
		}
		if err := json.Unmarshal(s.Bytes(), &c); err != nil {
			f.Fatal(err)
		}
		if c.SchemaText != nil {
			list = append(list, *c.SchemaText)
		} else {
			list = append(list, string(c.Schema))
		}
	}
	return list
}

// FuzzParse checks that what parses is written in forms that parse to the same,
// that everything there is to ask of a schema ends, and that twmb/avro has the
// same canonical form of what it takes, too.
func FuzzParse(f *testing.F) {
	for _, text := range texts(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if stored, err := ParseStored(text); err == nil {
			ask(stored)
		}
		if err != nil {
			return
		}
		ask(s)
		full, err := Parse(s.Full())
		if err != nil || full.Full() != s.Full() || full.Canonical() != s.Canonical() || full.Text() != s.Text() {
			t.Errorf("%s parsed again: %v", s.Full(), err)
		}
		if list := Compatible(s, full); len(list) > 0 && list[0].Type != AmbiguousField {
			t.Errorf("%s does not read itself: %v", s.Full(), list)
		}
		if other, err := twmb.Parse(text); err == nil && string(other.Canonical()) != s.Canonical() {
			t.Errorf("%s: canonical form %s, twmb/avro's is %s", text, s.Canonical(), other.Canonical())
		}
	})
}

func ask(s *Schema) {
	s.HasValue()
	s.Text()
	s.Canonical()
	Compatible(s, s)
	for _, t := range s.Types() {
		for _, field := range t.Fields {
			if field.HasDefault {
				_, _ = field.DefaultValue()
			}
		}
	}
}
