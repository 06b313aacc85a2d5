package avro

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/serde/avro/avsc"
)

// realRegistry skips a test unless a registry was started for it: make integration
// sets KAFKA_BROKERS and SCHEMA_REGISTRY_URL. It returns a name that no other run has.
func realRegistry(t *testing.T) (url, run string) {
	t.Helper()
	if url = os.Getenv("SCHEMA_REGISTRY_URL"); url == "" {
		t.Skip("needs a real schema registry: SCHEMA_REGISTRY_URL is not set; make integration starts one")
	}
	return url, fmt.Sprint("avro-", time.Now().UnixNano())
}

func freshRegistry(t *testing.T, url string) *Registry {
	t.Helper()
	r := NewRegistry(url, Config{})
	t.Cleanup(r.Close)
	return r
}

const (
	stockV1 = `{"type":"record","name":"Stock","namespace":"com.shop","fields":[{"name":"sku","type":"string"},{"name":"n","type":"int"}]}`
	stockV2 = `{"type":"record","name":"Stock","namespace":"com.shop","fields":[{"name":"sku","type":"string"},{"name":"n","type":"long"},{"name":"supplier","type":["null","string"],"default":null}]}`
	stockV3 = `{"type":"record","name":"Stock","namespace":"com.shop","fields":[{"name":"sku","type":"string"},{"name":"n","type":"string"}]}`
	stockV4 = `{"type":"record","name":"Stock","namespace":"com.shop","fields":[{"name":"sku","type":"string"},{"name":"n","type":"long"},{"name":"warehouse","type":"string","default":"main"}]}`
)

type (
	stock1 struct {
		SKU string
		N   int32
	}
	stock2 struct {
		SKU      string
		N        int64
		Supplier *string
	}
	stock4 struct {
		SKU       string
		N         int64
		Warehouse string
	}
)

// A subject evolves under BACKWARD: new reads old, what cannot is refused before it is
// registered, by the registry and by us alike; FULL refuses what old cannot read.
func TestRealRegistryEvolves(t *testing.T) {
	url, run := realRegistry(t)
	topic := run + "-stock"
	subject := topic + "-value"
	bindTo := func(s serde.Serde[stock1]) serde.Codec[stock1] { return boundTo(t, s, topic) }
	old := encode(t, bindTo(For[stock1](freshRegistry(t, url), stockV1)), stock1{"a", 5})
	setLevel(t, url, subject, avsc.Backward)

	r := freshRegistry(t, url)
	if level, err := r.Compatibility(subject); err != nil || level != "BACKWARD" {
		t.Errorf("%q, %v", level, err)
	}
	if ok, reasons, err := r.Check(subject, stockV3); ok || len(reasons) == 0 || err != nil {
		t.Errorf("string instead of int: %v %q %v", ok, reasons, err)
	}
	if _, err := r.Register(subject, stockV3); err == nil || errors.Is(err, serde.ErrRetriable) || !strings.Contains(err.Error(), "/fields/1/type") {
		t.Errorf("string instead of int: %v", err)
	}
	if ok, _, err := r.Check(subject, stockV2); !ok || err != nil {
		t.Errorf("a new field with a default: %v %v", ok, err)
	}
	v2 := boundTo(t, For[stock2](r, stockV2), topic)
	if d := cmp.Diff(stock2{SKU: "a", N: 5}, decode(t, v2, old)); d != "" {
		t.Errorf("new reads old: %s", d)
	}
	supplier := "acme"
	written := encode(t, v2, stock2{"b", 6, &supplier})
	if list, err := r.Versions(subject); err != nil || len(list) != 2 || list[1].Schema.Label() != list[0].Schema.Label() {
		t.Errorf("%v, %v", list, err)
	}
	if d := cmp.Diff(stock4{"b", 6, "main"}, decode(t, boundTo(t, For[stock4](freshRegistry(t, url), stockV4), topic), written)); d != "" {
		t.Errorf("a third schema reads new: %s", d)
	}
	// A long cannot be read as an int: what has stockV1 must not be sent more of them.
	_, err := boundTo(t, For[stock1](freshRegistry(t, url), stockV1), topic).Decode(written)
	if err == nil || errors.Is(err, serde.ErrRetriable) || !strings.Contains(err.Error(), "n") {
		t.Errorf("old reads new: %v", err)
	}
	setLevel(t, url, subject, avsc.Full)
	if _, err := freshRegistry(t, url).Register(subject, stockV4); err != nil {
		t.Errorf("fields with defaults come and go under FULL: %v", err)
	}

	latest := boundTo(t, For[stock2](freshRegistry(t, url), stockV2, UseLatestVersion()), topic)
	if d := cmp.Diff(stock4{"c", 7, "main"}, decode(t, boundTo(t, For[stock4](freshRegistry(t, url), stockV4), topic), encode(t, latest, stock2{"c", 7, nil}))); d != "" {
		t.Errorf("written as the latest: %s", d)
	}
}

func TestRealRegistryKnowsNormalisationAndReferences(t *testing.T) {
	url, run := realRegistry(t)
	subject := run + "-stock-value"
	id, err := freshRegistry(t, url).Register(subject, stockV1)
	if err != nil {
		t.Fatal(err)
	}
	other := `{"name":"Stock","namespace":"com.shop","type":"record","fields":[{"type":{"type":"string"},"name":"sku"},{"type":"int","name":"n"}]}`
	if again, err := freshRegistry(t, url).Register(subject, other, NormalizeSchemas()); err != nil || again != id {
		t.Errorf("normalised: id %d, %v, want %d", again, err, id)
	}
	refs := References(Reference{Name: "m.Cents", Subject: run + "-cents", Schema: centsSchema},
		Reference{Name: "m.Money", Subject: run + "-money", Schema: moneySchema, References: []Reference{{Name: "m.Cents", Subject: run + "-cents", Schema: centsSchema}}})
	want := bill{Price: money{cents{100}}, Tax: cents{19}}
	data := encode(t, boundTo(t, For[bill](freshRegistry(t, url), billSchema, refs), run), want)
	if d := cmp.Diff(want, decode(t, boundTo(t, For[bill](freshRegistry(t, url), billSchema, refs), run), data)); d != "" {
		t.Error(d)
	}
	a := boundTo(t, For[stock1](freshRegistry(t, url), stockV1), run+"-a")
	b := boundTo(t, For[stock1](freshRegistry(t, url), stockV1), run+"-b")
	if x, y := encode(t, a, stock1{"a", 1}), encode(t, b, stock1{"a", 1}); string(x) != string(y) {
		t.Errorf("one schema under two subjects: % x, % x", x, y)
	}
}

func boundTo[T any](t *testing.T, s serde.Serde[T], topic string) serde.Codec[T] {
	t.Helper()
	c, err := s.Bind(topic, serde.Value)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
