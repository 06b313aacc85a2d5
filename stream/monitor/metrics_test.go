package monitor

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/streamweir/streamweir/stream"
)

func busy() stream.Status {
	s := running(start, start.Add(-1500*time.Millisecond))
	s.Waiting, s.WaitingSince = errors.New("broker down"), start.Add(-3*time.Second)
	s.RecordsIn, s.RecordsOut = 1000, map[string]int64{"word-counts": 600, "wordcount-counts-changelog": 400}
	s.Dropped, s.DeadLetters, s.Restored, s.RestoreRemaining = 3, 2, 50, 5
	s.Partitions = []stream.PartitionStatus{{Topic: "lines", Partition: 0, Committed: 90, End: 100}, {Topic: "lines", Partition: 1, Committed: -1, End: 100}}
	s.Tasks = []stream.TaskStatus{{ID: "0_0", StateBytes: 0}, {ID: "1_0", StateBytes: 4096, Restoring: true},
		{ID: "1_1", Worker: 1, StateBytes: 8192, Waiting: errors.New("registry down")}}
	s.Commit = stream.Latency{Count: 3, Sum: 60 * time.Millisecond, Buckets: map[float64]int64{.01: 1, .05: 3}}
	s.Process = stream.Latency{Count: 2, Sum: 3 * time.Millisecond, Buckets: map[float64]int64{.01: 2, .05: 2}}
	return s
}

func TestMetricsOfASnapshot(t *testing.T) {
	requests := NewRegistryRequests()
	requests.Observe("lookup", 3*time.Millisecond, nil)
	requests.Observe("register", 30*time.Millisecond, errors.New("status 500"))
	f := newFixture(t, busy(), Registry(requests))
	f.now = start.Add(5 * time.Second)
	f.status.RecordsIn += 500
	golden(t, "metrics.txt", own(f.get(t, "/metrics").Body.String()))
}

// own are the metrics of the application, without those of Go and the process.
func own(metrics string) string {
	var b strings.Builder
	for line := range strings.Lines(metrics) {
		if strings.Contains(line, "streamweir_") {
			b.WriteString(line)
		}
	}
	return b.String()
}

func TestMetricsFollowTheConventions(t *testing.T) {
	requests := NewRegistryRequests()
	requests.Observe("lookup", time.Millisecond, nil)
	f := newFixture(t, busy(), Registry(requests))
	f.now = start.Add(time.Minute)
	body := f.get(t, "/metrics").Body.String()
	problems, err := promlint.New(strings.NewReader(own(body))).Lint()
	if err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
	for _, name := range []string{"go_goroutines", "process_start_time_seconds"} {
		if !strings.Contains(body, "\n"+name+" ") {
			t.Errorf("%s is missing", name)
		}
	}
	for name := range names(body) {
		if !bytes.Contains(packageDoc(t), []byte("\t"+name)) {
			t.Errorf("%s is not documented in doc.go", name)
		}
	}
}

func TestTheCollectorIsConsistent(t *testing.T) {
	c := newCollector(busy, func() time.Time { return start })
	problems, err := testutil.CollectAndLint(c)
	if err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
	// Of 16 metrics there is no rate yet.
	if n, want := testutil.CollectAndCount(c, "streamweir_records_per_second"), 0; n != want {
		t.Errorf("%d rates at the start, want %d", n, want)
	}
}

func TestRateLooksBackOverAWindow(t *testing.T) {
	var m meter
	at := func(d time.Duration, n int64) (float64, bool) {
		consumed, produced, ok := m.rate(sample{at: start.Add(d), consumed: n, produced: 2 * n})
		if produced != 2*consumed {
			t.Errorf("at %v: %v consumed, %v produced", d, consumed, produced)
		}
		return consumed, ok
	}
	for _, step := range []struct {
		at   time.Duration
		n    int64
		want float64
		ok   bool
	}{
		{0, 0, 0, false},
		{500 * time.Millisecond, 100, 0, false},
		{2 * time.Second, 200, 100, true},
		{2100 * time.Millisecond, 210, 100, true}, // another who scrapes
		{10 * time.Second, 200, 20, true},
		{12 * time.Second, 700, 50, true}, // since second 2
		{40 * time.Second, 700, 0, true},  // since second 12
		{41 * time.Second, 0, 0, true},
	} {
		got, ok := at(step.at, step.n)
		if got != step.want || ok != step.ok {
			t.Errorf("at %v: %v %v, want %v %v", step.at, got, ok, step.want, step.ok)
		}
	}
	for i := range 10_000 {
		at(time.Minute+time.Duration(i)*10*time.Millisecond, int64(i))
	}
	if n := len(m.samples); n > 12 {
		t.Errorf("%d samples are kept", n)
	}
}

func TestTwoAppsOfAProcessDoNotMix(t *testing.T) {
	other := busy()
	other.ApplicationID = "other"
	a, b := newFixture(t, busy()), newFixture(t, other)
	if body := a.get(t, "/metrics").Body.String(); strings.Contains(body, `"other"`) {
		t.Error(body)
	}
	if body := b.get(t, "/metrics").Body.String(); !strings.Contains(body, `streamweir_records_consumed_total{application_id="other"} 1000`) {
		t.Error(body)
	}
}
