// Package web is the live page of the inventory: one HTML file, one style sheet,
// one script, all embedded, fed by server-sent events.
package web

import (
	"context"
	"embed"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/tmaxmax/go-sse"
)

//go:embed page
var page embed.FS

// interval is the time between two pictures sent to a page.
const interval = time.Second

// Handler serves the page at /, its stream at /events, one picture of the same
// as JSON at /state, and what monitor has: health, metrics, the topology. done ends
// the streams: an http.Server waits for them otherwise.
func Handler(v *View, monitor http.Handler, done <-chan struct{}, log *slog.Logger) (http.Handler, error) {
	files, err := fs.Sub(page, "page")
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(files))
	mux.HandleFunc("GET /state", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v.State())
	})
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/topology", "/topology.svg"} {
		mux.Handle("GET "+path, monitor)
	}
	mux.HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) {
		session, err := sse.Upgrade(w, r)
		if err != nil {
			http.Error(w, "server-sent events are not possible on this connection", http.StatusInternalServerError)
			return
		}
		if err := send(r.Context(), session, v, done); err != nil {
			log.Debug("page left", "error", err)
		}
	})
	return mux, nil
}

func send(ctx context.Context, to *sse.Session, v *View, done <-chan struct{}) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		data, err := json.Marshal(v.State())
		if err != nil {
			return err
		}
		message := &sse.Message{}
		message.AppendData(string(data))
		if err := to.Send(message); err != nil {
			return err
		}
		if err := to.Flush(); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-done:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}
