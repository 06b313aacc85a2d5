// Package assign decides which member of a group runs which task, and encodes
// what members and leader tell each other about it. Everything here is a pure
// function: no clock, no connection, no order of a map shows in a result.
//
// A rebalance runs like this:
//
//	member   Subscription.Append -> JoinGroup
//	leader   DecodeSubscription of every member -> Assign -> HandOver -> Assignment.Append -> SyncGroup
//	member   DecodeAssignment; gives up what is missing, and then joins again
package assign

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Task names a task: the co-partitioned partitions of a sub-topology, and the
// stores that belong to them.
type Task struct {
	Subtopology, Partition int32
}

// String returns Kafka Streams' form, "0_3".
func (t Task) String() string {
	return strconv.Itoa(int(t.Subtopology)) + "_" + strconv.Itoa(int(t.Partition))
}

// Compare orders tasks by sub-topology and then by partition.
func (t Task) Compare(o Task) int {
	return cmp.Or(cmp.Compare(t.Subtopology, o.Subtopology), cmp.Compare(t.Partition, o.Partition))
}

// ParseTask is the inverse of [Task.String]. It accepts nothing else, so that a
// folder of another making is not taken for a task's.
func ParseTask(s string) (Task, error) {
	sub, part, _ := strings.Cut(s, "_")
	a, err := strconv.ParseInt(sub, 10, 32)
	if err != nil {
		return Task{}, fmt.Errorf("assign: %q is not a task id such as 0_3: %w", s, err)
	}
	b, err := strconv.ParseInt(part, 10, 32)
	if err != nil {
		return Task{}, fmt.Errorf("assign: %q is not a task id such as 0_3: %w", s, err)
	}
	t := Task{Subtopology: int32(a), Partition: int32(b)}
	if a < 0 || b < 0 || t.String() != s {
		return Task{}, fmt.Errorf("assign: %q is not a task id such as 0_3", s)
	}
	return t, nil
}
