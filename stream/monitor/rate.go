package monitor

import (
	"sync"
	"time"

	"github.com/streamweir/streamweir/stream"
)

const (
	rateWindow   = 10 * time.Second
	rateInterval = time.Second // between the samples that are kept, and the least to compute with
)

// sample is what had been counted at a time.
type sample struct {
	at                 time.Time
	consumed, produced int64
}

func measure(s stream.Status, at time.Time) sample {
	m := sample{at: at, consumed: s.RecordsIn}
	for _, n := range s.RecordsOut {
		m.produced += n
	}
	return m
}

// meter computes rates between scrapes. It looks back over a window, not to the
// last scrape, so that two who scrape do not spoil each other's figures.
type meter struct {
	mu      sync.Mutex
	samples []sample // oldest first, at most one older than the window
}

// rate returns records per second up to now; ok is false if too little time has
// passed since the first sample.
func (m *meter) rate(now sample) (consumed, produced float64, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.samples) > 1 && now.at.Sub(m.samples[1].at) >= rateWindow {
		m.samples = m.samples[1:]
	}
	if n := len(m.samples); n == 0 || now.at.Sub(m.samples[n-1].at) >= rateInterval {
		m.samples = append(m.samples, now)
	}
	first := m.samples[0]
	d := now.at.Sub(first.at)
	if d < rateInterval {
		return 0, 0, false
	}
	per := func(a, b int64) float64 { return float64(max(b-a, 0)) / d.Seconds() }
	return per(first.consumed, now.consumed), per(first.produced, now.produced), true
}
