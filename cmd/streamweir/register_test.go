package main

import (
	"encoding/pem"
	"strings"
	"testing"

	"github.com/streamweir/streamweir/serde/avro"
)

func pemOf(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func TestRegister(t *testing.T) {
	url := registryURL(t)
	dir := t.TempDir()
	one, two, three := write(t, dir, "1.avsc", itemV1), write(t, dir, "2.avsc", itemV2), write(t, dir, "3.avsc", itemV3)
	at := []string{"--registry", url, "--subject", "item-value"}

	expect(t, 0, append([]string{"register", one}, at...), "id 1 version 1\n", "item-value has no schema yet", "!@@")
	if code, out, _ := command(append([]string{"avro", "register", two}, at...)...); code != 0 || out != "id 2 version 2\n" {
		t.Errorf("exit code %d, output %q", code, out)
	}
	expect(t, 0, append([]string{"register", two}, at...), "id 2 version 2\n", "!@@")
	expect(t, 1, append([]string{"register", three}, at...),
		"--- item-value version 2\n+++ "+three, `+      "name": "price",`, "version 2 (id 2) wrote:\n  /fields/2:", "it is not registered", "!version 3")
	expect(t, 80, []string{"register", one, "--registry", url}, "--subject")

	r := avro.NewRegistry(url, avro.Config{})
	defer r.Close()
	if all, err := r.Versions("item-value"); err != nil || len(all) != 2 {
		t.Errorf("%d versions, %v", len(all), err)
	}
	expect(t, 0, []string{"register", one, "--registry", url, "--subject", "other"}, "id 1 version 1\n")
}

// A bill has items and an order, which has items too: the registry's references, in
// which one type comes twice.
func TestRegisterWithReferences(t *testing.T) {
	url := registryURL(t)
	dir := t.TempDir()
	item := write(t, dir, "item.avsc", itemV1)
	order := write(t, dir, "order.avsc", `{"type":"record","name":"shop.Order","fields":[{"name":"items","type":{"type":"array","items":"Item"}}]}`)
	bill := write(t, dir, "bill.avsc", `{"type":"record","name":"shop.Bill","fields":[{"name":"order","type":"shop.Order"},{"name":"extra","type":"shop.Item"}]}`)
	at := func(subject string) []string { return []string{"--registry", url, "--subject", subject} }

	expect(t, 0, append([]string{"register", item}, at("item")...), "version 1")
	expect(t, 2, append([]string{"register", order}, at("order")...), "Item")
	itemRef := []string{"--reference", "shop.Item=item:1"}
	expect(t, 0, append(append([]string{"register", order}, at("order")...), itemRef...), "version 1")
	both := append(itemRef, "--reference", "shop.Order=order:latest")
	expect(t, 0, append(append([]string{"check", bill}, at("bill")...), both...), "no schema yet")
	expect(t, 0, append(append([]string{"register", bill}, at("bill")...), both...), "version 1")

	r := avro.NewRegistry(url, avro.Config{})
	defer r.Close()
	latest, err := r.Latest("bill")
	if err != nil || !strings.Contains(latest.Schema.Full(), `"shop.Item"`) && !strings.Contains(latest.Schema.Full(), `"Item"`) {
		t.Errorf("%+v, %v", latest, err)
	}
	changed := write(t, dir, "changed.avsc", `{"type":"record","name":"shop.Bill","fields":[{"name":"order","type":"shop.Item"}]}`)
	expect(t, 1, append(append([]string{"check", changed}, at("bill")...), itemRef...), "/fields/0/type/name")
	expect(t, 0, append([]string{"check", order, "--against", order, "--registry", url}, itemRef...), "compatible with")
	expect(t, 2, append([]string{"register", bill}, append(at("bill2"), "--reference", "shop.Order=item:1")...), "shop.Order")
}
