package resolve

import (
	"github.com/streamweir/streamweir/serde/avro/avsc"
)

// walk emits what goes over a value of w.
func (c *compiler) walk(w *avsc.Schema) error {
	switch w.Kind {
	case avsc.Boolean:
		c.walks(walkBoolean, 1)
	case avsc.Int:
		c.walks(walkInt, 1)
	case avsc.Long:
		c.walks(walkLong, 1)
	case avsc.Float:
		c.walks(walkFixed, 4)
	case avsc.Double:
		c.walks(walkFixed, 8)
	case avsc.Fixed:
		if w.Size >= 1<<30 {
			c.walks(walkFixed, w.Size-1<<30)
			c.label = len(c.ops)
			c.walks(walkFixed, 1<<30)
		} else if w.Size > 0 {
			c.walks(walkFixed, w.Size)
		}
	case avsc.Bytes, avsc.String:
		c.walks(walkText, 1)
	case avsc.Enum:
		c.emit(op{code: walkSymbol, n: int32(len(w.Symbols))})
	case avsc.Array, avsc.Map:
		from := c.emit(op{code: opItems, n: minSize(w)})
		c.here()
		if w.Kind == avsc.Map {
			c.walks(walkText, 1)
		}
		err := c.walk(w.Items)
		c.ops[from].a = c.here()
		return err
	case avsc.Union:
		return c.walkUnion(w)
	case avsc.Record:
		return c.inline(w, nil, func() error {
			for _, f := range w.Fields {
				if err := c.walk(f.Type); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return nil
}

func (c *compiler) walkUnion(w *avsc.Schema) error {
	for some := range w.Branches {
		if len(w.Branches) == 2 && w.Branches[1-some].Kind == avsc.Null {
			from := c.emit(op{code: walkOptional, n: int32(some << 1), b: int32((1 - some) << 1)})
			c.here()
			err := c.walk(w.Branches[some])
			c.ops[from].a = c.here()
			return err
		}
	}
	from := c.unionStep(w, false)
	var jumps []int
	for i, b := range w.Branches {
		c.plan.jumps[int(c.ops[from].a)+i] = c.here()
		if err := c.walk(b); err != nil {
			return err
		}
		jumps = append(jumps, c.emit(op{code: opJump}))
	}
	for _, j := range jumps {
		c.ops[j].a = c.here()
	}
	return nil
}
