package avro

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamweir/streamweir/serde"
)

// guarded is a registry that answers only with what authorization it wants.
func guarded(t *testing.T, want string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if got := req.Header.Get("Authorization"); got != want {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, `{"error_code":401,"message":"%s"}`, got)
			return
		}
		fmt.Fprint(w, `{"id":3,"schema":"\"int\""}`)
	}))
	t.Cleanup(s.Close)
	return s
}

func TestCredentialsThatSrclientSpoils(t *testing.T) {
	for want, c := range map[string]Config{
		"Basic dTo=":   {Username: "u"},                                      // no password
		"Bearer token": {Username: "u", Password: "p", BearerToken: "token"}, // whatever the subject is called
	} {
		r := NewRegistry(guarded(t, want).URL, c)
		if _, err := r.Register("x.confluent.cloud-value", `"int"`); err != nil {
			t.Errorf("%s: %v", want, err)
		}
		r.Close()
	}
	r := NewRegistry(guarded(t, "Basic dTpw").URL, Config{})
	defer r.Close()
	if _, err := r.Register("topic-value", `"int"`); err == nil || errors.Is(err, serde.ErrRetriable) || !strings.Contains(err.Error(), "401") {
		t.Errorf("without credentials: %v", err)
	}
}

// A token is asked for with each request; while there is none, the question may be
// asked again.
func TestTokensThatExpire(t *testing.T) {
	n, failure, now := 0, errors.New("the authority is away"), time.Now()
	r := NewRegistry(guarded(t, "Bearer token").URL, Config{BearerToken: "old", Token: func(ctx context.Context) (string, error) {
		if _, ok := ctx.Deadline(); !ok {
			t.Error("a token may take for ever")
		}
		n++
		return "token", failure
	}})
	defer r.Close()
	r.now = func() time.Time { return now }
	if _, err := r.Register("topic-value", `"int"`); !errors.Is(err, failure) || !errors.Is(err, serde.ErrRetriable) {
		t.Errorf("without a token: %v", err)
	}
	before := n
	failure = nil
	now = now.Add(failureMemory)
	if id, err := r.Register("topic-value", `"int"`); err != nil || id != 3 || n < before+2 {
		t.Errorf("id %d, %v; %d tokens were asked for", id, err, n-before)
	}
}

func TestCredentialsStayWithTheirHost(t *testing.T) {
	var seen atomic.Value
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		seen.Store(req.Header.Get("Authorization"))
		fmt.Fprint(w, `{"schema":"\"int\""}`)
	}))
	defer other.Close()
	front := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer front.Close()
	r := NewRegistry(front.URL, Config{BearerToken: "secret"})
	defer r.Close()
	if _, err := r.lookup(1); err != nil || seen.Load() != "" {
		t.Errorf("%v; sent to another host: %q", err, seen.Load())
	}
}

// The registry wants a certificate of the client and has one of an authority that
// the system does not know.
func TestClientCertificateAndAuthority(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if len(req.TLS.PeerCertificates) != 1 {
			t.Error("no certificate of the client")
		}
		fmt.Fprint(w, `{"schema":"\"int\""}`)
	}))
	s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12}
	s.Config.ErrorLog = discard
	s.StartTLS()
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	good := &tls.Config{RootCAs: roots, Certificates: s.TLS.Certificates, MinVersion: tls.VersionTLS12}
	r := NewRegistry(s.URL, Config{TLS: good})
	defer r.Close()
	if _, err := r.lookup(1); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]*tls.Config{
		"no certificate": {RootCAs: roots, MinVersion: tls.VersionTLS12}, "unknown authority": {Certificates: s.TLS.Certificates, MinVersion: tls.VersionTLS12},
	} {
		r := NewRegistry(s.URL, Config{TLS: c})
		if _, err := r.lookup(1); !errors.Is(err, serde.ErrRetriable) {
			t.Errorf("%s: %v", name, err)
		}
		r.Close()
	}
}

// A URL that is slow, answers garbage or has trouble is passed over, and not asked
// first again.
func TestOtherURLIsAskedInstead(t *testing.T) {
	release := make(chan struct{})
	for name, handler := range map[string]http.HandlerFunc{
		"slow": func(_ http.ResponseWriter, req *http.Request) {
			select {
			case <-release:
			case <-req.Context().Done():
			}
		},
		"garbage":  func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>it works</html>") },
		"array":    func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "[1]") },
		"null":     func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "null") },
		"no id":    func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") },
		"too busy": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, `{"id":`)
		},
	} {
		var asked atomic.Int32
		bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			asked.Add(1)
			_, _ = io.Copy(io.Discard, req.Body) // or the end of the connection goes unnoticed
			handler(w, req)
		}))
		bad.Config.ErrorLog = discard
		good := guarded(t, "")
		r := NewRegistry(bad.URL+","+good.URL, Config{Timeout: 100 * time.Millisecond})
		if id, err := r.Register("topic-value", `"int"`); err != nil || id != 3 {
			t.Errorf("%s: %d, %v", name, id, err)
		}
		before := asked.Load()
		if before == 0 {
			t.Errorf("%s: was not asked", name)
		}
		if _, err := r.lookup(5); err != nil || asked.Load() != before {
			t.Errorf("%s: %v, asked %d times more", name, err, asked.Load()-before)
		}
		r.Close()
		bad.CloseClientConnections()
		bad.Close()
	}
	close(release)
}

// discard keeps what a server says about connections that a test breaks out of its output.
var discard = log.New(io.Discard, "", 0)
