package avro_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/streamweir/streamweir/internal/avrogen/golden"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/serde/avro"
)

func TestErrorsOfMeaningHaveTheirPath(t *testing.T) {
	fake := srfake.New()
	t.Cleanup(fake.Close)
	registry := avro.NewRegistry(fake.URL(), avro.Config{})
	t.Cleanup(registry.Close)
	codec, err := avro.Of[*golden.Logical](registry).Bind("t", serde.Value)
	if err != nil {
		t.Fatal(err)
	}
	v := golden.NewLogical()
	v.Any = golden.LogicalAnyUUID{Value: v.ID}
	data, err := codec.Append(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	text := []byte(v.ID.String())
	for want, at := range map[string]int{": id: not a uuid": bytes.Index(data, text), ": any: not a uuid": bytes.LastIndex(data, text)} {
		bad := bytes.Clone(data)
		bad[at] = 'x'
		if _, err := codec.Decode(bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
