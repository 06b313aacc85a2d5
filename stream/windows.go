package stream

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/streamweir/streamweir/store"
)

// A Window is a span of time, in milliseconds since the epoch. End is not part of
// a time window, but is part of a sliding window and of a session.
type Window = store.Window

// Windowed is a key with the window it was aggregated in: the key of a windowed
// table. Kafka Streams: Windowed.
type Windowed[K any] = store.Windowed[K]

// Windows are what [WindowedBy] groups by: [TimeWindows], [SlidingWindows] or
// [UnlimitedWindows].
type Windows interface {
	windows() (windows, error)
}

// windows are windows in milliseconds.
type windows struct {
	sliding, unlimited bool
	size               int64 // of a sliding window, the largest difference of timestamps; of a session, the gap
	advance            int64
	grace              int64
	start              int64         // of the unlimited window
	span               time.Duration // the size, for the store and for the serde of the keys
	retention          time.Duration // of the store, at least
}

// TimeWindows are windows of one size that begin at multiples of their advance,
// counted from the epoch. A record at time t is in the windows with
// start <= t < start+size. Kafka Streams: TimeWindows. Make them with [Tumbling] or
// [Hopping].
type TimeWindows struct{ size, advance, grace time.Duration }

// Tumbling are windows that follow one another without overlap, without a grace
// period. Kafka Streams: TimeWindows.ofSizeWithNoGrace.
func Tumbling(size time.Duration) TimeWindows { return TimeWindows{size: size, advance: size} }

// Hopping are windows of which one begins every advance, so that they overlap if it
// is less than the size, without a grace period. It must not be more: then records
// would be in none. Kafka Streams: TimeWindows.ofSizeWithNoGrace and advanceBy.
func Hopping(size, advance time.Duration) TimeWindows {
	return TimeWindows{size: size, advance: advance}
}

// Grace returns a copy of w whose windows are open for d after their end: a window
// takes records until stream time, the largest timestamp that the operator has seen
// in its task, reaches end+d. A record that comes later is dropped from that window
// and counted.
func (w TimeWindows) Grace(d time.Duration) TimeWindows { w.grace = d; return w }

func (w TimeWindows) windows() (windows, error) {
	switch {
	case w.size < time.Millisecond:
		return windows{}, fmt.Errorf("the size of the windows is %v, at least a millisecond is needed", w.size)
	case w.advance < time.Millisecond || w.advance > w.size:
		return windows{}, fmt.Errorf("the windows advance by %v: it must be at least a millisecond, and not more than their size of %v", w.advance, w.size)
	}
	return windows{size: w.size.Milliseconds(), advance: w.advance.Milliseconds(), grace: w.grace.Milliseconds(),
		span: w.size, retention: sum(w.size, w.grace)}, checkGrace(w.grace)
}

// SlidingWindows are windows of a largest difference d of timestamps: two records of
// a key are in one window if their timestamps differ by d at most. There is a window
// for each distinct set of such records, [t-d, t] for a record at t and what came
// before it, and [t+1, t+1+d] for what comes after it. Both bounds belong to the
// window. Kafka Streams: SlidingWindows. Make them with [Sliding].
//
// Windows do not begin before the epoch: records with timestamps smaller than d
// are in the window [0, d] together.
type SlidingWindows struct{ difference, grace time.Duration }

// Sliding are sliding windows without a grace period. Kafka Streams:
// SlidingWindows.ofTimeDifferenceWithNoGrace.
func Sliding(difference time.Duration) SlidingWindows { return SlidingWindows{difference: difference} }

// Grace returns a copy of w whose windows are open for d after their end; see
// [TimeWindows.Grace]. Since the end is part of the window, a record is late when
// stream time is greater than end+d.
func (w SlidingWindows) Grace(d time.Duration) SlidingWindows { w.grace = d; return w }

func (w SlidingWindows) windows() (windows, error) {
	if w.difference < time.Millisecond {
		return windows{}, fmt.Errorf("the time difference of the windows is %v, at least a millisecond is needed", w.difference)
	}
	return windows{sliding: true, size: w.difference.Milliseconds(), grace: w.grace.Milliseconds(),
		span: w.difference, retention: sum(w.difference, w.difference, w.grace)}, checkGrace(w.grace)
}

// UnlimitedWindows is one window that begins at a time and has no end. Records
// before it are in no window. Kafka Streams: UnlimitedWindows. Make one with
// [Unlimited].
type UnlimitedWindows struct{ start int64 }

// Unlimited is the window that begins at start; the zero time stands for the epoch.
// Kafka Streams: UnlimitedWindows.of().startOn(start).
func Unlimited(start time.Time) UnlimitedWindows {
	if start.IsZero() {
		return UnlimitedWindows{}
	}
	return UnlimitedWindows{start: start.UnixMilli()}
}

func (w UnlimitedWindows) windows() (windows, error) {
	if w.start < 0 {
		return windows{}, fmt.Errorf("the window begins at %v, before the epoch", time.UnixMilli(w.start).UTC())
	}
	return windows{unlimited: true, size: math.MaxInt64, start: w.start, span: store.Forever, retention: store.Forever}, nil
}

// SessionWindows are windows that records make: a session goes on while each record
// of a key is not later than the gap after the one before. Both bounds, the first
// and the last timestamp, belong to it. Kafka Streams: SessionWindows. Make them
// with [Sessions].
type SessionWindows struct{ gap, grace time.Duration }

// Sessions are sessions that end after gap without a record, without a grace period.
// Kafka Streams: SessionWindows.ofInactivityGapWithNoGrace.
func Sessions(gap time.Duration) SessionWindows { return SessionWindows{gap: gap} }

// Grace returns a copy of w whose sessions take late records for d longer. A
// record is late if the session it would be in, others that it connects included,
// ends before stream time - gap - d.
func (w SessionWindows) Grace(d time.Duration) SessionWindows { w.grace = d; return w }

func (w SessionWindows) windows() (windows, error) {
	if w.gap < time.Millisecond {
		return windows{}, fmt.Errorf("the gap of the sessions is %v, at least a millisecond is needed", w.gap)
	}
	return windows{size: w.gap.Milliseconds(), grace: w.grace.Milliseconds(), retention: sum(w.gap, w.grace)}, checkGrace(w.grace)
}

func checkGrace(d time.Duration) error {
	if d < 0 {
		return fmt.Errorf("the grace period is negative: %v", d)
	}
	return nil
}

// millisOf are windows in milliseconds, or what is wrong with them.
func millisOf(w Windows) (windows, error) {
	if w == nil {
		return windows{}, errors.New("there are no windows: use Tumbling, Hopping, Sliding or Unlimited")
	}
	return w.windows()
}

// sum is the sum of spans that are not negative, Forever if it is too large.
func sum(spans ...time.Duration) time.Duration {
	var s time.Duration
	for _, d := range spans {
		if d > 0 {
			s += d
		}
		if s < 0 {
			return store.Forever
		}
	}
	return s
}

// first is the start of the earliest window that a record at time t is in. Windows
// do not begin before the epoch.
func (w *windows) first(t int64) int64 {
	return max(0, t-w.size+w.advance) / w.advance * w.advance
}

// end is the end of the window that begins at start.
func (w *windows) end(start int64) int64 { return plus(start, w.size) }

// plus is a+b, or the largest number if it is too large, for b that is not negative.
func plus(a, b int64) int64 {
	if s := a + b; s >= a {
		return s
	}
	return math.MaxInt64
}
