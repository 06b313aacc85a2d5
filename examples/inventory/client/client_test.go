package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/streamweir/streamweir/examples/inventory/inventory"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/serde/avro"
	"github.com/streamweir/streamweir/stream/embedded"
)

func TestMain(m *testing.M) {
	// sarama keeps meters, which have one goroutine for the whole process.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"))
}

type env struct {
	*Client
	cluster  *embedded.Cluster
	registry *avro.Registry
}

func open(t *testing.T) env {
	t.Helper()
	cluster, err := embedded.Start(embedded.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Close() })
	c, err := Open(cluster.Brokers())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := c.CreateTopics(4); err != nil {
		t.Fatal(err)
	}
	registry := avro.NewRegistry(cluster.RegistryURL(), avro.Config{})
	t.Cleanup(registry.Close)
	return env{c, cluster, registry}
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// read returns the records that are in a topic.
func (e env) read(t *testing.T, topic string) []*Message {
	t.Helper()
	var all []*Message
	ends, err := e.Ends(topic)
	if err != nil {
		t.Fatal(err)
	}
	var want int64
	for _, end := range ends {
		want += end
	}
	if want == 0 {
		return nil
	}
	err = e.Follow(soon(t), topic, true, func(m *Message) error {
		if all = append(all, m); int64(len(all)) == want {
			return errEnough
		}
		return nil
	})
	if !errors.Is(err, errEnough) {
		t.Fatalf("%d of %d records: %v", len(all), want, err)
	}
	return all
}

func TestTopicsAreCreatedOnceAndKeptForEver(t *testing.T) {
	e := open(t)
	created, err := e.CreateTopics(2)
	if err != nil || len(created) != 0 {
		t.Errorf("the second time created %q, %v", created, err)
	}
	if ends, err := e.Ends(inventory.DLQTopic); err != nil || len(ends) != 4 {
		t.Errorf("%v, %v", ends, err)
	}
	admin, err := e.admin()
	if err != nil {
		t.Fatal(err)
	}
	configs, err := admin.DescribeConfigs([]*sarama.ConfigResource{{Type: sarama.TopicResource, Name: inventory.EventsTopic, ConfigNames: []string{"retention.ms"}}}, sarama.DescribeConfigsOptions{})
	if err != nil || len(configs) != 1 || len(configs[0].Configs) == 0 || configs[0].Configs[len(configs[0].Configs)-1].Value != "-1" {
		t.Errorf("%v, %v", configs, err)
	}
}

const lines = `{"eventId":"1","sku":"LAPTOP-15","eventType":"STOCK_IN","quantity":100,"locationId":"WH-NY","productName":"15-inch Laptop","timestamp":1704067200000,"userId":"admin","reason":null,"metadata":null}

{"eventId":"2","sku":"LAPTOP-15","eventType":"SALE","quantity":1,"locationId":"ST-NYC-001","timestamp":1704067260000}
{"eventId":"3","sku":"LAPTOP-15","eventType":"SOLD","quantity":1,"locationId":"ST-NYC-001","timestamp":1704067260000}
{"eventId":"4","sku":"MOUSE","eventType":"RESERVATION","quantity":5,"locationId":"EC-ONLINE","timestamp":1704067320000,"userId":{"string":"system"}}
not JSON
`

func TestProduceReportsBadLinesAndSendsTheRest(t *testing.T) {
	e := open(t)
	var bad []int
	count, err := e.ProduceJSON(soon(t), e.registry, strings.NewReader(lines), false, func(line int, err error) { bad = append(bad, line) })
	if err != nil || count != (Produced{3, 2}) {
		t.Errorf("%+v, %v", count, err)
	}
	if diff := cmp.Diff([]int{4, 6}, bad); diff != "" {
		t.Error(diff)
	}
	codec, err := avro.For[*inventory.Event](e.registry, inventory.InventoryEventSchema).Bind(inventory.EventsTopic, serde.Value)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, m := range e.read(t, inventory.EventsTopic) {
		event, err := codec.Decode(m.Value)
		if err != nil {
			t.Fatal(err)
		}
		got[event.EventID] = fmt.Sprintf("%s in %d by %s", m.Key, m.Partition, event.UserID.Value)
	}
	// The partitions are those that Kafka's own clients choose.
	want := map[string]string{"1": "LAPTOP-15 in 2 by admin", "2": "LAPTOP-15 in 2 by ", "4": "MOUSE in 3 by system"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestStrictProduceStopsAtABadLine(t *testing.T) {
	e := open(t)
	count, err := e.ProduceJSON(soon(t), e.registry, strings.NewReader(lines), true, func(int, error) {})
	if err == nil || !strings.Contains(err.Error(), "line 4") || count != (Produced{2, 1}) {
		t.Errorf("%+v, %v", count, err)
	}
}

func TestProduceStopsWhenTheRegistryIsAway(t *testing.T) {
	e := open(t)
	if err := e.cluster.StopRegistry(); err != nil {
		t.Fatal(err)
	}
	count, err := e.ProduceJSON(soon(t), e.registry, strings.NewReader(lines), false, func(int, error) {})
	if !errors.Is(err, serde.ErrRetriable) || count.Bad != 0 {
		t.Errorf("%+v, %v: good lines were called bad", count, err)
	}
}

func TestProduceTellsWhichRecordTheBrokerRefused(t *testing.T) {
	e := open(t)
	e.cluster.Fault(embedded.Fault{Requests: []embedded.Request{embedded.Produce}, Code: 87, Times: -1}) // INVALID_RECORD
	var bad []int
	count, err := e.ProduceJSON(soon(t), e.registry, strings.NewReader(strings.SplitN(lines, "\n", 2)[0]), false, func(line int, _ error) { bad = append(bad, line) })
	if err != nil || count != (Produced{0, 1}) || cmp.Diff([]int{1}, bad) != "" {
		t.Errorf("%+v, %v, lines %v", count, err, bad)
	}
}

func TestALineThatIsTooLong(t *testing.T) {
	e := open(t)
	_, err := e.ProduceJSON(soon(t), e.registry, strings.NewReader("{}\n"+strings.Repeat("x", maxLine+1)), false, func(int, error) {})
	if err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Error(err)
	}
}

func (e env) send(t *testing.T, records ...[2][]byte) {
	t.Helper()
	p, err := e.NewProducer(func(_ int, err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range records {
		if err := p.Send(soon(t), i, r[0], r[1]); err != nil {
			t.Fatal(err)
		}
	}
	p.Close()
}

func TestNullIsNotEmpty(t *testing.T) {
	e := open(t)
	e.send(t, [2][]byte{nil, {}}, [2][]byte{{}, nil})
	nulls := 0
	for _, m := range e.read(t, inventory.EventsTopic) {
		if (m.Key == nil) == (m.Value == nil) {
			t.Errorf("key %v, value %v", m.Key, m.Value)
		}
		nulls++
	}
	if nulls != 2 {
		t.Errorf("%d records", nulls)
	}
}

func TestReadEndsWithWhatIsThere(t *testing.T) {
	e := open(t)
	if err := e.Read(soon(t), inventory.EventsTopic, func(*Message) error { return errors.New("there is nothing") }); err != nil {
		t.Fatal(err)
	}
	var records [][2][]byte
	for i := range 50 {
		records = append(records, [2][]byte{fmt.Append(nil, i), {1}})
	}
	e.send(t, records...)
	n := 0
	if err := e.Read(soon(t), inventory.EventsTopic, func(*Message) error { n++; return nil }); err != nil || n < 46 {
		t.Errorf("%d records, %v", n, err)
	}
	broken := errors.New("broken")
	if err := e.Read(soon(t), inventory.EventsTopic, func(*Message) error { return broken }); !errors.Is(err, broken) {
		t.Error(err)
	}
}

func TestFollowEndsWithItsContext(t *testing.T) {
	e := open(t)
	e.send(t, [2][]byte{nil, {1}})
	ctx, cancel := context.WithCancel(t.Context())
	if err := e.Follow(ctx, inventory.EventsTopic, true, func(*Message) error { cancel(); return nil }); err != nil {
		t.Error(err)
	}
	if err := e.Follow(t.Context(), "no-such-topic", true, nil); err == nil {
		t.Error("a topic that does not exist is followed")
	}
}

func TestTextOfDeadLetters(t *testing.T) {
	e := open(t)
	letter := &Message{Topic: inventory.DLQTopic, Key: []byte("k"), Value: []byte("{broken"), Headers: []Header{
		{inventory.HeaderType, inventory.DeserializationError}, {inventory.HeaderOffset, "7"},
	}}
	line, err := Text(e.registry, letter)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Key     string
		Headers map[string]string
		Value   struct {
			Undecodable string
			Bytes       []byte
		}
	}
	if err := json.Unmarshal(line, &got); err != nil {
		t.Fatal(err)
	}
	if got.Key != "k" || got.Headers[inventory.HeaderOffset] != "7" || string(got.Value.Bytes) != "{broken" || got.Value.Undecodable == "" || letter.Last(inventory.HeaderType) != inventory.DeserializationError {
		t.Errorf("%s", line)
	}
	if line, err := Text(e.registry, &Message{Topic: inventory.DLQTopic}); err != nil || string(line) != `{"key":null,"headers":{},"value":null}` {
		t.Errorf("%s, %v", line, err)
	}
	if err := e.cluster.StopRegistry(); err != nil {
		t.Fatal(err)
	}
	if _, err := Text(e.registry, &Message{Value: []byte{0, 0, 0, 0, 1, 2}}); !errors.Is(err, serde.ErrRetriable) {
		t.Errorf("got %v: a registry that is away is not the record's fault", err)
	}
}

func TestOffsetsOfAGroup(t *testing.T) {
	e := open(t)
	offsets, err := e.Committed("nobody", inventory.EventsTopic, 4)
	if diff := cmp.Diff([]int64{-1, -1, -1, -1}, offsets); err != nil || diff != "" {
		t.Fatal(err, diff)
	}
	kafka, err := e.kafka()
	if err != nil {
		t.Fatal(err)
	}
	coordinator, err := kafka.Coordinator("somebody")
	if err != nil {
		t.Fatal(err)
	}
	request := &sarama.OffsetCommitRequest{ConsumerGroup: "somebody", ConsumerGroupGeneration: sarama.GroupGenerationUndefined, Version: 2}
	request.AddBlock(inventory.EventsTopic, 2, 9, 0, "")
	if answer, err := coordinator.CommitOffset(request); err != nil || answer.Errors[inventory.EventsTopic][2] != sarama.ErrNoError {
		t.Fatal(answer, err)
	}
	offsets, err = e.Committed("somebody", inventory.EventsTopic, 4)
	if diff := cmp.Diff([]int64{-1, -1, 9, -1}, offsets); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func TestNoBroker(t *testing.T) {
	if _, err := Open([]string{"127.0.0.1:1"}); err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Error(err)
	}
}

func TestAClientConnectsOnceItCan(t *testing.T) {
	c, err := embedded.Start(embedded.Config{Topics: []embedded.Topic{{Name: "in", Partitions: 2}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.StopBrokers(); err != nil {
		t.Fatal(err)
	}
	client := New(c.Brokers())
	if _, err := client.Ends("in"); err == nil {
		t.Error("there is no broker")
	}
	if err := c.StartBrokers(); err != nil {
		t.Fatal(err)
	}
	if ends, err := client.Ends("in"); err != nil || len(ends) != 2 {
		t.Error(ends, err)
	}
	if err := client.Close(); err != nil {
		t.Error(err)
	}
	if _, err := client.Ends("in"); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}
