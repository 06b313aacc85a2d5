package resolve

import (
	"errors"
	"math"

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
	next := 0 // position in the reader's record
	fill := func(until int) {
		for ; next < until; next++ {
			c.constant(defaults[next])
		}
	}
	least := leastBehind(to)
	for i := 0; i < len(to); {
		if to[i] < 0 {
			c.want(dropping)
			if err := c.walk(w.Fields[i].Type); err != nil {
				return wire.At(err, w.Fields[i].Name)
			}
			i++
			continue
		}
		// The fewest fields that come before all those behind them for the reader as well.
		end, last := i+1, to[i]
		for ; least[end] < last; end++ {
			last = max(last, to[end])
		}
		if end == i+1 {
			fill(last)
			if err := c.resolve(w.Fields[i].Type, r.Fields[last].Type); err != nil {
				return wire.At(err, w.Fields[i].Name)
			}
		} else if err := c.reorder(w.Fields[i:end], to[i:end], r.Fields[next:last+1], defaults[next:last+1], next); err != nil {
			return err
		}
		i, next = end, last+1
	}
	fill(len(r.Fields))
	return nil
}

// leastBehind returns the least of the positions from each field of the writer's on; a
// field that the reader lacks has none.
func leastBehind(to []int) []int {
	least := make([]int, len(to)+1)
	least[len(to)] = math.MaxInt
	for i := len(to) - 1; i >= 0; i-- {
		if least[i] = least[i+1]; to[i] >= 0 {
			least[i] = min(least[i], to[i])
		}
	}
	return least
}
