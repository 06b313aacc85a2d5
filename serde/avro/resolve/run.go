package resolve

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/streamweir/streamweir/serde/avro/wire"
)

// run is one value being resolved.
type run struct {
	p     *Plan
	b     []byte
	dst   []byte
	mark  int // what is before it was copied or dropped
	at    int // of the last union whose branches convert
	depth int
	empty int // elements without bytes
	limit int // of dst
	marks marks
}

// run does the steps from k up to end, for the data from i on, and returns where that
// ends. With an error that is where what the error is about begins.
func (x *run) run(ops []op, k, end, i int) (int, error) {
	b := x.b
	for k < end {
		o := &ops[k]
		k++
		switch o.code {
		case walkText:
			for n := o.n; n > 0; n-- {
				if i < len(b) && b[i] < 0x80 && b[i]&1 == 0 {
					if next := i + 1 + int(b[i]>>1); next <= len(b) {
						i = next
						continue
					}
				}
				next, err := longText(b, i)
				if err != nil {
					return i, err
				}
				i = next
			}
		case walkInt:
			for n := o.n; n > 0; n-- {
				if i < len(b) && b[i] < 0x80 {
					i++
					continue
				}
				if i+1 < len(b) && b[i+1] < 0x80 {
					i += 2
					continue
				}
				r := wire.NewReader(b[i:])
				if r.Int(); r.Failed() {
					return i, r.Err()
				}
				i = len(b) - len(r.Rest())
			}
		case walkLong:
			for n := o.n; n > 0; n-- {
				for start := i; ; i++ {
					if i == len(b) || i-start == binary.MaxVarintLen64-1 {
						next, err := lastByte(b, start)
						if err != nil {
							return start, err
						}
						i = next
						break
					}
					if b[i] < 0x80 {
						i++
						break
					}
				}
			}
		case walkOptional:
			switch {
			case i >= len(b):
				return i, wire.ErrEnd
			case b[i] == byte(o.n):
				i++
			case b[i] == byte(o.b):
				i++
				k = int(o.a)
			default:
				_, _, err := branch(b, i, 2)
				if err == nil {
					err = wire.ErrVarint // 0 or 1 in more bytes than one
				}
				return i, err
			}
		case opCopy:
			x.dst = append(x.dst, b[x.mark:i]...)
			x.mark = i
		case opDrop:
			x.mark = i
		case opConst:
			x.dst = append(x.dst, x.p.consts[o.a]...)
		case opSpan:
			x.marks.push(x.mark)
			x.marks.push(i)
			x.mark = i
		case opOrder, opPart:
			x.marks.push(len(x.dst))
		case opOrderEnd:
			x.order(o)
		case walkFixed:
			if int(o.n) > len(b)-i {
				return len(b), wire.ErrEnd // the walk for the path ends where the data does
			}
			i += int(o.n)
		case walkSymbol:
			if i >= len(b) || b[i] >= 0x80 || b[i]&1 != 0 || int32(b[i]>>1) >= o.n {
				_, next, err := symbol(b, i, int(o.n))
				if err != nil {
					return i, err
				}
				i = next
				continue
			}
			i++
		case walkBoolean:
			for n := o.n; n > 0; n-- {
				if i >= len(b) {
					return i, wire.ErrEnd
				}
				if b[i] > 1 {
					return i, wire.ErrBool
				}
				i++
			}
		case opJump:
			k = int(o.a)
		case opUnion:
			x.at = i
			n, next, err := branch(b, i, int(o.n))
			if err != nil {
				return i, err
			}
			if i = next; o.mark {
				x.mark = i
			}
			k = int(x.p.jumps[int(o.a)+n])
		case opItems:
			next, err := x.items(ops, k, i)
			if err != nil {
				return next, err
			}
			i, k = next, int(o.a)
		default:
			next, err := x.convert(o, i)
			if err != nil {
				return next, err
			}
			i = next
		}
	}
	return i, nil
}

// convert does the steps that most plans have few of.
func (x *run) convert(o *op, i int) (int, error) {
	switch o.code {
	case opCall:
		return x.call(o, i)
	case opFail:
		return i, &x.p.fails[o.a]
	case opSymbol:
		k, next, err := symbol(x.b, i, int(o.n))
		if err != nil {
			return i, err
		}
		to := x.p.symbols[int(o.a)+k]
		if to < 0 {
			w := x.p.fails[x.p.symbols[o.a+o.n]].inside
			return i, fmt.Errorf("symbol %s is unknown to the reader's enum, which has no default", w.Symbols[k])
		}
		x.dst = wire.AppendLong(x.dst, int64(to))
		x.mark = next
		return next, nil
	}
	return x.number(o, i)
}

func (x *run) number(o *op, i int) (int, error) {
	r := wire.NewReader(x.b[i:])
	var v int64
	var f float32
	switch {
	case o.code == opFloatToDouble:
		f = r.Float()
	case o.code == opIntToFloat || o.code == opIntToDouble || o.n == 1:
		v = int64(r.Int())
	default:
		v = r.Long()
	}
	if r.Failed() {
		return i, r.Err()
	}
	switch o.code {
	case opFloatToDouble:
		x.dst = wire.AppendDouble(x.dst, float64(f))
	case opIntToFloat, opLongToFloat:
		x.dst = wire.AppendFloat(x.dst, float32(v))
	case opIntToDouble, opLongToDouble:
		x.dst = wire.AppendDouble(x.dst, float64(v))
	default:
		scaled, ok := scale(v, int64(o.a))
		if !ok {
			return i, fmt.Errorf("%d is out of the range of the reader's unit of time", v)
		}
		x.dst = wire.AppendLong(x.dst, scaled)
	}
	i = len(x.b) - len(r.Rest())
	x.mark = i
	return i, nil
}

// scale multiplies, or divides by -by and rounds down.
func scale(v, by int64) (int64, bool) {
	if by > 0 {
		return v * by, v <= math.MaxInt64/by && v >= math.MinInt64/by
	}
	by = -by
	d := v / by
	if v%by < 0 {
		d--
	}
	return d, true
}

func (x *run) enter() error {
	if x.depth++; x.depth > wire.MaxDepth {
		return wire.ErrDepth
	}
	if len(x.dst) > x.limit {
		return errOutput
	}
	return nil
}

func (x *run) call(o *op, i int) (int, error) {
	if err := x.enter(); err != nil {
		return i, err
	}
	ops := x.p.programs[o.a]
	next, err := x.run(ops, 0, len(ops), i)
	x.depth--
	return next, err
}

// items does the steps from k on for each element.
func (x *run) items(ops []op, k, i int) (int, error) {
	o := &ops[k-1]
	if err := x.enter(); err != nil {
		return i, err
	}
	for {
		n, next, err := x.count(i, int(o.n))
		if err != nil {
			return i, err
		}
		if i = next; o.mark {
			x.dst = wire.AppendLong(x.dst, int64(n))
			x.mark = i
		}
		if n == 0 {
			break
		}
		if int(o.a) == k && !o.mark {
			continue // elements of no bytes
		}
		if only := ops[k]; int(o.a) == k+1 && !o.mark && only.code <= walkText {
			if i, err = x.many(only, n, i); err != nil {
				return i, err
			}
			continue
		}
		for ; n > 0; n-- {
			if i, err = x.run(ops, k, int(o.a), i); err != nil {
				return i, err
			}
			if len(x.dst) > x.limit {
				return i, errOutput
			}
		}
	}
	x.depth--
	return i, nil
}

// many does one walk step for n elements.
func (x *run) many(o op, n, i int) (int, error) {
	if o.code == walkFixed {
		// The bytes of n elements are there, for that was looked at.
		return i + n*int(o.n), nil
	}
	for n > 0 {
		some := min(n, math.MaxInt32/int(o.n))
		step := [1]op{{code: o.code, n: int32(some) * o.n}}
		var err error
		if i, err = x.run(step[:], 0, 1, i); err != nil {
			return i, err
		}
		n -= some
	}
	return i, nil
}

// count reads the number of elements of a block, of which each takes least bytes.
func (x *run) count(i, least int) (n, next int, err error) {
	if i < len(x.b) && x.b[i] == 0 {
		return 0, i + 1, nil
	}
	r := wire.NewReader(x.b[i:])
	n = r.Count(least)
	if r.Failed() {
		return 0, i, r.Err()
	}
	if least == 0 {
		if n > wire.MaxEmpty-x.empty {
			return 0, i, fmt.Errorf("more than %d elements that take no bytes", wire.MaxEmpty)
		}
		x.empty += n
	}
	return n, len(x.b) - len(r.Rest()), nil
}

func longText(b []byte, i int) (int, error) {
	v, n := binary.Uvarint(b[min(i, len(b)):])
	if n > 0 && v&1 == 0 && v>>1 <= uint64(len(b)-i-n) {
		return i + n + int(v>>1), nil
	}
	r := wire.NewReader(b[i:])
	_ = r.String()
	return i, r.Err()
}

// lastByte ends a long that has ten bytes, or too few.
func lastByte(b []byte, i int) (int, error) {
	r := wire.NewReader(b[i:])
	r.Long()
	return len(b) - len(r.Rest()), r.Err()
}

func symbol(b []byte, i, n int) (k, next int, err error) {
	r := wire.NewReader(b[i:])
	k = r.Symbol(n)
	return k, len(b) - len(r.Rest()), r.Err()
}

func branch(b []byte, i, n int) (k, next int, err error) {
	if i < len(b) && b[i]&0x81 == 0 && int(b[i]>>1) < n {
		return int(b[i] >> 1), i + 1, nil
	}
	r := wire.NewReader(b[i:])
	k = r.Branch(n)
	return k, len(b) - len(r.Rest()), r.Err()
}
