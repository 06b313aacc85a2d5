// Package avsc reads Avro schemas: it parses the JSON text, resolves names and
// writes the schema back in its full and in its canonical form.
//
// It follows what Apache Avro for Java 1.12 accepts, since that is what a
// registry holds, with one exception: a type has to be defined before it is
// referred to, as the specification says.
package avsc

// Kind is the type of a [Schema].
type Kind uint8

// The kinds, in the order of the specification.
const (
	Null Kind = iota
	Boolean
	Int
	Long
	Float
	Double
	Bytes
	String
	Record
	Enum
	Array
	Map
	Union
	Fixed
)

var kindNames = [...]string{"null", "boolean", "int", "long", "float", "double", "bytes", "string",
	"record", "enum", "array", "map", "union", "fixed"}

// String is the name of the kind in a schema's text.
func (k Kind) String() string { return kindNames[k] }

// Schema is a parsed schema. A named type that is referred to several times is
// one Schema with several pointers to it, so a recursive type is a cycle. It is
// not modified after Parse returned it and may be shared by goroutines.
type Schema struct {
	Kind    Kind
	Name    string   // full name of a record, enum or fixed
	Aliases []string // full names
	Doc     string

	Fields   []*Field  // of a record
	Symbols  []string  // of an enum
	Default  string    // of an enum: the symbol for one that is not known; "" is none
	Size     int       // of a fixed
	Items    *Schema   // of an array, and the values of a map
	Branches []*Schema // of a union

	// Logical is the logicalType as it is written, valid or not.
	Logical          string
	Precision, Scale int // of a decimal

	// MinSize is a lower bound of the bytes that a value takes. It is 0 only for
	// a type whose values all take no bytes: null, a fixed of size 0, a record of
	// those.
	MinSize int

	sized bool // MinSize is known, or being found further up
}

// Field is a field of a record.
type Field struct {
	Name    string
	Aliases []string
	Doc     string
	Type    *Schema

	// HasDefault is whether there is a default, which may be null. Default is
	// what encoding/json makes of its text with UseNumber: nil, bool, string,
	// json.Number, []any or map[string]any.
	HasDefault bool
	Default    any
}

// Label is the name by which Avro's JSON encoding and error messages refer to
// a type in a union: the full name of a named type, the kind of any other.
func (s *Schema) Label() string {
	if s.Name != "" {
		return s.Name
	}
	return s.Kind.String()
}

// Short is the name without its namespace.
func Short(name string) string {
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '.' {
			return name[i+1:]
		}
	}
	return name
}

func namespace(name string) string {
	short := Short(name)
	if len(short) == len(name) {
		return ""
	}
	return name[:len(name)-len(short)-1]
}

// maxMinSize keeps the sum of many large fixed fields from overflowing.
const maxMinSize = 1 << 40

// size fills in MinSize. A record inside of itself counts as 0 there: between
// the two is a union, array or map, which has a byte of its own, or the type
// has no values.
func (s *Schema) size() int {
	if s.sized {
		return s.MinSize
	}
	s.sized = true
	n := 1
	switch s.Kind {
	case Null:
		n = 0
	case Float:
		n = 4
	case Double:
		n = 8
	case Fixed:
		n = s.Size
	case Array, Map:
		s.Items.size()
	case Record:
		n = 0
		for _, f := range s.Fields {
			n = min(n+f.Type.size(), maxMinSize)
		}
	case Union:
		least := maxMinSize
		for _, b := range s.Branches {
			least = min(least, b.size())
		}
		n += least
	}
	s.MinSize = n
	return n
}
