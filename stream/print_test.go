package stream_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/streamtest"
)

func ExampleKStream_Print() {
	b := stream.NewBuilder()
	orders := stream.From(b, "orders", text)
	orders.Print(os.Stdout, "")
	stream.MapValues(orders, strings.ToUpper).Print(os.Stdout, "upper")

	d := drive(b)
	pipe(d, "orders", "ann", "tea")
	pipeNull(d, "orders", "bob")
	// Output:
	// [KSTREAM-SOURCE-0000000000]: ann, tea
	// [upper]: ann, TEA
	// [KSTREAM-SOURCE-0000000000]: bob, null
	// [upper]: bob,
}

// brokenPipe refuses to be written to.
type brokenPipe struct{}

var errBrokenPipe = errors.New("broken pipe")

func (brokenPipe) Write([]byte) (int, error) { return 0, errBrokenPipe }

func TestPrintReportsWhatCannotBeWritten(t *testing.T) {
	b := stream.NewBuilder()
	stream.From(b, "in", text).Print(brokenPipe{}, "x", stream.Named("printer"))
	topo := built(t, b)
	if want := "Processor: printer (stores: [])"; !strings.Contains(topo.Describe(), want) {
		t.Errorf("no %q in\n%s", want, topo.Describe())
	}
	d, err := streamtest.NewDriver(topo, streamtest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	err = streamtest.NewInput(d, "in", serde.String(), serde.String()).Pipe("k", "v")
	if !errors.Is(err, errBrokenPipe) || !strings.Contains(err.Error(), `"printer"`) {
		t.Errorf("Pipe: %v, want the writer's error and the operator", err)
	}
}

func TestPrintWithoutAWriterIsAMistake(t *testing.T) {
	b := stream.NewBuilder()
	stream.From(b, "in", text).Print(nil, "x")
	if _, err := b.Build(); err == nil || !strings.Contains(err.Error(), `operator "KSTREAM-PRINTER-0000000001": Print was called without a writer`) {
		t.Errorf("Build: %v", err)
	}
}
