package avro

import (
	"reflect"
	"unsafe"

	"github.com/streamweir/streamweir/serde/avro/wire"
)

// maxHint bounds the room made for a map by its announced size.
const maxHint = 1 << 10

// goMap reads a map whose values need no plan.
func goMap[V any](d *decoder, o *decOp, p unsafe.Pointer, value func(*wire.Reader) V) bool {
	var m map[string]V
	for {
		n := d.r.Count(o.min)
		if m == nil {
			m = make(map[string]V, min(n, maxHint))
			*(*map[string]V)(p) = m
		}
		if n == 0 {
			return !d.r.Failed()
		}
		for ; n > 0; n-- {
			k := d.r.String()
			if d.r.Failed() {
				return false
			}
			v := value(&d.r)
			if d.r.Failed() {
				return d.at(wire.Key(k))
			}
			m[k] = v
		}
	}
}

func (d *decoder) entryList(o *decOp, p unsafe.Pointer) bool {
	h := (*sliceHeader)(p)
	m := reflect.NewAt(o.typ, p).Interface().(entries)
	before, sorted := "", true
	for {
		n := d.r.Count(o.min)
		if h.data == nil || h.len+min(n, maxHint) > h.cap {
			m.room(h.len + min(n, maxHint))
		}
		if n == 0 {
			break
		}
		for ; n > 0; n-- {
			key := d.r.String()
			if d.r.Failed() {
				return false
			}
			if h.len == h.cap {
				m.room(2 * h.cap)
			}
			entry := unsafe.Add(h.data, uintptr(h.len)*o.n)
			h.len++
			*(*string)(entry) = key
			sorted = sorted && (h.len == 1 || before < key)
			before = key
			if !d.run(o.inner, entry) {
				return d.at(wire.Key(key))
			}
		}
	}
	if !sorted {
		m.order()
	}
	return !d.r.Failed()
}

func (d *decoder) mapping(o *decOp, p unsafe.Pointer) bool {
	s := o.scratch.Get().(*mapScratch)
	defer func() {
		s.clear()
		o.scratch.Put(s)
	}()
	target := reflect.NewAt(o.typ, p).Elem()
	for {
		n := d.r.Count(o.min)
		if target.IsNil() {
			target.Set(reflect.MakeMapWithSize(o.typ, min(n, maxHint)))
		}
		if n == 0 {
			return !d.r.Failed()
		}
		for ; n > 0; n-- {
			k := d.r.String()
			if d.r.Failed() {
				return false
			}
			s.key.SetString(k)
			s.elem.SetZero()
			if !d.run(o.inner, s.elem.Addr().UnsafePointer()) {
				return d.at(wire.Key(k))
			}
			target.SetMapIndex(s.key, s.elem)
		}
	}
}
