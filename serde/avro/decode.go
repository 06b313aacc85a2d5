package avro

import (
	"fmt"
	"reflect"
	"time"
	"unsafe"

	"github.com/streamweir/streamweir/serde/avro/resolve"
	"github.com/streamweir/streamweir/serde/avro/wire"
)

// decoder is what decoding one record needs. An op returns false when something is
// wrong; where in the value that is, the ops around it tell then.
type decoder struct {
	r      wire.Reader
	cells  []string // what is left of the record's room for *string fields
	wanted int      // *string fields
	path   []any    // of the error, from the inside
	err    error    // of a value that was read and cannot be kept
}

// decode reads a value at the head of data to where p points, and returns the rest.
func (d *decoder) decode(data []byte, plan *rootPlan, p unsafe.Pointer) (rest []byte, err error) {
	*d = decoder{r: wire.NewReader(data), wanted: plan.cells}
	if d.run(plan.ops, p) {
		return d.r.Rest(), nil
	}
	if err = d.err; err == nil {
		err = d.r.Err()
	}
	for _, step := range d.path {
		err = wire.At(err, step)
	}
	return data, err
}

func (d *decoder) at(step any) bool {
	if step != "" {
		d.path = append(d.path, step)
	}
	return false
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
func (d *decoder) run(ops []decOp, base unsafe.Pointer) bool {
	for k := range ops {
		o := &ops[k]
		p := unsafe.Add(base, o.off)
		ok := true
		switch o.code {
		case decString:
			*(*string)(p) = d.r.String()
		case decNullableString:
			if d.r.Is(o.some) {
				s := d.cell()
				*s = d.r.String()
				*(**string)(p) = s
			}
		case decInt64:
			*(*int64)(p) = d.r.Long()
		case decInt32:
			*(*int32)(p) = d.r.Int()
		case decBool:
			*(*bool)(p) = d.r.Boolean()
		case decFloat32:
			*(*float32)(p) = d.r.Float()
		case decFloat64:
			*(*float64)(p) = d.r.Double()
		case decUnion:
			if d.r.Branch(o.min) == o.some && !d.r.Failed() {
				ok = d.run(o.inner, p)
			}
		case decEnumText:
			if k := d.r.Symbol(len(o.symbols)); !d.r.Failed() {
				*(*string)(p) = o.symbols[k]
			}
		default:
			ok = d.inside(o, p)
		}
		if !ok || d.r.Failed() {
			return d.at(o.name)
		}
	}
	return true
}

func (d *decoder) inside(o *decOp, p unsafe.Pointer) bool {
	switch o.code {
	case decSkip:
		resolve.Skip(&d.r, o.schema)
	case decInteger:
		return d.integer(o, p)
	case decTime:
		*(*time.Time)(p) = readTime(&d.r, o.clock)
	case decDuration:
		*(*time.Duration)(p) = readDuration(&d.r, o.clock)
	case decEnumNumber:
		k := d.r.Symbol(len(o.symbols))
		return !d.r.Failed() && d.keep(storeInteger(o.kind, p, int64(k)))
	case decBytes:
		*(*[]byte)(p) = d.r.Bytes()
	case decFixed:
		d.r.Fixed(unsafe.Slice((*byte)(p), o.n))
	case decPointer:
		to := reflect.New(o.typ).UnsafePointer()
		*(*unsafe.Pointer)(p) = to
		return d.run(o.inner, to)
	case decOptional:
		*(*bool)(unsafe.Add(p, o.n)) = true
		return d.run(o.inner, p)
	default:
		if !d.r.Enter() {
			return false
		}
		ok := d.several(o, p)
		d.r.Leave()
		return ok
	}
	return true
}

func (d *decoder) keep(err error) bool {
	if err != nil && d.err == nil {
		d.err = err
	}
	return err == nil
}

func (d *decoder) several(o *decOp, p unsafe.Pointer) bool {
	switch o.code {
	case decArray:
		return d.array(o, p)
	case decMapString:
		return goMap(d, o, p, (*wire.Reader).String)
	case decMapInt64:
		return goMap(d, o, p, (*wire.Reader).Long)
	case decMap:
		return d.mapping(o, p)
	case decEntries:
		return d.entryList(o, p)
	}
	return d.run(o.sub.ops, p)
}

func (d *decoder) integer(o *decOp, p unsafe.Pointer) bool {
	var v int64
	if o.isInt {
		v = int64(d.r.Int())
	} else {
		v = d.r.Long()
	}
	return d.keep(storeInteger(o.kind, p, v))
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

func (d *decoder) array(o *decOp, p unsafe.Pointer) bool {
	h := (*sliceHeader)(p)
	h.data = o.empty.UnsafePointer()
	for {
		n := d.r.Count(o.min)
		if n == 0 {
			return !d.r.Failed()
		}
		for ; n > 0; n-- {
			if h.len == h.cap {
				grow(o, h, p, n)
			}
			elem := unsafe.Add(h.data, uintptr(h.len)*o.n)
			h.len++
			if !d.run(o.inner, elem) {
				return d.at(h.len - 1)
			}
		}
	}
}

// grow makes room for more elements: for the n that are announced, as far as
// they take little memory, and for twice as many as there are after that. So
// memory follows what was read, not what was announced.
func grow(o *decOp, h *sliceHeader, p unsafe.Pointer, n int) {
	room := h.len + wire.Room(h.len, n, int(o.n))
	old := reflect.NewAt(o.typ, p).Elem()
	wide := reflect.MakeSlice(o.typ, room, room)
	reflect.Copy(wide, old)
	h.data, h.cap = wide.UnsafePointer(), room
}
