package avro

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/streamweir/streamweir/serde/avro/avsc"
)

// goField is a field of a Go struct with the schema's field it holds.
type goField struct {
	typ    reflect.Type
	offset uintptr
}

// bindFields finds for each field of a record the field of the Go struct. Every
// exported Go field must have its counterpart: what is left out silently would
// be lost silently. A schema field without a Go field is for the caller to
// judge.
func bindFields(s *avsc.Schema, t reflect.Type) (map[*avsc.Field]goField, error) {
	bound := map[*avsc.Field]goField{}
	names := map[*avsc.Field]string{}
	for _, g := range reflect.VisibleFields(t) {
		tag, tagged := g.Tag.Lookup("avro")
		if tag == "-" || !g.IsExported() && !tagged || g.Anonymous && !tagged && g.Type.Kind() == reflect.Struct {
			continue
		}
		if !g.IsExported() {
			return nil, fmt.Errorf("%v.%s has an avro tag but is not exported", t, g.Name)
		}
		offset, err := offsetOf(t, g.Index)
		if err != nil {
			return nil, err
		}
		f := match(s, g.Name, tag)
		if f == nil {
			return nil, fmt.Errorf("%v.%s: %s has no such field; name it with a tag avro:\"name\", or leave the Go field out with avro:\"-\"", t, g.Name, s.Name)
		}
		if other, ok := names[f]; ok {
			return nil, fmt.Errorf("%v.%s and %v.%s are both the field %s of %s", t, other, t, g.Name, f.Name, s.Name)
		}
		names[f] = g.Name
		bound[f] = goField{g.Type, offset}
	}
	return bound, nil
}

// offsetOf adds up the offsets on the way to a field that may be promoted from
// embedded structs.
func offsetOf(t reflect.Type, index []int) (uintptr, error) {
	var offset uintptr
	for i, k := range index {
		if t.Kind() != reflect.Struct {
			return 0, fmt.Errorf("fields of an embedded pointer (%v) are not supported", t)
		}
		f := t.Field(k)
		if i < len(index)-1 && f.Tag.Get("avro") != "" {
			return 0, fmt.Errorf("%v.%s: an embedded struct cannot be one field and several", t, f.Name)
		}
		offset += f.Offset
		t = f.Type
	}
	return offset, nil
}

// match finds a field by tag; without one by its name, then by its name with a
// lower first letter, then without regard to case (Go's ID is eventId's Id).
func match(s *avsc.Schema, name, tag string) *avsc.Field {
	if tag != "" {
		return find(s, func(n string) bool { return n == tag })
	}
	first, size := utf8.DecodeRuneInString(name)
	lower := string(unicode.ToLower(first)) + name[size:]
	for _, same := range []func(string) bool{
		func(n string) bool { return n == name },
		func(n string) bool { return n == lower },
		func(n string) bool { return strings.EqualFold(n, name) },
	} {
		if f := find(s, same); f != nil {
			return f
		}
	}
	return nil
}

func find(s *avsc.Schema, same func(string) bool) *avsc.Field {
	for _, f := range s.Fields {
		if same(f.Name) {
			return f
		}
	}
	return nil
}

// wrap is how a Go type expresses null.
type wrap uint8

const (
	wrapNone     wrap = iota // not a nullable union
	wrapPointer              // *T
	wrapOptional             // Optional[T]
	wrapNil                  // a slice or map, nil is null
)

// nullable is a union as a Go type holds it.
type nullable struct {
	wrap      wrap
	of        *avsc.Schema // the branch that is not null
	some      int          // its index
	null      int          // the index of null, -1 if there is none
	inner     reflect.Type
	setOffset uintptr // of Optional's Set
}

func bindUnion(s *avsc.Schema, t reflect.Type) (nullable, error) {
	u := nullable{null: -1, inner: t}
	for i, b := range s.Branches {
		switch {
		case b.Kind == avsc.Null:
			u.null = i
		case u.of != nil:
			return u, errors.New("a union of several types besides null has no Go struct field; use avro.Record")
		default:
			u.of, u.some = b, i
		}
	}
	if u.of == nil {
		return u, errors.New("a union of nothing but null has no Go type")
	}
	if u.null < 0 {
		return u, nil
	}
	switch {
	case t.Kind() == reflect.Pointer:
		u.wrap, u.inner = wrapPointer, t.Elem()
	case isOptional(t):
		u.wrap, u.inner, u.setOffset = wrapOptional, t.Field(0).Type, t.Field(1).Offset
	case t.Kind() == reflect.Slice || t.Kind() == reflect.Map:
		u.wrap = wrapNil
	default:
		return u, fmt.Errorf("type %v has no null; use *%v or avro.Optional[%v]", t, t, t)
	}
	return u, nil
}

var (
	timeType     = reflect.TypeFor[time.Time]()
	durationType = reflect.TypeFor[time.Duration]()
)

// clock is how a time.Time or time.Duration is a number.
type clock uint8

const (
	clockNone clock = iota
	clockDate
	clockMillis
	clockMicros
	clockNanos
	clockLocalMillis
	clockLocalMicros
	clockLocalNanos
	clockTimeMillis
	clockTimeMicros
)

// clockOf returns the clock of a schema's logical type, if it is a valid one.
func clockOf(s *avsc.Schema) clock {
	clocks := map[string]clock{
		"date": clockDate, "time-millis": clockTimeMillis,
		"timestamp-millis": clockMillis, "timestamp-micros": clockMicros, "timestamp-nanos": clockNanos,
		"local-timestamp-millis": clockLocalMillis, "local-timestamp-micros": clockLocalMicros,
		"local-timestamp-nanos": clockLocalNanos, "time-micros": clockTimeMicros,
	}
	c := clocks[s.Logical]
	isInt := c == clockDate || c == clockTimeMillis
	if isInt && s.Kind != avsc.Int || !isInt && s.Kind != avsc.Long {
		return clockNone
	}
	return c
}

// bindClock returns the clock of a Go type that is a time, and an error if the
// schema's logical type is another.
func bindClock(s *avsc.Schema, t reflect.Type) (clock, error) {
	c := clockOf(s)
	switch t {
	case timeType:
		if c == clockNone || c >= clockTimeMillis {
			return 0, fmt.Errorf("time.Time needs a date or timestamp, not %s %s", s.Kind, s.Logical)
		}
		return c, nil
	case durationType:
		if c < clockTimeMillis {
			return 0, fmt.Errorf("time.Duration needs time-millis or time-micros, not %s %s", s.Kind, s.Logical)
		}
		return c, nil
	}
	return clockNone, nil
}

// fits reports whether a Go kind can hold a scalar of the schema: integers may
// be wider or narrower than the schema's, and are checked for each value;
// floats must be the same, since nothing would tell a value that was rounded.
func fits(s *avsc.Schema, t reflect.Type) bool {
	switch s.Kind {
	case avsc.Boolean:
		return t.Kind() == reflect.Bool
	case avsc.Int, avsc.Long:
		return isInteger(t.Kind())
	case avsc.Float:
		return t.Kind() == reflect.Float32
	case avsc.Double:
		return t.Kind() == reflect.Float64
	case avsc.String:
		return t.Kind() == reflect.String
	case avsc.Bytes:
		return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8
	case avsc.Enum:
		return t.Kind() == reflect.String || isInteger(t.Kind())
	case avsc.Fixed:
		return t.Kind() == reflect.Array && t.Elem().Kind() == reflect.Uint8 && t.Len() == s.Size
	case avsc.Array:
		return t.Kind() == reflect.Slice && !isEntries(t)
	case avsc.Map:
		return t.Kind() == reflect.Map && t.Key().Kind() == reflect.String || isEntries(t)
	case avsc.Record:
		return t.Kind() == reflect.Struct
	}
	return false
}

func isInteger(k reflect.Kind) bool {
	switch k {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return true
	}
	return false
}

func errType(s *avsc.Schema, t reflect.Type) error {
	return fmt.Errorf("type %v cannot hold %s", t, s.Label())
}
