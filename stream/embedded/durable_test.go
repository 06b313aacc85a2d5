package embedded

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// byTopicName keeps a client to versions in which offsets go by topic name.
var byTopicName = kgo.MaxVersions(kversion.V3_0_0())

// helperDir makes the test binary a process that runs a cluster until it is
// killed.
const helperDir = "EMBEDDED_TEST_DIR"

func runHelperProcess() {
	dir := os.Getenv(helperDir)
	if dir == "" {
		return
	}
	c, err := Start(Config{DataDir: dir, Topics: []Topic{{Name: "a"}}})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(c.Brokers()[0], c.RegistryURL())
	select {}
}

// fill leaves one committed record, an offset, an open transaction and a
// schema behind.
func fill(t *testing.T, broker, registry string) {
	t.Helper()
	c := &Cluster{listeners: []*listener{{addr: address(broker)}}}
	produce(t, client(t, c), "a", "1")
	commit(t, client(t, c, byTopicName), 1)
	open := client(t, c, kgo.TransactionalID("tx"))
	if err := open.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	produce(t, open, "a", "never committed")
	if id := register(t, registry, "a-value", `"string"`); id != 1 {
		t.Fatalf("schema id %d", id)
	}
}

// check looks for what fill left, at addresses that need not be the old ones.
func check(t *testing.T, c *Cluster) {
	t.Helper()
	if got := committed(t, client(t, c, byTopicName)); got != 1 {
		t.Errorf("committed offset %d, want 1", got)
	}
	// Initialising the producer ends the transaction, as after a restart of
	// the application.
	k := client(t, c, kgo.TransactionalID("tx"))
	if err := k.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	produce(t, k, "a", "2")
	if err := k.EndTransaction(testContext(t), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"1", "2"}, values(t, c, "a", 2)); diff != "" {
		t.Error(diff)
	}
	if id := register(t, c.RegistryURL(), "a-value", `"string"`); id != 1 {
		t.Errorf("the same schema has id %d now", id)
	}
	if id := register(t, c.RegistryURL(), "a-value", `"bytes"`); id != 2 {
		t.Errorf("the next schema has id %d", id)
	}
}

type address string

func (address) Network() string  { return "tcp" }
func (a address) String() string { return string(a) }

func commit(t *testing.T, k *kgo.Client, offset int64) {
	t.Helper()
	r := kmsg.NewPtrOffsetCommitRequest()
	r.Group = "group"
	topic := kmsg.NewOffsetCommitRequestTopic()
	topic.Topic = "a"
	partition := kmsg.NewOffsetCommitRequestTopicPartition()
	partition.Offset = offset
	topic.Partitions = append(topic.Partitions, partition)
	r.Topics = append(r.Topics, topic)
	if answer, err := r.RequestWith(testContext(t), k); err != nil || answer.Topics[0].Partitions[0].ErrorCode != 0 {
		t.Fatal(answer, err)
	}
}

func committed(t *testing.T, k *kgo.Client) int64 {
	t.Helper()
	r := kmsg.NewPtrOffsetFetchRequest()
	group := kmsg.NewOffsetFetchRequestGroup()
	group.Group = "group"
	topic := kmsg.NewOffsetFetchRequestGroupTopic()
	topic.Topic, topic.Partitions = "a", []int32{0}
	group.Topics = append(group.Topics, topic)
	r.Groups = append(r.Groups, group)
	answer, err := r.RequestWith(testContext(t), k)
	if err != nil || answer.Groups[0].ErrorCode != 0 {
		t.Fatal(answer, err)
	}
	return answer.Groups[0].Topics[0].Partitions[0].Offset
}

func TestEverythingSurvivesClose(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	c := start(t, Config{DataDir: dir, Topics: []Topic{{Name: "a"}}})
	before := c.Brokers()
	fill(t, before[0], c.RegistryURL())
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	again := start(t, Config{DataDir: dir, Topics: []Topic{{Name: "a"}, {Name: "added"}}})
	check(t, again)
}

func TestEverythingSurvivesKill(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	process := exec.Command(self)
	process.Env = append(os.Environ(), helperDir+"="+dir)
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	broker, registry, ok := strings.Cut(strings.TrimSpace(line), " ")
	if ok {
		fill(t, broker, registry)
	} else {
		t.Error(line)
	}
	if _, err := Start(Config{DataDir: dir}); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("a second process may use the folder: %v", err)
	}
	if err := process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = process.Wait()
	check(t, start(t, Config{DataDir: dir}))
}
