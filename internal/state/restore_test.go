package state

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/streamweir/streamweir/internal/record"
	"github.com/streamweir/streamweir/store"
)

func rec(key, value string, timestamp int64) record.Record {
	return record.Record{Key: []byte(key), Value: bytesOf(value), Timestamp: timestamp}
}

func TestRestorePutsTheTimestampBack(t *testing.T) {
	d := newDisk(t)
	st := openSet(t, d, 0, spec("s", store.KindTimestampedKeyValue, true))
	discardSet(t, st)
	err := st.Restore("s", []record.Record{rec("a", "1", 1), rec("b", "", 2), rec("a", "2", 3), rec("c", "3", 4), rec("c", "-", 5), {Value: []byte("null key")}}, 7)
	if err != nil {
		t.Fatal(err)
	}
	want := `["a=\x00\x00\x00\x00\x00\x00\x00\x032" "b=\x00\x00\x00\x00\x00\x00\x00\x02"]`
	if got := fmt.Sprintf("%q", list(t, st.Store("s").Scan(nil, nil, false))); got != want {
		t.Errorf("restored %s, want %s", got, want)
	}
	if p, ok := st.Offset("s"); p != 7 || !ok {
		t.Errorf("Offset = %d, %v", p, ok)
	}
	if p, _ := storedPosition(t, d, st.Store("s").spec); p != 7 {
		t.Errorf("position %d in the engine", p)
	}
}

func TestRestoreOverWhatIsInMemory(t *testing.T) {
	d := newDisk(t)
	st, s := openPlain(t, d, 0)
	discardSet(t, st)
	mustPut(t, s, "a", "1")
	mustPut(t, s, "b", "1")
	st.Commit(next(2))
	f := st.Flush() // taken and never written
	mustPut(t, s, "b", "2")
	st.Commit(next(3))
	wantValue(t, s, "none", "-")
	if err := st.Restore("s", []record.Record{rec("a", "restored", 0), rec("new", "restored", 0)}, 5); err != nil {
		t.Fatal(err)
	}
	wantValue(t, s.Committed(), "a", "restored")
	wantValue(t, s, "a", "restored")
	wantValue(t, s, "b", "2")
	wantValue(t, s, "new", "restored")
	if err := f.Write(); err == nil {
		t.Error("the flush from before can still be written")
	}
	if err := st.Abandon(); err != nil {
		t.Fatal(err)
	}
	st, s = openPlain(t, d, 0)
	defer st.Abandon()
	if got := fmt.Sprint(list(t, s.Scan(nil, nil, false))); got != "[a=restored b=2 new=restored]" {
		t.Errorf("the engine has %s", got)
	}
}

func TestRestoreRefusesAPendingTransaction(t *testing.T) {
	st, s := openPlain(t, newDisk(t), 0)
	discardSet(t, st)
	mustPut(t, s, "a", "1")
	if err := st.Restore("s", nil, 1); err == nil || !strings.Contains(err.Error(), "pending") {
		t.Errorf("error %v", err)
	}
	if err := st.Restore("none", nil, 1); err == nil || !strings.Contains(err.Error(), `"none"`) {
		t.Errorf("error %v", err)
	}
	if err := st.Wipe("none"); err == nil || !strings.Contains(err.Error(), `"none"`) {
		t.Errorf("error %v", err)
	}
}

func TestRestoreThatFailsCanBeRepeated(t *testing.T) {
	d := newDisk(t)
	st, s := openPlain(t, d, 0)
	discardSet(t, st)
	records := []record.Record{rec("a", "1", 0), rec("b", "2", 0)}
	for fuse := range 3 {
		d.fuse = fuse
		if err := st.Restore("s", records, 2); !errors.Is(err, errDisk) {
			t.Fatalf("fuse %d: %v", fuse, err)
		}
		if _, ok := st.Offset("s"); ok {
			t.Fatalf("fuse %d: the position was moved", fuse)
		}
	}
	d.fuse = -1
	if err := st.Restore("s", records, 2); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(list(t, s.Scan(nil, nil, false))); got != "[a=1 b=2]" {
		t.Errorf("restored %s", got)
	}
}

func TestRestoreInManyBatches(t *testing.T) {
	st, s := openPlain(t, newDisk(t), 0)
	discardSet(t, st)
	var records []record.Record
	for i := range 5000 {
		records = append(records, rec(fmt.Sprintf("%05d", i), strings.Repeat("v", 1000), 0))
	}
	if err := st.Restore("s", records, 5000); err != nil {
		t.Fatal(err)
	}
	if n := len(list(t, s.Scan(nil, nil, false))); n != 5000 {
		t.Errorf("%d entries", n)
	}
}

func TestWipeDiscardsOneStoreOnly(t *testing.T) {
	d := newDisk(t)
	specs := []store.Spec{spec("s", store.KindKeyValue, true), spec("s2", store.KindKeyValue, true)}
	st := openSet(t, d, 0, specs...)
	for _, s := range st.stores {
		mustPut(t, s, "engine", "1")
	}
	st.Commit(map[string]int64{"s": 1, "s2": 1})
	mustFlush(t, st)
	for _, s := range st.stores {
		mustPut(t, s, "committed", "1")
	}
	st.Commit(map[string]int64{"s": 2, "s2": 2})
	for _, s := range st.stores {
		mustPut(t, s, "pending", "1")
	}
	view, flush := st.Store("s").Committed(), st.Flush()
	if err := st.Wipe("s"); err != nil {
		t.Fatal(err)
	}
	if got := list(t, st.Store("s").Scan(nil, nil, false)); len(got) > 0 {
		t.Errorf("the store has %q", got)
	}
	wantValue(t, view, "engine", "-")
	if err := flush.Write(); err == nil {
		t.Error("a flush from before can still be written")
	}
	if p, ok := st.Offset("s"); ok {
		t.Errorf("Offset = %d", p)
	}
	st.Commit(map[string]int64{"s2": 3})
	mustClose(t, st)
	st = openSet(t, d, 0, specs...)
	discardSet(t, st)
	if got := list(t, st.Store("s").Scan(nil, nil, false)); len(got) > 0 {
		t.Errorf("the engine has %q of the store", got)
	}
	if got := fmt.Sprint(list(t, st.Store("s2").Scan(nil, nil, false))); got != "[committed=1 engine=1 pending=1]" {
		t.Errorf("the other store has %s", got)
	}
	if _, ok := st.Offset("s"); ok {
		t.Error("the store has a position")
	}
	if p, _ := st.Offset("s2"); p != 3 {
		t.Errorf("the other store's position is %d", p)
	}
}
