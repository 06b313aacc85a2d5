package resolve

import (
	"errors"
	"slices"

	"github.com/streamweir/streamweir/serde/avro/avrojson"
	"github.com/streamweir/streamweir/serde/avro/avsc"
	"github.com/streamweir/streamweir/serde/avro/wire"
)

// inline emits the steps of a record, or the call of a program that has them. With r
// nil it only goes over the record.
func (c *compiler) inline(w, r *avsc.Schema, steps func() error) error {
	key := pair{w, r}
	if c.inlined[key]++; !c.recursive[w] && c.inlined[key] <= maxInlined {
		return steps()
	}
	if r != nil {
		c.close()
	}
	s := c.subs[key]
	if s == nil {
		if len(c.plan.programs) >= maxPrograms {
			return errors.New("the recursive types of the two schemas meet in too many ways")
		}
		s = &sub{id: int32(len(c.plan.programs))}
		c.subs[key] = s
		c.plan.programs = append(c.plan.programs, nil)
		outer := c.program
		c.program = program{}
		s.err = steps()
		if path, met := isConflict(s.err); met != nil {
			c.program = program{}
			c.fail(failure{w, false, path, met})
		}
		c.close()
		c.plan.programs[s.id] = c.ops
		c.program, s.done = outer, true
	}
	if s.err != nil {
		return s.err
	}
	c.emit(op{code: opCall, mark: r != nil, a: s.id})
	return nil
}

func (c *compiler) record(w, r *avsc.Schema) error {
	return c.inline(w, r, func() error { return c.fields(w, r) })
}

func (c *compiler) fields(w, r *avsc.Schema) error {
	to, found, err := c.names.match(w, r)
	if err != nil {
		return err
	}
	if f := missing(r, found); f != nil {
		return wire.At(conflicts("the schema it was written with (%s) has no such field, and there is no default", w.Name), f.Name)
	}
	defaults := make([][]byte, len(r.Fields))
	for i, f := range r.Fields {
		if !found[i] {
			if defaults[i], err = avrojson.AppendDefault(nil, f); err != nil {
				return wire.At(err, f.Name)
			}
		}
	}
	if !ascending(to) {
		return c.reorder(w, r, to, defaults)
	}
	next := 0 // position in the reader's record
	fill := func(until int) {
		for ; next < until; next++ {
			c.constant(defaults[next])
		}
	}
	for i, k := range to {
		if k < 0 {
			c.want(dropping)
			err = c.walk(w.Fields[i].Type)
		} else {
			fill(k)
			next++
			err = c.resolve(w.Fields[i].Type, r.Fields[k].Type)
		}
		if err != nil {
			return wire.At(err, w.Fields[i].Name)
		}
	}
	fill(len(r.Fields))
	return nil
}

func ascending(to []int) bool {
	before := -1
	for _, k := range to {
		if k >= 0 {
			if k < before {
				return false
			}
			before = k
		}
	}
	return true
}

// reorder emits what writes the fields in the writer's order, in parts that stay
// together, and puts the parts and the defaults into the reader's order then.
func (c *compiler) reorder(w, r *avsc.Schema, to []int, defaults [][]byte) error {
	c.converts(op{code: opOrder})
	part := make([]int32, len(r.Fields)) // of a field
	parts, before := int32(0), -2
	for i, k := range to {
		var err error
		if k < 0 {
			c.want(dropping)
			err = c.walk(w.Fields[i].Type)
		} else {
			if k != before+1 && before >= 0 {
				c.converts(op{code: opPart})
				c.here()
				parts++
			}
			before, part[k] = k, parts
			err = c.resolve(w.Fields[i].Type, r.Fields[k].Type)
		}
		if err != nil {
			return wire.At(err, w.Fields[i].Name)
		}
	}
	c.converts(op{code: opPart})
	parts++
	o := op{code: opOrderEnd, a: int32(len(c.plan.chunks)), b: parts}
	last := int32(-1)
	for i, d := range defaults {
		switch {
		case d != nil:
			c.plan.chunks = append(c.plan.chunks, ^c.constIndex(d))
			o.n++
			last = -1
		case slices.Contains(to, i) && part[i] != last:
			c.plan.chunks = append(c.plan.chunks, part[i])
			o.n++
			last = part[i]
		}
	}
	c.emit(o)
	return nil
}
