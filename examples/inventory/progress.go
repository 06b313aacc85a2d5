package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamweir/streamweir/examples/inventory/client"
	"github.com/streamweir/streamweir/examples/inventory/inventory"
)

// A progress knows how far the application has come towards the ends of the
// input found at its start, and what that cost.
type progress struct {
	kafka *client.Client
	group string
	ends  []int64

	partitions []partition
	begun      atomic.Bool

	mu       sync.Mutex
	first    *sample // the moment of the first record
	last     time.Time
	running  time.Duration // age of the process when it ran first; 0: not yet
	samples  []sample
	closed   sample
	restored restoration
}

// A partition is written by the goroutine of its task alone. It has a cache line
// of its own.
type partition struct {
	count, position atomic.Int64
	_               [48]byte
}

// A sample is one moment: records processed so far, the time, and the CPU time of
// the process.
type sample struct {
	records int64
	at      time.Time
	cpu     time.Duration
}

// A restoration is what was read from changelogs.
type restoration struct {
	began, ended sample
}

func newProgress(kafka *client.Client, group string) (*progress, error) {
	ends, err := kafka.Ends(inventory.EventsTopic)
	if err != nil {
		return nil, err
	}
	return &progress{kafka: kafka, group: group, ends: ends, partitions: make([]partition, len(ends))}, nil
}

// processed is called for each record by the goroutine of its task.
func (p *progress) processed(id int32, offset int64) {
	if int(id) >= len(p.partitions) { // a partition added since
		return
	}
	if !p.begun.Load() {
		p.begin()
	}
	part := &p.partitions[id]
	part.count.Store(part.count.Load() + 1)
	part.position.Store(offset + 1)
	if end := p.ends[id]; offset == end-1 {
		p.mu.Lock()
		p.last = time.Now()
		p.mu.Unlock()
	}
}

func (p *progress) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.first == nil {
		p.first = &sample{at: time.Now(), cpu: cpuTime()}
		p.begun.Store(true)
	}
}

// count is the number of records processed so far.
func (p *progress) count() int64 {
	var n int64
	for i := range p.partitions {
		n += p.partitions[i].count.Load()
	}
	return n
}

func (p *progress) now() sample { return sample{p.count(), time.Now(), cpuTime()} }

// ran notes when the application ran for the first time.
func (p *progress) ran(age time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running == 0 {
		p.running = age
	}
}

func (p *progress) restoring() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.restored.began.at.IsZero() {
		p.restored.began = p.now()
	}
}

func (p *progress) restorationOver() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.restored.began.at.IsZero() {
		p.restored.ended = p.now()
	}
}

func (p *progress) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = p.now()
}

const (
	sampling = 20 * time.Millisecond
	stalled  = 500 * time.Millisecond
)

// awaitCaughtUp returns when all that was in the input is processed, or was
// committed by an earlier run, or when ctx ends. It samples the cost on the way.
func (p *progress) awaitCaughtUp(ctx context.Context) {
	tick := time.NewTicker(sampling)
	defer tick.Stop()
	before, moved := int64(-1), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := p.now()
		p.mu.Lock()
		if now.records != before {
			p.samples = append(p.samples, now)
		}
		running := p.running > 0
		p.mu.Unlock()
		switch {
		case p.reached():
			return
		case now.records != before:
			before, moved = now.records, now.at
		case running && now.at.Sub(moved) > stalled:
			moved = now.at // nothing moves: perhaps there is nothing left
			if done, err := p.committed(); err == nil && done {
				return
			}
		}
	}
}

func (p *progress) reached() bool {
	for i, end := range p.ends {
		if p.partitions[i].position.Load() < end {
			return false
		}
	}
	return true
}

// committed tells whether the group's offsets have reached the ends.
func (p *progress) committed() (bool, error) {
	offsets, err := p.kafka.Committed(p.group, inventory.EventsTopic, len(p.ends))
	if err != nil {
		return false, err
	}
	for i, end := range p.ends {
		if end > 0 && offsets[i] < end {
			return false, nil
		}
	}
	return true, nil
}

// secondHalf returns the first sample with half of the records behind it and the
// last one.
func (p *progress) secondHalf() (from, to sample) {
	if len(p.samples) == 0 {
		return sample{}, sample{}
	}
	to = p.samples[len(p.samples)-1]
	for _, s := range p.samples {
		if s.records >= p.closed.records/2 {
			return s, to
		}
	}
	return to, to
}
