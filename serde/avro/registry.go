package avro

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/streamweir/streamweir/serde"
)

// Config says how to talk to a schema registry. The zero value is a registry
// without authentication and a timeout of five seconds.
type Config struct {
	// Username and Password are sent as basic authentication if there is a
	// Username, BearerToken as a bearer token; it wins over them. They are sent to
	// the configured hosts only, not to where these redirect to.
	Username, Password string
	BearerToken        string
	// Token returns the bearer token of each request, for tokens that expire; it wins
	// over the others. It should keep a token for as long as that is good, must be safe
	// for concurrent use, and its ctx ends with the request. After an error the question
	// is asked again, like after one of the network.
	Token func(ctx context.Context) (string, error)
	// TLS is used for https URLs: RootCAs are the authorities to trust, Certificates
	// the client's own. nil is Go's default.
	TLS *tls.Config
	// Timeout bounds each request, from the connection to the end of the
	// answer. 0 is 5 s.
	Timeout time.Duration
	// LookupOnly makes a serde that writes ask for the id of its schema instead
	// of registering it, as auto.register.schemas=false. A schema that is not
	// registered under its subject is then an error.
	LookupOnly bool
	// Observe, if set, is called after each question to a URL, by the goroutine that
	// waited for it: op is "lookup" (schema of an id), "register" (id of a schema),
	// "subject" (what is registered under a subject) or "check" (whether a schema is
	// compatible). It must be safe for concurrent use.
	Observe func(op string, d time.Duration, err error)
}

const (
	opLookup   = "lookup"
	opRegister = "register"
	opSubject  = "subject"
	opCheck    = "check"

	defaultTimeout = 5 * time.Second
	// After a failure that may pass, other questions fail with it at once for
	// this long: tasks wait with backoff, and must not each wait for a timeout.
	failureMemory = 500 * time.Millisecond
	// What the registry refuses, such as an id that it does not know, it is not asked
	// for again for this long. A writer registers before it writes, so an id is not
	// about to appear; and records that are skipped must not each ask.
	refusalMemory = 10 * time.Second
	// Garbage may name any id: so many refusals are remembered.
	maxRefusals = 1024
)

func (c Config) timeout() time.Duration {
	if c.Timeout <= 0 {
		return defaultTimeout
	}
	return c.Timeout
}

// Registry is a client of a Confluent-compatible schema registry. It asks for
// each id, for each schema of a subject and for a subject's latest schema once, and
// keeps the answer for ever; several goroutines that need the same answer share one
// request, and known answers never wait for others.
//
// A failure that may pass (no connection, no answer in time, status 408, 429
// and 5xx) wraps [serde.ErrRetriable]. Each call makes one attempt, at each of
// the URLs; waiting and asking again is the task's business. An id that is
// unknown, and any other refusal, is final, and is given again without asking for
// ten seconds.
//
// It is safe for concurrent use. Serdes of one application should share one.
type Registry struct {
	urls      []string
	transport *http.Transport
	config    Config
	best      atomic.Int32 // index of the URL that answered last
	flight    singleflight.Group
	answers   sync.Map // key -> what answer returned
	now       func() time.Time

	mu       sync.Mutex
	failure  error // the last request's, if it may pass
	failedAt time.Time
	refusals map[any]refusal // by key
}

type refusal struct {
	err   error
	until time.Time
}

// NewRegistry returns a client of the registry at the URL, or at several URLs
// of one registry, separated by commas, of which the next is asked when one
// does not answer. It does not connect: the registry need not be up yet, and a
// URL that is wrong shows in the first record's error.
func NewRegistry(urls string, c Config) *Registry {
	return &Registry{urls: splitURLs(urls), transport: newTransport(c), config: c, now: time.Now, refusals: map[any]refusal{}}
}

// Close closes idle connections. The registry stays usable.
func (r *Registry) Close() { r.transport.CloseIdleConnections() }

// answer returns the answer to the question of a key, which is put once.
func answer[V any](r *Registry, key any, put func() (V, error)) (V, error) {
	if v, ok := r.answers.Load(key); ok {
		return v.(V), nil
	}
	if err := r.refused(key); err != nil {
		var none V
		return none, err
	}
	v, err, _ := r.flight.Do(fmt.Sprintf("%#v", key), func() (any, error) {
		// The request before may have ended between the look and the flight.
		if v, ok := r.answers.Load(key); ok {
			return v, nil
		}
		v, err := put()
		switch {
		case err == nil:
			r.answers.Store(key, v)
		case !errors.Is(err, serde.ErrRetriable):
			r.refuse(key, err)
		}
		return v, err
	})
	return v.(V), err
}

// ask puts a question to the registry: to each URL, beginning with the one that
// answered last, until one gives an answer that is final.
func (r *Registry) ask(op, query string, put func(client) error) error {
	if err := r.recentFailure(); err != nil {
		return err
	}
	if len(r.urls) == 0 {
		return errors.New("no schema registry URL is configured")
	}
	var err error
	first := int(r.best.Load())
	for i := range r.urls {
		k := (first + i) % len(r.urls)
		start := r.now()
		err = put(r.client(r.urls[k], query))
		if r.config.Observe != nil {
			r.config.Observe(op, r.now().Sub(start), err)
		}
		var unusable *schemaError
		if err == nil || errors.As(err, &unusable) || definite(op, err) {
			r.best.Store(int32(k))
			r.fail(nil)
			return err
		}
	}
	err = fmt.Errorf("schema registry: %w: %w", serde.ErrRetriable, err)
	r.fail(err)
	return err
}

func (r *Registry) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failure, r.failedAt = err, r.now()
}

func (r *Registry) recentFailure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failure != nil && r.now().Sub(r.failedAt) < failureMemory {
		return r.failure
	}
	return nil
}

func (r *Registry) refuse(key any, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.refusals) >= maxRefusals {
		clear(r.refusals)
	}
	r.refusals[key] = refusal{err, r.now().Add(refusalMemory)}
}

func (r *Registry) refused(key any) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f, ok := r.refusals[key]; ok && r.now().Before(f.until) {
		return f.err
	}
	return nil
}
