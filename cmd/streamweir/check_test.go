package main

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/streamweir/streamweir/serde/avro"
	"github.com/streamweir/streamweir/stream/embedded"
)

func itemSchema(fields string) string {
	return `{"type":"record","name":"shop.Item","fields":[{"name":"id","type":"long"}` + fields + `]}`
}

// The versions of the tests: a field with a default comes, then one without.
var (
	itemV1 = itemSchema("")
	itemV2 = itemSchema(`,{"name":"note","type":["null","string"],"default":null}`)
	itemV3 = itemSchema(`,{"name":"note","type":["null","string"],"default":null},{"name":"price","type":"int"}`)
)

func registryURL(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"SCHEMA_REGISTRY_URL", "SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO", "SCHEMA_REGISTRY_BEARER_TOKEN", "SCHEMA_REGISTRY_CA"} {
		t.Setenv(name, "")
		os.Unsetenv(name)
	}
	c, err := embedded.Start(embedded.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c.RegistryURL()
}

func put(t *testing.T, url, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatal(answer, err)
	}
	_ = answer.Body.Close()
}

func registerAll(t *testing.T, url, subject string, schemas ...string) {
	t.Helper()
	r := avro.NewRegistry(url, avro.Config{})
	defer r.Close()
	for _, s := range schemas {
		if _, err := r.Register(subject, s); err != nil {
			t.Fatal(err)
		}
	}
}

// expect runs a command and compares its exit code and what it prints: each want
// must be in the output or the errors, and none of the texts behind "!".
func expect(t *testing.T, code int, args []string, want ...string) {
	t.Helper()
	got, out, errs := command(append([]string{"avro"}, args...)...)
	if got != code {
		t.Errorf("%q: exit code %d, want %d\n%s%s", args, got, code, out, errs)
	}
	for _, w := range want {
		if text, not := strings.CutPrefix(w, "!"); strings.Contains(out+errs, text) == not {
			t.Errorf("%q: want %q in\n%s%s", args, w, out, errs)
		}
	}
}

func TestCheckAgainstFiles(t *testing.T) {
	t.Setenv("SCHEMA_REGISTRY_URL", "http://127.0.0.1:1") // is not asked
	dir := t.TempDir()
	one, two, three := write(t, dir, "1.avsc", itemV1), write(t, dir, "2.avsc", itemV2), write(t, dir, "3.avsc", itemV3)
	bad := write(t, dir, "bad.avsc", "{\n  \"type\": \"record\", \"name\": \"R\",\n  \"fields\": [{\"name\": \"a\", \"type\": \"nothing\"}]\n}")
	noPrice := "/fields/2: the writer's shop.Item has no field price, and the reader's has no default (READER_FIELD_MISSING_DEFAULT_VALUE)"
	for _, c := range []struct {
		code int
		args []string
		want []string
	}{
		{0, []string{two, "--against", one}, []string{two + ": compatible with " + one + " (BACKWARD)"}},
		{1, []string{three, "--against", two}, []string{"NOT compatible", "the new schema cannot read what " + two + " wrote:\n  " + noPrice}},
		{0, []string{three, "--against", two, "--mode", "FORWARD"}, nil},
		{0, []string{three, "--against", two, "-mode", "forward"}, []string{"(FORWARD)"}},
		{1, []string{three, "--against", two, "--mode=FULL"}, []string{noPrice}},
		{1, []string{two, "--against", three, "--mode", "FORWARD"}, []string{three + " cannot read what the new schema writes:\n  " + noPrice}},
		{0, []string{three, "--against", one + "," + three}, nil},
		{1, []string{three, "--against", one, "--against", three, "--mode", "BACKWARD_TRANSITIVE"}, []string{"cannot read what " + one + " wrote", "!what " + three}},
		{1, []string{two, "--against", three + "," + one, "--mode", "FORWARD_TRANSITIVE"}, []string{three + " cannot read what the new schema writes"}},
		{1, []string{three, "--against", one + "," + two, "--mode", "FULL_TRANSITIVE"}, []string{"what " + one + " wrote", "what " + two + " wrote"}},
		{2, []string{bad, "--against", one}, []string{bad + ":3:36", "/fields/0/type", "nothing"}},
		{2, []string{one, "--against", bad}, []string{bad, "/fields/0/type"}},
		{2, []string{filepath.Join(dir, "none"), "--against", one}, []string{"no such file"}},
		{2, []string{one, "--against", filepath.Join(dir, "none")}, []string{"no such file"}},
		{80, []string{one}, []string{"--against FILE or --subject SUBJECT"}},
		{80, []string{one, "--against", one, "--subject", "s"}, nil},
		{80, []string{one, "--against", one, "--mode", "SIDEWAYS"}, []string{"BACKWARD_TRANSITIVE"}},
	} {
		expect(t, c.code, append([]string{"check"}, c.args...), c.want...)
	}
}

func TestCheckAgainstASubject(t *testing.T) {
	url := registryURL(t)
	dir := t.TempDir()
	two, three := write(t, dir, "2.avsc", itemV2), write(t, dir, "3.avsc", itemV3)
	registerAll(t, url, "item-value", itemV1, itemV2)
	at := []string{"--registry", url, "--subject", "item-value"}

	expect(t, 0, append([]string{"check", two}, at...), "compatible with item-value (BACKWARD)")
	expect(t, 1, append([]string{"check", three}, at...), "NOT compatible with item-value (BACKWARD)", "version 2 (id 2) wrote:\n  /fields/2:", "!version 1")
	expect(t, 1, append([]string{"check", three, "--mode", "FULL_TRANSITIVE"}, at...), "version 1 (id 1) wrote", "version 2 (id 2) wrote")
	put(t, url+"/config/item-value", `{"compatibility":"FORWARD"}`)
	expect(t, 0, append([]string{"check", three}, at...), "(FORWARD)")
	expect(t, 0, []string{"check", three, "--registry", url, "--subject", "other"}, "other has no schema yet")
	expect(t, 0, []string{"check", three, "--registry", url, "--subject", "other", "--mode", "FULL_TRANSITIVE"}, "other has no schema yet")
	t.Setenv("SCHEMA_REGISTRY_URL", url)
	expect(t, 0, []string{"check", three, "--subject", "item-value"})
}

// A registry that does not answer is not a verdict, nor is one that answers nonsense.
func TestWhatCannotBeTold(t *testing.T) {
	url := registryURL(t)
	one := write(t, t.TempDir(), "1.avsc", itemV1)
	nonsense := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) }))
	defer nonsense.Close()
	for _, c := range []string{"check", "register"} {
		expect(t, 2, []string{c, one, "--registry", "http://127.0.0.1:1", "--subject", "s"}, "refused")
		expect(t, 2, []string{c, one, "--registry", nonsense.URL, "--subject", "s"}, "JSON")
		expect(t, 2, []string{c, one, "--subject", "s"}, "SCHEMA_REGISTRY_URL")
		expect(t, 2, []string{c, one, "--registry", url, "--subject", "s", "--reference", "a"}, "NAME=SUBJECT:VERSION")
		expect(t, 2, []string{c, one, "--registry", url, "--subject", "s", "--reference", "a=b:0"}, "neither a number")
		expect(t, 2, []string{c, one, "--registry", url, "--subject", "s", "--reference", "a=b:1"}, "no version 1")
		expect(t, 2, []string{c, one, "--registry", url, "--subject", "s", "--reference", "a=b:latest"}, "not found")
		expect(t, 2, []string{c, one, "--registry", url, "--subject", "s", "--basic-auth", "me"}, "USER:PASSWORD")
		expect(t, 2, []string{c, one, "--registry", url, "--subject", "s", "--ca", one}, "holds no certificate")
		expect(t, 2, []string{c, one, "--registry", url, "--subject", "s", "--cert", one}, "--key")
	}
}

// The registry has the last word: it may have rules that are not ours.
func TestTheRegistrysOwnReasons(t *testing.T) {
	old, err := json.Marshal(map[string]any{"subject": "s", "version": 1, "id": 7, "schema": itemV1})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/config"):
			_, _ = w.Write([]byte(`{"compatibilityLevel":"BACKWARD"}`))
		case strings.HasPrefix(r.URL.Path, "/compatibility"):
			_, _ = w.Write([]byte(`{"is_compatible":false,"messages":["not on a Friday"]}`))
		case strings.HasSuffix(r.URL.Path, "/versions"):
			_, _ = w.Write([]byte(`[1]`))
		case r.Method == http.MethodGet:
			_, _ = w.Write(old)
		default:
			t.Errorf("%s %s", r.Method, r.URL)
		}
	}))
	defer server.Close()
	two := write(t, t.TempDir(), "2.avsc", itemV2)
	for _, c := range []string{"check", "register"} {
		expect(t, 1, []string{c, two, "--registry", server.URL, "--subject", "s"}, "NOT compatible", "not on a Friday")
	}
	expect(t, 0, []string{"check", two, "--registry", server.URL, "--subject", "s", "--mode", "BACKWARD"}, "compatible")
}

func TestCredentialsReachTheRegistry(t *testing.T) {
	registryURL(t) // clears the environment
	var got string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Authorization")
		http.Error(w, `{"error_code":401,"message":"who are you?"}`, http.StatusUnauthorized)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // a client that does not trust it
	server.StartTLS()
	defer server.Close()
	dir := t.TempDir()
	one := write(t, dir, "1.avsc", itemV1)
	ca := write(t, dir, "ca.pem", pemOf(server.Certificate().Raw))
	args := []string{"check", one, "--registry", server.URL, "--subject", "s"}
	expect(t, 2, args, "certificate")
	args = append(args, "--ca", ca)
	expect(t, 2, append(args, "--basic-auth", "me:a:b"), "who are you?")
	if want := "Basic bWU6YTpi"; got != want {
		t.Errorf("basic: %q, want %q", got, want)
	}
	t.Setenv("SCHEMA_REGISTRY_BEARER_TOKEN", "abc")
	expect(t, 2, args, "who are you?")
	if want := "Bearer abc"; got != want {
		t.Errorf("bearer: %q, want %q", got, want)
	}
}
