package monitor

import (
	"errors"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares got with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (go test -update writes it):\n%s", path, diff)
	}
}

var text = stream.With(serde.String(), serde.String())

func wordcount(t *testing.T) *topology.Topology {
	t.Helper()
	b := stream.NewBuilder()
	words := stream.FlatMapValues(stream.From(b, "lines", text), strings.Fields)
	stream.GroupBy(words, func(_, w string) string { return w }, text).
		Count(stream.InStore("counts", serde.String(), serde.Int64())).
		ToStream().To("word-counts", stream.With(serde.String(), serde.Int64()))
	return build(t, b)
}

func build(t *testing.T, b *stream.Builder) *topology.Topology {
	t.Helper()
	topo, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return topo
}

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// fixture is a handler over a snapshot and a clock that the test moves.
type fixture struct {
	status  stream.Status
	now     time.Time
	handler http.Handler
}

func newFixture(t *testing.T, s stream.Status, opts ...Option) *fixture {
	t.Helper()
	f := &fixture{status: s, now: start}
	f.handler = newHandler(func() stream.Status { return f.status }, wordcount(t), func() time.Time { return f.now }, opts)
	return f
}

func (f *fixture) get(t *testing.T, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	return w
}

func (f *fixture) expect(t *testing.T, path string, status int, body string) {
	t.Helper()
	w := f.get(t, path)
	if w.Code != status || !strings.Contains(w.Body.String(), body) {
		t.Errorf("%s at %v: %d %q, want %d %q", path, f.now.Sub(start), w.Code, w.Body, status, body)
	}
}

func running(progress ...time.Time) stream.Status {
	return stream.Status{ApplicationID: "wordcount", State: stream.Running, Rebalances: 1, WorkerProgress: progress}
}

func TestAnAppThatDoesNotRunYetIsHealthyAndNotReady(t *testing.T) {
	app, err := stream.NewApp(wordcount(t), stream.Config{ApplicationID: "wordcount", Brokers: []string{"localhost:1"}, StateDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{handler: Handler(app)}
	f.expect(t, "/healthz", http.StatusOK, "ok")
	f.expect(t, "/readyz", http.StatusServiceUnavailable, "the application is created")
	f.expect(t, "/metrics", http.StatusOK, `streamweir_state{application_id="wordcount",state="created"} 1`)
	f.expect(t, "/topology", http.StatusOK, "Sub-topology: 1")
	f.expect(t, "/topology.svg", http.StatusOK, "</svg>")
	f.expect(t, "/", http.StatusOK, "/readyz")
	f.expect(t, "/other", http.StatusNotFound, "")
}

func TestAWorkerThatMakesNoProgressIsStuck(t *testing.T) {
	f := newFixture(t, running(start, start))
	f.expect(t, "/healthz", http.StatusOK, "ok")
	f.now = start.Add(time.Minute)
	f.status.WorkerProgress[1] = f.now
	f.expect(t, "/healthz", http.StatusOK, "ok")
	f.now = f.now.Add(time.Second)
	f.expect(t, "/healthz", http.StatusServiceUnavailable, "worker 0 has made no progress for 1m1s")
	f.status.WorkerProgress[0] = f.now
	f.expect(t, "/healthz", http.StatusOK, "ok")
}

func TestTheLimitOfAWorkerCanBeSet(t *testing.T) {
	f := newFixture(t, running(start), StuckAfter(2*time.Second))
	f.expect(t, "/healthz", http.StatusOK, "ok")
	f.now = start.Add(3 * time.Second)
	f.expect(t, "/healthz", http.StatusServiceUnavailable, "worker 0 has made no progress for 3s")
}

func TestAWorkersClockBeginsWhenItHasSomethingToDo(t *testing.T) {
	// Nothing turned during a long rebalance; its end is seen a while later.
	s := running(start.Add(-time.Hour), time.Unix(0, 0))
	s.State = stream.Rebalancing
	f := newFixture(t, s)
	f.expect(t, "/healthz", http.StatusOK, "ok")
	f.now = start.Add(9 * time.Minute)
	f.expect(t, "/healthz", http.StatusOK, "ok")
	f.status.State = stream.Restoring
	f.expect(t, "/healthz", http.StatusOK, "ok")
	f.now = f.now.Add(2 * time.Minute)
	f.expect(t, "/healthz", http.StatusServiceUnavailable, "worker 1 has made no progress for 2m0s")
}

func TestARebalanceThatNeverEndsIsNotHealthy(t *testing.T) {
	s := running(start)
	s.State = stream.Rebalancing
	f := newFixture(t, s)
	f.expect(t, "/healthz", http.StatusOK, "ok")
	f.now = start.Add(9 * time.Minute)
	f.status.Rebalances++ // the next one follows
	f.expect(t, "/healthz", http.StatusOK, "ok")
	f.now = start.Add(18 * time.Minute)
	f.expect(t, "/healthz", http.StatusOK, "ok")
	f.now = start.Add(20 * time.Minute)
	f.expect(t, "/healthz", http.StatusServiceUnavailable, "the rebalance has not ended for 11m0s")
}

func TestWhoWaitsForABrokerIsHealthyAndNotReady(t *testing.T) {
	f := newFixture(t, running(start))
	f.expect(t, "/healthz", http.StatusOK, "ok")
	f.expect(t, "/readyz", http.StatusOK, "ok")
	f.status.Waiting, f.status.WaitingSince = errors.New("broker localhost:9092: connection refused"), start
	f.now = start.Add(time.Hour)
	f.expect(t, "/healthz", http.StatusOK, "ok")
	f.expect(t, "/readyz", http.StatusServiceUnavailable, "waiting for 1h0m0s: broker localhost:9092: connection refused\n")
	// It is back: the worker has a minute from now on.
	f.status.Waiting, f.status.WaitingSince = nil, time.Time{}
	f.expect(t, "/healthz", http.StatusOK, "ok")
	f.expect(t, "/readyz", http.StatusOK, "ok")
	f.now = f.now.Add(61 * time.Second)
	f.expect(t, "/healthz", http.StatusServiceUnavailable, "worker 0")
}

func TestStates(t *testing.T) {
	for state, want := range map[stream.State]struct {
		health, ready int
		why           string
	}{
		stream.Created:     {200, 503, "the application is created"},
		stream.Rebalancing: {200, 503, "the application is rebalancing"},
		stream.Restoring:   {200, 503, "the application is restoring, 7 changelog records are left"},
		stream.Running:     {200, 503, "7 changelog records are left to restore"},
		stream.Stopping:    {200, 503, "the application is stopping"},
		stream.Stopped:     {200, 503, "the application is stopped"},
		stream.Failed:      {503, 503, "the application is failed"},
	} {
		s := running(start)
		s.State, s.RestoreRemaining = state, 7
		f := newFixture(t, s)
		f.expect(t, "/healthz", want.health, "")
		f.expect(t, "/readyz", want.ready, want.why+"\n")
	}
}

func TestTasksThatRestoreOrWaitAreNamed(t *testing.T) {
	down := errors.New("schema registry: connection refused")
	s := running(start)
	s.Tasks = []stream.TaskStatus{{ID: "0_0", Restoring: true}, {ID: "0_1", Waiting: down}, {ID: "0_2", Waiting: errors.New("other")}}
	s.Waiting = down
	f := newFixture(t, s)
	w := f.get(t, "/readyz")
	want := "waiting: schema registry: connection refused\ntask 0_0 is restoring\ntask 0_2 is waiting: other\n"
	if diff := cmp.Diff(want, w.Body.String()); diff != "" || w.Code != http.StatusServiceUnavailable {
		t.Error(w.Code, diff)
	}
}

func TestOnlyReading(t *testing.T) {
	f := newFixture(t, running(start))
	for method, want := range map[string]int{http.MethodHead: 200, http.MethodPost: 405, http.MethodDelete: 405} {
		w := httptest.NewRecorder()
		f.handler.ServeHTTP(w, httptest.NewRequest(method, "/healthz", nil))
		if w.Code != want {
			t.Errorf("%s: %d, want %d", method, w.Code, want)
		}
	}
}
