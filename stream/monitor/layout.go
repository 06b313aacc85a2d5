package monitor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/streamweir/streamweir/internal/graph"
)

// The picture is laid out in rows, from input topics at the top to output topics
// at the bottom. Each sub-topology has the rows of its nodes, by their distance
// from the sources, with a row of topics above and one below; between two
// sub-topologies the two are one. An edge over several rows passes through a
// bend, a shape without width, in each row between: so it meets no other shape.

type kind int8

const (
	topicShape kind = iota
	sourceShape
	processorShape
	sinkShape
	storeShape
	bendShape
)

// Sizes in pixels. Labels are monospaced; a character is a little over seven wide.
const (
	shapeHeight = 34
	columnGap   = 28
	rowGap      = 38
	boxPadding  = 22
	margin      = 24
	titleHeight = 26
	maxLabel    = 56
)

type shape struct {
	kind         kind
	label, title string // as it is drawn, and in full
	x, y, w      int    // centre
	row          int
	beside       []*shape // stores, drawn to the right
	above, below []*shape // what it is connected to in the next rows
}

func newShape(k kind, label, title string) *shape {
	if r := []rune(label); len(r) > maxLabel {
		label = string(r[:maxLabel-1]) + "…"
	}
	s := &shape{kind: k, label: label, title: title}
	if k != bendShape {
		s.w = len([]rune(label))*73/10 + 28
	}
	return s
}

func (s *shape) left() int { return s.x - s.w/2 }

// right is where the stores end.
func (s *shape) right() int {
	r := s.x + s.w/2
	for _, b := range s.beside {
		r += columnGap + b.w
	}
	return r
}

// A frame is the box around a sub-topology.
type frame struct {
	title       string
	first, last int // rows
}

type layout struct {
	names  graph.Topics
	rows   [][]*shape
	frames []frame
	topics []map[string]*shape // by row
	edges  [][]*shape          // from, bends, to
	uses   [][2]*shape         // processor, store: those that are not side by side

	top, bottom []int // of the rows
	width       int
	height      int
}

func newLayout(t *graph.Topology, names graph.Topics) *layout {
	l := &layout{names: names}
	row := 0
	for _, s := range t.Subtopologies() {
		row = l.sub(s, row)
	}
	if s := t.Global(); s != nil {
		l.sub(s, row)
	}
	l.place()
	return l
}

// sub adds a sub-topology, with its input topics in the row first, and returns the
// row of its output topics.
func (l *layout) sub(s *graph.Sub, first int) int {
	depth, last := depths(s.Nodes), 0
	for _, d := range depth {
		last = max(last, d)
	}
	l.frames = append(l.frames, frame{title: title(s), first: first + 1, last: first + 1 + last})
	nodes, stores := map[string]*shape{}, map[string]*shape{}
	for i, n := range s.Nodes {
		sh := newShape(sourceShape+kind(n.Kind), n.Name, n.Name)
		nodes[n.Name] = sh
		l.add(sh, first+1+depth[i])
		for _, topic := range inputs(n) {
			l.connect(l.topic(first, topic, n.Kind), sh)
		}
		for _, p := range n.Parents {
			l.connect(nodes[p], sh)
		}
		l.stores(s, n, sh, stores)
	}
	for _, n := range s.Nodes {
		switch {
		case n.Topic != "":
			l.connect(nodes[n.Name], l.topic(first+last+2, n.Topic, n.Kind))
		case n.Kind == graph.SinkKind:
			l.connect(nodes[n.Name], l.topic(first+last+2, n.Dynamic, n.Kind))
		}
	}
	return first + last + 2
}

func title(s *graph.Sub) string {
	if s.Global {
		return "Global stores"
	}
	return fmt.Sprintf("Sub-topology %d", s.ID)
}

// depths are the longest ways from a source; parents come before children.
func depths(nodes []*graph.Node) []int {
	at := map[string]int{}
	depth := make([]int, len(nodes))
	for i, n := range nodes {
		for _, p := range n.Parents {
			depth[i] = max(depth[i], depth[at[p]]+1)
		}
		at[n.Name] = i
	}
	return depth
}

func inputs(n *graph.Node) []string {
	switch {
	case n.Kind != graph.SourceKind:
		return nil
	case n.Pattern != nil:
		return []string{"/" + n.Pattern.String() + "/"}
	}
	return n.Topics
}

// stores draws each store beside the first processor that uses it.
func (l *layout) stores(s *graph.Sub, n *graph.Node, sh *shape, drawn map[string]*shape) {
	for _, name := range n.Stores {
		if st := drawn[name]; st != nil {
			l.uses = append(l.uses, [2]*shape{sh, st})
			continue
		}
		title := "store " + name
		for _, st := range s.Stores {
			if st.Builder.Name() == name && l.names.Logged(st) {
				title += ", changelog " + l.names.Changelog(st)
			}
		}
		st := newShape(storeShape, name, title)
		st.row = sh.row
		drawn[name] = st
		sh.beside = append(sh.beside, st)
	}
}

// topic returns the shape of a topic in a row, which is new at first.
func (l *layout) topic(row int, name string, k graph.Kind) *shape {
	for len(l.topics) <= row {
		l.topics = append(l.topics, map[string]*shape{})
	}
	name = l.names.Name(name)
	if t := l.topics[row][name]; t != nil {
		return t
	}
	label := name
	if label == "" && k == graph.SinkKind {
		label = "(chosen by record)"
	}
	t := newShape(topicShape, label, "topic "+label)
	l.topics[row][name] = t
	l.add(t, row)
	return t
}

func (l *layout) add(s *shape, row int) {
	for len(l.rows) <= row {
		l.rows = append(l.rows, nil)
	}
	s.row = row
	l.rows[row] = append(l.rows[row], s)
}

func (l *layout) connect(from, to *shape) {
	edge := []*shape{from}
	for row := from.row + 1; row < to.row; row++ {
		b := newShape(bendShape, "", "")
		l.add(b, row)
		edge = append(edge, b)
	}
	edge = append(edge, to)
	for i, s := range edge[1:] {
		edge[i].below = append(edge[i].below, s)
		s.above = append(s.above, edge[i])
	}
	l.edges = append(l.edges, edge)
}

// place gives every shape its position: down, with each row in the order of what
// is above it, then up and down again with the order as it is.
func (l *layout) place() {
	for i, row := range l.rows {
		if i > 0 {
			slices.SortStableFunc(row, func(a, b *shape) int { return cmp.Compare(middle(a.above), middle(b.above)) })
		}
		arrange(row, func(s *shape) []*shape { return s.above })
	}
	for _, row := range slices.Backward(l.rows) {
		arrange(row, func(s *shape) []*shape { return s.below })
	}
	for _, row := range l.rows {
		arrange(row, func(s *shape) []*shape { return slices.Concat(s.above, s.below) })
	}
	l.columns()
	l.lines()
}

const nowhere = 1 << 30 // sorts a shape without neighbours to the end

func middle(of []*shape) int {
	if len(of) == 0 {
		return nowhere
	}
	sum := 0
	for _, s := range of {
		sum += s.x
	}
	return sum / len(of)
}

// arrange puts the shapes of a row as near to the middle of their neighbours as
// their order and widths allow.
func arrange(row []*shape, neighbours func(*shape) []*shape) {
	end, shift, placed := -nowhere, 0, 0
	for _, s := range row {
		want := middle(neighbours(s))
		least := end + columnGap + s.w/2
		if end == -nowhere {
			least = want
			if want == nowhere {
				least = s.x
			}
		}
		x := least
		if want != nowhere {
			x = max(want, least)
			shift += want - x
			placed++
		}
		s.x = x
		end = s.right()
	}
	if placed == 0 {
		return
	}
	for _, s := range row {
		s.x += shift / placed
	}
}

// columns moves all so that the picture begins at the margin, and places stores.
func (l *layout) columns() {
	left, right := nowhere, -nowhere
	for _, s := range slices.Concat(l.rows...) {
		left, right = min(left, s.left()), max(right, s.right())
	}
	for _, s := range slices.Concat(l.rows...) {
		s.x += margin + boxPadding - left
		at := s.x + s.w/2
		for _, st := range s.beside {
			st.x = at + columnGap + st.w/2
			at = st.x + st.w/2
		}
	}
	l.width = max(right-left, 0) + 2*(margin+boxPadding)
}

// lines gives rows their height; a frame has room for its title.
func (l *layout) lines() {
	y := margin
	for i, row := range l.rows {
		for _, f := range l.frames {
			if f.first == i {
				y += titleHeight
			}
			if f.last+1 == i {
				y += boxPadding / 2
			}
		}
		l.top, l.bottom = append(l.top, y), append(l.bottom, y+shapeHeight)
		for _, s := range row {
			s.y = y + shapeHeight/2
			for _, st := range s.beside {
				st.y = s.y
			}
		}
		y += shapeHeight + rowGap
	}
	l.height = max(y-rowGap, margin) + margin
}

// text is what the picture says, for those who do not see it.
func (l *layout) text() string {
	var b strings.Builder
	for _, e := range l.edges {
		b.WriteString(e[0].title + " to " + e[len(e)-1].title + ". ")
	}
	return strings.TrimSpace(b.String())
}
