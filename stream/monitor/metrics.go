package monitor

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/streamweir/streamweir/stream"
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("streamweir_"+name, help, labels, nil)
}

var (
	stateDesc      = desc("state", "1 for the state the application is in, 0 for the others.", "state")
	waitingDesc    = desc("waiting_seconds", "For how long a broker or a schema registry has been waited for, 0 if none is.")
	rebalancesDesc = desc("rebalances_total", "Rebalances that the application took part in.")
	progressDesc   = desc("worker_progress_timestamp_seconds", "Unix time at which the worker's loop last turned.", "worker")
	tasksDesc      = desc("tasks", "Tasks of the worker by what they do.", "worker", "state")
	consumedDesc   = desc("records_consumed_total", "Input records processed, including those processed again.")
	producedDesc   = desc("records_produced_total", "Records written, changelogs and aborted ones included.", "topic")
	rateDesc       = desc("records_per_second", "Records consumed and produced per second, over the last ten seconds or since the last scrape.", "direction")
	lagDesc        = desc("records_lag", "Records between the committed offset and the end of the partition.", "topic", "partition")
	droppedDesc    = desc("dropped_records_total", "Records skipped by operators and by the error handler.")
	deadDesc       = desc("dead_letter_records_total", "Records sent to the dead letter topic.")
	processDesc    = desc("process_latency_seconds", "Duration of turns of a task, of up to 1,000 records each.")
	commitDesc     = desc("commit_latency_seconds", "Duration of commits.")
	remainingDesc  = desc("restore_remaining_records", "Changelog records still to be restored.")
	restoredDesc   = desc("restored_records_total", "Changelog records restored.")
	sizeDesc       = desc("state_store_bytes", "Size of the task's stores in memory and on disk, approximate.", "task")
)

var descs = []*prometheus.Desc{stateDesc, waitingDesc, rebalancesDesc, progressDesc, tasksDesc, consumedDesc, producedDesc, rateDesc,
	lagDesc, droppedDesc, deadDesc, processDesc, commitDesc, remainingDesc, restoredDesc, sizeDesc}

// collector makes metrics of a snapshot at each scrape: nothing is counted twice,
// and nothing is counted on the way of a record for its sake.
type collector struct {
	status func() stream.Status
	now    func() time.Time
	meter  meter
}

func newCollector(status func() stream.Status, now func() time.Time) *collector {
	c := &collector{status: status, now: now}
	c.meter.rate(measure(status(), now()))
	return c
}

func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range descs {
		out <- d
	}
}

func (c *collector) Collect(out chan<- prometheus.Metric) {
	s, now := c.status(), c.now()
	e := emitter(out)
	e.condition(s, now)
	e.tasks(s)
	e.records(s)
	e.histogram(processDesc, s.Process)
	e.histogram(commitDesc, s.Commit)
	if consumed, produced, ok := c.meter.rate(measure(s, now)); ok {
		e.gauge(rateDesc, consumed, "consumed")
		e.gauge(rateDesc, produced, "produced")
	}
}

type emitter chan<- prometheus.Metric

func (e emitter) gauge(d *prometheus.Desc, v float64, labels ...string) {
	e <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func (e emitter) counter(d *prometheus.Desc, v int64, labels ...string) {
	e <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
}

func (e emitter) histogram(d *prometheus.Desc, l stream.Latency) {
	buckets := make(map[float64]uint64, len(l.Buckets))
	for bound, n := range l.Buckets {
		buckets[bound] = uint64(n)
	}
	e <- prometheus.MustNewConstHistogram(d, uint64(l.Count), l.Sum.Seconds(), buckets)
}

func (e emitter) condition(s stream.Status, now time.Time) {
	for state := stream.Created; state <= stream.Failed; state++ {
		e.gauge(stateDesc, one(state == s.State), state.String())
	}
	waited := 0.0
	if s.Waiting != nil && !s.WaitingSince.IsZero() {
		waited = max(now.Sub(s.WaitingSince).Seconds(), 0)
	}
	e.gauge(waitingDesc, waited)
	e.counter(rebalancesDesc, s.Rebalances)
	e.gauge(remainingDesc, float64(s.RestoreRemaining))
	e.counter(restoredDesc, s.Restored)
	for i, t := range s.WorkerProgress {
		e.gauge(progressDesc, float64(t.UnixMilli())/1000, strconv.Itoa(i))
	}
}

func one(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func (e emitter) tasks(s stream.Status) {
	states := []string{"running", "restoring", "waiting"}
	workers := make([][3]int, len(s.WorkerProgress))
	for _, t := range s.Tasks {
		e.gauge(sizeDesc, float64(t.StateBytes), t.ID)
		state := 0
		switch {
		case t.Restoring:
			state = 1
		case t.Waiting != nil:
			state = 2
		}
		if t.Worker < len(workers) {
			workers[t.Worker][state]++
		}
	}
	for w, counts := range workers {
		for i, n := range counts {
			e.gauge(tasksDesc, float64(n), strconv.Itoa(w), states[i])
		}
	}
}

func (e emitter) records(s stream.Status) {
	e.counter(consumedDesc, s.RecordsIn)
	for topic, n := range s.RecordsOut {
		e.counter(producedDesc, n, topic)
	}
	e.counter(droppedDesc, s.Dropped)
	e.counter(deadDesc, s.DeadLetters)
	for _, p := range s.Partitions {
		if lag := p.Lag(); lag >= 0 {
			e.gauge(lagDesc, float64(lag), p.Topic, strconv.Itoa(int(p.Partition)))
		}
	}
}
