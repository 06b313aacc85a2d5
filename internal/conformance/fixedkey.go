package conformance

import (
	"context"

	"github.com/streamweir/streamweir/topology"
)

// The fixed-key processors that scenarios name.

type (
	fixedRec     = topology.FixedKeyRecord[value, value]
	fixedContext = *topology.FixedKeyContext[value, value]
	fixedFunc    func(pc fixedContext, s kvStore, r fixedRec, arg string) error
)

var fixedProcessors = map[string]fixedFunc{
	"forward": func(pc fixedContext, _ kvStore, r fixedRec, _ string) error { return pc.Forward(r) },
	"upper": func(pc fixedContext, _ kvStore, r fixedRec, _ string) error {
		return pc.Forward(topology.FixedValue(r, upper(r.Value)))
	},
	"twice": func(pc fixedContext, _ kvStore, r fixedRec, _ string) error {
		if err := pc.Forward(r); err != nil {
			return err
		}
		return pc.Forward(r)
	},
	"shiftTs": func(pc fixedContext, _ kvStore, r fixedRec, arg string) error {
		r.Timestamp += atoi(arg)
		return pc.Forward(r)
	},
	"context": func(pc fixedContext, _ kvStore, r fixedRec, _ string) error {
		return pc.Forward(topology.FixedValue(r, everything(pc, r.Value, r.Timestamp)))
	},
	"count": func(pc fixedContext, s kvStore, r fixedRec, _ string) error {
		n, err := increment(s, r.Key())
		if err != nil {
			return err
		}
		return pc.Forward(topology.FixedValue(r, value(n)))
	},
}

type fixedProcessor struct {
	f         fixedFunc
	name, arg string
	pc        fixedContext
	store     kvStore
}

func (p *fixedProcessor) Init(pc fixedContext) (err error) {
	p.pc = pc
	if p.name != "" {
		p.store, err = topology.Store[kvStore](pc, p.name)
	}
	return err
}

func (p *fixedProcessor) Process(_ context.Context, r fixedRec) error {
	return p.f(p.pc, p.store, r, p.arg)
}

func (c *call) fixedSupplier() func() *fixedProcessor {
	name, arg := split(c.Fn)
	f, ok := fixedProcessors[name]
	if !ok {
		c.fail(missing("fixed-key processor " + name))
	}
	store := c.firstStore()
	return func() *fixedProcessor { return &fixedProcessor{f: f, name: store, arg: arg} }
}
