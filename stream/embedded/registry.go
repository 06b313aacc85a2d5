package embedded

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/sr/srfake"
)

// A registry is the schema registry's HTTP server. It can be stopped and
// started at one address; what it knows stays.
type registry struct {
	addr    string
	handler http.Handler
	journal *journal // nil in memory

	mu     sync.Mutex
	server *http.Server // nil while stopped
	done   chan struct{}
	closed bool
	status int // answer of the next failures requests
	fails  int
}

// startRegistry serves at addr, or at a free port of 127.0.0.1. journal is the
// file that keeps the schemas; "" keeps them in memory.
func startRegistry(addr, journal string) (*registry, error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	r := &registry{handler: srfake.NewRegistry().Handler()}
	if journal != "" {
		var err error
		if r.journal, err = openJournal(journal, r.handler); err != nil {
			return nil, fmt.Errorf("start registry: %w", err)
		}
		r.handler = r.journal
	}
	// Before the journal: what it holds was accepted once and is not judged again.
	r.handler = &checker{next: r.handler}
	r.addr = addr
	if err := r.start(); err != nil {
		return nil, fmt.Errorf("start registry: %w", errors.Join(err, r.close()))
	}
	return r, nil
}

func (r *registry) start() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return http.ErrServerClosed
	}
	if r.server != nil {
		return nil
	}
	l, err := net.Listen("tcp", r.addr)
	if err != nil {
		return err
	}
	r.addr = l.Addr().String()
	r.server = &http.Server{Handler: http.HandlerFunc(r.serve), ReadHeaderTimeout: 10 * time.Second}
	r.done = make(chan struct{})
	// stop waits for done.
	go func(s *http.Server, done chan<- struct{}) {
		defer close(done)
		_ = s.Serve(l)
	}(r.server, r.done)
	return nil
}

func (r *registry) serve(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	status := 0
	if r.fails > 0 {
		r.fails--
		status = r.status
	}
	r.mu.Unlock()
	if status != 0 {
		http.Error(w, `{"error_code":50001,"message":"failed on demand"}`, status)
		return
	}
	r.handler.ServeHTTP(w, req)
}

func (r *registry) fail(status, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status, r.fails = status, n
}

func (r *registry) stop() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.server == nil {
		return nil
	}
	err := r.server.Close()
	<-r.done
	r.server = nil
	return err
}

func (r *registry) close() error {
	err := r.stop()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return err
	}
	r.closed = true
	if r.journal != nil {
		err = errors.Join(err, r.journal.close())
	}
	return err
}
