package avro

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/streamweir/streamweir/serde/avro/wire"
)

// encoder is what a codec keeps from record to record to encode without
// allocation.
type encoder struct {
	depth   int
	entries []mapEntry
	spare   []byte
}

// mapEntry is an entry of a map that is already encoded.
type mapEntry struct {
	key      string
	from, to int
}

// mapScratch holds a key and an element of a map that is read by reflection.
type mapScratch struct {
	iter      *reflect.MapIter
	key, elem reflect.Value
}

func newScratch(t reflect.Type) *sync.Pool {
	return &sync.Pool{New: func() any {
		return &mapScratch{new(reflect.MapIter), reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()}
	}}
}

// clear drops what the scratch refers to.
func (s *mapScratch) clear() {
	s.iter.Reset(reflect.Value{})
	s.key.SetZero()
	s.elem.SetZero()
}

type sliceHeader struct {
	data     unsafe.Pointer
	len, cap int
}

// run encodes with each op what lies at its offset from base.
func (e *encoder) run(dst []byte, ops []encOp, base unsafe.Pointer) ([]byte, error) {
	for k := range ops {
		o := &ops[k]
		p := unsafe.Add(base, o.off)
		switch o.code {
		case encString:
			dst = wire.AppendString(dst, *(*string)(p))
		case encInt64:
			dst = wire.AppendLong(dst, *(*int64)(p))
		case encInt32:
			dst = wire.AppendLong(dst, int64(*(*int32)(p)))
		case encStringPointer:
			if s := *(**string)(p); s != nil {
				dst = wire.AppendString(append(dst, o.some), *s)
			} else {
				dst = append(dst, o.null)
			}
		case encBool:
			dst = wire.AppendBoolean(dst, *(*bool)(p))
		case encFloat32:
			dst = wire.AppendFloat(dst, *(*float32)(p))
		case encFloat64:
			dst = wire.AppendDouble(dst, *(*float64)(p))
		case encConst:
			dst = append(dst, o.bytes...)
		case encEnumText:
			s := *(*string)(p)
			i := slices.Index(o.symbols, s)
			if i < 0 {
				return dst, o.at(fmt.Errorf("%q is not one of %s", s, strings.Join(o.symbols, ", ")))
			}
			dst = wire.AppendLong(dst, int64(i))
		case encNilable:
			if *(*unsafe.Pointer)(p) == nil {
				dst = append(dst, o.null)
				continue
			}
			var err error
			if dst, err = e.run(append(dst, o.some), o.inner, p); err != nil {
				return dst, o.at(err)
			}
		default:
			var err error
			if dst, err = e.inside(dst, o, p); err != nil {
				return dst, o.at(err)
			}
		}
	}
	return dst, nil
}

func (o *encOp) at(err error) error {
	if o.name == "" {
		return err
	}
	return wire.At(err, o.name)
}

func (e *encoder) inside(dst []byte, o *encOp, p unsafe.Pointer) ([]byte, error) {
	switch o.code {
	case encInteger:
		v := loadInteger(o.kind, p)
		if !o.long && int64(int32(v)) != v {
			return dst, fmt.Errorf("%d is too large for an int", v)
		}
		return wire.AppendLong(dst, v), nil
	case encEnumNumber:
		v := loadInteger(o.kind, p)
		if uint64(v) >= uint64(len(o.symbols)) {
			return dst, fmt.Errorf("symbol %d, there are %d", v, len(o.symbols))
		}
		return wire.AppendLong(dst, v), nil
	case encBytes:
		return wire.AppendString(dst, *(*[]byte)(p)), nil
	case encFixed:
		return append(dst, unsafe.Slice((*byte)(p), o.n)...), nil
	case encTime:
		return appendTime(dst, *(*time.Time)(p), o.clock)
	case encDuration:
		return appendDuration(dst, *(*time.Duration)(p), o.clock)
	}
	return e.nested(dst, o, p)
}

func (e *encoder) nested(dst []byte, o *encOp, p unsafe.Pointer) ([]byte, error) {
	switch o.code {
	case encBranch:
		return e.run(append(dst, o.some), o.inner, p)
	case encReference:
		to := *(*unsafe.Pointer)(p)
		if to == nil {
			return dst, fmt.Errorf("a nil %v, and the schema has no null here", o.typ)
		}
		return e.run(dst, o.inner, to)
	case encPointer:
		to := *(*unsafe.Pointer)(p)
		if to == nil {
			return append(dst, o.null), nil
		}
		return e.run(append(dst, o.some), o.inner, to)
	case encOptional:
		if !*(*bool)(unsafe.Add(p, o.n)) {
			return append(dst, o.null), nil
		}
		return e.run(append(dst, o.some), o.inner, p)
	}
	if e.depth == wire.MaxDepth {
		return dst, wire.ErrDepth
	}
	e.depth++
	dst, err := e.several(dst, o, p)
	e.depth--
	return dst, err
}

func (e *encoder) several(dst []byte, o *encOp, p unsafe.Pointer) ([]byte, error) {
	switch o.code {
	case encArray:
		return e.array(dst, o, p)
	case encMapString:
		return e.mapString(dst, *(*map[string]string)(p))
	case encMapInt64:
		return e.mapInt64(dst, *(*map[string]int64)(p))
	case encMap:
		return e.mapping(dst, o, p)
	case encEntries:
		return e.entryList(dst, o, p)
	}
	return e.run(dst, o.sub.ops, p)
}

func (e *encoder) array(dst []byte, o *encOp, p unsafe.Pointer) ([]byte, error) {
	h := (*sliceHeader)(p)
	if h.len == 0 {
		return append(dst, 0), nil
	}
	dst = wire.AppendLong(dst, int64(h.len))
	for i := range h.len {
		var err error
		if dst, err = e.run(dst, o.inner, unsafe.Add(h.data, uintptr(i)*o.n)); err != nil {
			return dst, wire.At(err, i)
		}
	}
	return append(dst, 0), nil
}

func (e *encoder) mapString(dst []byte, m map[string]string) ([]byte, error) {
	if len(m) == 0 {
		return append(dst, 0), nil
	}
	dst = wire.AppendLong(dst, int64(len(m)))
	first, start := len(e.entries), len(dst)
	for k, v := range m {
		from := len(dst)
		dst = wire.AppendString(wire.AppendString(dst, k), v)
		e.entries = append(e.entries, mapEntry{k, from, len(dst)})
	}
	return e.sort(dst, first, start), nil
}

func (e *encoder) mapInt64(dst []byte, m map[string]int64) ([]byte, error) {
	if len(m) == 0 {
		return append(dst, 0), nil
	}
	dst = wire.AppendLong(dst, int64(len(m)))
	first, start := len(e.entries), len(dst)
	for k, v := range m {
		from := len(dst)
		dst = wire.AppendLong(wire.AppendString(dst, k), v)
		e.entries = append(e.entries, mapEntry{k, from, len(dst)})
	}
	return e.sort(dst, first, start), nil
}

func (e *encoder) mapping(dst []byte, o *encOp, p unsafe.Pointer) ([]byte, error) {
	m := reflect.NewAt(o.typ, p).Elem()
	if m.Len() == 0 {
		return append(dst, 0), nil
	}
	s := o.scratch.Get().(*mapScratch)
	defer func() {
		s.clear()
		o.scratch.Put(s)
	}()
	dst = wire.AppendLong(dst, int64(m.Len()))
	first, start := len(e.entries), len(dst)
	s.iter.Reset(m)
	for s.iter.Next() {
		s.key.SetIterKey(s.iter)
		s.elem.SetIterValue(s.iter)
		from, key := len(dst), s.key.String()
		var err error
		if dst, err = e.run(wire.AppendString(dst, key), o.inner, s.elem.Addr().UnsafePointer()); err != nil {
			e.drop(first)
			return dst, wire.At(err, wire.Key(key))
		}
		e.entries = append(e.entries, mapEntry{key, from, len(dst)})
	}
	return e.sort(dst, first, start), nil
}

func (e *encoder) entryList(dst []byte, o *encOp, p unsafe.Pointer) ([]byte, error) {
	h := (*sliceHeader)(p)
	if h.len == 0 {
		return append(dst, 0), nil
	}
	dst = wire.AppendLong(dst, int64(h.len))
	before, long := "", o.inner[0].code == encInt64
	for i := range h.len {
		entry := unsafe.Add(h.data, uintptr(i)*o.n)
		key := *(*string)(entry)
		if i > 0 && key <= before {
			return dst, errOrder(key, before)
		}
		before = key
		dst = wire.AppendString(dst, key)
		if long {
			dst = wire.AppendLong(dst, *(*int64)(unsafe.Add(entry, o.inner[0].off)))
			continue
		}
		var err error
		if dst, err = e.run(dst, o.inner, entry); err != nil {
			return dst, wire.At(err, wire.Key(key))
		}
	}
	return append(dst, 0), nil
}

// sort brings the entries from first on, encoded at dst[start:], into the order
// of their keys and ends the map. Equal maps are equal bytes, in any process.
func (e *encoder) sort(dst []byte, first, start int) []byte {
	list := e.entries[first:]
	if !slices.IsSortedFunc(list, byKey) {
		slices.SortFunc(list, byKey)
		e.spare = append(e.spare[:0], dst[start:]...)
		dst = dst[:start]
		for i := range list {
			dst = append(dst, e.spare[list[i].from-start:list[i].to-start]...)
		}
	}
	e.drop(first)
	return append(dst, 0)
}

// drop forgets the entries from first on, and their keys.
func (e *encoder) drop(first int) {
	clear(e.entries[first:])
	e.entries = e.entries[:first]
}

func byKey(a, b mapEntry) int { return strings.Compare(a.key, b.key) }

// loadInteger reads an integer of a kind that fits lets through.
func loadInteger(k reflect.Kind, p unsafe.Pointer) int64 {
	switch k {
	case reflect.Int8:
		return int64(*(*int8)(p))
	case reflect.Int16:
		return int64(*(*int16)(p))
	case reflect.Int32:
		return int64(*(*int32)(p))
	case reflect.Int:
		return int64(*(*int)(p))
	case reflect.Uint8:
		return int64(*(*uint8)(p))
	case reflect.Uint16:
		return int64(*(*uint16)(p))
	case reflect.Uint32:
		return int64(*(*uint32)(p))
	}
	return *(*int64)(p)
}
