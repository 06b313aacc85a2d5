package wire

import (
	"errors"
	"fmt"
	"strings"
)

// ErrNil is the error of a union that is nil and has no null.
var ErrNil = errors.New("nil, which is no branch of the union")

// A PathError is an error of a value inside of the one that was to be read or written.
type PathError struct {
	Path string // fields, [positions] in arrays and ["keys"] of maps: lines[2].price
	Err  error
}

func (e *PathError) Error() string { return e.Path + ": " + e.Err.Error() }

func (e *PathError) Unwrap() error { return e.Err }

// A Key is a map's key in a path.
type Key string

// At says where err was met: steps are the names of fields, the int positions in
// arrays and the [Key] of maps that lead there. If err knows a path already, the steps
// come before it.
func At(err error, steps ...any) error {
	var b strings.Builder
	for _, s := range steps {
		switch s := s.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", s)
		case Key:
			fmt.Fprintf(&b, "[%q]", string(s))
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			fmt.Fprint(&b, s)
		}
	}
	if inner, ok := err.(*PathError); ok {
		if !strings.HasPrefix(inner.Path, "[") && b.Len() > 0 {
			b.WriteByte('.')
		}
		return &PathError{b.String() + inner.Path, inner.Err}
	}
	if b.Len() == 0 {
		return err
	}
	return &PathError{b.String(), err}
}

// UnknownSymbol is the error of a value that is none of an enum's.
func UnknownSymbol(value int32, symbols int) error {
	return fmt.Errorf("%d is no symbol of the enum, which has %d", value, symbols)
}

// Unordered is the error of a map whose keys are not in order.
func Unordered(key, before string) error {
	return fmt.Errorf("the keys of an avro.Map are not in order: %q comes after %q; fill it with At, or make it with MapOf", key, before)
}

// WrongSize is the error of a fixed that has not the bytes of its type.
func WrongSize(got, want int) error { return fmt.Errorf("%d bytes for a fixed of %d", got, want) }
