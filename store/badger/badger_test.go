package badger_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/streamweir/streamweir/store"
	"github.com/streamweir/streamweir/store/badger"
	"github.com/streamweir/streamweir/store/storetest"
)

func TestEngine(t *testing.T) { storetest.Run(t, badger.Open, true) }

func TestEngineWithSmallMemTable(t *testing.T) {
	storetest.Run(t, badger.Opener(badger.Options{MemTableSize: 2 << 20, MaxValueSize: 6 << 20}), true)
}

func TestCloseLeavesNoGoroutine(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	e, err := badger.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	put(t, e, "a", "1")
	put(t, e, "b", strings.Repeat("large", 1<<19))
	it := e.Scan(nil, nil, false)
	it.Next()
	if err := it.Close(); err != nil {
		t.Error(err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

// TestReplacedLargeValuesAreCollected replaces values until many times the size
// of what is alive was written, while others read.
func TestReplacedLargeValuesAreCollected(t *testing.T) {
	const size, rounds = 5 << 18, 60
	dir := t.TempDir()
	e, err := badger.Opener(badger.Options{MaxValueSize: 2 << 20})(dir)
	if err != nil {
		t.Fatal(err)
	}
	value := func(round int) string { return strings.Repeat(string(rune('A'+round)), size) }
	put(t, e, "still", value(0))
	put(t, e, "k", value(0))
	done := make(chan struct{})
	var readers sync.WaitGroup
	readers.Go(func() {
		for last := ""; ; {
			for _, key := range []string{"still", "k"} {
				v, found, err := e.Get([]byte(key), nil)
				if err != nil || !found || len(v) != size || key == "k" && string(v[:1]) < last {
					t.Errorf("%s: %d bytes, %v, %v", key, len(v), found, err)
					return
				}
				last = string(v[:1])
			}
			it, n := e.Scan(nil, nil, false), 0
			for it.Next() {
				n++
			}
			if err := it.Close(); err != nil || n < 2 || n > 3 {
				t.Errorf("%d entries, %v", n, err)
				return
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
	for round := 1; round <= rounds; round++ {
		put(t, e, "k", value(round))
	}
	close(done)
	readers.Wait()
	logs, err := filepath.Glob(filepath.Join(dir, "*.vlog"))
	if err != nil || len(logs) == 0 || len(logs) > rounds/3 {
		t.Errorf("%d logs after %d values, %v", len(logs), rounds, err)
	}
	if v, _, err := e.Get([]byte("still"), nil); err != nil || string(v) != value(0) {
		t.Errorf("a value that was moved: %d bytes, %v", len(v), err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefusesAFolderInUse(t *testing.T) {
	dir := t.TempDir()
	e, err := badger.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, dir, dir, "in use by another")
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if e, err = badger.Open(dir); err != nil {
		t.Fatalf("open after close: %v", err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefusesAnotherEnginesFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "CURRENT"), []byte("MANIFEST-000001\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantError(t, dir, dir, "not a Badger database", "CURRENT")
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("the folder has %v now, error %v", files, err)
	}
}

func TestOpenAfterACrashWhileTheDatabaseWasMade(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"LOCK", "MANIFEST-REWRITE"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	e, err := badger.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefusesADamagedManifest(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a", "1")
	if err := os.WriteFile(filepath.Join(dir, "MANIFEST"), []byte("not a manifest"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantError(t, dir, dir, "remove the folder")
}

func TestOpenRefusesMissingTables(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a", "1")
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil || len(tables) == 0 {
		t.Fatalf("no tables: %v", err)
	}
	for _, f := range tables {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	wantError(t, dir, dir, "remove the folder")
}

func TestOpenNeedsAFolder(t *testing.T) {
	wantError(t, "", "no folder")
	wantError(t, filepath.Join(t.TempDir(), "none"), "none")
}

func TestOpenRefusesBadOptions(t *testing.T) {
	if _, err := badger.Opener(badger.Options{MaxValueSize: 1})(t.TempDir()); err == nil {
		t.Error("a value log of 1 byte is accepted")
	}
}

// TestValuesOutliveTheProcess opens the files as they are while the database is
// open: what a kill at that moment would leave.
func TestValuesOutliveTheProcess(t *testing.T) {
	dir, copied := t.TempDir(), t.TempDir()
	e, err := badger.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	put(t, e, "a", "1")
	put(t, e, "b", strings.Repeat("large", 1<<19))
	if err := os.CopyFS(filepath.Join(copied, "db"), os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	after, err := badger.Open(filepath.Join(copied, "db"))
	if err != nil {
		t.Fatal(err)
	}
	defer after.Close()
	for _, key := range []string{"a", "b"} {
		want, _, _ := e.Get([]byte(key), nil)
		got, found, err := after.Get([]byte(key), nil)
		if err != nil || !found || string(got) != string(want) {
			t.Errorf("%s: %d bytes, %v, %v after a kill", key, len(got), found, err)
		}
	}
}

func TestApplyReportsWhatBadgerRefuses(t *testing.T) {
	dir := t.TempDir()
	e, err := badger.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	put(t, e, "a", "1")
	var b store.Batch
	b.Put([]byte("b"), []byte("2"))
	b.Put([]byte("!badger!x"), []byte("3"))
	if err := e.Apply(&b); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("error %v does not name %s", err, dir)
	}
	put(t, e, "c", "4")
}

func wantError(t *testing.T, dir string, parts ...string) {
	t.Helper()
	e, err := badger.Open(dir)
	if err == nil {
		e.Close()
		t.Fatal("no error")
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error %q does not say %q", err, p)
		}
	}
}

func write(t *testing.T, dir, key, value string) {
	t.Helper()
	e, err := badger.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	put(t, e, key, value)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, e store.Engine, key, value string) {
	t.Helper()
	var b store.Batch
	b.Put([]byte(key), []byte(value))
	if err := e.Apply(&b); err != nil {
		t.Fatal(err)
	}
}
