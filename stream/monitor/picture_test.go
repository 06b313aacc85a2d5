package monitor

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

func packageDoc(t *testing.T) []byte {
	t.Helper()
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func names(metrics string) map[string]bool {
	found := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (streamweir_\S+) `).FindAllStringSubmatch(metrics, -1) {
		found[m[1]] = true
	}
	return found
}

// nothing is a processor that forwards nothing.
type nothing struct{}

func (nothing) Init(*topology.Context[string, string]) error { return nil }

func (nothing) Process(context.Context, topology.Record[string, string]) error { return nil }

// shop has what a picture can have: branches, an edge over several rows, a shared
// store, a repartition, a sink that chooses topics, and names to be escaped.
func shop(t *testing.T) *topology.Topology {
	t.Helper()
	b := stream.NewBuilder()
	b.AddStateStore(store.KeyValue("seen", serde.String(), serde.Int64()))
	orders := stream.FromTopics(b, []string{"orders-eu", "orders-us"}, text)
	split := orders.Split(stream.Named("orders-"))
	large := split.Branch(func(_, v string) bool { return len(v) > 9 }, stream.Named("large"))
	small := split.Default(stream.Named("small"))
	checked := stream.Process(large, func() nothing { return nothing{} }, stream.Stores("seen"),
		stream.OwnStores(store.KeyValue("limits", serde.String(), serde.Int64(), store.NotLogged())))
	also := stream.Process(small, func() nothing { return nothing{} }, stream.Stores("seen"))
	checked.Merge(also).Merge(orders).ToDynamic("a <b> & \"c\"", func(topology.Record[string, string]) string { return "x" }, text)
	stream.GroupBy(small, func(_, v string) string { return v }, text).Count(stream.InStore("by-customer", serde.String(), serde.Int64())).
		ToStream().To("orders-by-customer", nil)
	stream.FromPattern(b, regexp.MustCompile(`clicks-[a-z]+`), text).To("clicks", nil)
	return build(t, b)
}

func TestPictures(t *testing.T) {
	for name, topo := range map[string]*topology.Topology{"wordcount": wordcount(t), "shop": shop(t), "empty": topology.New()} {
		var b bytes.Buffer
		draw(&b, topo.Graph(), topo.Graph().Topics(name))
		wellFormed(t, b.Bytes())
		golden(t, name+".svg", b.String())
	}
}

func wellFormed(t *testing.T, svg []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(svg))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok {
			for _, a := range e.Attr {
				if a.Name.Local == "href" || strings.Contains(a.Value, "http") && a.Name.Local != "xmlns" {
					t.Errorf("<%s %s=%q> refers to something outside", e.Name.Local, a.Name.Local, a.Value)
				}
			}
		}
	}
}

func TestShapesDoNotOverlap(t *testing.T) {
	l := newLayout(shop(t).Graph(), shop(t).Graph().Topics("shop"))
	for _, row := range l.rows {
		var all []*shape
		for _, s := range row {
			all = append(append(all, s), s.beside...)
		}
		for i, s := range all {
			if s.left() < 0 || s.x+s.w/2 > l.width || s.y > l.height {
				t.Errorf("%q is outside of the picture", s.label)
			}
			if i > 0 && s.left() < all[i-1].x+all[i-1].w/2+columnGap/2 {
				t.Errorf("%q touches %q", s.label, all[i-1].label)
			}
		}
	}
}

func TestEveryNodeTopicAndStoreIsDrawn(t *testing.T) {
	var b bytes.Buffer
	topo := shop(t)
	draw(&b, topo.Graph(), topo.Graph().Topics("shop"))
	for _, s := range topo.Graph().Subtopologies() {
		for _, n := range s.Nodes {
			if !strings.Contains(b.String(), ">"+n.Name+"</text>") {
				t.Errorf("%s is missing", n.Name)
			}
		}
	}
	for _, want := range []string{"orders-eu", "seen", "limits", "shop-by-customer-repartition", "/clicks-[a-z]+/", "a &lt;b&gt; &amp; &#34;c&#34;", "orders-by-customer", "Sub-topology 2"} {
		if !strings.Contains(b.String(), ">"+want+"</text>") {
			t.Errorf("%s is missing", want)
		}
	}
}

func TestLongNamesAreCut(t *testing.T) {
	s := newShape(processorShape, strings.Repeat("é", 100), "")
	if n := len([]rune(s.label)); n != maxLabel || !strings.HasSuffix(s.label, "…") {
		t.Error(n, s.label)
	}
}

func TestTopologyInTheFormatThatIsAskedFor(t *testing.T) {
	f := newFixture(t, running(start))
	const plain, svg = "text/plain; charset=utf-8", "image/svg+xml"
	for _, c := range []struct{ path, accept, want string }{
		{"/topology", "", plain},
		{"/topology", "*/*", plain},
		{"/topology", "text/plain", plain},
		{"/topology", "text/html,application/xhtml+xml,*/*;q=0.8", svg},
		{"/topology", "image/svg+xml", svg},
		{"/topology?format=text", "image/svg+xml", plain},
		{"/topology?format=svg", "text/plain", svg},
		{"/topology.svg", "text/plain", svg},
	} {
		w := f.get(t, c.path, "Accept", c.accept)
		if got := w.Header().Get("Content-Type"); got != c.want || w.Code != http.StatusOK {
			t.Errorf("%s, Accept %q: %d %s, want %s", c.path, c.accept, w.Code, got, c.want)
		}
	}
	if got, want := f.get(t, "/topology").Body.String(), wordcount(t).Describe(); got != want {
		t.Errorf("text is\n%s\nwant\n%s", got, want)
	}
	f.expect(t, "/topology?format=png", http.StatusBadRequest, `format "png" is neither text nor svg`)
}

// Global stores are drawn too, below all that has tasks, under the prefix that internal
// topics have.
func TestPictureHasGlobalStoresAndThePrefixOfInternalTopics(t *testing.T) {
	b := stream.NewBuilder()
	rates := stream.GlobalTable(b, "rates", text, stream.InStore("rates-store", serde.String(), serde.String()))
	orders := stream.From(b, "orders", text)
	priced := stream.JoinGlobal(orders, rates, func(_, v string) string { return v }, func(v, r string) string { return v + r })
	priced.Repartition(text, stream.Named("again")).To("priced", text)
	topo := build(t, b)
	var out bytes.Buffer
	draw(&out, topo.Graph(), topo.Graph().Topics("shop").WithPrefix("old"))
	for _, want := range []string{"Global stores", "rates-store", "old-again-repartition", "Topology of shop"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the picture has no %q", want)
		}
	}
}
