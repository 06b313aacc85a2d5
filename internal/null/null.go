// Package null tells whether a value of a type parameter is nil, without
// reflection or boxing for each value.
package null

import (
	"reflect"
	"unsafe"
)

// Check returns a function that reports whether a T is nil, for a T that has a
// nil: pointer, slice, map, channel, function, interface, unsafe.Pointer. For
// every other T, whose values are never nil, it returns nil. An interface that
// holds a nil pointer is not nil, as in the language.
//
// Call Check once where a type is wired; the function allocates nothing and may
// be called by any goroutine. Its argument must not be nil.
func Check[T any]() func(*T) bool {
	switch reflect.TypeFor[T]().Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Chan, reflect.Func, reflect.Interface, reflect.UnsafePointer:
		return firstWordNil[T]
	}
	return nil
}

// firstWordNil is right for every kind that Check lists: a pointer, map,
// channel and function are one word, a nil slice has no array (an empty one
// has), and a nil interface has no type word.
func firstWordNil[T any](v *T) bool {
	return *(*unsafe.Pointer)(unsafe.Pointer(v)) == nil
}
