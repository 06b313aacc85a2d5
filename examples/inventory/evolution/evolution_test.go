package evolution

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/examples/inventory/client"
	"github.com/streamweir/streamweir/examples/inventory/inventory"
	"github.com/streamweir/streamweir/internal/avrogen"
	"github.com/streamweir/streamweir/internal/avrogen/avrogentest"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/serde/avro"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/embedded"
	"github.com/streamweir/streamweir/topology"
)

func TestTypesAreOfTheSchemas(t *testing.T) {
	avrogentest.UpToDate(t, avrogen.Config{Package: "evolution", Raw: true}, "schemas/InventoryAggregate.v2.avsc", "schemas/InventoryEvent.v2.avsc")
}

func TestVersionsRunTogether(t *testing.T) {
	c, err := embedded.Start(embedded.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	newWorld(t, c.Brokers(), c.RegistryURL()).run()
}

func TestVersionsRunTogetherOnARealKafka(t *testing.T) {
	brokers, registry := os.Getenv("KAFKA_BROKERS"), os.Getenv("SCHEMA_REGISTRY_URL")
	if brokers == "" || registry == "" {
		t.Skip("needs a real Kafka: KAFKA_BROKERS and SCHEMA_REGISTRY_URL are not set; make integration starts one")
	}
	w := newWorld(t, strings.Split(brokers, ","), registry)
	t.Cleanup(func() { w.level("NONE") })
	w.run()
}

// world is a cluster with empty topics and a client of it.
type world struct {
	*testing.T
	brokers     []string
	registryURL string
	registry    *avro.Registry
	kafka       *client.Client
	id          string // of the application
	sent        int
}

func newWorld(t *testing.T, brokers []string, registry string) *world {
	w := &world{T: t, brokers: brokers, registryURL: registry, id: fmt.Sprint("evolution-", time.Now().UnixNano()), registry: avro.NewRegistry(registry, avro.Config{})}
	t.Cleanup(w.registry.Close)
	w.emptyTopics()
	var err error
	if w.kafka, err = client.Open(brokers); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.kafka.Close() })
	if created, err := w.kafka.CreateTopics(4); err != nil || len(created) != 3 {
		t.Fatal(created, err)
	}
	return w
}

// emptyTopics deletes the topics of a run before.
func (w *world) emptyTopics() {
	config := sarama.NewConfig()
	config.Version = sarama.V2_8_0_0
	admin, err := sarama.NewClusterAdmin(w.brokers, config)
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	for _, topic := range []string{inventory.EventsTopic, inventory.AggregatesTopic, inventory.DLQTopic} {
		if err := admin.DeleteTopic(topic); err != nil && !errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
			w.Fatal(err)
		}
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		topics, err := admin.ListTopics()
		_, there := topics[inventory.EventsTopic]
		if err == nil && !there {
			return
		}
		if time.Now().After(deadline) {
			w.Fatalf("the topics are not deleted: %v", err)
		}
	}
}

func (w *world) level(level string) {
	w.Helper()
	body := strings.NewReader(fmt.Sprintf(`{"compatibility":%q}`, level))
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPut, w.registryURL+"/config/"+inventory.EventsTopic+"-value", body)
	if err != nil {
		w.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		w.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		w.Fatalf("level %s: %s", level, answer.Status)
	}
}

func event(id, more string) string {
	return fmt.Sprintf(`{"eventId":%q,"sku":"LAPTOP","eventType":"STOCK_IN","quantity":10,"locationId":"WH-NY","timestamp":1704067200000%s}`, id, more)
}

// produce is a producer with a schema, a process of its own: it has its own registry.
func (w *world) produce(schema, line string) error {
	registry := avro.NewRegistry(w.registryURL, avro.Config{})
	defer registry.Close()
	var bad error
	count, err := w.kafka.ProduceJSONAs(w.Context(), registry, schema, strings.NewReader(line), false, func(_ int, err error) { bad = err })
	w.sent += count.Sent
	return errors.Join(err, bad)
}

func (w *world) mustProduce(schema, line string) {
	w.Helper()
	if err := w.produce(schema, line); err != nil {
		w.Fatal(err)
	}
}

// refused sends an event that must not come to be.
func (w *world) refused(schema, line, path string) {
	w.Helper()
	before := w.inTopic()
	err := w.produce(schema, line)
	if err == nil || !strings.Contains(err.Error(), path) {
		w.Errorf("an incompatible producer: %v, want %s", err, path)
	}
	if after := w.inTopic(); after != before {
		w.Errorf("%d records were sent all the same", after-before)
	}
}

func (w *world) inTopic() (n int64) {
	w.Helper()
	ends, err := w.kafka.Ends(inventory.EventsTopic)
	if err != nil {
		w.Fatal(err)
	}
	for _, end := range ends {
		n += end
	}
	return n
}

// consume reads all events with a codec.
func consume[T any](w *world, s serde.Serde[T], show func(T) string) (list []string) {
	w.Helper()
	codec, err := s.Bind(inventory.EventsTopic, serde.Value)
	if err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(w.Context(), 20*time.Second)
	defer cancel()
	enough := errors.New("enough")
	err = w.kafka.Follow(ctx, inventory.EventsTopic, true, func(m *client.Message) error {
		e, err := codec.Decode(m.Value)
		if err != nil {
			return err
		}
		if list = append(list, show(e)); len(list) == w.sent {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		w.Fatalf("%d of %d events: %v", len(list), w.sent, err)
	}
	return list
}

// start runs an application until stop, which is clean.
func (w *world) start(topo *topology.Topology, err error, dir string) (app *stream.App, stop func()) {
	w.Helper()
	if err == nil {
		app, err = stream.NewApp(topo, stream.Config{ApplicationID: w.id, Brokers: w.brokers, Guarantee: stream.ExactlyOnce,
			CommitInterval: 20 * time.Millisecond, CacheMaxBytes: stream.NoCache, StateDir: dir})
	}
	if err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- app.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			w.Errorf("Run: %v", err)
		}
	}
	w.Cleanup(stop)
	return app, stop
}

// stock waits for the aggregate after a number of events, and returns it as version 2
// reads it.
func (w *world) stock(events int64) *Aggregate {
	w.Helper()
	codec, err := avro.Of[*Aggregate](w.registry).Bind(inventory.AggregatesTopic, serde.Value)
	if err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(w.Context(), 40*time.Second)
	defer cancel()
	found := errors.New("found")
	var last *Aggregate
	err = w.kafka.Follow(ctx, inventory.AggregatesTopic, true, func(m *client.Message) error {
		if last, err = codec.Decode(m.Value); err != nil {
			return err
		}
		if last.EventCount == events {
			return found
		}
		return nil
	})
	if !errors.Is(err, found) {
		w.Fatalf("no aggregate of %d events; the last is %+v, %v", events, last, err)
	}
	return last
}

func (w *world) run() {
	v1, v2 := inventory.InventoryEventSchema, InventoryEventSchema
	w.level("BACKWARD")
	disk := w.TempDir()
	topo, err := inventory.Topology(avro.Of[*inventory.Event](w.registry), avro.Of[*inventory.Aggregate](w.registry), nil)
	_, stop := w.start(topo, err, disk)

	// Old and new producers and consumers: the application of version 1 reads on.
	w.mustProduce(v1, event("1", ""))
	w.mustProduce(v2, event("2", `,"supplierName":"ACME"`))
	w.mustProduce(v1, event("3", ""))
	w.refused(RequiredSchema, event("bad", `,"supplierName":"ACME"`), "/fields/10")

	if ok, reasons, err := w.registry.Check(inventory.EventsTopic+"-value", ReturnSchema); err != nil || !ok {
		w.Errorf("BACKWARD forbids a new symbol: %q, %v", reasons, err)
	}

	w.level("FULL")
	w.mustProduce(v2, event("4", ""))
	w.mustProduce(v1, event("5", ""))
	// Every event that version 1 cannot read would end as a dead letter.
	w.refused(ReturnSchema, strings.Replace(event("bad", ""), "STOCK_IN", "RETURN", 1), "/fields/2")

	old := consume(w, avro.Of[*inventory.Event](w.registry), func(e *inventory.Event) string { return e.EventID })
	now := consume(w, avro.Of[*Event](w.registry), func(e *Event) string { return e.EventID + e.SupplierName.Value })
	if d := cmp.Diff([]string{"1", "2", "3", "4", "5"}, old); d != "" {
		w.Errorf("version 1 reads: %s", d)
	}
	if d := cmp.Diff([]string{"1", "2ACME", "3", "4", "5"}, now); d != "" {
		w.Errorf("version 2 reads: %s", d)
	}
	if a := w.stock(5); a.TotalQuantity != 50 || len(a.Suppliers) != 0 {
		w.Errorf("version 1: %+v", a)
	}
	if ends, err := w.kafka.Ends(inventory.DLQTopic); err != nil || ends[0]+ends[1]+ends[2]+ends[3] != 0 {
		w.Errorf("dead letters: %v, %v", ends, err)
	}

	// The upgrade: what version 1 wrote to its disk is read as version 2, ...
	stop()
	topo, err = Topology(w.registry)
	app, stop := w.start(topo, err, disk)
	w.mustProduce(v2, event("6", `,"supplierName":"ACME"`))
	if a := w.stock(6); a.TotalQuantity != 60 || *a.Suppliers.At("ACME") != 1 {
		w.Errorf("version 2 on the disk of version 1: %+v", a)
	}
	if n := app.Status().Restored; n != 0 {
		w.Errorf("%d records were restored: it did not read the disk", n)
	}
	stop()

	// ... and so is what it wrote to its changelog.
	w.afterwards(v1, v2)
}

// afterwards lets version 1 write a changelog that version 2 restores on a new disk.
func (w *world) afterwards(v1, v2 string) {
	w.id += "-b"
	topo, err := inventory.Topology(avro.Of[*inventory.Event](w.registry), avro.Of[*inventory.Aggregate](w.registry), nil)
	_, stop := w.start(topo, err, w.TempDir())
	w.awaitCommitted()
	stop()
	topo, err = Topology(w.registry)
	app, stop := w.start(topo, err, w.TempDir())
	w.mustProduce(v2, event("7", `,"supplierName":"Globex"`))
	if a := w.stock(7); a.TotalQuantity != 70 || *a.Suppliers.At("Globex") != 1 || *a.Suppliers.At("ACME") != 0 {
		w.Errorf("version 2 on the changelog of version 1: %+v", a)
	}
	if n := app.Status().Restored; n == 0 {
		w.Error("nothing was restored: it did not read the changelog")
	}
	stop()
}

// awaitCommitted waits until the application has committed all events.
func (w *world) awaitCommitted() {
	w.Helper()
	for deadline := time.Now().Add(40 * time.Second); ; {
		offsets, err := w.kafka.Committed(w.id, inventory.EventsTopic, 4)
		var n int64
		for _, o := range offsets {
			n += max(o, 0)
		}
		switch {
		case err == nil && n == int64(w.sent):
			return
		case time.Now().After(deadline):
			w.Fatalf("%d of %d events are committed: %v", n, w.sent, err)
		}
		<-time.After(20 * time.Millisecond)
	}
}
