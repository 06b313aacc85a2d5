package embedded

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/streamweir/streamweir/serde/avro/avsc"
)

// A checker stands before a registry that takes everything and refuses what a real
// one refuses: a text that is no Avro schema, and a schema that the compatibility
// level of its subject forbids. It asks the registry behind it for all it needs.
type checker struct {
	next http.Handler

	mu sync.Mutex // one at a time from the check to the registration
}

func (c *checker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.Split(strings.Trim(r.URL.EscapedPath(), "/"), "/")
	switch {
	case r.Method != http.MethodPost:
		c.next.ServeHTTP(w, r)
	case len(path) == 3 && path[0] == "subjects" && path[2] == "versions":
		c.register(w, r, path[1])
	case len(path) >= 4 && path[0] == "compatibility" && path[1] == "subjects" && path[3] == "versions":
		c.check(w, r, path[2], path[4:])
	default:
		c.next.ServeHTTP(w, r)
	}
}

// Bodies and answers of the registry's API. Subjects are path segments, escaped.
type (
	schemaText struct {
		Schema     string      `json:"schema"`
		SchemaType string      `json:"schemaType,omitempty"`
		References []reference `json:"references,omitempty"`
	}
	reference struct {
		Name    string `json:"name"`
		Subject string `json:"subject"`
		Version int    `json:"version"`
	}
	refusal struct {
		status  int
		Code    int    `json:"error_code"`
		Message string `json:"message"`
	}
)

func (e *refusal) Error() string { return e.Message }

func (c *checker) register(w http.ResponseWriter, r *http.Request, subject string) {
	body, ok := readBody(w, r)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if answer := c.ask(http.MethodPost, "/subjects/"+subject, body); answer.Code != http.StatusOK { // it is new
		reasons, err := c.compare(subject, body, "")
		switch {
		case err != nil:
			err.answer(w)
			return
		case len(reasons) > 0:
			name, _ := url.PathUnescape(subject)
			(&refusal{http.StatusConflict, http.StatusConflict, fmt.Sprintf(
				"Schema being registered is incompatible with an earlier schema for subject %q, details: [%s]", name, strings.Join(reasons, ", "))}).answer(w)
			return
		}
	}
	c.next.ServeHTTP(w, r)
}

func (c *checker) check(w http.ResponseWriter, r *http.Request, subject string, version []string) {
	body, ok := readBody(w, r)
	if !ok {
		return
	}
	reasons, err := c.compare(subject, body, strings.Join(version, "/"))
	if err != nil {
		err.answer(w)
		return
	}
	answer := struct {
		Compatible bool     `json:"is_compatible"`
		Messages   []string `json:"messages,omitempty"`
	}{Compatible: len(reasons) == 0}
	if r.URL.Query().Get("verbose") == "true" {
		answer.Messages = reasons
	}
	writeJSON(w, http.StatusOK, answer)
}

// readBody leaves the body in the request.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 16<<20))
	if err != nil {
		(&refusal{http.StatusBadRequest, http.StatusBadRequest, err.Error()}).answer(w)
		return nil, false
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, true
}

// compare returns what the level of a subject has against a schema, compared with one
// version, or with those that the level names if version is "".
func (c *checker) compare(subject string, body []byte, version string) ([]string, *refusal) {
	var text schemaText
	if err := json.Unmarshal(body, &text); err != nil || text.SchemaType != "" && text.SchemaType != "AVRO" {
		return nil, nil // the registry's own answer tells
	}
	schema, err := c.parse(text, avsc.Parse, 0)
	if err != nil {
		return nil, &refusal{http.StatusUnprocessableEntity, 42201, "Invalid schema: " + err.Error()}
	}
	mode, refused := c.mode(subject)
	if refused != nil || mode == avsc.NoCheck {
		return nil, refused
	}
	versions, refused := c.versions(subject, version)
	if refused != nil {
		return nil, refused
	}
	earlier := make([]*avsc.Schema, len(versions))
	for i, v := range versions {
		var old schemaText
		if err := c.get(fmt.Sprintf("/subjects/%s/versions/%s", subject, v), &old); err != nil {
			return nil, err
		}
		if earlier[i], err = c.parse(old, avsc.ParseStored, 0); err != nil {
			return nil, &refusal{http.StatusUnprocessableEntity, 42201, fmt.Sprintf("Invalid schema: version %s: %v", v, err)}
		}
	}
	var reasons []string
	for _, f := range mode.Check(schema, earlier).Findings {
		who := "version " + versions[f.Version] + " read with the new schema"
		if f.Forward {
			who = "the new schema read with version " + versions[f.Version]
		}
		for _, conflict := range f.Conflicts {
			reasons = append(reasons, fmt.Sprintf("%s at %s: %s (%s; %s)", conflict.Type, conflict.Location, conflict.Message, who, mode))
		}
	}
	return reasons, nil
}

func (c *checker) mode(subject string) (avsc.Mode, *refusal) {
	var level struct {
		Compatibility string `json:"compatibilityLevel"`
	}
	if err := c.get("/config/"+subject+"?defaultToGlobal=true", &level); err != nil {
		return 0, err
	}
	mode, err := avsc.ParseMode(level.Compatibility)
	if err != nil {
		return 0, &refusal{http.StatusInternalServerError, 50001, err.Error()}
	}
	return mode, nil
}

// versions are those of a subject to compare with, oldest first.
func (c *checker) versions(subject, version string) ([]string, *refusal) {
	if version != "" {
		return []string{version}, nil
	}
	answer := c.ask(http.MethodGet, "/subjects/"+subject+"/versions", nil)
	if answer.Code == http.StatusNotFound {
		return nil, nil // the first schema is compatible with all before
	}
	var numbers []int
	if err := decodeAnswer(answer, &numbers); err != nil {
		return nil, err
	}
	list := make([]string, len(numbers))
	for i, n := range numbers {
		list[i] = strconv.Itoa(n)
	}
	return list, nil
}

// parse parses a schema after those it refers to.
func (c *checker) parse(text schemaText, parse func(string, ...*avsc.Schema) (*avsc.Schema, error), depth int) (*avsc.Schema, error) {
	if depth > 100 {
		return nil, errors.New("references are nested more than 100 deep")
	}
	var known []*avsc.Schema
	for _, ref := range text.References {
		var other schemaText
		if err := c.get(fmt.Sprintf("/subjects/%s/versions/%d", url.PathEscape(ref.Subject), ref.Version), &other); err != nil {
			return nil, fmt.Errorf("reference %s: %w", ref.Name, err)
		}
		s, err := c.parse(other, avsc.ParseStored, depth+1)
		if err != nil {
			return nil, fmt.Errorf("reference %s: %w", ref.Name, err)
		}
		known = append(known, s)
	}
	return parse(text.Schema, known...)
}

func (c *checker) get(uri string, v any) *refusal {
	return decodeAnswer(c.ask(http.MethodGet, uri, nil), v)
}

func (c *checker) ask(method, uri string, body []byte) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	r, err := http.NewRequest(method, uri, bytes.NewReader(body))
	if err != nil {
		(&refusal{http.StatusBadRequest, http.StatusBadRequest, err.Error()}).answer(answer)
		return answer
	}
	c.next.ServeHTTP(answer, r)
	return answer
}

func decodeAnswer(answer *httptest.ResponseRecorder, v any) *refusal {
	if answer.Code != http.StatusOK {
		e := &refusal{status: answer.Code}
		_ = json.Unmarshal(answer.Body.Bytes(), e)
		return e
	}
	if err := json.Unmarshal(answer.Body.Bytes(), v); err != nil {
		return &refusal{http.StatusInternalServerError, 50001, err.Error()}
	}
	return nil
}

func (e *refusal) answer(w http.ResponseWriter) { writeJSON(w, e.status, e) }

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client has gone
}
