package avro

import (
	"fmt"
	"sync"

	"github.com/streamweir/streamweir/serde/avro/avsc"
	"github.com/streamweir/streamweir/serde/avro/resolve"
)

// resolver brings framed data, whatever schema it was written with, into one schema. It
// is shared by the codecs of all tasks.
type resolver struct {
	registry *Registry
	schema   *avsc.Schema
	plans    sync.Map // int32 id -> *resolve.Plan
}

// plan returns the plan for a writer's schema. It is made once for all tasks; two that
// make it at the same time make the same.
func (r *resolver) plan(id int32) (*resolve.Plan, error) {
	if p, ok := r.plans.Load(id); ok {
		return p.(*resolve.Plan), nil
	}
	w, err := r.registry.lookup(id)
	if err != nil {
		return nil, err
	}
	p, err := resolve.New(w.schema, r.schema, resolve.Options{Times: true})
	if err != nil {
		return nil, fmt.Errorf("avro: schema id %d cannot be read as %s: %w", id, r.schema.Label(), err)
	}
	r.plans.Store(id, p)
	return p, nil
}

func (r *resolver) wrap(id int32, err error) error {
	return fmt.Errorf("avro: not a %s (schema id %d): %w", r.schema.Label(), id, err)
}

// input is what a codec reads with. It belongs to one task.
type input struct {
	*resolver
	last   *resolve.Plan // of lastID
	lastID int32
	buf    []byte // what was resolved last
}

// maxKept bounds the room that is kept from record to record.
const maxKept = 1 << 20

// resolved returns data of the resolver's schema. It is valid until the next call.
func (in *input) resolved(data []byte) ([]byte, int32, error) {
	id, err := SchemaID(data)
	if err != nil {
		return nil, 0, err
	}
	if id != in.lastID || in.last == nil {
		if in.last, err = in.plan(id); err != nil {
			in.last = nil
			return nil, 0, err
		}
		in.lastID = id
	}
	if data = data[HeaderSize:]; in.last.Equal() {
		return data, id, nil
	}
	if cap(in.buf) > maxKept {
		in.buf = nil
	}
	out, rest, err := in.last.Append(in.buf[:0], data)
	if err == nil && len(rest) > 0 {
		err = errLeft(len(rest))
	}
	if err != nil {
		return nil, 0, in.wrap(id, err)
	}
	in.buf = out
	return out, id, nil
}
