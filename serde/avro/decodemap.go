package avro

import (
	"reflect"
	"unsafe"
)

func (d *decoder) key(i int) (string, int, error) {
	n, i, err := readLength(d.b, i)
	if err != nil {
		return "", i, err
	}
	return d.string(i, i+n), i + n, nil
}

// maxHint bounds the room made for a map by its announced size.
const maxHint = 1 << 10

func (d *decoder) mapString(i int, o *decOp, p unsafe.Pointer) (int, error) {
	var m map[string]string
	for {
		n, next, err := d.readCount(i, o.min)
		if m == nil {
			m = make(map[string]string, min(n, maxHint))
			*(*map[string]string)(p) = m
		}
		if i = next; err != nil || n == 0 {
			return i, err
		}
		for ; n > 0; n-- {
			var k, v string
			if k, i, err = d.key(i); err != nil {
				return i, err
			}
			if v, i, err = d.key(i); err != nil {
				return i, atKey(k, err)
			}
			m[k] = v
		}
	}
}

func (d *decoder) mapInt64(i int, o *decOp, p unsafe.Pointer) (int, error) {
	var m map[string]int64
	for {
		n, next, err := d.readCount(i, o.min)
		if m == nil {
			m = make(map[string]int64, min(n, maxHint))
			*(*map[string]int64)(p) = m
		}
		if i = next; err != nil || n == 0 {
			return i, err
		}
		for ; n > 0; n-- {
			var k string
			if k, i, err = d.key(i); err != nil {
				return i, err
			}
			var v int64
			if v, i, err = readLong(d.b, i); err != nil {
				return i, atKey(k, err)
			}
			m[k] = v
		}
	}
}

func (d *decoder) entryList(i int, o *decOp, p unsafe.Pointer) (int, error) {
	h := (*sliceHeader)(p)
	m := reflect.NewAt(o.typ, p).Interface().(entries)
	before, sorted := "", true
	for {
		n, next, err := d.readCount(i, o.min)
		if h.data == nil || h.len+min(n, maxHint) > h.cap {
			m.room(h.len + min(n, maxHint))
		}
		if i = next; err != nil {
			return i, err
		}
		if n == 0 {
			break
		}
		for ; n > 0; n-- {
			var key string
			if key, i, err = d.key(i); err != nil {
				return i, err
			}
			if h.len == h.cap {
				m.room(2 * h.cap)
			}
			entry := unsafe.Add(h.data, uintptr(h.len)*o.n)
			h.len++
			*(*string)(entry) = key
			sorted = sorted && (h.len == 1 || before < key)
			before = key
			if i, err = d.run(i, o.inner, entry); err != nil {
				return i, atKey(key, err)
			}
		}
	}
	if !sorted {
		m.order()
	}
	return i, nil
}

func (d *decoder) mapping(i int, o *decOp, p unsafe.Pointer) (int, error) {
	s := o.scratch.Get().(*mapScratch)
	defer func() {
		s.clear()
		o.scratch.Put(s)
	}()
	target := reflect.NewAt(o.typ, p).Elem()
	for {
		n, next, err := d.readCount(i, o.min)
		if target.IsNil() {
			target.Set(reflect.MakeMapWithSize(o.typ, min(n, maxHint)))
		}
		if i = next; err != nil || n == 0 {
			return i, err
		}
		for ; n > 0; n-- {
			var k string
			if k, i, err = d.key(i); err != nil {
				return i, err
			}
			s.key.SetString(k)
			s.elem.SetZero()
			if i, err = d.run(i, o.inner, s.elem.Addr().UnsafePointer()); err != nil {
				return i, atKey(k, err)
			}
			target.SetMapIndex(s.key, s.elem)
		}
	}
}
