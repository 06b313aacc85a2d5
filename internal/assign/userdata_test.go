package assign

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

var taskGen = rapid.Custom(func(t *rapid.T) Task {
	id := rapid.OneOf(rapid.Int32Range(0, 300), rapid.Int32Range(0, math.MaxInt32))
	return Task{id.Draw(t, "sub-topology"), id.Draw(t, "partition")}
})

var subscriptionGen = rapid.Custom(func(t *rapid.T) Subscription {
	return Subscription{
		ProcessID:  rapid.String().Draw(t, "process id"),
		Workers:    rapid.IntRange(1, math.MaxInt32).Draw(t, "workers"),
		Generation: rapid.Int32Range(-1, math.MaxInt32).Draw(t, "generation"),
		Owned:      rapid.SliceOfDistinct(taskGen, func(t Task) Task { return t }).Draw(t, "owned"),
		Stored:     rapid.MapOf(taskGen, rapid.Int64Range(0, math.MaxInt64)).Draw(t, "stored"),
	}
})

var anyOrder = cmp.Options{cmpopts.EquateEmpty(), cmpopts.SortSlices(func(a, b Task) bool { return a.Compare(b) < 0 })}

func TestSubscriptionSurvivesItsEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := subscriptionGen.Draw(t, "subscription")
		data := want.Append([]byte("before"))
		got, err := DecodeSubscription(data[len("before"):])
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, anyOrder); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestAssignmentSurvivesItsEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfDistinct(taskGen, func(t Task) Task { return t })
		want := Assignment{Active: list.Draw(t, "active"), Revoked: list.Draw(t, "revoked")}
		got, err := DecodeAssignment(want.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, anyOrder); diff != "" {
			t.Fatal(diff)
		}
	})
}

// Both ends may be of different releases: the bytes are fixed.
func TestEncodingIsFixed(t *testing.T) {
	s := Subscription{ProcessID: "p1", Workers: 3, Generation: 7, Owned: tasks("1_0", "0_200"), Stored: map[Task]int64{{0, 200}: 300, {0, 1}: 5}}
	if got, want := s.Append(nil), []byte("\x01\x02p1\x02\x08\x02\x00\xc8\x01\x01\x00\x02\x00\x01\x05\x00\xc8\x01\xac\x02"); !bytes.Equal(got, want) {
		t.Errorf("subscription: %q, want %q", got, want)
	}
	a := Assignment{Active: tasks("1_0", "0_200"), Revoked: tasks("0_3")}
	if got, want := a.Append(nil), []byte("\x01\x02\x00\xc8\x01\x01\x00\x01\x00\x03"); !bytes.Equal(got, want) {
		t.Errorf("assignment: %q, want %q", got, want)
	}
}

func TestNoDataIsAnAssignmentWithoutTasks(t *testing.T) {
	if got, err := DecodeAssignment(nil); err != nil || len(got.Active) > 0 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestGarbageIsRefusedWithAReason(t *testing.T) {
	long := strings.Repeat("\xff", 11)
	cases := map[string]struct{ data, want string }{
		"nothing":              {"", "version: the data ends too early"},
		"a later version":      {"\x02\x00", "version: 2 is not known, only 1 is"},
		"cut off":              {"\x01\x02p1\x02\x08\x02\x00\xc8\x01", "owned tasks: the data ends too early"},
		"string too long":      {"\x01\x7fp1", "process id: the data ends too early"},
		"list too long":        {"\x01\x00\x00\x00\xff\xff\xff\xff\x07", "owned tasks: the data ends too early"},
		"number too long":      {"\x01\x00" + long, "workers: greater than"},
		"number too great":     {"\x01\x00\xff\xff\xff\xff\x0f", "workers: greater than 2147483646"},
		"leading zeros":        {"\x01\x00\x80\x00", "workers: number with leading zeros"},
		"tasks out of order":   {"\x01\x00\x00\x00\x02\x01\x00\x00\x00\x00", "owned tasks: 0_0 does not come after 1_0"},
		"a task twice":         {"\x01\x00\x00\x00\x02\x01\x00\x01\x00\x00", "owned tasks: 1_0 does not come after 1_0"},
		"stored task twice":    {"\x01\x00\x00\x00\x00\x02\x01\x00\x05\x01\x00\x05", "stored task: 1_0 does not come after 1_0"},
		"bytes left over":      {"\x01\x00\x00\x00\x00\x00\x00", "1 bytes are left over"},
		"partition past int32": {"\x01\x00\x00\x00\x01\x00\xff\xff\xff\xff\x0f", "owned tasks: greater than 2147483647"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := DecodeSubscription([]byte(c.data))
			if err == nil || !strings.Contains(err.Error(), "assign: subscription of a member: "+c.want) {
				t.Errorf("got %v, %v, want an error with %q", got, err, c.want)
			}
		})
	}
	if _, err := DecodeAssignment([]byte("\x01\x01\x00")); err == nil || !strings.Contains(err.Error(), "assign: assignment from the leader: active tasks: the data ends too early") {
		t.Errorf("assignment cut off: %v", err)
	}
}

// What can be decoded has one encoding only, so nothing is read into bytes that
// was not written.
func FuzzDecodeSubscription(f *testing.F) {
	f.Add([]byte("\x01\x02p1\x02\x08\x02\x00\xc8\x01\x01\x00\x02\x00\x01\x05\x00\xc8\x01\xac\x02"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := DecodeSubscription(data)
		if err != nil {
			return
		}
		if again := s.Append(nil); !bytes.Equal(again, data) {
			t.Errorf("%q is decoded, and encoded as %q", data, again)
		}
	})
}

func FuzzDecodeAssignment(f *testing.F) {
	f.Add([]byte("\x01\x02\x00\xc8\x01\x01\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := DecodeAssignment(data)
		if err != nil || len(data) == 0 {
			return
		}
		if again := a.Append(nil); !bytes.Equal(again, data) {
			t.Errorf("%q is decoded, and encoded as %q", data, again)
		}
	})
}
