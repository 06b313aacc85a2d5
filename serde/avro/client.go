package avro

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/riferrei/srclient"
)

// maxAnswer bounds what is read of a registry's answer.
const maxAnswer = 16 << 20

// transport stands between srclient and the network. srclient reports a bad
// status as text and an answer of "null" by a panic; here both become errors
// whose cause can be told.
type transport struct{ next *http.Transport }

// CloseIdleConnections is what http.Client looks for by this name.
func (t transport) CloseIdleConnections() { t.next.CloseIdleConnections() }

func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if isRedirect(resp) {
		return resp, nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	_ = resp.Body.Close()
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the answer: %w", err)
	case resp.StatusCode/100 != 2:
		return nil, newStatusError(req.Method, resp.StatusCode, body)
	case len(body) > maxAnswer:
		return nil, fmt.Errorf("the answer is larger than %d bytes", maxAnswer)
	case !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")):
		return nil, errors.New("the answer is not a JSON object")
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

func isRedirect(resp *http.Response) bool {
	return resp.StatusCode/100 == 3 && resp.Header.Get("Location") != ""
}

// statusError is an answer other than success.
type statusError struct {
	method  string
	status  int
	code    int // the registry's error_code, 0 if there is none
	message string
}

func newStatusError(method string, status int, body []byte) *statusError {
	e := &statusError{method: method, status: status}
	var answer struct {
		Code    int    `json:"error_code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &answer) == nil {
		e.code, e.message = answer.Code, answer.Message
	}
	return e
}

func (e *statusError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "status %d %s", e.status, http.StatusText(e.status))
	if e.code != 0 && e.code != e.status {
		fmt.Fprintf(&b, ", error code %d", e.code)
	}
	if e.message != "" {
		fmt.Fprintf(&b, ": %s", e.message)
	}
	return b.String()
}

// definite reports whether asking again would give the same answer: the
// registry understood the request and refused it, or the request cannot even be
// made. Everything else (no connection, no answer in time, a server in trouble,
// an answer that is no registry's) says nothing about the schema.
func definite(op string, err error) bool {
	var s *statusError
	if errors.As(err, &s) {
		switch {
		case s.status >= 500, s.status == http.StatusTooManyRequests, s.status == http.StatusRequestTimeout:
			return false
		case op == opRegister && s.status == http.StatusNotFound && s.method == http.MethodGet:
			// srclient reads back the schema it has just registered. A
			// follower of the registry may not have it yet.
			return false
		}
		return true
	}
	var u *url.Error
	return errors.As(err, &u) && (u.Op == "parse" || strings.Contains(u.Err.Error(), "unsupported protocol scheme"))
}

func newClients(urls string, c Config) ([]*srclient.SchemaRegistryClient, *http.Client) {
	base := http.DefaultTransport.(*http.Transport).Clone()
	if c.TLS != nil {
		base.TLSClientConfig = c.TLS.Clone()
	}
	client := &http.Client{Transport: transport{base}, Timeout: c.timeout()}
	var list []*srclient.SchemaRegistryClient
	for u := range strings.SplitSeq(urls, ",") {
		u = strings.TrimRight(strings.TrimSpace(u), "/")
		if u == "" {
			continue
		}
		// The codec must not be made by srclient: schemas that goavro does not
		// take would make the lookup itself fail.
		s := srclient.NewSchemaRegistryClient(u, srclient.WithClient(client), srclient.WithSemaphoreWeight(maxRequests))
		s.SetCredentials(c.Username, c.Password)
		s.SetBearerToken(c.BearerToken)
		list = append(list, s)
	}
	return list, client
}
