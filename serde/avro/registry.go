package avro

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riferrei/srclient"
	"golang.org/x/sync/singleflight"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/serde/avro/avsc"
)

// Config says how to talk to a schema registry. The zero value is a registry
// without authentication and a timeout of five seconds.
type Config struct {
	// Username and Password are sent as basic authentication if both are set,
	// BearerToken as a bearer token; it wins over them.
	Username, Password string
	BearerToken        string
	// TLS is used for https URLs; nil is Go's default.
	TLS *tls.Config
	// Timeout bounds each request, from the connection to the end of the
	// answer. 0 is 5 s.
	Timeout time.Duration
	// LookupOnly makes a serde that writes ask for the id of its schema instead
	// of registering it, as auto.register.schemas=false. A schema that is not
	// registered under its subject is then an error.
	LookupOnly bool
	// Observe, if set, is called after each request sent, by the goroutine that
	// waited for it: op is "lookup" (schema of an id) or "register" (id of a
	// schema). It must be safe for concurrent use.
	Observe func(op string, d time.Duration, err error)
}

const (
	opLookup   = "lookup"
	opRegister = "register"

	defaultTimeout = 5 * time.Second
	// maxRequests is how many requests one URL is sent at a time.
	maxRequests = 64
	// After a failure that may pass, other questions fail with it at once for
	// this long: tasks wait with backoff, and must not each wait for a timeout.
	failureMemory = 500 * time.Millisecond
	// An id that the registry does not know is not asked for again for this
	// long. A writer registers before it writes, so it is not about to appear.
	unknownMemory = 10 * time.Second
	// Garbage may name any id: so many of them are remembered.
	maxUnknown = 1024
	// maxReferences bounds references between schemas, which may be a cycle.
	maxReferences = 100
)

func (c Config) timeout() time.Duration {
	if c.Timeout <= 0 {
		return defaultTimeout
	}
	return c.Timeout
}

// Registry is a client of a Confluent-compatible schema registry. It asks for
// each id and for each schema of a subject once and keeps the answer for ever;
// several goroutines that need the same answer share one request, and known
// answers never wait for others.
//
// A failure that may pass (no connection, no answer in time, status 408, 429
// and 5xx) wraps [serde.ErrRetriable]. Each call makes one attempt, at each of
// the URLs; waiting and asking again is the task's business. An id that is
// unknown, and any other refusal, is final.
//
// It is safe for concurrent use. Serdes of one application should share one.
type Registry struct {
	clients []*srclient.SchemaRegistryClient
	http    *http.Client
	config  Config
	best    atomic.Int32 // index of the client that answered last
	flight  singleflight.Group
	schemas sync.Map // int32 id -> writerSchema
	ids     sync.Map // subjectSchema -> int32 id
	now     func() time.Time

	mu       sync.Mutex
	failure  error // the last request's, if it may pass
	failedAt time.Time
	unknown  map[int32]unknownID
}

type unknownID struct {
	err   error
	until time.Time
}

type subjectSchema struct{ subject, text string }

// writerSchema is the schema by which data was written.
type writerSchema struct {
	id     int32
	schema *avsc.Schema
}

// NewRegistry returns a client of the registry at the URL, or at several URLs
// of one registry, separated by commas, of which the next is asked when one
// does not answer. It does not connect: the registry need not be up yet, and a
// URL that is wrong shows in the first record's error.
func NewRegistry(urls string, c Config) *Registry {
	r := &Registry{config: c, now: time.Now, unknown: map[int32]unknownID{}}
	r.clients, r.http = newClients(urls, c)
	return r
}

// Close closes idle connections. The registry stays usable.
func (r *Registry) Close() { r.http.CloseIdleConnections() }

// lookup returns the schema of an id.
func (r *Registry) lookup(id int32) (writerSchema, error) {
	if w, ok := r.schemas.Load(id); ok {
		return w.(writerSchema), nil
	}
	if id < 0 {
		return writerSchema{}, fmt.Errorf("avro: schema id %d is not in the registry: ids are not negative", id)
	}
	if err := r.remembered(id); err != nil {
		return writerSchema{}, err
	}
	v, err, _ := r.flight.Do(strconv.Itoa(int(id)), func() (any, error) {
		// The request before may have ended between the look and the flight.
		if w, ok := r.schemas.Load(id); ok {
			return w, nil
		}
		w, err := r.fetch(id)
		if err != nil {
			return writerSchema{}, err
		}
		r.schemas.Store(id, w)
		return w, nil
	})
	return v.(writerSchema), err
}

func (r *Registry) fetch(id int32) (writerSchema, error) {
	w := writerSchema{id: id}
	err := r.ask(opLookup, func(c *srclient.SchemaRegistryClient) error {
		s, err := c.GetSchema(int(id))
		if err != nil {
			return err
		}
		if s.Schema() == "" {
			return errors.New("the answer holds no schema")
		}
		w.schema, err = parseReferring(c, s, new(int))
		return err
	})
	var status *statusError
	var unusable *schemaError
	switch {
	case err == nil:
		return w, nil
	case errors.Is(err, serde.ErrRetriable):
		return w, fmt.Errorf("avro: schema id %d: %w", id, err)
	case errors.As(err, &status) && status.status == http.StatusNotFound:
		err = fmt.Errorf("avro: schema id %d is not in the registry: %w", id, err)
	case errors.As(err, &unusable):
		err = fmt.Errorf("avro: schema id %d cannot be used: %w", id, unusable)
	default:
		err = fmt.Errorf("avro: schema id %d: the registry refuses: %w", id, err)
	}
	r.remember(id, err)
	return w, err
}

// schemaError is a schema that the registry has and this package cannot read.
type schemaError struct{ error }

func (e *schemaError) Unwrap() error { return e.error }

// parseReferring parses a registry's schema after those it refers to.
func parseReferring(c *srclient.SchemaRegistryClient, s *srclient.Schema, seen *int) (*avsc.Schema, error) {
	if t := s.SchemaType(); t != nil && *t != srclient.Avro && *t != "" {
		return nil, &schemaError{fmt.Errorf("it is a schema of type %s, not Avro", string(*t))}
	}
	var known []*avsc.Schema
	for _, ref := range s.References() {
		if *seen++; *seen > maxReferences {
			return nil, &schemaError{fmt.Errorf("it refers to more than %d schemas", maxReferences)}
		}
		other, err := c.GetSchemaByVersion(ref.Subject, ref.Version)
		if err != nil {
			return nil, err
		}
		parsed, err := parseReferring(c, other, seen)
		if err != nil {
			return nil, err
		}
		known = append(known, parsed)
	}
	parsed, err := avsc.ParseStored(s.Schema(), known...)
	if err != nil {
		return nil, &schemaError{err}
	}
	return parsed, nil
}

// register returns the id of a schema under a subject.
func (r *Registry) register(subject, text string) (int32, error) {
	key := subjectSchema{subject, text}
	if id, ok := r.ids.Load(key); ok {
		return id.(int32), nil
	}
	v, err, _ := r.flight.Do("subject "+subject+" "+text, func() (any, error) {
		if id, ok := r.ids.Load(key); ok {
			return id, nil
		}
		var id int32
		err := r.ask(opRegister, func(c *srclient.SchemaRegistryClient) error {
			send := c.CreateSchema
			if r.config.LookupOnly {
				send = c.LookupSchema
			}
			s, err := send(subject, text, srclient.Avro)
			if err == nil {
				id = int32(s.ID())
			}
			return err
		})
		if err != nil {
			return int32(0), fmt.Errorf("avro: cannot register the schema of subject %q: %w", subject, err)
		}
		r.ids.Store(key, id)
		return id, nil
	})
	return v.(int32), err
}

// ask puts a question to the registry: to each URL, beginning with the one that
// answered last, until one gives an answer that is final.
func (r *Registry) ask(op string, question func(*srclient.SchemaRegistryClient) error) error {
	if err := r.recentFailure(); err != nil {
		return err
	}
	err := errors.New("no schema registry URL is configured")
	first := int(r.best.Load())
	for i := range r.clients {
		k := (first + i) % len(r.clients)
		start := r.now()
		err = question(r.clients[k])
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
	if len(r.clients) == 0 {
		return err
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

func (r *Registry) remember(id int32, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.unknown) >= maxUnknown {
		clear(r.unknown)
	}
	r.unknown[id] = unknownID{err, r.now().Add(unknownMemory)}
}

func (r *Registry) remembered(id int32) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if u, ok := r.unknown[id]; ok && r.now().Before(u.until) {
		return u.err
	}
	return nil
}
