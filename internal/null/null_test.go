package null

import (
	"errors"
	"testing"
	"unsafe"
)

func check[T any](t *testing.T, name string, v T, want bool) {
	t.Helper()
	f := Check[T]()
	if f == nil {
		t.Fatalf("%s: no check", name)
	}
	if got := f(&v); got != want {
		t.Errorf("%s: nil is %v, want %v", name, got, want)
	}
}

func TestNilOfEveryKindThatHasOne(t *testing.T) {
	type named []string
	n := 0
	check[*int](t, "pointer", nil, true)
	check(t, "pointer", &n, false)
	check[[]byte](t, "slice", nil, true)
	check(t, "empty slice", []byte{}, false)
	check(t, "sliced to nothing", make([]byte, 4)[4:], false)
	check(t, "named slice", named(nil), true)
	check(t, "slice of empty structs", make([]struct{}, 3), false)
	check[map[string]int](t, "map", nil, true)
	check(t, "map", map[string]int{}, false)
	check[chan int](t, "channel", nil, true)
	check(t, "channel", make(chan int), false)
	check[func()](t, "function", nil, true)
	check(t, "function", func() {}, false)
	check[error](t, "interface", nil, true)
	check(t, "interface", errors.New("x"), false)
	check[any](t, "any", nil, true)
	check[any](t, "any holding a nil pointer", (*int)(nil), false)
	check[any](t, "any holding zero", 0, false)
	check[unsafe.Pointer](t, "unsafe pointer", nil, true)
	check(t, "unsafe pointer", unsafe.Pointer(&n), false)
}

func TestTypesWithoutNilHaveNoCheck(t *testing.T) {
	if Check[int]() != nil || Check[string]() != nil || Check[struct{ p *int }]() != nil ||
		Check[[2]*int]() != nil || Check[uintptr]() != nil || Check[struct{}]() != nil {
		t.Error("a type whose values are never nil has a check")
	}
}

func TestCheckAllocatesNothing(t *testing.T) {
	f := Check[any]()
	var v any = "text"
	if n := testing.AllocsPerRun(100, func() {
		if f(&v) {
			t.Error("text is nil")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
