package state

import (
	"testing"

	"github.com/streamweir/streamweir/store"
)

// A store that is added later keeps its position beside those of the others, also on
// disk.
func TestStoreIsAddedToAnOpenSet(t *testing.T) {
	d := newDisk(t)
	st, s := openPlain(t, d, 0)
	more := s.Spec()
	more.Name = "s/1"
	if err := st.Add(more); err != nil {
		t.Fatal(err)
	}
	mustPut(t, s, "a", "1")
	st.Commit(map[string]int64{"s": 3, "s/1": 7})
	mustClose(t, st)

	st = openSet(t, d, 0, s.Spec(), more)
	discardSet(t, st)
	for name, want := range map[string]int64{"s": 3, "s/1": 7} {
		if at, ok := st.Offset(name); !ok || at != want {
			t.Errorf("store %q stands at %d, %v; want %d", name, at, ok, want)
		}
	}
	wantValue(t, st.Store("s"), "a", "1")
	wantValue(t, st.Store("s/1"), "a", "-")
}

func TestStoreThatCannotBeAdded(t *testing.T) {
	st, s := openPlain(t, newDisk(t), 0)
	memory := s.Spec()
	memory.Name, memory.Persistent = "other", false
	for name, spec := range map[string]store.Spec{"of a name that is there": s.Spec(), "without a name": {Persistent: true}, "without an engine": memory} {
		if err := st.Add(spec); err == nil {
			t.Errorf("a store %s was added", name)
		}
	}
	mustClose(t, st)
	late := s.Spec()
	late.Name = "late"
	if err := st.Add(late); err == nil {
		t.Error("a store was added to a closed set")
	}
}
