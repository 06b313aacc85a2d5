package monitor

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"

	"github.com/streamweir/streamweir/internal/graph"
)

// The colours follow the reader's: light or dark.
const style = `
  svg { color-scheme: light dark; font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
  text { fill: #1f2933; text-anchor: middle; dominant-baseline: central; }
  .frame { fill: #f6f8fa; stroke: #9aa5b1; stroke-dasharray: 5 4; }
  .heading { text-anchor: start; font-weight: 600; fill: #52606d; }
  .topic { fill: #fff3c4; stroke: #cb9a1e; }
  .source, .sink { fill: #d9f2e3; stroke: #2f8f5b; }
  .processor { fill: #e3ecfa; stroke: #3d6fb6; }
  .store { fill: #f3e4f7; stroke: #8e4fa3; }
  .edge { fill: none; stroke: #52606d; stroke-width: 1.3; }
  .use { fill: none; stroke: #8e4fa3; stroke-dasharray: 3 3; }
  .head { fill: #52606d; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e4e9f0; }
    .frame { fill: #1c222b; stroke: #5a6473; }
    .heading { fill: #98a3b3; }
    .topic { fill: #4a3a12; }
    .source, .sink { fill: #17402b; }
    .processor { fill: #1d3357; }
    .store { fill: #43264c; stroke: #b583c4; }
    .edge { stroke: #98a3b3; }
    .use { stroke: #b583c4; }
    .head { fill: #98a3b3; }
  }
`

// draw writes a topology as SVG. Topics have the names they have on the broker.
func draw(w io.Writer, t *graph.Topology, names graph.Topics) {
	l := newLayout(t, names)
	p := printer{w}
	p.f(`<?xml version="1.0" encoding="UTF-8"?>`)
	p.f(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">`, l.width, l.height, l.width, l.height)
	p.f(`<title>Topology of %s</title>`, escaped(names.ApplicationID))
	p.f(`<desc>%s</desc>`, escaped(l.text()))
	p.f(`<style>%s</style>`, style)
	p.f(`<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="head" d="M0 0 8 4 0 8z"/></marker></defs>`)
	for _, f := range l.frames {
		top := l.top[f.first] - titleHeight
		p.f(`<rect class="frame" x="%d" y="%d" width="%d" height="%d" rx="6"/>`, margin/2, top, l.width-margin, l.bottom[f.last]+boxPadding/2-top)
		p.f(`<text class="heading" x="%d" y="%d">%s</text>`, margin/2+12, top+titleHeight/2, f.title)
	}
	for _, e := range l.edges {
		p.edge(e)
	}
	for _, u := range l.uses {
		p.f(`<path class="use" d="M%d %d %d %d"/>`, u[0].x, u[0].y, u[1].x, u[1].y)
	}
	for _, row := range l.rows {
		for _, s := range row {
			p.shape(s)
		}
	}
	p.f(`</svg>`)
}

// printer writes lines. It writes to memory, which does not fail.
type printer struct{ w io.Writer }

func (p printer) f(format string, args ...any) { fmt.Fprintf(p.w, format+"\n", args...) }

// edge draws a curve from row to row, upright where it passes through one.
func (p printer) edge(path []*shape) {
	const half = shapeHeight / 2
	var d bytes.Buffer
	from := path[0]
	fmt.Fprintf(&d, "M%d %d", from.x, from.y+half)
	for _, to := range path[1:] {
		y1, y2 := from.y+half, to.y-half
		fmt.Fprintf(&d, " C%d %d %d %d %d %d", from.x, (y1+y2)/2, to.x, (y1+y2)/2, to.x, y2)
		if to.kind == bendShape {
			fmt.Fprintf(&d, " V%d", to.y+half)
		}
		from = to
	}
	p.f(`<path class="edge" marker-end="url(#head)" d="%s"/>`, d.String())
}

func (p printer) shape(s *shape) {
	left, top := s.left(), s.y-shapeHeight/2
	switch s.kind {
	case bendShape:
		return
	case storeShape:
		p.cylinder(s)
	case topicShape:
		p.f(`<g><title>%s</title><rect class="topic" x="%d" y="%d" width="%d" height="%d" rx="%d"/>`, escaped(s.title), left, top, s.w, shapeHeight, shapeHeight/2)
	default:
		class := map[kind]string{sourceShape: "source", processorShape: "processor", sinkShape: "sink"}[s.kind]
		p.f(`<g><title>%s %s</title><rect class="%s" x="%d" y="%d" width="%d" height="%d" rx="2"/>`, class, escaped(s.title), class, left, top, s.w, shapeHeight)
	}
	p.f(`<text x="%d" y="%d">%s</text></g>`, s.x, s.y, escaped(s.label))
	at := s.x + s.w/2
	for _, st := range s.beside {
		p.f(`<path class="use" d="M%d %d H%d"/>`, at, s.y, st.left())
		p.shape(st)
		at = st.x + st.w/2
	}
}

func (p printer) cylinder(s *shape) {
	const lid = 5
	left, right := s.left(), s.x+s.w/2
	top, bottom := s.y-shapeHeight/2+lid, s.y+shapeHeight/2-lid
	p.f(`<g><title>%s</title><path class="store" d="M%d %d A%d %d 0 0 1 %d %d V%d A%d %d 0 0 1 %d %d z M%d %d A%d %d 0 0 0 %d %d"/>`, escaped(s.title),
		left, top, s.w/2, lid, right, top, bottom, s.w/2, lid, left, bottom, left, top, s.w/2, lid, right, top)
}

// escaped is a text that may stand in XML, whatever is in it.
func escaped(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // memory does not fail
	return b.String()
}
