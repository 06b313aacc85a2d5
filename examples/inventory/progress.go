package main

import (
	"context"
	"errors"
	"slices"
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

	partitions atomic.Pointer[[]*partition]
	begun      atomic.Bool

	mu       sync.Mutex
	ends     []int64 // nil: not known yet
	first    *sample // the moment of the first record
	last     time.Time
	running  time.Duration // age of the process when it ran first; 0: not yet
	samples  []sample
	closed   sample
	restored restoration
}

// A partition is written by the goroutine of its task alone, except end. It has a
// cache line of its own.
type partition struct {
	count, position atomic.Int64
	end             atomic.Int64 // 0: not known, or empty
	_               [40]byte
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

func newProgress(kafka *client.Client, group string) *progress {
	p := &progress{kafka: kafka, group: group}
	p.partitions.Store(&[]*partition{})
	return p
}

// partition returns that of an id, which may be seen for the first time.
func (p *progress) partition(id int32) *partition {
	if all := *p.partitions.Load(); int(id) < len(all) {
		return all[id]
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	all := slices.Clone(*p.partitions.Load())
	for int(id) >= len(all) {
		all = append(all, &partition{})
	}
	p.partitions.Store(&all)
	return all[id]
}

// findEnds finds where the input ends. Without a broker it tries again, until ctx
// ends.
func (p *progress) findEnds(ctx context.Context) bool {
	for {
		ends, err := p.kafka.Ends(inventory.EventsTopic)
		if err == nil {
			for i, end := range ends {
				p.partition(int32(i)).end.Store(end)
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			p.ends = ends
			return true
		}
		if !pause(ctx, 100*time.Millisecond) {
			return false
		}
	}
}

// processed is called for each record by the goroutine of its task.
func (p *progress) processed(id int32, offset int64) {
	if !p.begun.Load() {
		p.begin()
	}
	part := p.partition(id)
	part.count.Store(part.count.Load() + 1)
	part.position.Store(offset + 1)
	if offset == part.end.Load()-1 {
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
	for _, part := range *p.partitions.Load() {
		n += part.count.Load()
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
	if !p.findEnds(ctx) {
		return
	}
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
	for _, part := range *p.partitions.Load() {
		if part.position.Load() < part.end.Load() {
			return false
		}
	}
	return true
}

// committed tells whether the group's offsets have reached the ends.
func (p *progress) committed() (bool, error) {
	p.mu.Lock()
	ends := p.ends
	p.mu.Unlock()
	if ends == nil {
		return false, errors.New("inventory: Kafka did not tell where the input ends")
	}
	offsets, err := p.kafka.Committed(p.group, inventory.EventsTopic, len(ends))
	if err != nil {
		return false, err
	}
	for i, end := range ends {
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
