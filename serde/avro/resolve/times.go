package resolve

import "github.com/streamweir/streamweir/serde/avro/avsc"

// unit is what a logical type counts, in nanoseconds. A time of day is apart from a
// point in time, 0 is neither.
func unit(s *avsc.Schema) (ns int64, ofDay bool) {
	switch s.Logical {
	case "time-millis":
		if s.Kind == avsc.Int {
			return 1e6, true
		}
		return 0, false
	case "time-micros":
		ns, ofDay = 1e3, true
	case "timestamp-millis", "local-timestamp-millis":
		ns = 1e6
	case "timestamp-micros", "local-timestamp-micros":
		ns = 1e3
	case "timestamp-nanos", "local-timestamp-nanos":
		ns = 1
	}
	if s.Kind != avsc.Long {
		return 0, false
	}
	return ns, ofDay
}

// rescales tells whether a number of w is another one of r.
func (c *compiler) rescales(w, r *avsc.Schema) bool {
	a, aOfDay := unit(w)
	b, bOfDay := unit(r)
	return c.options.Times && a != b && a != 0 && b != 0 && aOfDay == bOfDay
}

func (c *compiler) time(w, r *avsc.Schema) error {
	if !c.rescales(w, r) {
		return mismatch(w, r)
	}
	a, _ := unit(w)
	b, _ := unit(r)
	o := op{code: opTime}
	if w.Kind == avsc.Int {
		o.n = 1
	}
	if a > b {
		o.a = int32(a / b)
	} else {
		o.a = -int32(b / a)
	}
	c.converts(o)
	return nil
}
