package conformance

import (
	"fmt"
	"strings"

	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/topology"
)

// A Program is the topology and the input of a scenario, for others to run.
type Program struct {
	Name       string
	Topology   *topology.Topology
	CacheBytes int64
	Inputs     []Input
}

// An Input is a record of a topic.
type Input struct {
	Topic  string
	Record record.Record
}

// Programs are the scenarios of a folder whose records are a matter of the input alone:
// which end without an error, do without a clock, and whose results come with the same
// record whenever the task begins again. Stream joins with results for records without a
// partner look for them by what they remember, and what punctuations do depends on when
// they were scheduled.
func Programs(dir string) ([]*Program, error) {
	all, err := files(dir)
	if err != nil {
		return nil, err
	}
	var programs []*Program
	for _, file := range all {
		s, golden, err := load(file)
		if err != nil {
			return nil, err
		}
		p := &Program{Name: s.Name}
		if golden["error"] != nil || s.refused() || !s.repeatable() || !p.take(s) {
			continue
		}
		b := newBuilder(s, &recorder{input: -1})
		if b.options, err = (&runner{scenario: s}).buildOptions(); err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		if p.Topology, err = b.build(); err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		programs = append(programs, p)
	}
	return programs, nil
}

// repeatable tells whether the scenario has nothing that a restart begins anew.
func (s *Scenario) repeatable() bool {
	for _, st := range s.Topology {
		streams := st.Op == "leftJoin" || st.Op == "outerJoin"
		if streams && st.Windows != nil || st.Pattern != "" || strings.HasPrefix(st.Fn, "punctuate") || strings.HasPrefix(st.Fn, "tick") {
			return false
		}
	}
	return true
}

// take takes the input and the configuration, unless there is more to them.
func (p *Program) take(s *Scenario) bool {
	for name, v := range s.Config {
		switch name {
		case "statestore.cache.max.bytes":
			if _, err := fmt.Sscan(fmt.Sprint(v), &p.CacheBytes); err != nil {
				return false
			}
		case "topology.optimization", "processing.guarantee", "dsl.store.format", storeSuppliers:
		default:
			return false
		}
	}
	for _, in := range s.Input {
		if in.Advance != nil {
			return false
		}
		if in.CheckStores {
			continue
		}
		r := record.Record{Key: in.Key, Value: in.Value, Timestamp: in.Timestamp}
		for _, h := range in.Headers {
			var v []byte
			if h[1] != nil {
				v = []byte(*h[1])
			}
			r.Headers = append(r.Headers, serde.Header{Name: *h[0], Value: v})
		}
		p.Inputs = append(p.Inputs, Input{in.Topic, r})
	}
	return true
}
