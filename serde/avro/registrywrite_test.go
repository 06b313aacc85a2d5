package avro

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/serde"
)

const (
	centsSchema = `{"type":"record","name":"m.Cents","fields":[{"name":"n","type":"long"}]}`
	moneySchema = `{"type":"record","name":"m.Money","fields":[{"name":"cents","type":"m.Cents"}]}`
	billSchema  = `{"type":"record","name":"Bill","fields":[{"name":"price","type":"m.Money"},{"name":"tax","type":"m.Cents"}]}`
)

type (
	cents struct{ N int64 }
	money struct{ Cents cents }
	bill  struct {
		Price money
		Tax   cents
	}
)

func billReferences() Option {
	inCents := Reference{Name: "m.Cents", Subject: "cents", Schema: centsSchema}
	return References(inCents, Reference{Name: "m.Money", Subject: "money", Schema: moneySchema, References: []Reference{inCents}})
}

// A bill refers to money and cents, and money to cents.
func TestSchemasAreRegisteredAndReadWithReferences(t *testing.T) {
	r, f := fake(t)
	want := bill{Price: money{cents{100}}, Tax: cents{19}}
	data := encode(t, bind(t, For[bill](r, billSchema, billReferences())), want)
	got, ok := f.GetSchema("topic-value", 1)
	if !ok || got.Schema.Schema != billSchema || len(got.References) != 2 || !f.SubjectExists("money") || !f.SubjectExists("cents") {
		t.Fatalf("registered: %+v", got)
	}
	other := NewRegistry(f.URL(), Config{})
	defer other.Close()
	n := requests(f)
	c := bind(t, For[bill](other, billSchema, billReferences()))
	for range 3 {
		if d := cmp.Diff(want, decode(t, c, data)); d != "" {
			t.Error(d)
		}
	}
	if n.Load() != 3 { // the bill, money, cents
		t.Errorf("%d requests to read three schemas", n.Load())
	}
	if s, err := other.Schema(int32(data[4])); err != nil || s.Fields[1].Type.Name != "m.Cents" {
		t.Errorf("%v, %v", s, err)
	}
	if _, err := bind(t, Record(r, billSchema, billReferences())).Decode(data); err != nil {
		t.Error(err)
	}
	if text, err := FromJSON(r, "topic-value", billSchema, []byte(`{"price":{"cents":{"n":100}},"tax":{"n":19}}`), billReferences()); err != nil || string(text) != string(data) {
		t.Errorf("%x, %v, want %x", text, err, data)
	}
}

func TestReferenceWithAVersionIsNotRegistered(t *testing.T) {
	r, f := fake(t)
	if _, err := r.Register("cents", centsSchema); err != nil {
		t.Fatal(err)
	}
	ref := Reference{Name: "m.Cents", Subject: "cents", Version: 1, Schema: centsSchema}
	if _, err := r.Register("money", moneySchema, References(ref)); err != nil {
		t.Fatal(err)
	}
	ref.Version = 7
	if _, err := r.Register("other", moneySchema, References(ref)); err == nil || errors.Is(err, serde.ErrRetriable) || f.SubjectExists("other") {
		t.Errorf("a version that is not there: %v", err)
	}
}

func TestMistakesInReferences(t *testing.T) {
	r, _ := fake(t)
	for want, ref := range map[string]Reference{
		"its schema is":     {Name: "m.Other", Subject: "cents", Schema: centsSchema},
		`(subject "cents")`: {Name: "m.Cents", Subject: "cents", Schema: "nonsense"},
		"m.Money":           {Name: "m.Cents", Subject: "cents", Schema: centsSchema},
	} {
		if _, err := For[bill](r, billSchema, References(ref)).Bind("t", serde.Value); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// scripted is a registry whose answers are by method and URL; what is not in the
// script is not found. It writes down what it is asked.
type scripted struct {
	*httptest.Server
	mu     sync.Mutex
	answer map[string]string // "METHOD URL" -> body, or "status body"
	asked  []string
}

func script(t *testing.T, answers map[string]string) (*Registry, *scripted) {
	t.Helper()
	s := &scripted{answer: answers}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		q := req.Method + " " + req.URL.String()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked = append(s.asked, q)
		body, ok := s.answer[q]
		status := http.StatusOK
		switch {
		case !ok:
			status, body = http.StatusNotFound, `{"error_code":40401,"message":"not in the script"}`
		case body[0] != '{' && body[0] != '[':
			_, _ = fmt.Sscan(body[:3], &status)
			body = body[3:]
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	r := NewRegistry(s.URL, Config{})
	t.Cleanup(r.Close)
	return r, s
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestNormalisationIsAskedFor(t *testing.T) {
	r, s := script(t, map[string]string{
		"POST /subjects/topic-value/versions?normalize=true": `{"id":7}`,
		"GET /schemas/ids/7": `{"schema":"\"int\""}`,
	})
	c := bind(t, For[int32](r, `{"type": "int"}`, NormalizeSchemas()))
	if data := encode(t, c, 1); data[4] != 7 {
		t.Errorf("% x", data)
	}
	want := []string{"POST /subjects/topic-value/versions?normalize=true", "GET /schemas/ids/7"}
	if d := cmp.Diff(want, s.asked); d != "" {
		t.Error(d)
	}
	if _, err := r.Register("topic-value", `{"type": "int"}`); err == nil {
		t.Error("the id of the normalised schema is taken for another question")
	}
}

func TestCheckGivesTheRegistrysReasons(t *testing.T) {
	const check = "POST /compatibility/subjects/a/versions?verbose=true"
	for body, want := range map[string]struct {
		ok      bool
		reasons []string
	}{
		`{"is_compatible":true}`: {true, nil},
		`{"is_compatible":false,"messages":["{errorType:'TYPE_MISMATCH'}","{oldSchemaVersion: 1}"]}`: {false, []string{"{errorType:'TYPE_MISMATCH'}", "{oldSchemaVersion: 1}"}},
		`{"is_compatible":false,"reason":"INT not compatible with LONG"}`:                            {false, []string{"INT not compatible with LONG"}},
		`{"is_compatible":false}`: {false, nil},
		`404{"error_code":40401}`: {true, nil},
	} {
		r, _ := script(t, map[string]string{check: body})
		ok, reasons, err := r.Check("a", `"int"`)
		if err != nil || ok != want.ok || !cmp.Equal(reasons, want.reasons) {
			t.Errorf("%s: %v %v %v", body, ok, reasons, err)
		}
	}
	r, _ := script(t, map[string]string{check: `503{}`})
	if _, _, err := r.Check("a", `"int"`); !errors.Is(err, serde.ErrRetriable) {
		t.Error(err)
	}
	if _, _, err := r.Check("a", `"nonsense"`); err == nil || errors.Is(err, serde.ErrRetriable) {
		t.Error(err)
	}
}

// What a schema refers to is found as it was registered: normalised.
func TestCheckFindsReferencesAsTheyAreRegistered(t *testing.T) {
	r, s := script(t, map[string]string{
		"POST /subjects/cents?normalize=true":                                     `{"subject":"cents","version":3,"id":7,"schema":"{}"}`,
		"POST /compatibility/subjects/money/versions?normalize=true&verbose=true": `{"is_compatible":true}`,
	})
	ref := Reference{Name: "m.Cents", Subject: "cents", Schema: centsSchema}
	if ok, _, err := r.Check("money", moneySchema, References(ref), NormalizeSchemas()); !ok || err != nil {
		t.Errorf("%v, %v; asked %q", ok, err, s.asked)
	}
}

func TestLevelOfASubject(t *testing.T) {
	for want, answers := range map[string]map[string]string{
		"FULL":     {"GET /config/a?defaultToGlobal=true": `{"compatibilityLevel":"FULL"}`},
		"BACKWARD": {"GET /config": `{"compatibilityLevel":"BACKWARD"}`},
	} {
		r, _ := script(t, answers)
		if got, err := r.Compatibility("a"); got != want || err != nil {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
	r, _ := script(t, map[string]string{"GET /config/a?defaultToGlobal=true": `{}`})
	if _, err := r.Compatibility("a"); !errors.Is(err, serde.ErrRetriable) {
		t.Error(err)
	}
}

func TestVersionsOfASubject(t *testing.T) {
	r, s := script(t, map[string]string{
		"GET /subjects/a/versions":        `[1,3]`,
		"GET /subjects/a/versions/1":      `{"id":4,"version":1,"schema":"\"int\""}`,
		"GET /subjects/a/versions/3":      `{"id":9,"version":3,"schema":"\"long\""}`,
		"GET /subjects/a/versions/latest": `{"id":9,"version":3,"schema":"\"long\""}`,
	})
	for range 2 {
		list, err := r.Versions("a")
		if err != nil || len(list) != 2 || list[1].ID != 9 || list[1].Version != 3 || list[0].Schema.Label() != "int" {
			t.Errorf("%v, %v", list, err)
		}
		if v, err := r.Latest("a"); err != nil || v.ID != 9 || v.Schema.Label() != "long" {
			t.Errorf("%v, %v", v, err)
		}
	}
	if len(s.asked) != 5 { // the list is asked for twice
		t.Errorf("asked %v", s.asked)
	}
	if list, err := r.Versions("b"); err != nil || len(list) != 0 {
		t.Errorf("a subject without schemas: %v, %v", list, err)
	}
	if _, err := r.Latest("b"); err == nil || errors.Is(err, serde.ErrRetriable) {
		t.Error(err)
	}
}
