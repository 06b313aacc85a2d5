package sim

import (
	"fmt"
	"time"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
)

// Operators with windows. Grace is longer than any input, so no record is late: which
// ones are depends on how far stream time has come, and so on the partitions.
func init() {
	const grace = time.Hour
	span := func(m *maker) time.Duration { return time.Duration(5+m.IntN(200)) * time.Millisecond }
	operators = append(operators,
		func(m *maker) { m.count(stream.Tumbling(span(m)).Grace(grace)) },
		func(m *maker) {
			size := span(m)
			m.count(stream.Hopping(size, size/time.Duration(1+m.IntN(4))).Grace(grace))
		},
		func(m *maker) { m.count(stream.Sliding(span(m)).Grace(grace)) },
		func(m *maker) {
			s := stream.SessionWindowedBy(m.grouped(), stream.Sessions(span(m)/2).Grace(grace))
			if m.IntN(2) == 0 {
				m.windows = append(m.windows, s.Count(m.store()))
				return
			}
			m.windows = append(m.windows, s.Reduce(plus, m.store()))
		},
		func(m *maker) { // one for a program, since results multiply
			if m.joined {
				return
			}
			m.joined = true
			serdes := stream.StreamJoinedWith(serde.String(), serde.Int64(), serde.Int64()).Options(m.place)
			w := stream.TimeDifference(span(m) / 4).Grace(grace)
			m.add(stream.Join(m.stream(), m.stream(), func(a, b int64) int64 { return a*7 + b }, w, serdes))
		},
		func(m *maker) {
			sum := func(_ string, v, sum int64) int64 { return sum + v }
			c := stream.Cogroup(m.grouped(), sum)
			// Two inputs that are both repartitioned need a name, as in Kafka Streams.
			other := stream.GroupBy(m.stream(), rekey(3), with, stream.Named(fmt.Sprint("cogrouped-", len(m.tables))))
			c = stream.CogroupWith(c, other, func(_ string, v, sum int64) int64 { return sum + 2*v })
			m.aggregate(c.Aggregate(func() int64 { return 5 }, m.store()))
		},
	)
}

// count adds a count by windows, or a sum.
func (m *maker) count(w stream.Windows) {
	s := stream.WindowedBy(m.grouped(), w)
	if m.IntN(2) == 0 {
		m.windows = append(m.windows, s.Count(m.store()))
		return
	}
	m.windows = append(m.windows, stream.AggregateWindows(s, func() int64 { return 0 }, func(_ string, v, sum int64) int64 { return sum + v%10 }, m.store()))
}
