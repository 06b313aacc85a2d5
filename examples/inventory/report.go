package main

import (
	"math"
	"runtime/debug"
	"time"

	"github.com/streamweir/streamweir/examples/inventory/config"
)

// A report is the line of JSON at the end. Its fields are those of the JVM
// application that the example is measured against.
type report struct {
	App              string  `json:"app"`
	Version          string  `json:"version"`
	Guarantee        string  `json:"guarantee"`
	Store            string  `json:"store"`
	Threads          int     `json:"threads"`
	CommitIntervalMs int64   `json:"commitIntervalMs"`
	CacheBytes       int64   `json:"cacheBytes"`
	Committed        bool    `json:"committed"`
	Records          int64   `json:"records"`
	StartupMs        int64   `json:"startupMs"`
	Seconds          float64 `json:"seconds"`
	SecondsToClosed  float64 `json:"secondsToClosed"`
	SecondsFromStart float64 `json:"secondsFromStart"`
	CPUSeconds       float64 `json:"cpuSeconds"`
	CPUStartup       float64 `json:"cpuSecondsStartup"`

	RecordsPerSecond     *float64 `json:"recordsPerSecond,omitempty"`
	CPUMicros            *float64 `json:"cpuMicrosPerRecord,omitempty"`
	RecordsPerSecondHalf *float64 `json:"recordsPerSecondSecondHalf,omitempty"`
	CPUMicrosHalf        *float64 `json:"cpuMicrosPerRecordSecondHalf,omitempty"`

	PeakRSSMiB              int64    `json:"peakRssMiB"`
	RestoreRecords          int64    `json:"restoreRecords"`
	RestoreSeconds          *float64 `json:"restoreSeconds,omitempty"`
	RestoreRecordsPerSecond *float64 `json:"restoreRecordsPerSecond,omitempty"`
	RestoreCPUMicros        *float64 `json:"restoreCpuMicrosPerRecord,omitempty"`
}

func newReport(c config.Config, p *progress, committed bool, restored int64) report {
	p.mu.Lock()
	defer p.mu.Unlock()
	first, last := p.closed, p.closed.at
	if p.first != nil {
		first = *p.first
	}
	if !p.last.IsZero() {
		last = p.last
	}
	r := report{
		App: "streamweir", Version: version(), Guarantee: c.Guarantee, Store: "badger", Threads: c.Threads,
		CommitIntervalMs: commitInterval(c).Milliseconds(), CacheBytes: c.CacheBytes, Committed: committed,
		Records: p.closed.records, StartupMs: p.running.Milliseconds(),
		Seconds:          round(last.Sub(first.at).Seconds()),
		SecondsToClosed:  round(p.closed.at.Sub(first.at).Seconds()),
		SecondsFromStart: round(processAge().Seconds()),
		CPUSeconds:       round(cpuTime().Seconds()), CPUStartup: round(first.cpu.Seconds()),
		PeakRSSMiB: peakRSS() >> 20, RestoreRecords: restored,
	}
	if p.running == 0 {
		r.StartupMs = -1
	}
	r.RecordsPerSecond, r.CPUMicros = rates(p.closed.records, last.Sub(first.at), p.closed.cpu-first.cpu)
	from, to := p.secondHalf()
	r.RecordsPerSecondHalf, r.CPUMicrosHalf = rates(to.records-from.records, to.at.Sub(from.at), to.cpu-from.cpu)
	if began, ended := p.restored.began, p.restored.ended; restored > 0 {
		took := ended.at.Sub(began.at)
		seconds := round(took.Seconds())
		r.RestoreSeconds = &seconds
		r.RestoreRecordsPerSecond, r.RestoreCPUMicros = rates(restored, took, ended.cpu-began.cpu)
	}
	return r
}

// rates returns records a second and microseconds of CPU a record; nil without
// records.
func rates(records int64, took, cpu time.Duration) (perSecond, micros *float64) {
	if records <= 0 || took <= 0 {
		return nil, nil
	}
	s := math.Round(float64(records) / took.Seconds())
	m := round(float64(cpu.Microseconds()) / float64(records))
	return &s, &m
}

func round(v float64) float64 { return math.Round(v*1000) / 1000 }

// commitInterval is what applies, which depends on the guarantee unless it is
// given.
func commitInterval(c config.Config) time.Duration {
	switch {
	case c.CommitInterval > 0:
		return c.CommitInterval
	case c.Guarantee == config.AtLeastOnce:
		return 30 * time.Second
	}
	return 100 * time.Millisecond
}

// version is the module's, "(devel)" in its own tree.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
