package avsc

import (
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// defaults checks the defaults of fields as Java does: by kind and range of the
// JSON value, with any branch of a union. Whether a text is a symbol of the enum
// or as long as the fixed is seen when the default is used.
func (p *parser) defaults() error {
	c := checker{seen: map[pair]bool{}, busy: map[*Field]bool{}}
	for _, f := range p.fields {
		if f.Type.Kind == Float || f.Type.Kind == Double {
			if text, ok := f.Default.(string); ok {
				var value float64
				if f.Default, value, ok = floatText(text); !ok {
					return f.def.errorf(BadDefault, "field %s: default %s is no %s", f.Name, f.def.show(), f.Type.Kind)
				}
				f.def.node = &node{value: value, from: f.def.from, to: f.def.to}
				continue
			}
		}
		if !p.lax && !c.valid(f.Type, f.def.node) {
			if _, err := f.DefaultValue(); err != nil {
				return err
			}
			return f.def.errorf(BadDefault, "field %s: default %s is no %s", f.Name, f.def.show(), f.Type.describe())
		}
	}
	return nil
}

func (s *Schema) describe() string {
	switch {
	case s.IsNamed():
		return s.Kind.String() + " " + s.Name
	case s.Kind == Union:
		return "value of a branch of the union"
	}
	return s.Kind.String()
}

var decimal = regexp.MustCompile(`^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$`)

// floatText is what Java takes a text for as the default of a float or double
// field: a JSON value, in which NaN and the infinities stay texts, and the number.
func floatText(text string) (plain any, value float64, ok bool) {
	text = strings.TrimSpace(text)
	switch sign := strings.TrimLeft(text, "+-"); sign {
	case "NaN":
		return sign, math.NaN(), len(text)-len(sign) <= 1
	case "Infinity":
		value = math.Inf(1)
		if text[0] == '-' {
			value = math.Inf(-1)
		}
		return strings.TrimPrefix(text, "+"), value, len(text)-len(sign) <= 1
	}
	if !decimal.MatchString(text) {
		return nil, 0, false
	}
	f, _ := strconv.ParseFloat(text, 64) // out of range is infinite
	if math.IsInf(f, 0) {
		if f < 0 {
			return "-Infinity", f, true
		}
		return "Infinity", f, true
	}
	return json.Number(strconv.FormatFloat(f, 'g', -1, 64)), f, true
}

// pair is a value and the type that it is to be of. What is known of a pair is
// kept, or unions of records in each other would take exponential time.
type pair struct {
	s *Schema
	n *node
}

type checker struct {
	seen map[pair]bool
	busy map[*Field]bool // whose defaults are being used further up
}

func (c *checker) valid(s *Schema, n *node) bool {
	switch s.Kind {
	case Array, Map, Union, Record:
	default:
		return validScalar(s, n)
	}
	key := pair{s, n}
	v, ok := c.seen[key]
	if !ok {
		v = c.validNested(s, n)
		c.seen[key] = v
	}
	return v
}

func validScalar(s *Schema, n *node) bool {
	switch v := n.value.(type) {
	case nil:
		return s.Kind == Null
	case bool:
		return s.Kind == Boolean
	case string:
		return s.Kind == String || s.Kind == Bytes || s.Kind == Enum || s.Kind == Fixed
	case float64:
		return s.Kind == Float || s.Kind == Double
	case json.Number:
		switch s.Kind {
		case Int:
			_, ok := whole(v, 32)
			return ok
		case Long:
			_, ok := whole(v, 64)
			return ok
		}
		return s.Kind == Float || s.Kind == Double
	}
	return false
}

func (c *checker) validNested(s *Schema, n *node) bool {
	switch s.Kind {
	case Array:
		if !n.isList() {
			return false
		}
		for _, e := range n.list {
			if !c.valid(s.Items, e) {
				return false
			}
		}
		return true
	case Map:
		if !n.isObject() {
			return false
		}
		for _, e := range n.members {
			if !c.valid(s.Items, e) {
				return false
			}
		}
		return true
	case Union:
		for _, b := range s.Branches {
			if c.valid(b, n) {
				return true
			}
		}
		return false
	}
	if !n.isObject() {
		return false
	}
	for _, f := range s.Fields {
		if !c.validField(f, n.member(f.Name)) {
			return false
		}
	}
	return true
}

// validField uses the field's own default if the record's does not have it. One
// that needs itself never ends.
func (c *checker) validField(f *Field, n *node) bool {
	if n != nil {
		return c.valid(f.Type, n)
	}
	if !f.HasDefault || c.busy[f] {
		return false
	}
	if _, text := f.def.value.(string); text && (f.Type.Kind == Float || f.Type.Kind == Double) {
		return true // is seen where it stands
	}
	c.busy[f] = true
	defer delete(c.busy, f)
	return c.valid(f.Type, f.def.node)
}

// whole is the number if its text is a whole number in the range, not 1.0 or 1e3.
func whole(n json.Number, bits int) (int64, bool) {
	i, err := strconv.ParseInt(n.String(), 10, bits)
	return i, err == nil
}
