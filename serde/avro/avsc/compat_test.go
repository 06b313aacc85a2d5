package avsc

import (
	"fmt"
	"strings"
	"testing"
)

// A verdict without the memory of pairs would take 2^60 steps here, and the list
// would be as long.
func TestTypesThatAreUsedTwiceInEachOther(t *testing.T) {
	chain := func(last string) *Schema {
		var b strings.Builder
		for i := range 60 {
			fmt.Fprintf(&b, `{"type":"record","name":"R%d","fields":[{"name":"x","type":`, i)
		}
		b.WriteString(last)
		for i := 59; i >= 0; i-- {
			next := `"` + fmt.Sprintf("R%d", i+1) + `"`
			if i == 59 {
				next = last
			}
			fmt.Fprintf(&b, `},{"name":"y","type":%s}]}`, next)
		}
		return parse(t, b.String())
	}
	ints, texts := chain(`"int"`), chain(`"string"`)
	if list := Compatible(ints, ints); list != nil {
		t.Errorf("%v", list)
	}
	if list := Compatible(ints, texts); len(list) != maxConflicts {
		t.Errorf("%d conflicts", len(list))
	}
}

func TestRecordsWithoutValuesAreCompared(t *testing.T) {
	a := parse(t, `{"type":"record","name":"A","fields":[{"name":"a","type":"A"}]}`)
	b := parse(t, `{"type":"record","name":"A","fields":[{"name":"a","type":"A"},{"name":"b","type":"int"}]}`)
	if list := Compatible(a, b); list != nil {
		t.Errorf("%v", list)
	}
	if list := Compatible(b, a); len(list) != 1 || list[0].Type != MissingDefault || list[0].Location != "/fields/1" {
		t.Errorf("%v", list)
	}
}

func TestModesHaveNames(t *testing.T) {
	for m := NoCheck; m <= FullTransitive; m++ {
		if got, err := ParseMode(strings.ToLower(m.String())); got != m || err != nil {
			t.Errorf("%s: %s, %v", m, got, err)
		}
	}
	if _, err := ParseMode("SIDEWAYS"); err == nil || !strings.Contains(err.Error(), "FULL_TRANSITIVE") {
		t.Errorf("%v", err)
	}
	if Mode(9).String() != "Mode(9)" {
		t.Error(Mode(9).String())
	}
}

func ExampleMode_Check() {
	parse := func(text string) *Schema {
		s, err := Parse(text)
		if err != nil {
			panic(err)
		}
		return s
	}
	v1 := parse(`{"type": "record", "name": "Order", "fields": [{"name": "id", "type": "int"}]}`)
	v2 := parse(`{"type": "record", "name": "Order", "fields": [{"name": "id", "type": "long"}]}`)
	v3 := parse(`{"type": "record", "name": "Order", "fields": [{"name": "id", "type": "long"}, {"name": "note", "type": "string"}]}`)
	fmt.Println(Backward.Check(v2, []*Schema{v1}))
	fmt.Println(FullTransitive.Check(v3, []*Schema{v1, v2}))
	// Output:
	// compatible (BACKWARD)
	// not compatible (FULL_TRANSITIVE)
	// the new schema cannot read what earlier schema 2 wrote:
	//   /fields/1: the writer's Order has no field note, and the reader's has no default (READER_FIELD_MISSING_DEFAULT_VALUE)
	// the new schema cannot read what earlier schema 1 wrote:
	//   /fields/1: the writer's Order has no field note, and the reader's has no default (READER_FIELD_MISSING_DEFAULT_VALUE)
	// earlier schema 1 cannot read what the new schema writes:
	//   /fields/0/type: the reader has int where the writer has long (TYPE_MISMATCH)
}
