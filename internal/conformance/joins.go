package conformance

import "github.com/streamweir/streamweir/stream"

// joined are the settings of a join of streams, or of a stream and a table.
type joined struct {
	Name       string     `json:"name"`
	GraceMs    *int64     `json:"graceMs"`
	StoreName  string     `json:"storeName"`
	Store      string     `json:"store"`
	Logging    *bool      `json:"logging"`
	ThisStore  *joinStore `json:"thisStore"`
	OtherStore *joinStore `json:"otherStore"`
}

type joinFunc = func(k, l, r value) value

var joiners = table[joinFunc]{
	"pair":        simple(func(_, l, r value) value { return pair(l, r) }),
	"pairWithKey": simple(func(k, l, r value) value { return text(k) + ":" + pair(l, r) }),
	"left":        simple(func(_, l, _ value) value { return l }),
	"right":       simple(func(_, _, r value) value { return r }),
	"sum":         simple(func(_, l, r value) value { return number(l) + number(r) }),
	"null":        simple(func(_, _, _ value) value { return nil }),
	"nullIfRightNull": simple(func(_, l, r value) value {
		if r == nil {
			return nil
		}
		return pair(l, r)
	}),
}

func pair(l, r value) string { return "[" + text(l) + "," + text(r) + "]" }

// joinWithKey tells whether the variant of a join is meant whose function sees the
// key.
func joinWithKey(fn string) bool { return fn == "pairWithKey" }

func (c *call) joiner() joinFunc { return function(c.builder, joiners, "joiner", c.Fn) }

// absent is what a pointer stands for.
func absent(v *value) value {
	if v == nil {
		return nil
	}
	return *v
}

// streamJoin are the joins of a stream by the kind of what it is joined with.
func streamJoin(c *call, left bool) any {
	other := c.other()
	switch node := other.node.(type) {
	case kstream:
		if left {
			return c.joinStreams(other, "left")
		}
		return c.joinStreams(other, "inner")
	case ktable:
		return c.joinTable(node, left)
	case globalTable:
		return c.joinGlobal(node, left)
	}
	c.fail(missing("this kind of join"))
	return nil
}

// joinTable joins a stream with a table.
func (c *call) joinTable(t ktable, left bool) any {
	var opts []stream.Option
	if c.Joined != nil {
		opts = named(c.Joined.Name)
		if c.Joined.GraceMs != nil {
			opts = append(opts, stream.GracePeriod(ms(*c.Joined.GraceMs)))
		}
	}
	f, with := c.joiner(), c.in.serdes()
	switch key := joinWithKey(c.Fn); {
	case left && key:
		return stream.LeftJoinTableWithKey(c.stream(), t, func(k, v value, w *value) value { return f(k, v, absent(w)) }, with, opts...)
	case left:
		return stream.LeftJoinTable(c.stream(), t, func(v value, w *value) value { return f(nil, v, absent(w)) }, with, opts...)
	case key:
		return stream.JoinTableWithKey(c.stream(), t, f, with, opts...)
	}
	return stream.JoinTable(c.stream(), t, func(v, w value) value { return f(nil, v, w) }, with, opts...)
}
