package assign

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
)

// version is the first byte of the user data. A reader refuses any other.
const version = 1

// Subscription is what a member tells the leader when it joins.
type Subscription struct {
	ProcessID  string // identity of the process, the one in its state directory
	Workers    int    // capacity; less than 1 counts as 1
	Generation int32  // in which Owned was assigned; -1 before the first
	Owned      []Task // tasks it runs
	// Stored has the tasks whose state is on the member's disk or in its memory,
	// with the position it stands at: the sum of the changelog offsets up to
	// which it is complete. All members restore from the same changelogs, so the
	// greatest position has the smallest lag. A position of 0 is worth nothing.
	Stored map[Task]int64
}

// Assignment is what the leader tells a member.
type Assignment struct {
	Active []Task // tasks to run
	// Revoked are tasks that it owned when it joined, and has to give up. Nobody
	// gets them before it joins again, so it does that also if it finds that it has
	// none of them: if it was killed in between.
	Revoked []Task
}

// Append appends the encoding of s to dst: the version, then unsigned varints
// (Workers less one, Generation and one), strings and lists with their length
// before them, tasks in ascending order.
func (s *Subscription) Append(dst []byte) []byte {
	dst = append(dst, version)
	dst = binary.AppendUvarint(dst, uint64(len(s.ProcessID)))
	dst = append(dst, s.ProcessID...)
	dst = binary.AppendUvarint(dst, uint64(max(s.Workers, 1)-1))
	dst = binary.AppendUvarint(dst, uint64(int64(max(s.Generation, -1))+1))
	dst = appendTasks(dst, s.Owned)
	stored := slices.SortedFunc(maps.Keys(s.Stored), Task.Compare)
	dst = binary.AppendUvarint(dst, uint64(len(stored)))
	for _, t := range stored {
		dst = appendTask(dst, t)
		dst = binary.AppendUvarint(dst, uint64(max(s.Stored[t], 0)))
	}
	return dst
}

// DecodeSubscription reads what [Subscription.Append] wrote. The result shares
// nothing with data.
func DecodeSubscription(data []byte) (Subscription, error) {
	r := reader{left: data}
	r.version()
	s := Subscription{ProcessID: string(r.bytes("process id"))}
	s.Workers = int(r.number("workers", math.MaxInt32-1)) + 1
	s.Generation = int32(r.number("generation", math.MaxInt32+1) - 1)
	s.Owned = r.tasks("owned tasks")
	n := r.count("stored tasks", 3)
	s.Stored = make(map[Task]int64, n)
	for last := none; n > 0; n-- {
		last = r.task(last, "stored task")
		s.Stored[last] = int64(r.number("position", math.MaxInt64))
	}
	if err := r.end(); err != nil {
		return Subscription{}, fmt.Errorf("assign: subscription of a member: %w", err)
	}
	return s, nil
}

// Append appends the encoding of a to dst: the version and the two lists, each with
// its length before it and in ascending order.
func (a *Assignment) Append(dst []byte) []byte {
	return appendTasks(appendTasks(append(dst, version), a.Active), a.Revoked)
}

// DecodeAssignment reads what [Assignment.Append] wrote. No data at all is an
// assignment without tasks: a member that a leader does not mention gets that.
func DecodeAssignment(data []byte) (Assignment, error) {
	if len(data) == 0 {
		return Assignment{}, nil
	}
	r := reader{left: data}
	r.version()
	a := Assignment{Active: r.tasks("active tasks"), Revoked: r.tasks("revoked tasks")}
	if err := r.end(); err != nil {
		return Assignment{}, fmt.Errorf("assign: assignment from the leader: %w", err)
	}
	return a, nil
}

func appendTask(dst []byte, t Task) []byte {
	dst = binary.AppendUvarint(dst, uint64(t.Subtopology))
	return binary.AppendUvarint(dst, uint64(t.Partition))
}

func appendTasks(dst []byte, tasks []Task) []byte {
	tasks = slices.Compact(slices.SortedFunc(slices.Values(tasks), Task.Compare))
	dst = binary.AppendUvarint(dst, uint64(len(tasks)))
	for _, t := range tasks {
		dst = appendTask(dst, t)
	}
	return dst
}

var errTruncated = errors.New("the data ends too early")

// none comes before every task.
var none = Task{Subtopology: -1, Partition: -1}

// reader takes values off a byte slice. After the first error it returns zeros.
type reader struct {
	left []byte
	err  error
}

func (r *reader) fail(what string, err error) {
	if r.err == nil {
		r.err = fmt.Errorf("%s: %w", what, err)
	}
	r.left = nil
}

func (r *reader) version() {
	if len(r.left) == 0 {
		r.fail("version", errTruncated)
		return
	}
	if v := r.left[0]; v != version {
		r.fail("version", fmt.Errorf("%d is not known, only %d is: does the group have members of another release or application?", v, version))
		return
	}
	r.left = r.left[1:]
}

// number reads a number of at most limit in its shortest form.
func (r *reader) number(what string, limit uint64) uint64 {
	v, n := binary.Uvarint(r.left)
	switch {
	case r.err != nil:
		return 0
	case n == 0:
		r.fail(what, errTruncated)
		return 0
	case n < 0 || v > limit:
		r.fail(what, fmt.Errorf("greater than %d", limit))
		return 0
	case n > 1 && r.left[n-1] == 0:
		r.fail(what, errors.New("number with leading zeros"))
		return 0
	}
	r.left = r.left[n:]
	return v
}

// count reads the length of a list whose elements have at least size bytes, so
// that garbage cannot ask for much memory.
func (r *reader) count(what string, size int) int {
	n := r.number("number of "+what, math.MaxInt32)
	if n > uint64(len(r.left)/size) {
		r.fail(what, errTruncated)
		return 0
	}
	return int(n)
}

func (r *reader) bytes(what string) []byte {
	n := r.count(what, 1)
	b := r.left[:n]
	r.left = r.left[n:]
	return b
}

func (r *reader) task(after Task, what string) Task {
	t := Task{int32(r.number(what, math.MaxInt32)), int32(r.number(what, math.MaxInt32))}
	if r.err == nil && t.Compare(after) <= 0 {
		r.fail(what, fmt.Errorf("%v does not come after %v", t, after))
	}
	return t
}

func (r *reader) tasks(what string) []Task {
	n := r.count(what, 2)
	if n == 0 {
		return nil
	}
	tasks := make([]Task, n)
	for i, last := 0, none; i < n && r.err == nil; i++ {
		last = r.task(last, what)
		tasks[i] = last
	}
	return tasks
}

func (r *reader) end() error {
	if r.err == nil && len(r.left) > 0 {
		return fmt.Errorf("%d bytes are left over", len(r.left))
	}
	return r.err
}
