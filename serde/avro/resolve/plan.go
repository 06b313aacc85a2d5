package resolve

import (
	"fmt"
	"slices"

	"github.com/streamweir/streamweir/serde/avro/avsc"
	"github.com/streamweir/streamweir/serde/avro/wire"
)

// Options are choices beyond the schemas.
type Options struct {
	// Times converts a timestamp or time of day if both schemas name a unit and the
	// units differ: milliseconds become microseconds, nanoseconds are cut to
	// milliseconds. A number that has no counterpart is an error of its value. Without
	// it the number stays as it is, as in Java.
	Times bool
}

// A Plan turns data of one schema into data of another. It is not changed any more and
// may be used by several goroutines.
type Plan struct {
	writer   *avsc.Schema
	programs [][]op // the first is the plan's, the others those of recursive records
	jumps    []int32
	symbols  []int32 // of the reader's enums, by the writer's; -1 is none
	chunks   []chunk
	consts   [][]byte
	fails    []failure
	equal    bool
}

// New compiles the plan by which data of the writer's schema is read as the reader's.
// The schemas must not be modified any more. An error says where in the schemas a
// conflict is that no value can get around, or which default of the reader cannot be
// used; it may be a [wire.PathError].
func New(writer, reader *avsc.Schema, o Options) (*Plan, error) {
	c := compiler{
		plan: &Plan{writer: writer}, options: o, names: namesOf(reader), recursive: recursive(writer),
		subs: map[pair]*sub{}, alike: map[pair]bool{}, inlined: map[pair]int{},
	}
	if writer == reader || writer.Canonical() == reader.Canonical() {
		c.names = &names{} // as in Java; they could but let fields change places
	}
	c.plan.programs = [][]op{nil}
	if err := c.resolve(writer, reader); err != nil {
		return nil, err
	}
	c.close()
	c.plan.programs[0] = c.ops
	c.plan.equal = c.same(writer, reader)
	return c.plan, nil
}

// Equal tells whether data of the writer's schema is data of the reader's as it is.
func (p *Plan) Equal() bool { return p.equal }

// Append appends to dst what the value at the head of data is by the reader's schema,
// and returns what follows the value in data. It keeps neither. With an error, a
// [wire.PathError] unless it is about the value as a whole, dst is returned as it was.
func (p *Plan) Append(dst, data []byte) (out, rest []byte, err error) {
	var x run // as a literal it would be made elsewhere and copied
	x.p, x.b, x.dst, x.limit = p, data, dst, len(dst)+maxOutput+maxGrowth*len(data)
	i, err := x.run(p.programs[0], 0, len(p.programs[0]), 0)
	if err != nil {
		return dst, data, x.explain(err, i)
	}
	return x.dst, data[i:], nil
}

// explain adds the path to an error.
func (x *run) explain(err error, i int) error {
	if f, ok := err.(*failure); ok {
		return wire.At(f.err, join(locate(x.p.writer, x.b, f.at(x, i), f.inside), f.path))
	}
	return wire.At(err, PathAt(x.p.writer, x.b, i))
}

// failure is a conflict that a value meets.
type failure struct {
	inside *avsc.Schema // the writer's schema of the value that meets it
	branch bool         // the value is a union, and its branch was read
	path   string       // of the conflict in the value
	err    error
}

func (f *failure) Error() string { return f.err.Error() }

func (f *failure) at(x *run, i int) int {
	if f.branch {
		return x.at
	}
	return i
}

const (
	maxOutput = 8 << 20
	maxGrowth = 64
)

var errOutput = fmt.Errorf("more than %d bytes and %d times the data come of it", maxOutput, maxGrowth)

// recursive returns the records that can contain themselves.
func recursive(s *avsc.Schema) map[*avsc.Schema]bool {
	found, done := map[*avsc.Schema]bool{}, map[*avsc.Schema]bool{}
	var open []*avsc.Schema
	var visit func(s *avsc.Schema)
	visit = func(s *avsc.Schema) {
		if s == nil {
			return
		}
		if i := slices.Index(open, s); i >= 0 {
			for _, o := range open[i:] {
				found[o] = true
			}
			return
		}
		if done[s] {
			return
		}
		done[s] = true
		open = append(open, s)
		visit(s.Items)
		for _, f := range s.Fields {
			visit(f.Type)
		}
		for _, b := range s.Branches {
			visit(b)
		}
		open = open[:len(open)-1]
	}
	visit(s)
	return found
}
