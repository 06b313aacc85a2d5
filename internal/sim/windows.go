package sim

import (
	"time"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
)

// span is how long a window is.
func (m *maker) span() time.Duration { return time.Duration(5+m.IntN(200)) * time.Millisecond }

// forever is longer than any input lasts.
const forever = time.Hour

// grace is such that no record is late, since which ones are depends on how far stream
// time has come, and so on the partitions.
func (m *maker) grace() time.Duration {
	if m.p.Strict {
		return m.short()
	}
	return forever
}

func (m *maker) short() time.Duration { return time.Duration(m.IntN(60)) * time.Millisecond }

// count adds a count by windows, or a sum.
func (m *maker) count(w stream.Windows) { m.windows = append(m.windows, m.counted(w, m.emit())) }

func (m *maker) counted(w stream.Windows, emit stream.EmitStrategy) windowed {
	s := stream.WindowedBy(m.grouped(), w).EmitStrategy(emit)
	switch m.IntN(3) {
	case 0:
		return s.Count(m.store())
	case 1:
		return s.Reduce(plus, m.store())
	}
	return stream.AggregateWindows(s, func() int64 { return 0 }, func(_ string, v, sum int64) int64 { return sum + v%10 }, m.store())
}

func (m *maker) sessions(emit stream.EmitStrategy) windowed {
	s := stream.SessionWindowedBy(m.grouped(), stream.Sessions(m.span()/2).Grace(m.grace())).EmitStrategy(emit)
	if m.IntN(2) == 0 {
		return s.Count(m.store())
	}
	return s.Reduce(plus, m.store())
}

// emit is when windows send their results.
func (m *maker) emit() stream.EmitStrategy {
	if m.p.Strict && m.IntN(3) == 0 {
		return stream.OnWindowClose
	}
	return stream.OnWindowUpdate
}

func (m *maker) timeWindows() stream.Windows {
	size := m.span()
	switch m.IntN(3) {
	case 0:
		return stream.Tumbling(size).Grace(m.grace())
	case 1:
		return stream.Hopping(size, size/time.Duration(1+m.IntN(4))).Grace(m.grace())
	}
	return stream.Sliding(size).Grace(m.grace())
}

// cogrouped are two streams that are aggregated into one.
func (m *maker) cogrouped() *stream.CogroupedKStream[string, int64] {
	c := stream.Cogroup(m.grouped(), func(_ string, v, sum int64) int64 { return sum + v })
	// Two inputs that are both repartitioned need a name, as in Kafka Streams.
	other := stream.GroupBy(m.stream(), rekey(3), with, stream.Named(m.name("cogrouped")))
	return stream.CogroupWith(c, other, func(_ string, v, sum int64) int64 { return sum + 2*v })
}

// streamJoined is in which stores streams are joined.
func (m *maker) streamJoined() *stream.StreamJoined[string, int64, int64] {
	j := stream.StreamJoinedWith(serde.String(), serde.Int64(), serde.Int64()).Options(m.place)
	if m.IntN(3) == 0 {
		j = j.StoreName(m.name("join"))
	}
	return j
}

func (m *maker) joinWindows(grace time.Duration) stream.JoinWindows {
	w := stream.TimeDifference(m.span() / 4).Grace(grace)
	if m.IntN(3) == 0 {
		w = w.After(m.span() / 2)
	}
	return w
}

// Operators with windows.
func init() {
	operators = append(operators,
		func(m *maker) { m.count(m.timeWindows()) },
		func(m *maker) { m.count(m.timeWindows()) },
		func(m *maker) { m.windows = append(m.windows, m.sessions(m.emit())) },
		func(m *maker) { // one for a program, since results multiply
			if m.joins++; m.joins > 1 {
				return
			}
			left := m.stream()
			right := left
			if m.IntN(3) > 0 {
				right = m.stream()
			}
			m.add(stream.Join(left, right, func(a, b int64) int64 { return a*7 + b }, m.joinWindows(m.grace()), m.streamJoined()))
		},
		func(m *maker) { m.aggregate(m.cogrouped().Aggregate(func() int64 { return 5 }, m.store())) },
		func(m *maker) {
			c := stream.CogroupWindowedBy(m.cogrouped(), m.timeWindows())
			m.windows = append(m.windows, c.Aggregate(func() int64 { return 4 }, m.store()))
		},
		func(m *maker) {
			c := stream.CogroupSessionWindowedBy(m.cogrouped(), stream.Sessions(m.span()/2).Grace(m.grace()))
			merge := func(_ string, a, b int64) int64 { return a + b }
			m.windows = append(m.windows, c.Aggregate(func() int64 { return 0 }, merge, m.store()))
		},
	)
}

// Operators whose results come when windows close. In a program that is not strict that
// is at the end, in all tasks at once; so what comes of it goes to a topic and no
// further.
func init() {
	operators = append(operators,
		func(m *maker) { m.write(withoutWindows(m.counted(m.timeWindows(), stream.OnWindowClose)), false) },
		func(m *maker) { m.write(withoutWindows(m.sessions(stream.OnWindowClose)), false) },
		func(m *maker) {
			t := m.counted(m.timeWindows(), stream.OnWindowUpdate)
			if m.IntN(3) == 0 {
				t = m.sessions(stream.OnWindowUpdate)
			}
			buffer := stream.BufferUnbounded()
			if m.IntN(2) == 0 {
				buffer = stream.BufferMaxRecords(1e6).MaxBytes(1e9).ShutDownWhenFull()
			}
			keys := stream.With(stream.SessionWindowed(serde.String()), serde.Int64())
			m.write(withoutWindows(t.SuppressWith(stream.UntilWindowCloses(buffer), keys)), false)
		},
		func(m *maker) { // of updates that are held back the last one counts
			t := m.table().SuppressWith(stream.UntilTimeLimit(m.limit(), m.buffer()), with)
			if m.p.Strict {
				m.bare[t], m.deletes[t], m.vague[t] = true, true, true
				m.addTable(t)
				return
			}
			m.write(t.ToStream(), true)
		},
		func(m *maker) {
			f := func(a int64, b *int64) int64 { return a*7 + or(b, -1) }
			if left, right, ok := m.sides(); ok {
				m.write(stream.LeftJoin(left, right, f, m.joinWindows(m.short()), m.streamJoined()), false)
			}
		},
		func(m *maker) {
			f := func(a, b *int64) int64 { return or(a, -2)*7 + or(b, -1) }
			if left, right, ok := m.sides(); ok {
				m.write(stream.OuterJoin(left, right, f, m.joinWindows(m.short()), m.streamJoined()), false)
			}
		},
	)
}

// sides are two streams that are joined with results for records without a partner. With
// which record these come depends, in Kafka Streams too, on the oldest one that the join
// knows of, which is none after a restart; so in no strict program. What comes does not,
// as long as no record is late: one that is later than its window has its result at once,
// whatever grace there is.
func (m *maker) sides() (left, right numbers, ok bool) {
	n := 2 + m.Int64N(3)
	return m.raw(), m.raw().Filter(func(_ string, v int64) bool { return v%n == 0 }), m.p.Ordered && !m.p.Strict
}

// limit is how long updates are held back.
func (m *maker) limit() time.Duration { return time.Duration(m.IntN(100)) * time.Millisecond }

func (m *maker) buffer() stream.BufferConfig {
	switch m.IntN(4) {
	case 0:
		return stream.BufferMaxRecords(1 + m.Int64N(6))
	case 1:
		return stream.BufferMaxBytes(100 + m.Int64N(400))
	case 2:
		return stream.BufferMaxRecords(1e6).ShutDownWhenFull()
	}
	return stream.BufferUnbounded()
}
