package avro

import (
	"reflect"
	"strings"
)

// Optional is a value or null, for a field whose schema is a union of null and
// one other type. The zero value is null.
//
// A pointer does the same and is the usual choice; Optional needs no allocation
// for each value that is read, and a struct of them can be compared and copied.
type Optional[T any] struct {
	Value T    // the zero value if Set is false
	Set   bool // false is null
}

// Some returns v as an Optional that is not null.
func Some[T any](v T) Optional[T] { return Optional[T]{Value: v, Set: true} }

func isOptional(t reflect.Type) bool {
	return t.PkgPath() == reflect.TypeFor[Optional[int]]().PkgPath() && strings.HasPrefix(t.Name(), "Optional[")
}
