package resolve

import (
	"math"
	"strconv"
	"strings"

	"github.com/streamweir/streamweir/serde/avro/avsc"
	"github.com/streamweir/streamweir/serde/avro/wire"
)

// Check goes over the value of a schema at the head of data and returns what follows
// it. An error has the path of what is wrong, if it is inside of the value; the bounds
// are those of a [Plan].
func Check(s *avsc.Schema, data []byte) (rest []byte, err error) {
	r := wire.NewReader(data)
	if Skip(&r, s); r.Failed() {
		return data, wire.At(r.Err(), PathAt(s, data, r.At()))
	}
	return r.Rest(), nil
}

// Skip goes over the next value of a reader, which is one of the schema.
func Skip(r *wire.Reader, s *avsc.Schema) {
	l := locator{r: r, offset: math.MaxInt}
	l.value(s)
}

// PathAt returns where in the value at the head of data the byte at an offset belongs
// to, such as lines[2].price, or where the data before it ends to make sense. It is for
// errors: [wire.Reader] tells the offset it failed at. The value as a whole is "".
func PathAt(s *avsc.Schema, data []byte, offset int) string { return locate(s, data, offset, nil) }

// locate is the path of the innermost value that the byte at offset belongs to, or, with
// a type, of the first value of it that begins there.
func locate(s *avsc.Schema, data []byte, offset int, of *avsc.Schema) string {
	r := wire.NewReader(data)
	l := locator{r: &r, size: len(data), offset: offset, of: of}
	l.value(s)
	return l.path
}

type locator struct {
	r      *wire.Reader
	size   int
	offset int
	of     *avsc.Schema
	path   string // grows from the inside once it was found
}

func (l *locator) at() int { return l.size - len(l.r.Rest()) }

// past tells whether what was read last holds what is looked for, or cannot be read.
func (l *locator) past() bool {
	return l.r.Failed() || l.of == nil && l.at() > l.offset
}

// value goes over a value and returns true when the place was found in it.
func (l *locator) value(s *avsc.Schema) bool {
	if l.of == s && l.at() == l.offset {
		return true
	}
	switch s.Kind {
	case avsc.Null:
	case avsc.Boolean:
		l.r.Boolean()
	case avsc.Int:
		l.r.Int()
	case avsc.Long:
		l.r.Long()
	case avsc.Float:
		l.r.Float()
	case avsc.Double:
		l.r.Double()
	case avsc.Bytes, avsc.String:
		l.r.SkipString()
	case avsc.Fixed:
		l.r.Skip(s.Size)
	case avsc.Enum:
		l.r.Symbol(len(s.Symbols))
	case avsc.Union:
		k := l.r.Branch(len(s.Branches))
		if l.past() {
			return true
		}
		return l.value(s.Branches[k])
	default:
		if !l.r.Enter() {
			return true
		}
		defer l.r.Leave()
		if s.Kind == avsc.Record {
			return l.record(s)
		}
		return l.items(s)
	}
	return l.past()
}

func (l *locator) record(s *avsc.Schema) bool {
	for _, f := range s.Fields {
		if l.value(f.Type) {
			l.path = join(f.Name, l.path)
			return true
		}
	}
	return false
}

func (l *locator) items(s *avsc.Schema) bool {
	least := s.Items.MinSize
	if s.Kind == avsc.Map {
		least++
	}
	for i := 0; ; {
		n := l.r.Count(least)
		if n == 0 || l.past() {
			return l.past()
		}
		if least == 0 {
			n = 1 // they are all alike
		}
		for ; n > 0; n-- {
			key := *l.r // what the path needs of it is read when there is one
			if s.Kind == avsc.Map {
				l.r.SkipString()
				if l.past() {
					return true
				}
			}
			if l.value(s.Items) {
				part := strconv.Itoa(i)
				if s.Kind == avsc.Map {
					part = strconv.Quote(key.String())
				}
				l.path = join("["+part+"]", l.path)
				return true
			}
			i++
		}
	}
}

// join is the path of what lies at inner inside of outer.
func join(outer, inner string) string {
	if outer == "" || inner == "" || strings.HasPrefix(inner, "[") {
		return outer + inner
	}
	return outer + "." + inner
}
