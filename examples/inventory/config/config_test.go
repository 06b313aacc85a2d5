package config

import (
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "application.yml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func parse(t *testing.T, args ...string) Config {
	t.Helper()
	c, err := Parse(args, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWithoutAnythingItIsEmbedded(t *testing.T) {
	c := parse(t)
	if diff := cmp.Diff(Default(), c, cmpopts.IgnoreUnexported(Config{})); diff != "" || !c.Embedded() {
		t.Error(diff)
	}
}

func TestTheFileUsersBring(t *testing.T) {
	c := parse(t, "-config", filepath.Join("..", "application.yml"))
	want := Default()
	want.Brokers = []string{"localhost:9092"}
	want.Registry = "http://localhost:8081"
	want.Threads = 3
	want.CommitInterval = 100 * time.Millisecond
	want.BatchSize = 32768
	want.Linger = 20 * time.Millisecond
	if diff := cmp.Diff(want, c, cmpopts.IgnoreUnexported(Config{})); diff != "" {
		t.Error(diff)
	}
}

func TestFlagsWinOverTheFile(t *testing.T) {
	path := file(t, "kafka:\n  bootstrap-servers: [a:1, 'b:2']\n  schema-registry.url: http://r\nkafka.streams:\n  num-stream-threads: 7\n  commit-interval-ms: 50\n  state-dir: /x\n")
	c := parse(t, "-threads", "2", "-config="+path, "-brokers", "c:3, d:4", "--guarantee", AtLeastOnce, "-http=")
	if diff := cmp.Diff([]string{"c:3", "d:4"}, c.Brokers); diff != "" {
		t.Error(diff)
	}
	if c.Threads != 2 || c.Guarantee != AtLeastOnce || c.HTTP != "" || c.StateDir != "/x" || c.CommitInterval != 50*time.Millisecond || c.Registry != "http://r" {
		t.Errorf("%+v", c)
	}
	if !c.Given("threads") || c.Given("registry") {
		t.Errorf("given %v", c.given)
	}
	if c := parse(t, "-config="+path); cmp.Diff([]string{"a:1", "b:2"}, c.Brokers) != "" {
		t.Errorf("a list of servers became %q", c.Brokers)
	}
}

func TestAllProblemsAtOnceWithTheirLines(t *testing.T) {
	path := file(t, `kafka:
  bootstrap-server: localhost:9092
  streams:
    num-stream-threads: many
    processing-guarantee: at_most_once
    commit-interval-ms: -5
    producer: fast
    cache-max-bytes-buffering:
      a: b
  streams.application-id: x
spring: {}
`)
	_, err := Parse([]string{"-config", path, "-threads", "0"}, io.Discard)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"line 2: unknown setting kafka.bootstrap-server; below kafka there is bootstrap-servers, schema-registry, streams",
		`line 4: kafka.streams.num-stream-threads: "many" is not a whole number`,
		`line 6: kafka.streams.commit-interval-ms: "-5" is not a whole number`,
		"line 7: kafka.streams.producer: want settings below it",
		"line 8: kafka.streams.cache-max-bytes-buffering: want a single value",
		"line 11: unknown setting spring; below the top there is kafka",
		`guarantee "at_most_once": want exactly_once_v2`,
		"threads 0: want at least 1",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in:\n%v", want, err)
		}
	}
}

func TestASettingMayNotBeRepeated(t *testing.T) {
	path := file(t, "kafka.streams.application-id: a\nkafka:\n  streams:\n    application-id: b\n")
	_, err := Parse([]string{"-config", path}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "line 4: kafka.streams.application-id is set in line 1 already") {
		t.Error(err)
	}
}

func TestWhatCannotBeReadIsAnError(t *testing.T) {
	for name, args := range map[string][]string{
		"no such file":        {"-config", filepath.Join(t.TempDir(), "none.yml")},
		"not YAML":            {"-config", file(t, "a: b: c\n\t- x")},
		"a list":              {"-config", file(t, "- kafka\n")},
		"unknown flag":        {"-treads", "2"},
		"not a number":        {"-threads", "two"},
		"an argument":         {"produce-typo"},
		"registry alone":      {"-registry", "http://x"},
		"brokers alone":       {"-brokers", "x:1"},
		"no state directory":  {"-state-dir", ""},
		"negative rate":       {"-rate", "-1"},
		"negative cache":      {"-cache-bytes", "-1"},
		"negative interval":   {"-commit-interval", "-1s"},
		"negative time":       {"-for", "-1s"},
		"empty id":            {"-application-id", ""},
		"id with a space":     {"-application-id", "a b"},
		"broker without port": {"-brokers", "x:1,y", "-registry", "http://r"},
		"registry is no URL":  {"-brokers", "x:1", "-registry", "r:8081"},
		"page without port":   {"-http", "localhost"},
		"no value":            {"-config", file(t, "kafka:\n  streams:\n    state-dir:\n")},
		"guarantee of v1 was": {"-guarantee", "exactly_once_beta"},
	} {
		if _, err := Parse(args, io.Discard); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestEmptyFileAndSectionsAreFine(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "kafka:\n", "kafka:\n  # nothing\n  streams: {}\n"} {
		if _, err := Parse([]string{"-config", file(t, text)}, io.Discard); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestHelp(t *testing.T) {
	var out strings.Builder
	if _, err := Parse([]string{"-h"}, &out); !errors.Is(err, flag.ErrHelp) {
		t.Error(err)
	}
	if !strings.Contains(out.String(), "-until-caught-up") {
		t.Error(out.String())
	}
}
