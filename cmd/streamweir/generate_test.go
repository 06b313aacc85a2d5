package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func command(args ...string) (code int, out, errors string) {
	var o, e strings.Builder
	code = run(args, stdio{strings.NewReader(""), &o, &e})
	return code, o.String(), e.String()
}

func TestGenerate(t *testing.T) {
	dir := t.TempDir()
	a := write(t, dir, "A.avsc", `{"type":"record","name":"n.A","fields":[{"name":"b","type":"n.B"}]}`)
	b := write(t, dir, "B_linux.avsc", `{"type":"record","name":"n.B","fields":[{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}}]}`)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-package", "p"}, "package p\n"},
		{[]string{"--package=p"}, "package p\n"},
		{[]string{"-p", "p", "-raw"}, "At int64"},
		{nil, "package mypkg\n"},
		{nil, "At time.Time"},
	} {
		out := filepath.Join(t.TempDir(), "my-pkg")
		t.Setenv("GOPACKAGE", "")
		os.Unsetenv("GOPACKAGE")
		code, _, msg := command(append(append([]string{"avro", "generate"}, c.args...), "-o", out, a, b)...)
		text, err := os.ReadFile(filepath.Join(out, "b_linux_avro.go"))
		if code != 0 || err != nil || !strings.Contains(strings.Join(strings.Fields(string(text)), " "), strings.TrimSpace(c.want)) {
			t.Errorf("%v: exit %d, %s, %v\n%s", c.args, code, msg, err, text)
		}
	}
	t.Setenv("GOPACKAGE", "fromgo")
	if code, _, msg := command("avro", "generate", "-o", dir, a, b); code != 0 {
		t.Error(msg)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "a_avro.go")); err != nil || !strings.Contains(string(text), "package fromgo\n") {
		t.Errorf("%v\n%s", err, text)
	}
}

func TestGenerateWritesNothingOnMistakes(t *testing.T) {
	dir := t.TempDir()
	good := write(t, dir, "Good.avsc", `{"type":"record","name":"Good","fields":[]}`)
	bad := write(t, dir, "Bad.avsc", "{\"type\":\"record\",\"name\":\"Bad\",\n\"fields\":[{\"name\":\"x\",\"type\":\"strin\"}]}")
	out := filepath.Join(dir, "out")
	code, _, msg := command("avro", "generate", "-o", out, good, bad)
	if code != 1 || !strings.Contains(msg, "Bad.avsc") || !strings.Contains(msg, "strin") {
		t.Errorf("exit %d, %s", code, msg)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a folder was made")
	}
	if code, _, msg := command("avro", "generate", filepath.Join(dir, "none.avsc")); code != 1 || !strings.Contains(msg, "none.avsc") {
		t.Errorf("exit %d, %s", code, msg)
	}
}

func TestArguments(t *testing.T) {
	if code, out, _ := command("--help"); code != 0 || !strings.Contains(out, "avro generate") {
		t.Errorf("exit %d, %s", code, out)
	}
	for _, args := range [][]string{{}, {"avro", "generate"}, {"avro", "nothing"}, {"avro", "generate", "-nope", "x"}} {
		if code, _, msg := command(args...); code != 80 || msg == "" {
			t.Errorf("%v: exit %d, %s", args, code, msg)
		}
	}
}
