package task

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/streamweir/streamweir/internal/graph"
)

// schedule is the punctuations of one kind of time.
type schedule struct {
	list []*punctuation
	next int64 // the earliest time in list
}

type punctuation struct {
	node  string
	every int64
	next  int64
	f     func(timestamp int64) error
	done  bool
}

func newSchedule() schedule { return schedule{next: math.MaxInt64} }

// Schedule is part of graph.Task. Stream time is first due at 0, so with the
// first record; wall-clock time after one interval.
func (t *Task) Schedule(node string, every time.Duration, wall bool, f func(timestamp int64) error) (cancel func(), err error) {
	if t.cfg.Sub.Global {
		return nil, fmt.Errorf("processor %q fills a global store and cannot schedule punctuations", node)
	}
	if every < time.Millisecond {
		return nil, fmt.Errorf("task %s: processor %q schedules every %v: an interval is at least a millisecond", t.cfg.ID, node, every)
	}
	s, p := &t.stream, &punctuation{node: node, every: every.Milliseconds(), f: f}
	if wall {
		s, p.next = &t.wall, t.now+p.every
	}
	s.list = append(s.list, p)
	s.next = min(s.next, p.next)
	return func() { p.done = true }, nil
}

// Punctuate runs the wall-clock punctuations that are due, and lets the stream time of
// an idle task go on.
func (t *Task) Punctuate(ctx context.Context, now int64) error {
	t.begin(ctx, now)
	if err := t.advance(); err != nil {
		return err
	}
	t.begin(ctx, now)
	return t.punctuate(&t.wall, now)
}

// NextPunctuation is the time at which the next wall-clock punctuation is due;
// ok is false if there is none.
func (t *Task) NextPunctuation() (at int64, ok bool) {
	return t.wall.next, t.wall.next != math.MaxInt64
}

// punctuate runs what is due, the earliest first, and each at most once: what a
// gap skipped is not made up for. Kafka Streams: PunctuationQueue.
func (t *Task) punctuate(s *schedule, now int64) error {
	if now < s.next {
		return nil
	}
	due := slices.DeleteFunc(slices.Clone(s.list), func(p *punctuation) bool { return p.next > now })
	slices.SortStableFunc(due, func(a, b *punctuation) int { return int(min(max(a.next-b.next, -1), 1)) })
	for _, p := range due {
		if p.done {
			continue
		}
		t.dirty, t.when, t.moment = true, now, graph.Moment{Timestamp: now}
		for {
			err := p.f(now)
			if err == nil && t.failed == nil {
				break
			}
			retry, err := t.Handle(graph.Processing, p.node, err)
			if err != nil {
				return err
			}
			if !retry {
				break
			}
		}
		p.next += ((now-p.next)/p.every + 1) * p.every
	}
	s.list = slices.DeleteFunc(s.list, func(p *punctuation) bool { return p.done })
	s.next = math.MaxInt64
	for _, p := range s.list {
		s.next = min(s.next, p.next)
	}
	return nil
}
