package monitor

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

// An Option is a setting of [Handler].
type Option func(*handler)

// StuckAfter sets for how long a worker may make no progress before /healthz
// answers 503; default 1 min. A rebalance may last ten times as long. Zero and
// less is the default.
func StuckAfter(d time.Duration) Option {
	return func(h *handler) {
		if d > 0 {
			h.liveness.limit = d
		}
	}
}

// Registry adds the requests to a schema registry to the metrics.
func Registry(r *RegistryRequests) Option {
	return func(h *handler) { h.requests = r }
}

const defaultStuckAfter = time.Minute

// Handler returns a handler for /healthz, /readyz, /metrics, /topology and
// /topology.svg of an App, which may not run yet. To serve it below a prefix, put
// it behind http.StripPrefix. Make one for each App; it is safe for concurrent
// use, and takes a snapshot of the App's status for each request.
func Handler(app *stream.App, opts ...Option) http.Handler {
	return newHandler(app.Status, app.Topology(), time.Now, opts)
}

type handler struct {
	status   func() stream.Status
	topology *topology.Topology
	now      func() time.Time
	liveness liveness
	requests *RegistryRequests
}

func newHandler(status func() stream.Status, topo *topology.Topology, now func() time.Time, opts []Option) http.Handler {
	h := &handler{status: status, topology: topo, now: now, liveness: liveness{limit: defaultStuckAfter}}
	for _, o := range opts {
		o(h)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", index)
	mux.HandleFunc("GET /healthz", h.healthz)
	mux.HandleFunc("GET /readyz", h.readyz)
	mux.Handle("GET /metrics", promhttp.HandlerFor(h.registry(), promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /topology", h.describe)
	mux.HandleFunc("GET /topology.svg", h.picture)
	return mux
}

// registry is one of its own: two Apps in a process do not mix.
func (h *handler) registry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	own := prometheus.WrapRegistererWith(prometheus.Labels{"application_id": h.status().ApplicationID}, r)
	own.MustRegister(newCollector(h.status, h.now))
	if h.requests != nil {
		own.MustRegister(h.requests)
	}
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

func index(w http.ResponseWriter, _ *http.Request) {
	answer(w, "text/plain; charset=utf-8", http.StatusOK, []byte("/healthz\n/readyz\n/metrics\n/topology\n/topology.svg\n"))
}

func (h *handler) healthz(w http.ResponseWriter, _ *http.Request) {
	verdict(w, h.liveness.problems(h.status(), h.now()))
}

func (h *handler) readyz(w http.ResponseWriter, _ *http.Request) {
	verdict(w, unready(h.status(), h.now()))
}

func verdict(w http.ResponseWriter, problems []string) {
	if len(problems) == 0 {
		answer(w, "text/plain; charset=utf-8", http.StatusOK, []byte("ok\n"))
		return
	}
	answer(w, "text/plain; charset=utf-8", http.StatusServiceUnavailable, []byte(strings.Join(problems, "\n")+"\n"))
}

func (h *handler) describe(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Vary", "Accept")
	switch format := r.FormValue("format"); {
	case format == "svg", format == "" && wantsPicture(r.Header.Get("Accept")):
		h.picture(w, r)
	case format == "text", format == "":
		answer(w, "text/plain; charset=utf-8", http.StatusOK, []byte(h.topology.Describe()))
	default:
		http.Error(w, fmt.Sprintf("format %q is neither text nor svg", format), http.StatusBadRequest)
	}
}

// wantsPicture tells a browser from what asks for text or for anything.
func wantsPicture(accept string) bool {
	return !strings.Contains(accept, "text/plain") && (strings.Contains(accept, "image/svg+xml") || strings.Contains(accept, "text/html"))
}

func (h *handler) picture(w http.ResponseWriter, _ *http.Request) {
	var b bytes.Buffer
	s, g := h.status(), h.topology.Graph()
	draw(&b, g, g.Topics(s.ApplicationID).WithPrefix(s.InternalTopicPrefix))
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	answer(w, "image/svg+xml", http.StatusOK, b.Bytes())
}

func answer(w http.ResponseWriter, contentType string, status int, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client has gone, nobody is left to tell
}
