package embedded

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func call(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(testContext(t), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, strings.TrimSpace(string(text))
}

// register returns the id of a schema.
func register(t *testing.T, registry, subject, schema string) int {
	t.Helper()
	body, err := json.Marshal(map[string]string{"schema": schema})
	if err != nil {
		t.Fatal(err)
	}
	status, text := call(t, http.MethodPost, registry+"/subjects/"+subject+"/versions", string(body))
	var answer struct{ ID int }
	if err := json.Unmarshal([]byte(text), &answer); err != nil || status != http.StatusOK {
		t.Fatalf("register %s: %d %s", subject, status, text)
	}
	return answer.ID
}

func TestRegistryGivesSchemasBack(t *testing.T) {
	c := start(t, Config{})
	id := register(t, c.RegistryURL(), "a-value", `"string"`)
	if same := register(t, c.RegistryURL(), "b-value", `"string"`); same != id {
		t.Errorf("one schema has ids %d and %d", id, same)
	}
	status, text := call(t, http.MethodGet, c.RegistryURL()+"/schemas/ids/1", "")
	if status != http.StatusOK || !strings.Contains(text, `\"string\"`) {
		t.Errorf("%d %s", status, text)
	}
	if status, _ := call(t, http.MethodGet, c.RegistryURL()+"/schemas/ids/9", ""); status != http.StatusNotFound {
		t.Errorf("an unknown id is answered with %d", status)
	}
}

func TestRegistryComesBackAtItsAddress(t *testing.T) {
	c := start(t, Config{})
	url := c.RegistryURL()
	register(t, url, "a-value", `"string"`)
	for range 2 {
		if err := c.StopRegistry(); err != nil {
			t.Fatal(err)
		}
	}
	if status, _ := call(t, http.MethodGet, url+"/subjects", ""); status != 0 {
		t.Errorf("a stopped registry answers %d", status)
	}
	for range 2 {
		if err := c.StartRegistry(); err != nil {
			t.Fatal(err)
		}
	}
	if status, text := call(t, http.MethodGet, url+"/subjects", ""); status != http.StatusOK || text != `["a-value"]` {
		t.Errorf("%d %s", status, text)
	}
}

func TestFailRegistry(t *testing.T) {
	c := start(t, Config{})
	c.FailRegistry(http.StatusServiceUnavailable, 2)
	var got []int
	for range 3 {
		status, _ := call(t, http.MethodGet, c.RegistryURL()+"/subjects", "")
		got = append(got, status)
	}
	if diff := cmp.Diff([]int{503, 503, 200}, got); diff != "" {
		t.Error(diff)
	}
}

func TestJournalKeepsChangesOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.jsonl")
	lines := func() int {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(data), "\n")
	}
	use := func(f func(url string)) {
		t.Helper()
		r, err := startRegistry("", path)
		if err != nil {
			t.Fatal(err)
		}
		f("http://" + r.addr)
		if err := r.close(); err != nil {
			t.Fatal(err)
		}
	}
	use(func(url string) {
		register(t, url, "a-value", `"string"`)
		register(t, url, "a-value", `"bytes"`)
		register(t, url, "a%2Fb", `"int"`)
		call(t, http.MethodPut, url+"/config/a-value", `{"compatibility":"FULL"}`)
		call(t, http.MethodDelete, url+"/subjects/a-value/versions/1", "whatever")
		call(t, http.MethodPost, url+"/subjects/a-value/versions", `not JSON`)
	})
	if got := lines(); got != 5 {
		t.Errorf("%d lines for five changes", got)
	}
	use(func(url string) {
		register(t, url, "a-value", `"bytes"`)
		for path, want := range map[string]string{
			"/subjects":                  `["a-value","a/b"]`,
			"/subjects/a-value/versions": `[2]`,
			"/config/a-value":            `{"compatibilityLevel":"FULL"}`,
		} {
			if _, got := call(t, http.MethodGet, url+path, ""); got != want {
				t.Errorf("%s: %s, want %s", path, got, want)
			}
		}
	})
	if got := lines(); got != 5 {
		t.Errorf("%d lines after registering again what is there", got)
	}
}

func TestJournalDropsATornLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.jsonl")
	whole := `{"method":"POST","url":"/subjects/a/versions","body":{"schema":"\"int\""}}` + "\n"
	if err := os.WriteFile(path, []byte(whole+`{"method":"POST","url":"/subj`), 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := startRegistry("", path)
	if err != nil {
		t.Fatal(err)
	}
	if id := register(t, "http://"+r.addr, "b", `"long"`); id != 2 {
		t.Errorf("id %d", id)
	}
	if err := r.close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := whole + `{"method":"POST","url":"/subjects/b/versions","body":{"schema":"\"long\""}}` + "\n"
	if diff := cmp.Diff(want, string(data)); diff != "" {
		t.Error(diff)
	}
}

func TestDamagedJournalIsReported(t *testing.T) {
	for _, line := range []string{"garbage\n", `{"method":"POST","url":"/subjects/a/versions","body":1}` + "\n", `{"method":" ","url":"%"}` + "\n"} {
		path := filepath.Join(t.TempDir(), "registry.jsonl")
		if err := os.WriteFile(path, []byte(line), 0o644); err != nil {
			t.Fatal(err)
		}
		if r, err := startRegistry("", path); err == nil {
			t.Errorf("%q was accepted", line)
			_ = r.close()
		} else if !strings.Contains(err.Error(), "line 1") || !strings.Contains(err.Error(), path) {
			t.Errorf("the error does not say where: %v", err)
		}
	}
}
