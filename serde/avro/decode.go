package avro

import (
	"fmt"
	"reflect"
	"time"
	"unsafe"

	"github.com/streamweir/streamweir/serde/avro/avsc"
)

const (
	// oneCopy is the largest record whose strings are cut out of one copy of
	// it. One string that is kept keeps the copy, so a large record's are
	// copied one by one.
	oneCopy = 4 << 10
	// firstRoom is how much memory is made for the elements of an array before
	// any of them was read.
	firstRoom = 64 << 10
)

// start prepares for a record.
func (d *decoder) start(b []byte, p *rootPlan) {
	*d = decoder{b: b, wanted: p.cells}
	if p.texts && len(b) <= oneCopy {
		d.text = string(b)
	}
}

func (d *decoder) string(from, to int) string {
	switch {
	case from == to:
		return ""
	case d.text != "":
		return d.text[from:to]
	}
	return string(d.b[from:to])
}

// cell returns room for a string that a pointer will point to. Records with
// several such fields share one allocation among them.
func (d *decoder) cell() *string {
	if len(d.cells) == 0 {
		d.cells = make([]string, max(1, d.wanted))
	}
	s := &d.cells[0]
	d.cells = d.cells[1:]
	return s
}

// run reads with each op what lies at its offset from base.
func (d *decoder) run(i int, ops []decOp, base unsafe.Pointer) (int, error) {
	b := d.b
	var err error
	for k := range ops {
		o := &ops[k]
		p := unsafe.Add(base, o.off)
		switch o.code {
		case decString:
			var n int
			if n, i, err = readLength(b, i); err == nil {
				*(*string)(p) = d.string(i, i+n)
				i += n
			}
		case decNullableString:
			var k int
			if k, i, err = readIndex(b, i, 2, "branch"); err == nil && k == o.some {
				var n int
				if n, i, err = readLength(b, i); err == nil {
					s := d.cell()
					*s = d.string(i, i+n)
					*(**string)(p) = s
					i += n
				}
			}
		case decInt64:
			*(*int64)(p), i, err = readLong(b, i)
		case decInt32:
			*(*int32)(p), i, err = readInt(b, i)
		case decBool:
			*(*bool)(p), i, err = readBool(b, i)
		case decFloat32:
			*(*float32)(p), i, err = readFloat(b, i)
		case decFloat64:
			*(*float64)(p), i, err = readDouble(b, i)
		case decUnion:
			var k int
			if k, i, err = readIndex(b, i, len(o.branches), "branch"); err == nil {
				i, err = d.run(i, o.branches[k], p)
			}
		case decSkip:
			i, err = d.skip(o.schema, i)
		case decEnumText:
			var k int
			if k, i, err = readIndex(b, i, len(o.symbols), "symbol"); err == nil {
				if *(*string)(p) = o.symbols[k]; o.symbols[k] == "" {
					err = errSymbol(o.schema, k)
				}
			}
		default:
			i, err = d.inside(i, o, p)
		}
		if err != nil {
			if o.name != "" {
				err = at(o.name, err)
			}
			return i, err
		}
	}
	return i, nil
}

func errSymbol(w *avsc.Schema, k int) error {
	return fmt.Errorf("symbol %s is unknown to the reader's enum, which has no default", w.Symbols[k])
}

func (d *decoder) inside(i int, o *decOp, p unsafe.Pointer) (int, error) {
	switch o.code {
	case decInteger, decTime, decDuration, decNumber:
		return d.number(i, o, p)
	case decEnumNumber:
		k, i, err := readIndex(d.b, i, len(o.numbers), "symbol")
		if err == nil && o.numbers[k] < 0 {
			err = errSymbol(o.schema, k)
		}
		if err != nil {
			return i, err
		}
		return i, storeInteger(o.kind, p, o.numbers[k])
	case decBytes:
		n, i, err := readLength(d.b, i)
		if err != nil {
			return i, err
		}
		*(*[]byte)(p) = append(make([]byte, 0, n), d.b[i:i+n]...)
		return i + n, nil
	case decFixed:
		if uintptr(len(d.b)-i) < o.n {
			return i, errEnd
		}
		return i + copy(unsafe.Slice((*byte)(p), o.n), d.b[i:]), nil
	case decPointer:
		to := reflect.New(o.typ).UnsafePointer()
		*(*unsafe.Pointer)(p) = to
		return d.run(i, o.inner, to)
	case decOptional:
		*(*bool)(unsafe.Add(p, o.n)) = true
		return d.run(i, o.inner, p)
	case decDefault:
		return i, d.fill(o, p)
	case decFail:
		return i, o.err
	}
	if d.depth == maxDepth {
		return i, errDepth
	}
	d.depth++
	i, err := d.several(i, o, p)
	d.depth--
	return i, err
}

// fill reads a default, which is encoded in the plan.
func (d *decoder) fill(o *decOp, p unsafe.Pointer) error {
	b, text := d.b, d.text
	d.b, d.text = o.bytes, o.text
	_, err := d.run(0, o.inner, p)
	d.b, d.text = b, text
	return err
}

func (d *decoder) several(i int, o *decOp, p unsafe.Pointer) (int, error) {
	switch o.code {
	case decArray:
		return d.array(i, o, p)
	case decMapString:
		return d.mapString(i, o, p)
	case decMapInt64:
		return d.mapInt64(i, o, p)
	case decMap:
		return d.mapping(i, o, p)
	case decEntries:
		return d.entryList(i, o, p)
	}
	return d.run(i, o.sub.ops, p)
}

func (d *decoder) number(i int, o *decOp, p unsafe.Pointer) (int, error) {
	if o.from == avsc.Float {
		v, i, err := readFloat(d.b, i)
		*(*float64)(p) = float64(v) // the one promotion of a float
		return i, err
	}
	var v int64
	var err error
	if o.isInt {
		var small int32
		small, i, err = readInt(d.b, i)
		v = int64(small)
	} else {
		v, i, err = readLong(d.b, i)
	}
	if err != nil {
		return i, err
	}
	switch o.code {
	case decTime:
		*(*time.Time)(p) = timeOf(v, o.clock)
	case decDuration:
		*(*time.Duration)(p), err = durationOf(v, o.clock)
	case decInteger:
		err = storeInteger(o.kind, p, v)
	default:
		if o.kind == reflect.Float32 {
			*(*float32)(p) = float32(v)
		} else {
			*(*float64)(p) = float64(v)
		}
	}
	return i, err
}

// storeInteger writes an integer of a kind that fits lets through.
func storeInteger(k reflect.Kind, p unsafe.Pointer, v int64) error {
	var kept int64
	switch k {
	case reflect.Int8:
		*(*int8)(p) = int8(v)
		kept = int64(int8(v))
	case reflect.Int16:
		*(*int16)(p) = int16(v)
		kept = int64(int16(v))
	case reflect.Int32:
		*(*int32)(p) = int32(v)
		kept = int64(int32(v))
	case reflect.Int:
		*(*int)(p) = int(v)
		kept = int64(int(v))
	case reflect.Uint8:
		*(*uint8)(p) = uint8(v)
		kept = int64(uint8(v))
	case reflect.Uint16:
		*(*uint16)(p) = uint16(v)
		kept = int64(uint16(v))
	case reflect.Uint32:
		*(*uint32)(p) = uint32(v)
		kept = int64(uint32(v))
	default:
		*(*int64)(p) = v
		kept = v
	}
	if kept != v {
		return fmt.Errorf("%d is out of the range of Go's %v", v, k)
	}
	return nil
}

func (d *decoder) array(i int, o *decOp, p unsafe.Pointer) (int, error) {
	h := (*sliceHeader)(p)
	h.data = o.empty.UnsafePointer()
	for {
		n, next, err := d.readCount(i, o.min)
		if i = next; err != nil || n == 0 {
			return i, err
		}
		for ; n > 0; n-- {
			if h.len == h.cap {
				grow(o, h, p, n)
			}
			elem := unsafe.Add(h.data, uintptr(h.len)*o.n)
			h.len++
			if i, err = d.run(i, o.inner, elem); err != nil {
				return i, atIndex(h.len-1, err)
			}
		}
	}
}

// grow makes room for more elements: for the n that are announced, as far as
// they take little memory, and for twice as many as there are after that. So
// memory follows what was read, not what was announced.
func grow(o *decOp, h *sliceHeader, p unsafe.Pointer, n int) {
	room := h.len + min(n, max(h.len, firstRoom/int(max(o.n, 1)), 1))
	old := reflect.NewAt(o.typ, p).Elem()
	wide := reflect.MakeSlice(o.typ, room, room)
	reflect.Copy(wide, old)
	h.data, h.cap = wide.UnsafePointer(), room
}
