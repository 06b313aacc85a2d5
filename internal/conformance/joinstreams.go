package conformance

import (
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream"
)

// joinStore is the supplier of a store for the records of one side.
type joinStore struct {
	Name             string `json:"name"`
	Persistent       *bool  `json:"persistent"`
	RetentionMs      int64  `json:"retentionMs"`
	WindowSizeMs     int64  `json:"windowSizeMs"`
	RetainDuplicates *bool  `json:"retainDuplicates"`
}

// joinWindows is how far apart the records of a join may be.
func (c *call) joinWindows() stream.JoinWindows {
	w := c.Windows
	if w == nil {
		w = &windowSpec{}
	}
	s := stream.TimeDifference(ms(w.DiffMs)).Grace(ms(w.GraceMs))
	if w.BeforeMs != nil {
		s = s.Before(ms(*w.BeforeMs))
	}
	if w.AfterMs != nil {
		s = s.After(ms(*w.AfterMs))
	}
	return s
}

// streamJoined is how a join of streams encodes and keeps its records.
func (c *call) streamJoined(right handle) *stream.StreamJoined[value, value, value] {
	s := stream.StreamJoinedWith[value, value, value](c.in.key, c.in.value, right.value)
	j := c.Joined
	if j == nil {
		return s
	}
	opts := options(j.Logging, nil, nil)
	if j.Store != "" {
		inMemory := j.Store != "inMemory"
		opts = append(opts, place(&inMemory))
	}
	s = s.StoreName(j.StoreName).Options(opts...)
	if j.ThisStore != nil {
		s = s.ThisStore(c.suppliedStore(j.ThisStore, c.in.value))
	}
	if j.OtherStore != nil {
		s = s.OtherStore(c.suppliedStore(j.OtherStore, right.value))
	}
	return s
}

// suppliedStore is a store of the user's; its supplier retains duplicates unless it
// says otherwise.
func (c *call) suppliedStore(s *joinStore, val dynamic) *store.WindowBuilder[value, value] {
	opts := []store.Option{place(s.Persistent)}
	if s.RetainDuplicates == nil || *s.RetainDuplicates {
		opts = append(opts, store.RetainDuplicates())
	}
	return store.Windows[value, value](s.Name, c.in.key, val, ms(s.RetentionMs), ms(s.WindowSizeMs), opts...)
}

// joinStreams joins two streams.
func (c *call) joinStreams(right handle, kind string) any {
	var opts []stream.Option
	if c.Joined != nil {
		opts = named(c.Joined.Name)
	}
	s, other, f, w, j := c.stream(), right.node.(kstream), c.joiner(), c.joinWindows(), c.streamJoined(right)
	key := joinWithKey(c.Fn)
	switch {
	case kind == "left" && key:
		return stream.LeftJoinWithKey(s, other, func(k, l value, r *value) value { return f(k, l, absent(r)) }, w, j, opts...)
	case kind == "left":
		return stream.LeftJoin(s, other, func(l value, r *value) value { return f(nil, l, absent(r)) }, w, j, opts...)
	case kind == "outer" && key:
		return stream.OuterJoinWithKey(s, other, func(k value, l, r *value) value { return f(k, absent(l), absent(r)) }, w, j, opts...)
	case kind == "outer":
		return stream.OuterJoin(s, other, func(l, r *value) value { return f(nil, absent(l), absent(r)) }, w, j, opts...)
	case key:
		return stream.JoinWithKey(s, other, f, w, j, opts...)
	}
	return stream.Join(s, other, func(l, r value) value { return f(nil, l, r) }, w, j, opts...)
}
