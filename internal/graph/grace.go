package graph

import "errors"

var errNoWindows = errors.New("when a window closes is only defined for tables of windowed aggregations, and this one is none: use stream.UntilTimeLimit")

// WindowGrace is how long after the end of a window the operator may still receive
// changes of it, in milliseconds: the longest of what its parents say. Every way up
// must lead to an operator with windows. Kafka Streams: GraphGraceSearchUtil.
func (o *Op) WindowGrace() (int64, error) {
	if o.Grace != nil {
		return *o.Grace, nil
	}
	if len(o.parents) == 0 {
		return 0, errNoWindows
	}
	var grace int64
	for _, p := range o.parents {
		g, err := p.WindowGrace()
		if err != nil {
			return 0, err
		}
		grace = max(grace, g)
	}
	return grace, nil
}
