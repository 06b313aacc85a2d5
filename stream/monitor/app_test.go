package monitor

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/embedded"
)

// await asks until the condition holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(30 * time.Second); !holds(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// The whole life of an App, seen from outside.
func TestAnAppThatRunsAndStops(t *testing.T) {
	cluster, err := embedded.Start(embedded.Config{Topics: []embedded.Topic{{Name: "lines", Partitions: 2}, {Name: "word-counts", Partitions: 2}}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cluster.Close() }()
	app, err := stream.NewApp(wordcount(t), stream.Config{ApplicationID: "wordcount", Brokers: cluster.Brokers(), StateDir: t.TempDir(),
		Guarantee: stream.ExactlyOnce, Workers: 2, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{handler: Handler(app)}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- app.Run(ctx) }()
	await(t, "ready", func() bool { return f.get(t, "/readyz").Code == http.StatusOK })
	await(t, "four tasks on two workers", func() bool {
		m := f.get(t, "/metrics").Body.String()
		return strings.Contains(m, `streamweir_tasks{application_id="wordcount",state="running",worker="0"} 2`) &&
			strings.Contains(m, `streamweir_tasks{application_id="wordcount",state="running",worker="1"} 2`)
	})
	f.expect(t, "/healthz", http.StatusOK, "ok")

	if err := cluster.StopBrokers(); err != nil {
		t.Fatal(err)
	}
	await(t, "not ready without a broker", func() bool {
		w := f.get(t, "/readyz")
		return w.Code == http.StatusServiceUnavailable && strings.Contains(w.Body.String(), "waiting for")
	})
	f.expect(t, "/healthz", http.StatusOK, "ok")
	if err := cluster.StartBrokers(); err != nil {
		t.Fatal(err)
	}
	await(t, "ready again", func() bool { return f.get(t, "/readyz").Code == http.StatusOK })

	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	f.expect(t, "/readyz", http.StatusServiceUnavailable, "the application is stopped")
	f.expect(t, "/healthz", http.StatusOK, "ok")
}
