package resolve

import (
	"errors"
	"fmt"

	"github.com/streamweir/streamweir/serde/avro/avsc"
	"github.com/streamweir/streamweir/serde/avro/wire"
)

// A conflict is a pair of types that do not resolve. Inside of a union, array or map it
// concerns the values that meet it, anywhere else all.
type conflict struct{ text string }

func (c *conflict) Error() string { return c.text }

func conflicts(format string, args ...any) error { return &conflict{fmt.Sprintf(format, args...)} }

func mismatch(w, r *avsc.Schema) error {
	return conflicts("written as %s, which cannot be read as %s", label(w), label(r))
}

func label(s *avsc.Schema) string {
	if s.Kind != avsc.Union {
		return s.Label()
	}
	text := "["
	for i, b := range s.Branches {
		if i > 0 {
			text += ", "
		}
		text += b.Label()
	}
	return text + "]"
}

// isConflict splits an error into path and conflict.
func isConflict(err error) (path string, c *conflict) {
	if p, ok := err.(*wire.PathError); ok {
		path, err = p.Path, p.Err
	}
	if !errors.As(err, &c) {
		return "", nil
	}
	return path, c
}

// pending is what is to be done with what was gone over since the mark.
type pending uint8

const (
	nothing pending = iota
	copying
	dropping
)

// program is what a compiler is at: the steps of the plan or of a recursive record.
type program struct {
	ops     []op
	pending pending
	label   int // steps from here on are not extended: something jumps behind them
}

type sub struct {
	id   int32
	done bool
	err  error
}

type compiler struct {
	program
	plan      *Plan
	options   Options
	names     *names
	recursive map[*avsc.Schema]bool
	subs      map[pair]*sub // r is nil where w is gone over only
	inlined   map[pair]int
	alike     map[pair]bool
	fitting   []pair
}

const (
	// A record that stands at more places than this becomes a program of its own:
	// plans must not grow beyond the schemas.
	maxInlined = 4
	// Recursive types of two schemas may meet in as many ways as they have members.
	maxPrograms = 1 << 13
)

func (c *compiler) emit(o op) int {
	c.ops = append(c.ops, o)
	return len(c.ops) - 1
}

// here is the position of the next step, to jump to.
func (c *compiler) here() int32 {
	c.label = len(c.ops)
	return int32(len(c.ops))
}

// walks adds a walk step to n more values, or bytes.
func (c *compiler) walks(k code, n int) {
	if last := len(c.ops) - 1; last >= c.label && c.ops[last].code == k && int(c.ops[last].n)+n < 1<<30 {
		c.ops[last].n += int32(n)
		return
	}
	c.emit(op{code: k, n: int32(n)})
}

// want makes sure that what comes is copied, or dropped.
func (c *compiler) want(p pending) {
	if c.pending != p {
		c.close()
		c.pending = p
	}
}

// close copies or drops what was gone over.
func (c *compiler) close() {
	switch c.pending {
	case copying:
		c.emit(op{code: opCopy})
	case dropping:
		c.emit(op{code: opDrop})
	}
	c.pending = nothing
}

func (c *compiler) constant(b []byte) {
	if len(b) == 0 {
		return
	}
	if c.pending == copying {
		c.close()
	}
	if last := len(c.ops) - 1; last >= c.label && c.ops[last].code == opConst {
		p := &c.plan.consts[c.ops[last].a]
		*p = append((*p)[:len(*p):len(*p)], b...)
		return
	}
	c.emit(op{code: opConst, a: c.constIndex(b)})
}

func (c *compiler) constIndex(b []byte) int32 {
	c.plan.consts = append(c.plan.consts, b)
	return int32(len(c.plan.consts) - 1)
}

// converts emits a step that leaves the mark behind it.
func (c *compiler) converts(o op) int {
	c.close()
	return c.emit(o)
}

// guarded compiles what only some values meet: a conflict becomes a step that fails.
func (c *compiler) guarded(inside *avsc.Schema, branch bool, compile func() error) (conflict error, err error) {
	c.here()
	from := len(c.ops)
	err = compile()
	path, met := isConflict(err)
	if met == nil {
		return nil, err
	}
	c.ops, c.pending = c.ops[:from], nothing
	c.here()
	c.fail(failure{inside, branch, path, met})
	return err, nil
}

func (c *compiler) fail(f failure) {
	c.plan.fails = append(c.plan.fails, f)
	c.emit(op{code: opFail, a: int32(len(c.plan.fails) - 1)})
}

// resolve emits what reads a value of w as r.
func (c *compiler) resolve(w, r *avsc.Schema) error {
	if c.same(w, r) {
		c.want(copying)
		return c.walk(w)
	}
	switch {
	case w.Kind == avsc.Union:
		return c.fromUnion(w, r)
	case r.Kind == avsc.Union:
		k := c.branch(w, r)
		if k < 0 {
			return mismatch(w, r)
		}
		c.constant(wire.AppendLong(nil, int64(k)))
		return c.resolve(w, r.Branches[k])
	case w.Kind != r.Kind:
		return c.promote(w, r)
	}
	switch w.Kind {
	case avsc.Int, avsc.Long:
		return c.time(w, r)
	case avsc.Record:
		return c.record(w, r)
	case avsc.Enum:
		return c.enum(w, r)
	case avsc.Array, avsc.Map:
		return c.items(w, r)
	case avsc.Fixed:
		if w.Size != r.Size && c.names.sameShort(w, r) {
			return conflicts("written as %s of %d bytes, which cannot be read with %d", w.Name, w.Size, r.Size)
		}
	}
	return mismatch(w, r)
}

func (c *compiler) promote(w, r *avsc.Schema) error {
	codes := map[[2]avsc.Kind]code{
		{avsc.Int, avsc.Float}: opIntToFloat, {avsc.Int, avsc.Double}: opIntToDouble,
		{avsc.Long, avsc.Float}: opLongToFloat, {avsc.Long, avsc.Double}: opLongToDouble,
		{avsc.Float, avsc.Double}: opFloatToDouble,
	}
	if k, ok := codes[[2]avsc.Kind{w.Kind, r.Kind}]; ok {
		c.converts(op{code: k})
		return nil
	}
	if w.Kind == avsc.Int && r.Kind == avsc.Long {
		return c.time(w, r)
	}
	return mismatch(w, r)
}

func (c *compiler) enum(w, r *avsc.Schema) error {
	if !c.names.sameShort(w, r) {
		return mismatch(w, r)
	}
	position := map[string]int32{}
	for i, y := range r.Symbols {
		position[y] = int32(i)
	}
	o := op{code: opSymbol, n: int32(len(w.Symbols)), a: int32(len(c.plan.symbols))}
	known := len(w.Symbols) == 0
	var to []int32
	for _, y := range w.Symbols {
		k, ok := position[y]
		if !ok {
			if k, ok = position[r.Default]; !ok {
				k = -1
			}
		}
		known = known || ok
		to = append(to, k)
	}
	if !known {
		return conflicts("no symbol of %s is one of %s, which has no default", w.Name, r.Name)
	}
	// The failure of an unknown symbol stands behind the table.
	c.plan.symbols = append(append(c.plan.symbols, to...), int32(len(c.plan.fails)))
	c.plan.fails = append(c.plan.fails, failure{inside: w})
	c.converts(o)
	return nil
}

func (c *compiler) items(w, r *avsc.Schema) error {
	from := c.converts(op{code: opItems, mark: true, n: minSize(w)})
	c.here()
	if w.Kind == avsc.Map {
		c.want(copying)
		c.walks(walkText, 1)
		c.close()
	}
	if _, err := c.guarded(w.Items, false, func() error { return c.resolve(w.Items, r.Items) }); err != nil {
		return wire.At(err, "[]")
	}
	c.close()
	c.ops[from].a = c.here()
	return nil
}

func minSize(s *avsc.Schema) int32 {
	if s.Kind == avsc.Map {
		return int32(min(s.Items.MinSize, 1<<30)) + 1
	}
	return int32(min(s.Items.MinSize, 1<<30))
}

func (c *compiler) fromUnion(w, r *avsc.Schema) error {
	from := c.unionStep(w, true)
	paired := c.equivalent(w, r, map[pair]bool{})
	failed := 0
	var first error
	var jumps []int
	for i, b := range w.Branches {
		c.plan.jumps[int(c.ops[from].a)+i] = c.here()
		conflict, err := c.guarded(w, true, func() error {
			if paired {
				c.constant(wire.AppendLong(nil, int64(i)))
				return c.resolve(b, r.Branches[i])
			}
			return c.resolve(b, r)
		})
		if err != nil {
			return err
		}
		if conflict != nil {
			if failed++; first == nil {
				first = conflict
			}
		}
		c.close()
		jumps = append(jumps, c.emit(op{code: opJump}))
	}
	if first != nil && failed == len(w.Branches) {
		return first
	}
	for _, j := range jumps {
		c.ops[j].a = c.here()
	}
	return nil
}

// unionStep emits the step that reads the branch.
func (c *compiler) unionStep(w *avsc.Schema, mark bool) int {
	o := op{code: opUnion, mark: mark, n: int32(len(w.Branches)), a: int32(len(c.plan.jumps))}
	c.plan.jumps = append(c.plan.jumps, make([]int32, len(w.Branches))...)
	if mark {
		return c.converts(o)
	}
	return c.emit(o)
}
