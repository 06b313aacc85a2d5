package web

import (
	"bufio"
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
)

// Picture draws the text of Topology.Describe as an SVG: topics and processors
// from left to right, stores below. Its colours are the page's, by class.
func Picture(description string) []byte {
	g := parse(description)
	g.place()
	return g.draw()
}

type box struct {
	id, label, kind string // kind: topic, processor, store
	column, row     int
	in              []*box
}

type graph struct {
	boxes []*box
	byID  map[string]*box
	edges [][2]*box
	ends  map[string]*box // source or sink node -> its topic
}

var (
	nodeLine  = regexp.MustCompile(`^(Source|Processor|Sink): (\S+) \((?:topics|topic|stores): \[?([^\])]*)\]?\)$`)
	generated = regexp.MustCompile(`^K(STREAM|TABLE)-([A-Z-]+)-0*([0-9]+)$`)
)

// parse reads the description. A source or sink is drawn as its topics.
func parse(description string) *graph {
	g := &graph{byID: map[string]*box{}, ends: map[string]*box{}}
	var successors [][2]string
	current := ""
	for lines := bufio.NewScanner(strings.NewReader(description)); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if m := nodeLine.FindStringSubmatch(line); m != nil {
			current = m[2]
			g.node(m[1], current, m[3])
		} else if next, ok := strings.CutPrefix(line, "--> "); ok && next != "none" {
			for _, n := range strings.Split(next, ", ") {
				successors = append(successors, [2]string{current, n})
			}
		}
	}
	for _, s := range successors {
		if from, to := g.end(s[0]), g.end(s[1]); from != nil && to != nil {
			g.connect(from, to)
		}
	}
	return g
}

func (g *graph) node(kind, name, list string) {
	if kind != "Processor" {
		g.ends[name] = g.add("topic:"+list, list, "topic")
		return
	}
	b := g.add(name, name, "processor")
	if list == "" {
		return
	}
	for _, s := range strings.Split(list, ", ") {
		g.connect(b, g.add("store:"+s, s, "store"))
	}
}

func (g *graph) end(name string) *box {
	if b := g.ends[name]; b != nil {
		return b
	}
	return g.byID[name]
}

func (g *graph) add(id, label, kind string) *box {
	b := g.byID[id]
	if b == nil {
		b = &box{id: id, label: label, kind: kind}
		g.byID[id] = b
		g.boxes = append(g.boxes, b)
	}
	return b
}

func (g *graph) connect(from, to *box) {
	g.edges = append(g.edges, [2]*box{from, to})
	if to.kind != "store" {
		to.in = append(to.in, from)
	}
}

// place gives each box the column behind its predecessors and a row of its own
// in it. A topic that is written and read again would be a circle: it is passed
// through once.
func (g *graph) place() {
	depth := map[*box]int{}
	var visit func(b *box, path []*box) int
	visit = func(b *box, path []*box) int {
		if d, ok := depth[b]; ok {
			return d
		}
		d := 0
		for _, p := range b.in {
			if !slices.Contains(path, p) {
				d = max(d, visit(p, append(path, b))+1)
			}
		}
		depth[b] = d
		return d
	}
	rows := map[int]int{}
	for _, b := range g.boxes {
		if b.kind == "store" {
			continue
		}
		b.column = visit(b, nil)
		b.row = rows[b.column]
		for _, p := range b.in { // keep a branch on its line
			b.row = max(b.row, p.row)
		}
		rows[b.column] = b.row + 1
	}
	g.placeStores(rows)
}

// placeStores puts the store of a processor in the first row above it and any
// other below everything, so that no line to a store crosses a box.
func (g *graph) placeStores(rows map[int]int) {
	bottom := 0
	for _, n := range rows {
		bottom = max(bottom, n)
	}
	placed := map[*box]bool{}
	above := map[int]bool{}
	for _, e := range g.edges {
		s, column := e[1], e[0].column
		if s.kind != "store" || placed[s] {
			continue
		}
		placed[s] = true
		s.column, s.row = column, bottom
		if e[0].row == 0 && !above[column] {
			above[column], s.row = true, -1
			continue
		}
		bottom++
	}
	if len(above) > 0 {
		for _, b := range g.boxes {
			b.row++
		}
	}
}

const (
	boxWidth, boxHeight = 130, 42
	gapX, gapY          = 20, 22
	margin              = 2
)

func (b *box) x() int { return margin + b.column*(boxWidth+gapX) }
func (b *box) y() int { return margin + b.row*(boxHeight+gapY) }

// span is the box from left to right. Names of stores are long, and beside a
// store is room.
func (b *box) span() (int, int) {
	if b.kind == "store" {
		return b.x() - gapX, b.x() + boxWidth + gapX
	}
	return b.x(), b.x() + boxWidth
}

func (g *graph) draw() []byte {
	left, right, bottom := 0, 0, 0
	for _, b := range g.boxes {
		x1, x2 := b.span()
		left, right, bottom = min(left, x1-margin), max(right, x2+margin), max(bottom, b.y()+boxHeight+margin)
	}
	var out strings.Builder
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="%d 0 %d %d" role="img" aria-label="Topology">`, right-left, bottom, left, right-left, bottom)
	out.WriteString(`<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z"/></marker></defs>`)
	for _, e := range g.edges {
		drawEdge(&out, e[0], e[1])
	}
	for _, b := range g.boxes {
		drawBox(&out, b)
	}
	out.WriteString(`</svg>`)
	return []byte(out.String())
}

func drawEdge(out *strings.Builder, from, to *box) {
	if to.kind == "store" {
		if from.row < to.row {
			from, to = to, from
		}
		fmt.Fprintf(out, `<path class="edge state" d="M%d %dL%d %d"/>`, from.x()+boxWidth/2, from.y(), to.x()+boxWidth/2, to.y()+boxHeight)
		return
	}
	x1, y1, x2, y2 := from.x()+boxWidth, from.y()+boxHeight/2, to.x()-1, to.y()+boxHeight/2
	middle := (x1 + x2) / 2
	fmt.Fprintf(out, `<path class="edge" marker-end="url(#tip)" d="M%d %dC%d %d %d %d %d %d"/>`, x1, y1, middle, y1, middle, y2, x2, y2)
}

func drawBox(out *strings.Builder, b *box) {
	kind, label := b.kind, b.label
	if m := generated.FindStringSubmatch(label); m != nil {
		kind, label = strings.ToLower("K"+m[1])+" "+m[3], strings.ToLower(m[2])
	}
	fmt.Fprintf(out, `<g class="node %s"><title>%s</title>`, b.kind, html.EscapeString(b.label))
	x, y := b.x(), b.y()
	if b.kind == "store" {
		x1, x2 := b.span()
		w := x2 - x1
		fmt.Fprintf(out, `<path d="M%d %dv%da%d 5 0 0 0 %d 0v-%da%d 5 0 0 0 -%d 0a%d 5 0 0 0 %d 0"/>`,
			x1, y+5, boxHeight-10, w/2, w, boxHeight-10, w/2, w, w/2, w)
		y += 4
	} else {
		fmt.Fprintf(out, `<rect x="%d" y="%d" width="%d" height="%d" rx="8"/>`, x, y, boxWidth, boxHeight)
	}
	longest := 20
	if b.kind == "store" {
		longest = 27
	}
	text(out, x, y+17, "kind", kind, longest)
	text(out, x, y+32, "", label, longest)
	out.WriteString(`</g>`)
}

func text(out *strings.Builder, x, y int, class, s string, longest int) {
	if r := []rune(s); len(r) > longest {
		s = string(r[:longest-1]) + "…"
	}
	fmt.Fprintf(out, `<text class="%s" x="%d" y="%d" text-anchor="middle">%s</text>`, class, x+boxWidth/2, y, html.EscapeString(s))
}
