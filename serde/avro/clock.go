package avro

import (
	"time"

	"github.com/streamweir/streamweir/serde/avro/wire"
)

// appendTime appends the number of a date or timestamp. A date is the day that
// the time shows in its own zone, a local timestamp what its clock shows; both
// forget the zone.
func appendTime(dst []byte, t time.Time, c clock) ([]byte, error) {
	switch c {
	case clockDate:
		return wire.AppendDate(dst, t)
	case clockLocalMillis, clockLocalMicros, clockLocalNanos:
		t = wire.Local(t)
	}
	switch c {
	case clockMillis, clockLocalMillis:
		return wire.AppendLong(dst, t.UnixMilli()), nil
	case clockMicros, clockLocalMicros:
		return wire.AppendLong(dst, t.UnixMicro()), nil
	}
	return wire.AppendNanos(dst, t)
}

func readTime(r *wire.Reader, c clock) time.Time {
	switch c {
	case clockDate:
		return r.Date()
	case clockMillis, clockLocalMillis:
		return r.Millis()
	case clockMicros, clockLocalMicros:
		return r.Micros()
	}
	return r.Nanos()
}

func appendDuration(dst []byte, v time.Duration, c clock) ([]byte, error) {
	if c == clockTimeMicros {
		return wire.AppendLong(dst, v.Microseconds()), nil
	}
	return wire.AppendTimeMillis(dst, v)
}

func readDuration(r *wire.Reader, c clock) time.Duration {
	if c == clockTimeMicros {
		return r.TimeMicros()
	}
	return r.TimeMillis()
}
