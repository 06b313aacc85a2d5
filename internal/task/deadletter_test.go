package task_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/internal/task"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/topology"
)

func header(name, value string) serde.Header {
	return serde.Header{Name: name, Value: []byte(value)}
}

func TestDeadLetterIsTheRecordAsItCameWithTheReason(t *testing.T) {
	h := &handle{actions: []topology.Action{topology.DeadLetter}}
	r := newRig(t, chainOf(failOn("odd")), h.configure)
	r.out.partitions = 4
	own := []serde.Header{header("trace", "7"), header("__streams.errors.topic", "earlier")}
	r.addRecords("in", record.Record{Key: []byte("foobar"), Value: []byte("odd"), Headers: own, Offset: 41, Timestamp: 5000})
	r.process()
	r.wantStats(task.Stats{Records: 1, DeadLetters: 1})
	want := record.Record{Key: []byte("foobar"), Value: []byte("odd"), Timestamp: 5000, Headers: append(own,
		header("__streams.errors.exception", "*errors.errorString"),
		header("__streams.errors.message", "odd"),
		header("__streams.errors.stacktrace", ""),
		header("__streams.errors.topic", "in"),
		header("__streams.errors.partition", "0"),
		header("__streams.errors.offset", "41"))}
	if diff := cmp.Diff(want, r.out.records[1]); diff != "" {
		t.Errorf("dead letter (-want +got):\n%s", diff)
	}
	// By the key's murmur2 hash, as every record.
	if line := r.out.take()[1]; !strings.HasPrefix(line, "dead-2 ") {
		t.Errorf("dead letter %q, want it in partition 2", line)
	}
}

func TestDeadLetterOfWhatCannotBeDecoded(t *testing.T) {
	h := &handle{actions: []topology.Action{topology.DeadLetter}}
	r := newRig(t, chain(nil), h.configure)
	r.addRecords("in", record.Record{Value: []byte("bad"), Timestamp: -1}, record.Record{Key: []byte("a"), Value: []byte("good"), Offset: 1})
	r.process()
	lines := r.out.take()
	if len(lines) != 2 || !strings.HasPrefix(lines[0], "dead-0 null=bad @0 __streams.errors.exception:*fmt.wrapError __streams.errors.message:value: no word ") ||
		lines[1] != "out-0 a=good @0" {
		t.Errorf("output %q: want the dead letter with its null key and a timestamp that is not negative, then the other record", lines)
	}
}

func TestDeadLetterOfAPanicHasItsStack(t *testing.T) {
	h := &handle{actions: []topology.Action{topology.DeadLetter}}
	r := newRig(t, chainOf(func(*proc, word) error { panic("at the disco") }), h.configure)
	r.add("in", "a", "1")
	r.process()
	got := topology.Headers(r.out.records[0].Headers)
	message, _ := got.Last("__streams.errors.message")
	stack, _ := got.Last("__streams.errors.stacktrace")
	if string(message) != "panic: at the disco" || !strings.Contains(string(stack), "deadletter_test.go") {
		t.Errorf("message %q, stack %.80q", message, stack)
	}
}

// There is no record: null, with the time of the punctuation.
func TestDeadLetterOfAPunctuation(t *testing.T) {
	h := &handle{actions: []topology.Action{topology.DeadLetter}}
	r := newRig(t, chain(every(10*time.Millisecond, topology.WallClockTime, func(*proc, int64) error { return errOdd })), h.configure)
	r.punctuate(15)
	r.wantOut("dead-0 null=null @15 __streams.errors.exception:*errors.errorString __streams.errors.message:odd " +
		"__streams.errors.stacktrace: __streams.errors.topic: __streams.errors.partition:-1 __streams.errors.offset:-1")
	if topic, ok := topology.Headers(r.out.records[0].Headers).Last("__streams.errors.topic"); !ok || topic != nil {
		t.Errorf("topic header %q, want null as in Kafka Streams", topic)
	}
}

func TestDeadLetterWithoutATopicFailsTheTask(t *testing.T) {
	h := &handle{actions: []topology.Action{topology.DeadLetter}}
	r := newRig(t, chainOf(failOn("odd")), h.configure, func(c *task.Config) { c.DeadLetterTopic = "" })
	r.add("in", "a", "odd")
	if err := r.fails(); !errors.Is(err, errOdd) || !strings.Contains(err.Error(), "no dead letter topic is configured") {
		t.Errorf("Process returned %v, want the record's error and what is missing", err)
	}
}

func TestDeadLetterThatCannotBeSentFailsTheTask(t *testing.T) {
	h := &handle{actions: []topology.Action{topology.DeadLetter, topology.Skip}}
	r := newRig(t, chainOf(func(*proc, word) error { return errOdd }), h.configure)
	r.out.err = errors.New("full")
	r.add("in", "a", "odd")
	if err := r.fails(); !errors.Is(err, errOdd) || !errors.Is(err, r.out.err) || !strings.Contains(err.Error(), `dead letter to topic "dead"`) {
		t.Errorf("Process returned %v, want both errors and the topic", err)
	}
}
