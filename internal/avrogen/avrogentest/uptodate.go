// Package avrogentest keeps generated files and their schemas together.
package avrogentest

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/internal/avrogen"
)

// UpToDate fails where the generator makes another file of the schemas than the test's
// folder has: a schema or the generator was changed, and go generate not run.
func UpToDate(t *testing.T, c avrogen.Config, schemas ...string) {
	t.Helper()
	var sources []avrogen.Source
	for _, name := range schemas {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, avrogen.Source{Name: name, Text: string(text)})
	}
	files, err := avrogen.Generate(sources, c)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		have, err := os.ReadFile(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(have), string(f.Code)); diff != "" {
			t.Errorf("%s is out of date, run go generate: %s", f.Name, diff)
		}
	}
}
