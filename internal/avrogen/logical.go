package avrogen

import (
	"fmt"
	"strings"

	"github.com/streamweir/streamweir/serde/avro/avsc"
)

// logicals are the logical types with a Go type of their own. append and read are Go
// expressions, of the value $; append's are to be assigned to dst, or if it fails to dst
// and err.
var logicals = map[string]struct {
	goType       string
	append, read string
	fails        bool
}{
	"date":                   {"time.Time", "wire.AppendDate(dst, $)", "r.Date()", true},
	"time-millis":            {"time.Duration", "wire.AppendTimeMillis(dst, $)", "r.TimeMillis()", true},
	"time-micros":            {"time.Duration", "wire.AppendLong(dst, $.Microseconds())", "r.TimeMicros()", false},
	"timestamp-millis":       {"time.Time", "wire.AppendLong(dst, $.UnixMilli())", "r.Millis()", false},
	"timestamp-micros":       {"time.Time", "wire.AppendLong(dst, $.UnixMicro())", "r.Micros()", false},
	"timestamp-nanos":        {"time.Time", "wire.AppendNanos(dst, $)", "r.Nanos()", true},
	"local-timestamp-millis": {"time.Time", "wire.AppendLong(dst, wire.Local($).UnixMilli())", "r.Millis()", false},
	"local-timestamp-micros": {"time.Time", "wire.AppendLong(dst, wire.Local($).UnixMicro())", "r.Micros()", false},
	"local-timestamp-nanos":  {"time.Time", "wire.AppendNanos(dst, wire.Local($))", "r.Nanos()", true},
	"uuid":                   {"uuid.UUID", "wire.AppendUUID(dst, $)", "r.UUID()", false},
	"duration":               {"wire.Duration", "wire.AppendDuration(dst, $)", "r.Duration()", false},
	"decimal":                {"*big.Rat", "", "", true},
}

// camel makes a name of a logical type's: timestamp-millis is timestampMillis.
func camel(logical string) string {
	head, tail, ok := strings.Cut(logical, "-")
	if !ok {
		return head
	}
	return head + capital(camel(tail))
}

// packages are what the expressions of logicals import.
var packages = map[string]string{"time": "time", "wire": wirePath, "uuid": "github.com/google/uuid", "big": "math/big"}

func (f *file) logicalType(l string) string {
	t := logicals[l].goType
	name, _, _ := strings.Cut(strings.TrimPrefix(t, "*"), ".")
	f.use(packages[name])
	return t
}

func (f *file) appendLogical(e string, s *avsc.Schema, path []string) {
	l := f.model.logical(s)
	code := logicals[l].append
	f.use(wirePath)
	switch {
	case l == "uuid" && s.Kind == avsc.Fixed:
		code = "append(dst, $[:]...)"
	case l == "decimal" && s.Kind == avsc.Fixed:
		code = fmt.Sprintf("wire.AppendFixedDecimal(dst, $, %d, %d, %d)", s.Precision, s.Scale, s.Size)
	case l == "decimal":
		code = fmt.Sprintf("wire.AppendDecimal(dst, $, %d, %d)", s.Precision, s.Scale)
	}
	code = strings.ReplaceAll(code, "$", e)
	if logicals[l].fails {
		f.try(code, path)
	} else {
		f.p("dst = %s", code)
	}
}

// readLogical is the expression that reads a logical type, "" if it takes a statement.
func (f *file) readLogical(s *avsc.Schema) string {
	switch l := f.model.logical(s); {
	case l == "uuid" && s.Kind == avsc.Fixed:
		return ""
	case l == "decimal" && s.Kind == avsc.Fixed:
		return fmt.Sprintf("r.FixedDecimal(%d, %d)", s.Scale, s.Size)
	case l == "decimal":
		return fmt.Sprintf("r.Decimal(%d)", s.Scale)
	default:
		return logicals[l].read
	}
}
