package conformance

import (
	"context"
	"fmt"
	"strconv"

	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

// The processors that scenarios name. They use the store that comes first among
// those a step connects, adds or reads.

type (
	rec         = topology.Record[value, value]
	procContext = *topology.Context[value, value]
	kvStore     = store.KeyValueStore[value, value]
	kvView      = store.ReadOnlyKeyValueStore[value, value]
	tsView      = store.ReadOnlyTimestampedKeyValueStore[value, value]
	tsStore     = store.TimestampedKeyValueStore[value, value]
)

// procFunc makes a processor's function when the processor is initialised.
type procFunc func(pc procContext, store, arg string) (func(r rec) error, error)

var processors = map[string]procFunc{
	"forward": each(func(pc procContext, r rec, _ string) error { return pc.Forward(r) }),
	"drop":    each(func(procContext, rec, string) error { return nil }),
	"upper": each(func(pc procContext, r rec, _ string) error {
		return pc.Forward(topology.WithValue(r, upper(r.Value)))
	}),
	"shiftTs": each(func(pc procContext, r rec, arg string) error {
		r.Timestamp += atoi(arg)
		return pc.Forward(r)
	}),
	"toChild": each(func(pc procContext, r rec, arg string) error { return pc.ForwardTo(arg, r) }),
	"route": each(func(pc procContext, r rec, arg string) error {
		if first := firstChar(r.Value); first != nil {
			return pc.ForwardTo(arg+"-"+text(first), r)
		}
		return pc.Forward(r)
	}),
	"addHeader": each(func(pc procContext, r rec, arg string) error {
		r.Headers = r.Headers.With(arg, []byte(text(r.Value)))
		return pc.Forward(r)
	}),
	"newHeader": each(func(pc procContext, r rec, arg string) error {
		r.Headers = topology.Headers{}.With(arg, []byte(text(r.Value)))
		return pc.Forward(r)
	}),
	"context": each(func(pc procContext, r rec, _ string) error {
		return pc.Forward(topology.WithValue(r, everything(pc, r.Value, r.Timestamp)))
	}),
	"count": withStore(func(pc procContext, s kvStore, r rec) error {
		n, err := increment(s, r.Key)
		if err != nil {
			return err
		}
		return pc.Forward(topology.WithValue(r, value(n)))
	}),
	"dedupe": withStore(func(pc procContext, s kvStore, r rec) error {
		old, _, err := s.Get(r.Key)
		if err != nil || text(old) == text(r.Value) {
			return err
		}
		if err := s.Put(r.Key, r.Value); err != nil {
			return err
		}
		return pc.Forward(r)
	}),
	"storePut": withStore(func(pc procContext, s kvStore, r rec) error {
		if err := s.Put(r.Key, r.Value); err != nil {
			return err
		}
		return pc.Forward(r)
	}),
	"storeGet":       storeGet,
	"kvCommand":      commands(kvCommands),
	"windowCommand":  commands(windowCommands),
	"sessionCommand": commands(sessionCommands),

	"versionedCommand": commands(versionedCommands),
	"punctuateStream":  counter(topology.StreamTime),
	"punctuateWall":    counter(topology.WallClockTime),
	"tickStream":       ticker(topology.StreamTime, 0),
	"tickWall":         ticker(topology.WallClockTime, 0),
	"tickStreamTwice":  ticker(topology.StreamTime, 2),
	"tickWallTwice":    ticker(topology.WallClockTime, 2),
}

// each is a processor without state.
func each(f func(pc procContext, r rec, arg string) error) procFunc {
	return func(pc procContext, _, arg string) (func(rec) error, error) {
		return func(r rec) error { return f(pc, r, arg) }, nil
	}
}

func withStore(f func(pc procContext, s kvStore, r rec) error) procFunc {
	return func(pc procContext, name, _ string) (func(rec) error, error) {
		s, err := topology.Store[kvStore](pc, name)
		return func(r rec) error { return f(pc, s, r) }, err
	}
}

// increment counts a key in a store.
func increment(s kvStore, key value) (int64, error) {
	old, _, err := s.Get(key)
	if err != nil {
		return 0, err
	}
	n := number(old) + 1
	return n, s.Put(key, n)
}

// everything is a value with all that a processor can know of its record.
func everything(pc interface {
	RecordMetadata() (topology.RecordMetadata, bool)
	StreamTime() int64
	TaskID() string
}, v value, timestamp int64) value {
	return fmt.Sprintf("%s/%s/%d/%d/%s", text(v), meta(pc.RecordMetadata()), timestamp, pc.StreamTime(), pc.TaskID())
}

// meta is where a record came from. A punctuation came from nowhere, for which
// Java has a topic null, a partition and an offset -1.
func meta(m topology.RecordMetadata, ok bool) string {
	if !ok {
		return "null--1@-1"
	}
	return fmt.Sprintf("%s-%d@%d", m.Topic, m.Partition, m.Offset)
}

// storeGet forwards what a store, with timestamps or without, has of the key.
func storeGet(pc procContext, name, _ string) (func(rec) error, error) {
	any, err := pc.StateStore(name)
	return func(r rec) error {
		found := "null"
		switch s := any.(type) {
		case tsView:
			v, ok, err := s.Get(r.Key)
			if err != nil {
				return err
			}
			if ok {
				found = stamped(v)
			}
		case kvView:
			v, _, err := s.Get(r.Key)
			if err != nil {
				return err
			}
			found = text(v)
		}
		return pc.Forward(topology.WithValue(r, value(text(r.Value)+"/"+found)))
	}, err
}

func stamped(v store.ValueAndTimestamp[value]) string {
	return text(v.Value) + "@" + strconv.FormatInt(v.Timestamp, 10)
}

// processor is a named one with its context.
type processor struct {
	make       procFunc
	store, arg string
	lazy       bool // ask for the store with the first record
	f          func(rec) error
	err        error
}

// Init makes the function. That a store cannot be had, because it is only read or
// not connected, Kafka Streams' processors find out with their first record.
func (p *processor) Init(pc procContext) error {
	p.f, p.err = p.make(pc, p.store, p.arg)
	if p.lazy {
		return nil
	}
	return p.err
}

func (p *processor) Process(_ context.Context, r rec) error {
	if p.err != nil {
		return p.err
	}
	return p.f(r)
}

// supplier makes the processor that a step names.
func (c *call) supplier() func() *processor {
	name, arg := split(c.Fn)
	f, ok := processors[name]
	if !ok {
		c.fail(missing("processor " + name))
	}
	store, lazy := c.firstStore(), len(c.ReadStores) > 0
	return func() *processor { return &processor{make: f, store: store, arg: arg, lazy: lazy} }
}

// firstStore is the name of the store that a processor uses.
func (c *call) firstStore() string {
	switch {
	case len(c.Stores) > 0:
		return c.Stores[0]
	case len(c.OwnStores) > 0:
		return c.OwnStores[0].Name
	}
	return c.ReadStores.first()
}

func (c *call) processOptions() []stream.Option {
	opts := c.named()
	if len(c.Stores) > 0 {
		opts = append(opts, stream.Stores(c.Stores...))
	}
	for _, s := range c.OwnStores {
		opts = append(opts, stream.OwnStores(c.store(s)))
	}
	return opts
}
