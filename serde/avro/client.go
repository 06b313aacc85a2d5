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

const (
	// maxAnswer bounds what is read of a registry's answer.
	maxAnswer = 16 << 20
	// maxConnections bounds the requests that one URL is sent at a time.
	maxConnections = 64
)

// client is a question to one URL. srclient's own client lives for one question
// only: its caches keep "latest" for ever, and what it does not know (normalize,
// verbose, messages, a status) is added by the transport, which is the question.
type client struct {
	*srclient.SchemaRegistryClient
	*question
}

// question stands between srclient and the network. srclient reports a bad status
// as text and an answer of "null" by a panic; here both become errors whose cause
// can be told.
type question struct {
	registry *Registry
	host     string // that may see the credentials
	query    string // added to the requests
	answer   []byte // the last one's body
}

func (r *Registry) client(base, query string) client {
	q := &question{registry: r, query: query}
	if u, err := url.Parse(base); err == nil {
		q.host = u.Host
	}
	// The codec must not be made by srclient: schemas that goavro does not take
	// would make the lookup itself fail. Neither are the credentials given to it: it
	// takes no empty password, and a subject with "confluent.cloud" in its name
	// turns its bearer token into basic authentication.
	return client{srclient.NewSchemaRegistryClient(base, srclient.WithClient(&http.Client{Transport: q, Timeout: r.config.timeout()})), q}
}

func (q *question) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	// srclient cannot leave the version out where the registry lets it be.
	req.URL.Path, req.URL.RawPath = strings.TrimSuffix(req.URL.Path, "/"), strings.TrimSuffix(req.URL.RawPath, "/")
	if req.Method == http.MethodPost {
		req.URL.RawQuery = q.query
	}
	if err := q.authorize(req); err != nil {
		return nil, err
	}
	resp, err := q.registry.transport.RoundTrip(req)
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
	}
	if err := checkShape(req, body); err != nil {
		return nil, err
	}
	q.answer = body
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// authorize sends the credentials to the host that was configured, and to no other
// that it redirects to.
func (q *question) authorize(req *http.Request) error {
	c := &q.registry.config
	switch {
	case req.URL.Host != q.host:
		req.Header.Del("Authorization")
	case c.Token != nil:
		token, err := c.Token(req.Context())
		if err != nil {
			return fmt.Errorf("no token: %w", err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
	case c.BearerToken != "":
		req.Header.Set("Authorization", "Bearer "+c.BearerToken)
	case c.Username != "":
		req.SetBasicAuth(c.Username, c.Password)
	}
	return nil
}

// checkShape tells an answer that is a registry's from one of something else that
// listens there.
func checkShape(req *http.Request, body []byte) error {
	open, what := "{", "object"
	if req.Method == http.MethodGet && strings.HasSuffix(req.URL.Path, "/versions") {
		open, what = "[", "array"
	}
	if !bytes.HasPrefix(bytes.TrimSpace(body), []byte(open)) {
		return fmt.Errorf("the answer is not a JSON %s", what)
	}
	return nil
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

// hasStatus reports whether the registry answered with a status.
func hasStatus(err error, status int) bool {
	var s *statusError
	return errors.As(err, &s) && s.status == status
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

func newTransport(c Config) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxConnsPerHost, t.MaxIdleConnsPerHost = maxConnections, maxConnections
	if c.TLS != nil {
		t.TLSClientConfig = c.TLS.Clone()
	}
	return t
}

func splitURLs(urls string) []string {
	var list []string
	for u := range strings.SplitSeq(urls, ",") {
		if u = strings.TrimRight(strings.TrimSpace(u), "/"); u != "" {
			list = append(list, u)
		}
	}
	return list
}
