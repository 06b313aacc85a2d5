package embedded

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

func record(fields string) string {
	return `{"type":"record","name":"R","fields":[{"name":"a","type":"int"}` + fields + `]}`
}

func post(t *testing.T, url, schema string) (int, string) {
	t.Helper()
	body, err := json.Marshal(map[string]string{"schema": schema})
	if err != nil {
		t.Fatal(err)
	}
	return call(t, http.MethodPost, url, string(body))
}

func level(t *testing.T, registry, subject, level string) {
	t.Helper()
	if status, text := call(t, http.MethodPut, registry+"/config/"+subject, fmt.Sprintf(`{"compatibility":%q}`, level)); status != http.StatusOK {
		t.Fatalf("level %s: %d %s", level, status, text)
	}
}

// The schemas in their order are: a field, another one with a default, and a third one
// without. Backward the last one is bad, forward none is.
func TestRegistryKeepsToTheLevelOfTheSubject(t *testing.T) {
	one, two := record(""), record(`,{"name":"b","type":"int","default":0}`)
	needs := record(`,{"name":"b","type":"int"}`)
	for name, test := range map[string]struct {
		level   string
		schemas []string
		refused string // what the refusal of the last schema says, "" for none
	}{
		"added with default":            {"FULL_TRANSITIVE", []string{one, two}, ""},
		"added without default":         {"BACKWARD", []string{one, needs}, "READER_FIELD_MISSING_DEFAULT_VALUE at /fields/1"},
		"added without, forward":        {"FORWARD", []string{one, needs}, ""},
		"added without, full":           {"FULL", []string{one, needs}, "version 1 read with the new schema"},
		"removed without default":       {"FORWARD", []string{needs, one}, "the new schema read with version 1"},
		"in two steps":                  {"BACKWARD", []string{one, two, needs}, ""},
		"in two steps, transitive":      {"BACKWARD_TRANSITIVE", []string{one, two, needs}, "version 1 read with the new schema"},
		"anything":                      {"NONE", []string{one, `"string"`}, ""},
		"another type":                  {"BACKWARD", []string{one, `"string"`}, "TYPE_MISMATCH at /"},
		"what is registered is let be":  {"FULL", []string{one, one}, ""},
		"a field's type":                {"BACKWARD", []string{one, strings.Replace(one, `"int"`, `"string"`, 1)}, "/fields/0/type"},
		"no Avro":                       {"NONE", []string{one, `{"type":"record","name":"R"}`}, "Invalid schema"},
		"defaults are checked when new": {"NONE", []string{one, record(`,{"name":"b","type":"int","default":"x"}`)}, "Invalid schema"},
	} {
		t.Run(name, func(t *testing.T) {
			registry := start(t, Config{}).RegistryURL()
			level(t, registry, "r%2Fvalue", test.level)
			for _, s := range test.schemas[:len(test.schemas)-1] {
				register(t, registry, "r%2Fvalue", s)
			}
			last := test.schemas[len(test.schemas)-1]
			_, checked := post(t, registry+"/compatibility/subjects/r%2Fvalue/versions?verbose=true", last)
			status, text := post(t, registry+"/subjects/r%2Fvalue/versions", last)
			if test.refused == "" {
				if status != http.StatusOK || checked != `{"is_compatible":true}` {
					t.Errorf("%d %s, checked: %s", status, text, checked)
				}
				return
			}
			if want := http.StatusConflict; status != want && !strings.Contains(text, "42201") || !strings.Contains(text, test.refused) || !strings.Contains(checked, test.refused) {
				t.Errorf("%d %s, checked: %s, want %q", status, text, checked, test.refused)
			}
			if status, _ := post(t, registry+"/subjects/r%2Fvalue", last); status != http.StatusNotFound {
				t.Errorf("the refused schema is registered: %d", status)
			}
		})
	}
}

func TestRegistryComparesWithTheVersionThatIsAskedFor(t *testing.T) {
	registry := start(t, Config{}).RegistryURL()
	register(t, registry, "r", record(""))
	register(t, registry, "r", record(`,{"name":"b","type":"int","default":0}`))
	for version, want := range map[string]string{"1": `{"is_compatible":false}`, "2": `{"is_compatible":true}`, "latest": `{"is_compatible":true}`} {
		if _, got := post(t, registry+"/compatibility/subjects/r/versions/"+version, record(`,{"name":"b","type":"int"}`)); got != want {
			t.Errorf("version %s: %s, want %s", version, got, want)
		}
	}
	if status, text := post(t, registry+"/compatibility/subjects/r/versions/9", record("")); status != http.StatusNotFound {
		t.Errorf("a version that is not there: %d %s", status, text)
	}
	if _, text := post(t, registry+"/compatibility/subjects/other/versions", record("")); text != `{"is_compatible":true}` {
		t.Errorf("a subject without schemas: %s", text)
	}
}

func TestRegistryChecksWithReferences(t *testing.T) {
	registry := start(t, Config{}).RegistryURL()
	register(t, registry, "inner", record(""))
	register(t, registry, "inner", record(`,{"name":"b","type":"int","default":0}`))
	outer := func(version int, more string) (int, string) {
		body, err := json.Marshal(schemaText{
			Schema:     `{"type":"record","name":"O","fields":[{"name":"r","type":"R"}` + more + `]}`,
			References: []reference{{Name: "R", Subject: "inner", Version: version}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return call(t, http.MethodPost, registry+"/subjects/outer/versions", string(body))
	}
	for version := 1; version <= 2; version++ {
		if status, text := outer(version, ""); status != http.StatusOK {
			t.Errorf("%d %s", status, text)
		}
	}
	if status, text := outer(1, `,{"name":"x","type":"R"}`); status != http.StatusConflict || !strings.Contains(text, "/fields/1") {
		t.Errorf("%d %s", status, text)
	}
	if status, text := outer(7, ""); status != http.StatusUnprocessableEntity || !strings.Contains(text, "reference R") {
		t.Errorf("%d %s", status, text)
	}
}

// What was accepted once is there again, whatever the level says by now.
func TestRegistryDoesNotJudgeItsJournal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kafka")
	c := start(t, Config{DataDir: dir})
	level(t, c.RegistryURL(), "r", "NONE")
	register(t, c.RegistryURL(), "r", record(""))
	register(t, c.RegistryURL(), "r", `"string"`)
	level(t, c.RegistryURL(), "r", "FULL_TRANSITIVE")
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = start(t, Config{DataDir: dir})
	if _, text := call(t, http.MethodGet, c.RegistryURL()+"/subjects/r/versions", ""); text != "[1,2]" {
		t.Errorf("versions %s", text)
	}
	if status, _ := post(t, c.RegistryURL()+"/subjects/r/versions", `"long"`); status != http.StatusConflict {
		t.Errorf("status %d", status)
	}
}
