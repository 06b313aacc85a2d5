package embedded

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
)

// A journal makes a registry durable: it writes every request that changed
// something to a file, one a line, before the answer is given, and asks them
// again when it is opened. Ids are given in order, so they come out the same.
type journal struct {
	next http.Handler

	mu      sync.Mutex
	file    *os.File
	pending []byte // what a failed write left unwritten
	size    int64  // of the file up to the last whole line
}

type entry struct {
	Method string          `json:"method"`
	URL    string          `json:"url"`
	Body   json.RawMessage `json:"body,omitempty"`
}

func openJournal(path string, next http.Handler) (*journal, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	j := &journal{next: next, file: file}
	if err := j.replay(); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("schemas in %s: %w", path, err)
	}
	return j, nil
}

// replay drops a last line without an end: its request was never answered.
func (j *journal) replay() error {
	data, err := io.ReadAll(j.file)
	if err != nil {
		return err
	}
	j.size = int64(bytes.LastIndexByte(data, '\n') + 1)
	if err := j.file.Truncate(j.size); err != nil {
		return err
	}
	number := 0
	for line := range bytes.Lines(data[:j.size]) {
		number++
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		answer, err := j.ask(e.Method, e.URL, e.Body)
		if err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		if answer.Code >= http.StatusBadRequest {
			return fmt.Errorf("line %d: %s %s was refused: %s", number, e.Method, e.URL, answer.Body)
		}
	}
	return nil
}

func (j *journal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead || isQuestion(r) {
		j.next.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	answer, err := j.change(r.Method, r.URL, body)
	if err != nil {
		refuse(w, http.StatusInternalServerError, err)
		return
	}
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

func refuse(w http.ResponseWriter, status int, err error) {
	http.Error(w, fmt.Sprintf(`{"error_code":50001,"message":%q}`, err.Error()), status)
}

// change carries a request out and makes it durable.
func (j *journal) change(method string, at *url.URL, body []byte) (*httptest.ResponseRecorder, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	known := method == http.MethodPost && j.registered(at.EscapedPath(), body)
	answer, err := j.ask(method, at.RequestURI(), body)
	if err != nil {
		return nil, err
	}
	if !known && answer.Code < http.StatusBadRequest {
		if err := j.add(entry{Method: method, URL: at.RequestURI(), Body: body}); err != nil {
			return nil, err
		}
	}
	return answer, j.flush()
}

// isQuestion reports whether a POST changes nothing.
func isQuestion(r *http.Request) bool {
	return r.Method == http.MethodPost && !strings.HasSuffix(r.URL.Path, "/versions") ||
		strings.HasPrefix(r.URL.Path, "/compatibility/")
}

// registered reports whether a subject has a schema already: every start of an
// application registers its schemas again, and the file must not grow by it.
func (j *journal) registered(versions string, body []byte) bool {
	answer, err := j.ask(http.MethodPost, strings.TrimSuffix(versions, "/versions"), body)
	return err == nil && answer.Code == http.StatusOK
}

func (j *journal) ask(method, uri string, body []byte) (*httptest.ResponseRecorder, error) {
	r, err := http.NewRequest(method, uri, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	answer := httptest.NewRecorder()
	j.next.ServeHTTP(answer, r)
	return answer, nil
}

func (j *journal) add(e entry) error {
	if !json.Valid(e.Body) { // a DELETE needs none and may carry anything
		e.Body = nil
	}
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	j.pending = append(append(j.pending, line...), '\n')
	return nil
}

// flush writes what is pending, after the last whole line, and makes it
// durable.
func (j *journal) flush() error {
	if len(j.pending) == 0 {
		return nil
	}
	if _, err := j.file.WriteAt(j.pending, j.size); err != nil {
		return err
	}
	if err := j.file.Sync(); err != nil {
		return err
	}
	j.size += int64(len(j.pending))
	j.pending = j.pending[:0]
	return nil
}

func (j *journal) close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.file.Close()
}
