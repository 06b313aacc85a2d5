// Package avsc reads Avro schemas: it parses the JSON text, resolves names,
// checks defaults, writes the schema back in its full and in its canonical form,
// and says whether data of one schema can be read with another.
//
// It follows what Apache Avro for Java 1.12 accepts, since that is what a
// registry holds: a type may be referred to before its definition, and be
// defined twice in the same way; comments are allowed. What is neither here nor
// there by the specification, such as a default that no branch of a union takes,
// is refused as Java refuses it. [ParseStored] is for texts that are in use
// already and takes what older parsers let through.
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

// PromotesTo tells whether a value written as the kind may be read as another one.
func (k Kind) PromotesTo(to Kind) bool {
	switch k {
	case Int:
		return to == Long || to == Float || to == Double
	case Long:
		return to == Float || to == Double
	case Float:
		return to == Double
	case String:
		return to == Bytes
	case Bytes:
		return to == String
	}
	return false
}

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

	// Logical is the logical type if it is one that the specification knows and
	// if it is valid: on the right type, and for a decimal
	// 0 <= Scale <= Precision <= [MaxPrecision], where a fixed has room for
	// Precision digits. Otherwise it is "", and the attributes are properties
	// that mean nothing.
	Logical          string
	Precision, Scale int // of a decimal

	// Properties are the attributes that Avro does not know for the type, in the
	// order of the text; logicalType, precision and scale are among them.
	Properties []Property

	// IsError is whether a record is written as "type": "error".
	IsError bool

	// Position is where the text of the type begins; that of a named type is its
	// definition's.
	Position Position

	// MinSize is a lower bound of the bytes that a value takes. It is 0 only for
	// a type whose values all take no bytes: null, a fixed of size 0, a record of
	// those.
	MinSize int

	hasDoc bool // which may be empty
	sized  bool // MinSize is known, or being found further up
	linked bool // of a named type: all is known
	finite bool // of a record or enum: it has a value
}

// Property is an attribute that Avro does not know, with the JSON text of its
// value.
type Property struct {
	Key   string
	Value string
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

	// Order is "descending" or "ignore", or "" for ascending.
	Order string

	// Properties are the attributes that Avro does not know for fields, in the
	// order of the text.
	Properties []Property

	// Position is where the text of the field begins.
	Position Position

	hasDoc bool   // which may be empty
	def    *place // the text of the default
}

// Label is the name by which Avro's JSON encoding and error messages refer to
// a type in a union: the full name of a named type, the kind of any other.
func (s *Schema) Label() string {
	if s.IsNamed() {
		return s.Name
	}
	return s.Kind.String()
}

// IsNamed is whether the type has a name and may be referred to by it: a record,
// an enum or a fixed.
func (s *Schema) IsNamed() bool { return s.Kind == Record || s.Kind == Enum || s.Kind == Fixed }

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
