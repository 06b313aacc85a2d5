package streamtest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/streamtest"
	"github.com/streamweir/streamweir/topology"
)

type record = topology.Record[string, string]

var text = stream.With(serde.String(), serde.String())

// run starts what a program builds, until the end of the test.
func run(t *testing.T, cfg streamtest.Config, program func(b *stream.Builder)) *streamtest.Driver {
	t.Helper()
	b := stream.NewBuilder()
	program(b)
	topo, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	d, err := streamtest.NewDriver(topo, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// copying is in -> out.
func copying(b *stream.Builder) { stream.From(b, "in", text).To("out", nil) }

// counting counts the records of each key of in.
func counting(b *stream.Builder) {
	counts := stream.From(b, "in", text).GroupByKey().Count(stream.InStore("counts", serde.String(), serde.Int64()))
	counts.ToStream().To("out", stream.With(serde.String(), serde.Int64()))
}

func input(d *streamtest.Driver, topic string) *streamtest.Input[string, string] {
	return streamtest.NewInput(d, topic, serde.String(), serde.String())
}

func output(d *streamtest.Driver, topic string) *streamtest.Output[string, string] {
	return streamtest.NewOutput(d, topic, serde.String(), serde.String())
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// wantRecords checks what is left of an output.
func wantRecords[K, V any](t *testing.T, o *streamtest.Output[K, V], want ...topology.Record[K, V]) {
	t.Helper()
	got, err := o.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

// frail is a serde that does not know "bad", and knows nothing while *down.
type frail struct{ down *bool }

var (
	errBad  = errors.New("no such word")
	errDown = fmt.Errorf("the registry does not answer: %w", serde.ErrRetriable)
)

func (f frail) Bind(string, serde.Role) (serde.Codec[string], error) { return f, nil }

func (f frail) Append(dst []byte, v string) ([]byte, error) { return append(dst, v...), nil }

func (f frail) Decode(data []byte) (string, error) {
	switch {
	case *f.down:
		return "", errDown
	case string(data) == "bad":
		return "", errBad
	}
	return string(data), nil
}

// frailly is in -> out with a serde that fails.
func frailly(down *bool) func(b *stream.Builder) {
	return func(b *stream.Builder) {
		stream.From(b, "in", stream.With[string, string](frail{down}, frail{down})).To("out", text)
	}
}

func skip(context.Context, *topology.ProcessingError) topology.Action { return topology.Skip }
