package kafka

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/streamweir/streamweir/internal/record"
)

// FetchConfig configures a [Fetcher].
type FetchConfig struct {
	ReadCommitted  bool
	MaxBytes       int32         // of a response; 0 is 4 MiB
	PartitionBytes int32         // of a partition in it; 0 is 1 MiB
	MaxWait        time.Duration // of a fetch that finds nothing; 0 is 500 ms
}

// Fetched is the content of one response.
type Fetched struct {
	Batches []Batch
	Errors  []PartitionError
}

// A Fetcher reads partitions: one request at a time to each leader, one response
// ahead of whoever receives from C. Set, Remove, Pause, Resume and Current are for
// the receiving goroutine.
type Fetcher struct {
	c    *Client
	cfg  FetchConfig
	pool *pool
	out  chan Fetched

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup // the router and the loops of the leaders

	mu    sync.Mutex
	parts map[record.Partition]*fetching
	loops map[string]chan struct{} // by leader, to wake them
	epoch int64
	wake  chan struct{} // of the router
}

// fetching is a partition that is read.
type fetching struct {
	offset  int64
	epoch   int64
	bytes   int32
	leader  string // "": the router looks for it
	paused  bool
	stopped bool // after an error, until Set
}

// NewFetcher returns a fetcher without partitions. Close ends it.
func NewFetcher(c *Client, cfg FetchConfig) *Fetcher {
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = 4 << 20
	}
	if cfg.PartitionBytes == 0 {
		cfg.PartitionBytes = 1 << 20
	}
	if cfg.MaxWait == 0 {
		cfg.MaxWait = 500 * time.Millisecond
	}
	f := &Fetcher{c: c, cfg: cfg, pool: c.newPool(cfg.MaxWait), out: make(chan Fetched),
		parts: map[record.Partition]*fetching{}, loops: map[string]chan struct{}{}, wake: make(chan struct{}, 1)}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	f.wg.Go(f.route) // Close waits for it
	return f
}

// C delivers responses. Pass each through Current.
func (f *Fetcher) C() <-chan Fetched { return f.out }

// Current leaves out of a response what belongs to partitions that were removed
// or set anew since it was fetched.
func (f *Fetcher) Current(r Fetched) Fetched {
	f.mu.Lock()
	defer f.mu.Unlock()
	r.Batches = slices.DeleteFunc(r.Batches, func(b Batch) bool {
		p := f.parts[b.Partition]
		return p == nil || p.epoch != b.epoch
	})
	r.Errors = slices.DeleteFunc(r.Errors, func(e PartitionError) bool {
		p := f.parts[e.Partition]
		return p == nil || !p.stopped
	})
	return r
}

// Set reads partitions from these offsets on.
func (f *Fetcher) Set(offsets map[record.Partition]int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.epoch++
	for p, offset := range offsets {
		old := f.parts[p]
		f.parts[p] = &fetching{offset: offset, epoch: f.epoch, bytes: f.cfg.PartitionBytes}
		if old != nil {
			f.parts[p].leader = old.leader
		}
	}
	f.wakeAll()
}

// Remove stops reading a partition.
func (f *Fetcher) Remove(p record.Partition) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.parts, p)
}

// Pause leaves a partition out of the next requests.
func (f *Fetcher) Pause(p record.Partition) { f.setPaused(p, true) }

// Resume ends a Pause.
func (f *Fetcher) Resume(p record.Partition) { f.setPaused(p, false) }

func (f *Fetcher) setPaused(p record.Partition, paused bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if part := f.parts[p]; part != nil {
		part.paused = paused
		f.wakeAll()
	}
}

// Close ends all reading; nothing is delivered afterwards.
func (f *Fetcher) Close() {
	f.cancel()
	f.pool.close()
	f.wg.Wait()
}

func (f *Fetcher) wakeAll() {
	for _, w := range f.loops {
		poke(w)
	}
	poke(f.wake)
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// route finds leaders and starts their loops.
func (f *Fetcher) route() {
	for attempt := 0; ; {
		lost := f.homeless()
		if len(lost) == 0 {
			attempt = 0
			select {
			case <-f.wake:
				continue
			case <-f.ctx.Done():
				return
			}
		}
		known, err := f.c.byLeader(f.ctx, lost, attempt > 0)
		f.house(known)
		if err == nil {
			continue
		}
		if attempt++; attempt > 3 {
			f.c.cfg.OnWait("leaders of partitions to fetch", err)
		}
		if pause(f.ctx, attempt) != nil {
			return
		}
	}
}

func (f *Fetcher) homeless() []record.Partition {
	f.mu.Lock()
	defer f.mu.Unlock()
	var lost []record.Partition
	for p, part := range f.parts {
		if part.leader == "" {
			lost = append(lost, p)
		}
	}
	return lost
}

func (f *Fetcher) house(known map[string][]record.Partition) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for addr, ps := range known {
		for _, p := range ps {
			if part := f.parts[p]; part != nil {
				part.leader = addr
			}
		}
		if f.loops[addr] == nil {
			wake := make(chan struct{}, 1)
			f.loops[addr] = wake
			f.wg.Go(func() { f.loop(addr, wake) }) // Close waits for it
		}
		poke(f.loops[addr])
	}
}

// loop fetches from one leader for as long as the fetcher lives.
func (f *Fetcher) loop(addr string, wake chan struct{}) {
	failures := 0
	for {
		req, asked := f.request(addr)
		if len(asked) == 0 {
			select {
			case <-wake:
				continue
			case <-f.ctx.Done():
				return
			}
		}
		var resp *sarama.FetchResponse
		err := f.pool.do(f.ctx, addr, func(b *sarama.Broker) (err error) {
			resp, err = b.Fetch(req)
			return err
		})
		if f.ctx.Err() != nil {
			return
		}
		if err != nil {
			f.evict(asked)
			if failures++; failures > 3 {
				f.c.cfg.OnWait("broker "+addr, err)
			}
			if pause(f.ctx, failures) != nil {
				return
			}
			continue
		}
		if failures > 3 {
			f.c.cfg.OnWait("broker "+addr, nil)
		}
		failures = 0
		if !f.deliver(resp, asked) {
			return
		}
	}
}

type ask struct {
	partition record.Partition
	offset    int64
	epoch     int64
}

func (f *Fetcher) request(addr string) (*sarama.FetchRequest, []ask) {
	f.mu.Lock()
	defer f.mu.Unlock()
	req := &sarama.FetchRequest{Version: 11, MaxWaitTime: int32(f.cfg.MaxWait.Milliseconds()), MinBytes: 1, MaxBytes: f.cfg.MaxBytes, SessionEpoch: -1}
	if f.cfg.ReadCommitted {
		req.Isolation = sarama.ReadCommitted
	}
	var asked []ask
	for p, part := range f.parts {
		if part.leader == addr && !part.paused && !part.stopped {
			req.AddBlock(p.Topic, p.ID, part.offset, part.bytes, -1)
			asked = append(asked, ask{p, part.offset, part.epoch})
		}
	}
	return req, asked
}

// evict makes the router look for the leaders of partitions again.
func (f *Fetcher) evict(asked []ask) {
	for _, a := range asked {
		f.c.forgetLeader(a.partition)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range asked {
		if part := f.parts[a.partition]; part != nil {
			part.leader = ""
		}
	}
	poke(f.wake)
}

// deliver hands a response to the receiver, once it has moved the positions.
func (f *Fetcher) deliver(resp *sarama.FetchResponse, asked []ask) bool {
	var out Fetched
	var moved []ask
	for _, a := range asked {
		blk := resp.GetBlock(a.partition.Topic, a.partition.ID)
		if blk == nil {
			continue
		}
		if blk.Err != sarama.ErrNoError {
			if transient(blk.Err) {
				moved = append(moved, a)
			} else if e, ok := f.broken(a, blk.Err); ok {
				out.Errors = append(out.Errors, e)
			}
			continue
		}
		b, err := decode(a.partition, blk, a.offset, f.cfg.ReadCommitted)
		if err != nil {
			if e, ok := f.broken(a, err); ok {
				out.Errors = append(out.Errors, e)
			}
			continue
		}
		b.epoch = a.epoch
		if f.advance(a, b.Next, blk) {
			out.Batches = append(out.Batches, b)
		}
	}
	if len(moved) > 0 {
		f.evict(moved)
		if pause(f.ctx, 3) != nil {
			return false
		}
	}
	if len(out.Batches)+len(out.Errors) == 0 {
		return true
	}
	select {
	case f.out <- out:
		return true
	case <-f.ctx.Done():
		return false
	}
}

// advance moves a partition's position, and reports whether there is something to
// deliver. A batch that did not fit raises the limit.
func (f *Fetcher) advance(a ask, next int64, blk *sarama.FetchResponseBlock) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	part := f.parts[a.partition]
	if part == nil || part.epoch != a.epoch {
		return false
	}
	if next == a.offset {
		if slices.ContainsFunc(blk.RecordsSet, func(r *sarama.Records) bool { return r.RecordBatch != nil && r.RecordBatch.PartialTrailingRecord }) {
			part.bytes = min(part.bytes*2, 1<<30)
		}
		return false
	}
	part.offset = next
	return true
}

// broken stops a partition and says why, with its bounds if it is out of range.
func (f *Fetcher) broken(a ask, cause error) (PartitionError, bool) {
	e := PartitionError{Partition: a.partition, Offset: a.offset, Err: cause, OutOfRange: errors.Is(cause, sarama.ErrOffsetOutOfRange)}
	if e.OutOfRange {
		ps := []record.Partition{a.partition}
		starts, err := f.c.Offsets(f.ctx, ps, Earliest)
		if err != nil {
			return e, false
		}
		ends, err := f.c.Offsets(f.ctx, ps, Latest)
		if err != nil {
			return e, false
		}
		e.Start, e.End = starts[a.partition], ends[a.partition]
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	part := f.parts[a.partition]
	if part == nil || part.epoch != a.epoch {
		return e, false
	}
	part.stopped = true
	return e, true
}
