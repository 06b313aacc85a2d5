package conformance

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream"
)

// windowSpec is the windows of a step.
type windowSpec struct {
	Kind      string `json:"kind"`
	SizeMs    int64  `json:"sizeMs"`
	AdvanceMs int64  `json:"advanceMs"`
	DiffMs    int64  `json:"diffMs"`
	GapMs     int64  `json:"gapMs"`
	StartMs   int64  `json:"startMs"`
	GraceMs   int64  `json:"graceMs"` // 0 is no grace period, and that is the same
	BeforeMs  *int64 `json:"beforeMs"`
	AfterMs   *int64 `json:"afterMs"`
}

// The streams in windows, and cogrouped ones.
type (
	timeWindowed     = *stream.TimeWindowedKStream[value, value]
	sessionWindowed  = *stream.SessionWindowedKStream[value, value]
	cogrouped        = *stream.CogroupedKStream[value, value]
	timeCogrouped    = *stream.TimeWindowedCogroupedKStream[value, value]
	sessionCogrouped = *stream.SessionWindowedCogroupedKStream[value, value]
)

// windowedKey is the key of a windowed table. What functions are given is a value, with
// it in the interface.
type windowedKey = store.Windowed[value]

// windows returns the windows of a step in time, nil if they are sessions, and the type
// of the keys that come of them.
func (c *call) windows() (stream.Windows, stream.SessionWindows, dynamic) {
	w, none := c.Windows, stream.SessionWindows{}
	if w == nil {
		c.fail(fmt.Errorf("conformance: step %s has no windows", c.ID))
		return nil, none, ""
	}
	grace := time.Duration(w.GraceMs) * time.Millisecond
	switch w.Kind {
	case "tumbling":
		return stream.Tumbling(ms(w.SizeMs)).Grace(grace), none, timeType(w.SizeMs)
	case "hopping":
		return stream.Hopping(ms(w.SizeMs), ms(w.AdvanceMs)).Grace(grace), none, timeType(w.SizeMs)
	case "sliding":
		return stream.Sliding(ms(w.DiffMs)).Grace(grace), none, timeType(w.DiffMs)
	case "unlimited":
		return stream.Unlimited(time.UnixMilli(w.StartMs)), none, timeType(1<<63 - 1)
	case "session":
		return nil, stream.Sessions(ms(w.GapMs)).Grace(grace), "sessionWindowed"
	}
	c.fail(missing("windows " + w.Kind))
	return nil, none, ""
}

func timeType(size int64) dynamic { return dynamic("timeWindowed:" + strconv.FormatInt(size, 10)) }

func (c *call) windowedBy() any {
	w, sessions, key := c.windows()
	c.key = key
	if g, ok := c.in.node.(cogrouped); ok {
		if w == nil {
			return stream.CogroupSessionWindowedBy(g, sessions)
		}
		return stream.CogroupWindowedBy(g, w)
	}
	if w == nil {
		return stream.SessionWindowedBy(c.grouped(), sessions)
	}
	return stream.WindowedBy(c.grouped(), w)
}

func (c *call) emitStrategy() stream.EmitStrategy {
	switch c.Emit {
	case "onWindowClose":
		return stream.OnWindowClose
	case "onWindowUpdate":
		return stream.OnWindowUpdate
	}
	c.fail(missing("emit strategy " + c.Emit))
	return 0
}

func (c *call) aggregator() aggregateFunc {
	return function(c.builder, aggregators, "aggregator", c.Fn)
}

func (c *call) initializer() initFunc { return function(c.builder, inits, "init", c.Init) }

func (c *call) merger() mergeFunc { return function(c.builder, mergers, "merger", c.Merger) }

// inWindow is the store of a windowed table: its keys are those in the windows.
func (c *call) inWindow(val dynamic) *stream.Materialized[value, value] {
	return windowStored[value](c, val)
}

func windowStored[V any](c *call, val serde.Serde[V]) *stream.Materialized[value, V] {
	m := stored(c, serde.Serde[value](dynamic("string")), val)
	given := c.Materialized
	switch {
	case given == nil:
		return m
	case given.Supplier != nil:
		// In Java the retention of a supplier is not that of the changelog, which is what
		// the windows need and a day. In Go it is, unless the topic is configured.
		config := maps.Clone(given.LoggingConfig)
		if config == nil {
			config = map[string]string{}
		}
		config["retention.ms"] = strconv.FormatInt(c.windowSpec().needs()+24*60*60*1000, 10)
		m = m.Retention(ms(given.Supplier.RetentionMs))
		if given.Logging == nil || *given.Logging {
			m = m.Options(store.Logged(config))
		}
		return m
	case given.RetentionMs != 0:
		return m.Retention(ms(given.RetentionMs))
	}
	return m
}

// generatedStore tells whether the step gives its store no name.
func (c *call) generatedStore() bool {
	return c.Materialized == nil || c.Materialized.Name == "" && c.Materialized.Supplier == nil
}

var onTimeWindowed = map[string]operator{
	"emitStrategy": func(c *call) any { return c.in.node.(timeWindowed).EmitStrategy(c.emitStrategy()) },
	"count": func(c *call) any {
		s := c.in.node.(timeWindowed)
		c.types = types{c.in.key, "long"}
		if c.onlyWritten() {
			return s.Count(windowStored(c, serde.Int64()), c.named()...)
		}
		if c.generatedStore() && c.windowSpec().Kind != "sliding" {
			c.graph.Generate("") // as Count does
		}
		return stream.AggregateWindows(s, inits["zero"](""), plusOne, c.inWindow("long"), c.named()...)
	},
	"reduce": func(c *call) any {
		return c.in.node.(timeWindowed).Reduce(function(c.builder, reducers, "reducer", c.Fn), c.inWindow(c.value), c.named()...)
	},
	"aggregate": func(c *call) any {
		return stream.AggregateWindows(c.in.node.(timeWindowed), c.initializer(), c.aggregator(), c.inWindow(c.value), c.named()...)
	},
}

var onSessionWindowed = map[string]operator{
	"emitStrategy": func(c *call) any { return c.in.node.(sessionWindowed).EmitStrategy(c.emitStrategy()) },
	"count": func(c *call) any {
		s := c.in.node.(sessionWindowed)
		c.types = types{c.in.key, "long"}
		if c.onlyWritten() {
			return s.Count(windowStored(c, serde.Int64()), c.named()...)
		}
		if c.generatedStore() {
			c.graph.Generate("") // as Count does
		}
		return stream.AggregateSessions(s, inits["zero"](""), plusOne, mergers["sum"](""), c.inWindow("long"), c.named()...)
	},
	"reduce": func(c *call) any {
		return c.in.node.(sessionWindowed).Reduce(function(c.builder, reducers, "reducer", c.Fn), c.inWindow(c.value), c.named()...)
	},
	"aggregate": func(c *call) any {
		return stream.AggregateSessions(c.in.node.(sessionWindowed), c.initializer(), c.aggregator(), c.merger(), c.inWindow(c.value), c.named()...)
	},
}

func plusOne(_, _, n value) value { return number(n) + 1 }

// windowSpec is the windows of the step that a call goes on from.
func (c *call) windowSpec() *windowSpec {
	for from := c.From[0]; ; {
		i := slices.IndexFunc(c.steps, func(s *step) bool { return s.ID == from })
		if s := c.steps[i]; s.Windows != nil {
			return s.Windows
		}
		from = c.steps[i].From[0]
	}
}

// needs is for how long windows can change.
func (w *windowSpec) needs() int64 {
	return w.SizeMs + 2*w.DiffMs + w.GapMs + w.GraceMs
}

// windowedSerde is the serde of windowed keys of a type.
func windowedSerde(typ dynamic) serde.Serde[windowedKey] {
	if size, ok := strings.CutPrefix(string(typ), "timeWindowed:"); ok {
		return stream.TimeWindowed[value](dynamic("string"), ms(atoi(size)))
	}
	if typ == "sessionWindowed" {
		return stream.SessionWindowed[value](dynamic("string"))
	}
	return nil
}

// windowedCodec is the codec of windowed keys as values.
type windowedCodec struct{ codec serde.Codec[windowedKey] }

func bindWindowed(typ dynamic) (serde.Codec[value], error) {
	c, err := windowedSerde(typ).Bind("", serde.Key)
	return windowedCodec{c}, err
}

func (c windowedCodec) Append(dst []byte, v value) ([]byte, error) {
	k, ok := v.(windowedKey)
	if !ok {
		return dst, fmt.Errorf("conformance: a %T is no windowed key", v)
	}
	return c.codec.Append(dst, k)
}

func (c windowedCodec) Decode(data []byte) (value, error) {
	k, err := c.codec.Decode(data)
	if err != nil {
		return nil, err
	}
	return k, nil
}

// innerKey is the key in a windowed key.
func innerKey(k value) value {
	if w, ok := k.(windowedKey); ok {
		return w.Key
	}
	return nil
}
