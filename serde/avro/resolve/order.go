package resolve

import (
	"slices"

	"github.com/streamweir/streamweir/serde/avro/avsc"
	"github.com/streamweir/streamweir/serde/avro/wire"
)

// A chunk is a part of a record whose fields change places.
type chunk struct {
	kind     chunkKind
	from, to int32 // the marks between which it is; of a constant, from is where it is
}

type chunkKind uint8

const (
	ofConst chunkKind = iota + 1
	ofData
	ofOutput
)

// reorder emits what goes over fields of the writer's, in parts that stay together, and
// puts the parts and the defaults into the order of the reader's fields then, which begin
// with field number first. Parts that are as they were written are taken from the data
// then, the others are in the output.
func (c *compiler) reorder(written []*avsc.Field, to []int, fields []*avsc.Field, defaults [][]byte, first int) error {
	c.converts(op{code: opOrder})
	parts := make([]chunk, len(fields)) // by their first field
	end := op{code: opOrderEnd, b: 1}
	behind := int32(0) // the mark behind the last part in the output
	for i := 0; i < len(to); {
		part := i
		if to[i] < 0 {
			c.want(dropping)
			if err := c.walk(written[i].Type); err != nil {
				return wire.At(err, written[i].Name)
			}
			i++
			continue
		}
		c.close()
		from := c.here()
		for ; i < len(to) && (i == part || to[i] == to[i-1]+1); i++ {
			if err := c.resolve(written[i].Type, fields[to[i]-first].Type); err != nil {
				return wire.At(err, written[i].Name)
			}
		}
		if c.pending == copying && !slices.ContainsFunc(c.ops[from:], op.produces) {
			c.pending = nothing
			c.emit(op{code: opSpan})
			parts[to[part]-first] = chunk{ofData, end.b, end.b + 1}
			end.b += 2
		} else {
			c.converts(op{code: opPart})
			parts[to[part]-first] = chunk{ofOutput, behind, end.b}
			behind, end.mark = end.b, true
			end.b++
		}
		c.here()
	}
	end.a = int32(len(c.plan.chunks))
	for k, d := range defaults {
		switch {
		case d != nil:
			parts[k] = chunk{ofConst, c.constIndex(d), 0}
			fallthrough
		case parts[k] != chunk{}:
			c.plan.chunks = append(c.plan.chunks, parts[k])
			end.n++
		}
	}
	c.emit(end)
	return nil
}

// order brings the parts of a record into the reader's order, behind those in the
// output, and removes these.
func (x *run) order(o *op) {
	base := x.marks.n - int(o.b)
	start, end := x.marks.at(base), len(x.dst)
	for _, k := range x.p.chunks[o.a : o.a+o.n] {
		switch k.kind {
		case ofConst:
			x.dst = append(x.dst, x.p.consts[k.from]...)
		case ofData:
			x.dst = append(x.dst, x.b[x.marks.at(base+int(k.from)):x.marks.at(base+int(k.to))]...)
		case ofOutput:
			x.dst = append(x.dst, x.dst[x.marks.at(base+int(k.from)):x.marks.at(base+int(k.to))]...)
		}
	}
	if o.mark {
		x.dst = x.dst[:start+copy(x.dst[start:], x.dst[end:])]
	}
	x.marks.n = base
}

// marks is a stack of positions in the output and in the data. A slice of its own room
// would not stay on the goroutine's stack.
type marks struct {
	n    int
	room [16]int
	more []int
}

func (m *marks) push(v int) {
	if m.n < len(m.room) {
		m.room[m.n] = v
	} else {
		m.more = append(m.more[:m.n-len(m.room)], v)
	}
	m.n++
}

func (m *marks) at(i int) int {
	if i < len(m.room) {
		return m.room[i]
	}
	return m.more[i-len(m.room)]
}
