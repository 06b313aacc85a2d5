package inventory

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/internal/avrogen"
)

// TestTypesAreOfTheSchemas fails when a schema was changed and go generate not run.
func TestTypesAreOfTheSchemas(t *testing.T) {
	var sources []avrogen.Source
	for _, name := range []string{"schemas/InventoryAggregate.avsc", "schemas/InventoryEvent.avsc"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, avrogen.Source{Name: name, Text: string(text)})
	}
	files, err := avrogen.Generate(sources, avrogen.Config{Package: "inventory", Raw: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		have, err := os.ReadFile(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(have), string(f.Code)); diff != "" {
			t.Errorf("%s is out of date: %s", f.Name, diff)
		}
	}
}
