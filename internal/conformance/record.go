package conformance

import (
	"context"

	"github.com/streamweir/streamweir/topology"
)

// produced is a record that was written to a topic, or a call of peek or foreach,
// as goldens have it.
type produced struct {
	I       int      `json:"i"`
	N       int      `json:"n"` // among all that input i caused
	Topic   string   `json:"t,omitempty"`
	ID      string   `json:"id,omitempty"`
	Key     any      `json:"k"`
	RawKey  any      `json:"kx,omitempty"` // of a windowed key
	Value   any      `json:"v"`
	Time    *int64   `json:"ts,omitempty"`
	Headers [][2]any `json:"h,omitempty"`
}

// recorder notes what happens while an input is processed.
type recorder struct {
	input                   int
	n                       int
	sinks                   map[string]types
	output, internal, calls []produced
	err                     error
}

// begin makes i the input that causes what follows.
func (r *recorder) begin(i int) { r.input, r.n = i, 0 }

func (r *recorder) next(p produced) produced {
	p.I, p.N = r.input, r.n
	r.n++
	return p
}

// call returns the function of a peek or a foreach.
func (r *recorder) call(id string) func(k, v value) {
	return func(k, v value) {
		r.calls = append(r.calls, r.next(produced{ID: id, Key: jsonOf(k), Value: jsonOf(v)}))
	}
}

// produced takes a record that the topology wrote.
func (r *recorder) produced(topic string, rec topology.Record[[]byte, []byte]) {
	p := r.next(produced{Topic: topic, Key: hexOf(rec.Key), Value: hexOf(rec.Value), Time: &rec.Timestamp})
	types, isOutput := r.sinks[topic]
	for _, h := range rec.Headers {
		v := hexOf(h.Value)
		if isOutput && h.Value != nil {
			v = string(h.Value)
		}
		p.Headers = append(p.Headers, [2]any{h.Name, v})
	}
	if !isOutput {
		r.internal = append(r.internal, p)
		return
	}
	var err error
	if p.Key, err = jsonOfBytes(rec.Key, types.key); err == nil {
		p.Value, err = jsonOfBytes(rec.Value, types.value)
	}
	if _, windowed := p.Key.(map[string]any); windowed {
		p.RawKey = hexOf(rec.Key)
	}
	if err != nil && r.err == nil {
		r.err = err
	}
	r.output = append(r.output, p)
}

// skipIn is the error handler that skips the errors of some phases.
func skipIn(phases map[topology.Phase]bool) topology.ErrorHandler {
	return func(_ context.Context, e *topology.ProcessingError) topology.Action {
		if phases[e.Phase] {
			return topology.Skip
		}
		return topology.Fail
	}
}
