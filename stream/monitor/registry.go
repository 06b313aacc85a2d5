package monitor

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// RegistryRequests counts the requests to a schema registry. It exists before the
// App does, because the App's topology has the serdes that ask the registry:
//
//	requests := monitor.NewRegistryRequests()
//	registry := avro.NewRegistry(url, avro.Config{Observe: requests.Observe})
//	...
//	monitor.Handler(app, monitor.Registry(requests))
//
// It is safe for concurrent use.
type RegistryRequests struct {
	latency *prometheus.HistogramVec
	errors  *prometheus.CounterVec
}

// NewRegistryRequests returns one without requests.
func NewRegistryRequests() *RegistryRequests {
	return &RegistryRequests{
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "streamweir_schema_registry_latency_seconds",
			Help: "Duration of requests to the schema registry, by operation."}, []string{"op"}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "streamweir_schema_registry_errors_total",
			Help: "Requests to the schema registry that failed, by operation."}, []string{"op"}),
	}
}

// Observe takes note of a request: what it was for, how long it took and its
// error. It is meant for avro.Config.Observe.
func (r *RegistryRequests) Observe(op string, d time.Duration, err error) {
	r.latency.WithLabelValues(op).Observe(d.Seconds())
	failed := r.errors.WithLabelValues(op)
	if err != nil {
		failed.Inc()
	}
}

// Describe implements prometheus.Collector.
func (r *RegistryRequests) Describe(c chan<- *prometheus.Desc) {
	r.latency.Describe(c)
	r.errors.Describe(c)
}

// Collect implements prometheus.Collector.
func (r *RegistryRequests) Collect(c chan<- prometheus.Metric) {
	r.latency.Collect(c)
	r.errors.Collect(c)
}
