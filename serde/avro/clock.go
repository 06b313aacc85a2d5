package avro

import (
	"fmt"
	"math"
	"time"
)

const daySeconds = 24 * 60 * 60

// appendTime appends the number of a date or timestamp. A date is the day that
// the time shows in its own zone, a local timestamp what its clock shows; both
// forget the zone.
func appendTime(dst []byte, t time.Time, c clock) ([]byte, error) {
	switch c {
	case clockDate, clockLocalMillis, clockLocalMicros, clockLocalNanos:
		_, offset := t.Zone()
		t = t.Add(time.Duration(offset) * time.Second)
	}
	switch c {
	case clockDate:
		s := t.Unix()
		days := s / daySeconds
		if s%daySeconds < 0 {
			days--
		}
		if int64(int32(days)) != days {
			return dst, fmt.Errorf("%v is too far away for a date", t)
		}
		return appendLong(dst, days), nil
	case clockMillis, clockLocalMillis:
		return appendLong(dst, t.UnixMilli()), nil
	case clockMicros, clockLocalMicros:
		return appendLong(dst, t.UnixMicro()), nil
	}
	if s := t.Unix(); s >= math.MaxInt64/int64(time.Second) || s <= math.MinInt64/int64(time.Second) {
		return dst, fmt.Errorf("%v is too far away for nanoseconds", t)
	}
	return appendLong(dst, t.UnixNano()), nil
}

func timeOf(v int64, c clock) time.Time {
	switch c {
	case clockDate:
		return time.Unix(v*daySeconds, 0).UTC()
	case clockMillis, clockLocalMillis:
		return time.UnixMilli(v).UTC()
	case clockMicros, clockLocalMicros:
		return time.UnixMicro(v).UTC()
	}
	return time.Unix(0, v).UTC()
}

func appendDuration(dst []byte, v time.Duration, c clock) ([]byte, error) {
	if c == clockTimeMicros {
		return appendLong(dst, v.Microseconds()), nil
	}
	ms := v.Milliseconds()
	if int64(int32(ms)) != ms {
		return dst, fmt.Errorf("%v is too long for time-millis", v)
	}
	return appendLong(dst, ms), nil
}

func durationOf(v int64, c clock) (time.Duration, error) {
	unit := time.Millisecond
	if c == clockTimeMicros {
		unit = time.Microsecond
	}
	if v > math.MaxInt64/int64(unit) || v < math.MinInt64/int64(unit) {
		return 0, fmt.Errorf("%d is too long for a time.Duration", v)
	}
	return time.Duration(v) * unit, nil
}
