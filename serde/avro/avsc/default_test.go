package avsc

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDefaultValues(t *testing.T) {
	const record = `{"type":"record","name":"B","fields":[{"name":"x","type":"int","default":7},{"name":"y","type":["null","string"],"default":"s"}]}`
	for _, c := range []struct {
		typ, text string
		want      any
	}{
		{`"null"`, `null`, nil},
		{`"boolean"`, `true`, true},
		{`"int"`, `-5`, int32(-5)},
		{`"long"`, `5000000000`, int64(5000000000)},
		{`"float"`, `1.5`, float32(1.5)},
		{`"double"`, `" 2.5e1 "`, 25.0},
		{`"string"`, `"ä"`, "ä"},
		{`"bytes"`, `"ÿ\u0000"`, []byte{0xff, 0}},
		{`{"type":"fixed","name":"F","size":2}`, `"ab"`, []byte("ab")},
		{`{"type":"enum","name":"E","symbols":["X"]}`, `"X"`, "X"},
		{`{"type":"array","items":"int"}`, `[1,2]`, []any{int32(1), int32(2)}},
		{`{"type":"array","items":"int"}`, `[]`, []any{}},
		{`{"type":"map","values":"long"}`, `{"z":1,"a":2}`, []Entry{{"z", int64(1)}, {"a", int64(2)}}},
		{record, `{"y":null}`, []any{int32(7), Branch{0, nil}}},
		{record, `{}`, []any{int32(7), Branch{1, "s"}}},
		{`["int","long","double"]`, `5000000000`, Branch{1, int64(5000000000)}},
		{`["int","long","double"]`, `0.5`, Branch{2, 0.5}},
		{`["bytes","string"]`, `"Ā"`, Branch{1, "Ā"}},
		{`[{"type":"map","values":"int"},` + record + `]`, `{"y":"t"}`, Branch{1, []any{int32(7), Branch{1, "t"}}}},
	} {
		s := parse(t, `{"type":"record","name":"R","fields":[{"name":"f","type":`+c.typ+`,"default":`+c.text+`}]}`)
		v, err := s.Fields[0].DefaultValue()
		if diff := cmp.Diff(c.want, v); err != nil || diff != "" {
			t.Errorf("%s default %s: %v\n%s", c.typ, c.text, err, diff)
		}
	}
}

func TestDefaultsWithoutValue(t *testing.T) {
	for _, c := range []struct{ typ, text, want string }{
		{`{"type":"fixed","name":"F","size":2}`, `"abc"`, "3 bytes for fixed F of 2"},
		{`{"type":"enum","name":"E","symbols":["X"]}`, `"Y"`, `"Y" is no symbol of enum E`},
		{`"bytes"`, `"Ā"`, "is no byte"},
	} {
		s := parse(t, `{"type":"record","name":"R","fields":[{"name":"f","type":`+c.typ+`,"default":`+c.text+`}]}`)
		if _, err := s.Fields[0].DefaultValue(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s default %s: %v, want %s", c.typ, c.text, err, c.want)
		}
	}
	s := parse(t, `{"type":"record","name":"R","fields":[{"name":"f","type":"int"}]}`)
	if _, err := s.Fields[0].DefaultValue(); err == nil {
		t.Error("no default, no error")
	}
}

// Each level holds the next one twice, and each value is a record or a map by
// what stands at the end.
func TestDefaultsDoNotExplode(t *testing.T) {
	var b strings.Builder
	for i := range 40 {
		fmt.Fprintf(&b, `{"type":"record","name":"R%d","fields":[{"name":"x","type":`, i)
	}
	b.WriteString(`"int","default":1`)
	for i := 39; i >= 0; i-- {
		if i < 39 {
			fmt.Fprintf(&b, `,"default":{}},{"name":"y","type":"R%d","default":{}`, i+1)
		}
		b.WriteString("}]}")
	}
	s := parse(t, b.String())
	if _, err := s.Fields[0].DefaultValue(); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("%v", err)
	}
	deep := strings.Repeat(`{"f":`, 300) + `true` + strings.Repeat(`}`, 300)
	_, err := Parse(`{"type":"record","name":"A","fields":[{"name":"f","type":["A",{"type":"record","name":"B","fields":[{"name":"f","type":["A","B","int"]}]},"int"],"default":` + deep + `}]}`)
	if err == nil || !strings.Contains(err.Error(), "no branch") {
		t.Errorf("%v", err)
	}
}
