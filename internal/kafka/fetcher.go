package kafka

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/streamweir/streamweir/internal/record"
)

// FetchConfig configures a [Fetcher].
type FetchConfig struct {
	ReadCommitted  bool
	MinBytes       int32         // that a leader waits for, up to MaxWait; 0 is 1
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
//
// While a request waits for data, partitions that were set or resumed meanwhile are
// fetched by a second one: they have something to read, and the first may wait
// for MaxWait.
//
// A partition whose leader is not reachable is waited for. What waiting does not
// mend, such as an offset that is out of range, is an Error of that partition,
// which then rests until it is Set again.
type Fetcher struct {
	c   *Client
	cfg FetchConfig
	out chan Fetched

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup // the router and the loops of the leaders

	mu      sync.Mutex
	parts   map[record.Partition]*fetching
	leaders map[string]*fetchLeader
	epoch   int64
	wake    chan struct{} // of the router
}

// fetching is a partition that is read.
type fetching struct {
	offset  int64
	epoch   int64
	bytes   int32
	leader  string // "": the router looks for it
	paused  bool
	stopped bool // after an error, until Set
	alone   bool // must be the only one in its request
	idle    bool // had nothing: left to the request that waits
	busy    bool // is in a request, or in a response that was not received yet
}

// fetchLeader is a broker that leads partitions.
type fetchLeader struct {
	addr      string
	wakeups   [2]chan struct{} // of its loops
	polling   bool             // the first loop's request waits for an answer
	connected [2]*pool
}

// NewFetcher returns a fetcher without partitions. Close ends it.
func NewFetcher(c *Client, cfg FetchConfig) *Fetcher {
	if cfg.MinBytes == 0 {
		cfg.MinBytes = 1
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = 4 << 20
	}
	if cfg.PartitionBytes == 0 {
		cfg.PartitionBytes = 1 << 20
	}
	if cfg.MaxWait == 0 {
		cfg.MaxWait = 500 * time.Millisecond
	}
	f := &Fetcher{c: c, cfg: cfg, out: make(chan Fetched),
		parts: map[record.Partition]*fetching{}, leaders: map[string]*fetchLeader{}, wake: make(chan struct{}, 1)}
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
		return p == nil || p.epoch != e.epoch
	})
	return r
}

// Set reads partitions from these offsets on. One that was paused is resumed.
func (f *Fetcher) Set(offsets map[record.Partition]int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.epoch++
	for p, offset := range offsets {
		fresh := &fetching{offset: offset, epoch: f.epoch, bytes: f.cfg.PartitionBytes}
		if old := f.parts[p]; old != nil {
			fresh.leader = old.leader
		}
		f.parts[p] = fresh
	}
	f.wakeAll()
}

// Remove stops reading a partition.
func (f *Fetcher) Remove(p record.Partition) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.parts, p)
}

// Pause leaves a partition out of the next requests. What is on its way is still
// delivered.
func (f *Fetcher) Pause(p record.Partition) { f.setPaused(p, true) }

// Resume ends a Pause.
func (f *Fetcher) Resume(p record.Partition) { f.setPaused(p, false) }

func (f *Fetcher) setPaused(p record.Partition, paused bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if part := f.parts[p]; part != nil {
		part.paused, part.idle = paused, false
		f.wakeAll()
	}
}

// Close ends all reading; nothing is delivered afterwards.
func (f *Fetcher) Close() {
	f.cancel()
	f.wg.Wait()
}

func (f *Fetcher) wakeAll() {
	for _, l := range f.leaders {
		l.wake()
	}
	poke(f.wake)
}

func (l *fetchLeader) wake() {
	poke(l.wakeups[0])
	poke(l.wakeups[1])
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// route finds leaders and starts their loops.
func (f *Fetcher) route() {
	w := waiting{c: f.c, what: "leaders of partitions to fetch"}
	defer w.over()
	for attempt := 0; ; {
		lost := f.homeless()
		if len(lost) == 0 {
			attempt = 0
			w.over()
			select {
			case <-f.wake:
				continue
			case <-f.ctx.Done():
				return
			}
		}
		known, err := f.c.byLeader(f.ctx, lost)
		f.house(known)
		if err == nil {
			continue
		}
		if f.ctx.Err() != nil || !transient(err) && !f.refuse(lost, known, err) {
			return
		}
		w.on(err)
		if attempt++; pause(f.ctx, attempt) != nil {
			return
		}
	}
}

// refuse reports partitions whose leaders will not be told, such as those of a
// topic that the client may not read.
func (f *Fetcher) refuse(lost []record.Partition, known map[string][]record.Partition, why error) bool {
	var out Fetched
	f.mu.Lock()
	for _, p := range lost {
		found := false
		for _, ps := range known {
			found = found || slices.Contains(ps, p)
		}
		if part := f.parts[p]; part != nil && !found {
			part.stopped = true
			out.Errors = append(out.Errors, PartitionError{Partition: p, Offset: part.offset, Err: explain(why), epoch: part.epoch})
		}
	}
	f.mu.Unlock()
	return f.hand(out)
}

// hand passes a response on to the receiver; false: the fetcher is closed.
func (f *Fetcher) hand(out Fetched) bool {
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

func (f *Fetcher) homeless() []record.Partition {
	f.mu.Lock()
	defer f.mu.Unlock()
	var lost []record.Partition
	for p, part := range f.parts {
		if part.leader == "" && !part.stopped {
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
		l := f.leaders[addr]
		if l == nil {
			l = &fetchLeader{addr: addr}
			f.leaders[addr] = l
			for i := range l.wakeups {
				l.wakeups[i] = make(chan struct{}, 1)
				l.connected[i] = f.c.newPool(f.cfg.MaxWait)
				f.wg.Go(func() { f.loop(l, i) }) // Close waits for it
			}
		}
		l.wake()
	}
}
