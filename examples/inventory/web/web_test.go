package web

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/streamweir/streamweir/examples/inventory/inventory"
	"github.com/streamweir/streamweir/serde/avro"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestViewShowsTheLatestAggregates(t *testing.T) {
	v := NewView()
	v.Aggregate("a", &inventory.Aggregate{ProductName: avro.Some("Lamp"), TotalQuantity: 5, StoreQuantity: 5, AvailableQuantity: 5, LowStock: true, EventCount: 1})
	v.Aggregate("b", &inventory.Aggregate{TotalQuantity: 50, WarehouseQuantity: 50, AvailableQuantity: 50, EventCount: 1})
	v.Aggregate("c", &inventory.Aggregate{TotalQuantity: 70, WarehouseQuantity: 70, ReservedQuantity: 10, AvailableQuantity: 60, EventCount: 1})
	v.Aggregate("gone", &inventory.Aggregate{TotalQuantity: 1000})
	v.Aggregate("gone", nil)
	s := v.State()
	var order []string
	for _, r := range s.Rows {
		order = append(order, r.SKU)
	}
	if diff := cmp.Diff([]string{"a", "c", "b"}, order); diff != "" {
		t.Errorf("not the scarce first, then the latest: %s", diff)
	}
	want := Row{Total: 125, Warehouse: 120, Store: 5, Reserved: 10, Available: 115}
	if diff := cmp.Diff(want, s.Totals); diff != "" || s.Products != 3 || s.Low != 1 || s.Rows[0].Name != "Lamp" {
		t.Errorf("%s %+v", diff, s)
	}
}

func TestViewBoundsWhatItSends(t *testing.T) {
	v := NewView()
	for i := range 2 * maxRows {
		v.Aggregate(fmt.Sprint(i), &inventory.Aggregate{AvailableQuantity: 100})
		v.DeadLetter(Letter{Type: inventory.ValidationError, Message: fmt.Sprint("reason ", i%20)})
	}
	for i := range 2 * history {
		v.Sample(time.Unix(int64(i), 0), App{}, int64(10*i), int64(i))
	}
	s := v.State()
	if len(s.Rows) != maxRows || s.Products != 2*maxRows || len(s.Letters) != maxLetters || len(s.Reasons) != maxReasons || s.Dead != 2*maxRows {
		t.Errorf("%d rows, %d letters, %d reasons", len(s.Rows), len(s.Letters), len(s.Reasons))
	}
	if len(s.Rate) != history || s.Rate[0] != 10 || s.Lag[history-1] != 2*history-1 {
		t.Errorf("rate %v, lag %v", s.Rate, s.Lag)
	}
	if last := s.Letters[0].Message; last != "reason 19" {
		t.Errorf("the newest letter is %q", last)
	}
}

func serve(t *testing.T, v *View, done <-chan struct{}) *httptest.Server {
	t.Helper()
	monitor := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "monitor") })
	h, err := Handler(v, monitor, done, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server
}

func TestPageAndWhatItNeedsAreServed(t *testing.T) {
	server := serve(t, NewView(), nil)
	for path, kind := range map[string]string{
		"/": "text/html", "/app.js": "text/javascript", "/style.css": "text/css", "/icon.svg": "image/svg+xml",
		"/topology.svg": "text/plain", "/readyz": "text/plain", "/state": "application/json",
	} {
		answer, err := server.Client().Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK || !strings.HasPrefix(answer.Header.Get("Content-Type"), kind) {
			t.Errorf("%s: %s %s", path, answer.Status, answer.Header.Get("Content-Type"))
		}
	}
}

func TestEventsEndWithTheApplication(t *testing.T) {
	v, done := NewView(), make(chan struct{})
	v.Aggregate("a", &inventory.Aggregate{TotalQuantity: 7})
	server := serve(t, v, done)
	answer, err := server.Client().Get(server.URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	lines := bufio.NewReader(answer.Body)
	line, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var s State
	if err := json.Unmarshal([]byte(strings.TrimPrefix(line, "data: ")), &s); err != nil || s.Totals.Total != 7 {
		t.Errorf("%q: %v", line, err)
	}
	close(done)
	if _, err := io.ReadAll(lines); err != nil {
		t.Errorf("the stream breaks instead of ending: %v", err)
	}
}
