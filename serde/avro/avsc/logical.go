package avsc

import "math"

// MaxPrecision is the largest precision of a decimal, in digits. The
// specification has no bound for decimals of bytes; with this one no schema makes
// a reader compute powers of ten that take longer than microseconds. A decimal of
// more digits is not taken for a logical type.
const MaxPrecision = 10_000

// logical recognises the logical type. A bad one is not an error, says the
// specification, but means nothing.
func (s *Schema) logical(at *place) {
	name, _ := at.text("logicalType")
	valid := false
	switch name {
	case "decimal":
		valid = s.decimal(at)
	case "big-decimal":
		valid = s.Kind == Bytes
	case "uuid":
		valid = s.Kind == String || s.Kind == Fixed && s.Size == 16
	case "duration":
		valid = s.Kind == Fixed && s.Size == 12
	case "date", "time-millis":
		valid = s.Kind == Int
	case "time-micros", "timestamp-millis", "timestamp-micros", "timestamp-nanos",
		"local-timestamp-millis", "local-timestamp-micros", "local-timestamp-nanos":
		valid = s.Kind == Long
	}
	if valid {
		s.Logical = name
	}
}

func (s *Schema) decimal(at *place) bool {
	precision, ok := at.member("precision").integer()
	if !ok || s.Kind != Bytes && s.Kind != Fixed {
		return false
	}
	scale := 0
	if n := at.member("scale"); n != nil {
		if scale, ok = n.integer(); !ok {
			return false
		}
	}
	most := MaxPrecision
	if s.Kind == Fixed {
		// The largest number of so many bytes has at least so many digits 9.
		most = min(most, int(math.Floor(math.Log10(2)*float64(8*s.Size-1))))
	}
	if precision < 1 || precision > most || scale < 0 || scale > precision {
		return false
	}
	s.Precision, s.Scale = precision, scale
	return true
}
