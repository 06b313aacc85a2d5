package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func piped(t *testing.T, in string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e strings.Builder
	code = run(append([]string{"avro"}, args...), stdio{strings.NewReader(in), &o, &e})
	return code, o.String(), e.String()
}

func mustPipe(t *testing.T, in string, args ...string) string {
	t.Helper()
	code, out, errs := piped(t, in, args...)
	if code != 0 {
		t.Fatalf("%q: exit code %d: %s", args, code, errs)
	}
	return out
}

func framed(records ...string) string {
	var b []byte
	for _, r := range records {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(r))), r...)
	}
	return string(b)
}

const null = "\xff\xff\xff\xff" // the length of a null

func TestRecordsInTheWireFormat(t *testing.T) {
	url := registryURL(t)
	t.Setenv("SCHEMA_REGISTRY_URL", url)
	dir := t.TempDir()
	one, two := write(t, dir, "1.avsc", itemV1), write(t, dir, "2.avsc", itemV2)

	first := mustPipe(t, `{"id":1}`+"\n\n null \r\n", "fromjson", "--schema", one, "--subject", "item-value")
	if want := framed("\x00\x00\x00\x00\x01\x02") + null; first != want {
		t.Errorf("%q, want %q", first, want)
	}
	second := mustPipe(t, `{"id":2,"note":{"string":"plain"}}`+"\n"+`{"note":"\u00fc","id":3}`, "fromjson", "--schema", two, "--subject", "item-value")
	both := first + second
	if d := cmp.Diff(`{"id":1}`+"\nnull\n"+`{"id":2,"note":{"string":"plain"}}`+"\n"+`{"id":3,"note":{"string":"ü"}}`+"\n", mustPipe(t, both, "tojson")); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(`{"id":1,"note":null}`+"\nnull\n"+`{"id":2,"note":{"string":"plain"}}`+"\n"+`{"id":3,"note":{"string":"ü"}}`+"\n", mustPipe(t, both, "tojson", "--as", two)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(`{"id":1}`+"\nnull\n"+`{"id":2}`+"\n"+`{"id":3}`+"\n", mustPipe(t, both, "tojson", "--as", one)); d != "" {
		t.Error(d)
	}
	latest := mustPipe(t, `{"id":4}`, "fromjson", "--subject", "item-value") // with the default of the latest version
	if want := framed("\x00\x00\x00\x00\x02\x08\x00"); latest != want {
		t.Errorf("%q, want %q", latest, want)
	}
	three := write(t, dir, "3.avsc", itemV3)
	if code, out, errs := piped(t, `{"id":5,"price":1}`, "fromjson", "--schema", three, "--subject", "item-value"); code != 1 || out != "" || !strings.Contains(errs, "/fields/2") {
		t.Errorf("an incompatible schema: exit code %d, %q, %s", code, out, errs)
	}
	if code, _, errs := piped(t, first, "tojson", "--as", three); code != 1 || !strings.Contains(errs, "record 1 of the input") || !strings.Contains(errs, "price") {
		t.Errorf("a reader without a default: exit code %d, %s", code, errs)
	}
}

func TestFormats(t *testing.T) {
	url := registryURL(t)
	one := write(t, t.TempDir(), "1.avsc", itemV1)
	wire := []string{"--registry", url}
	const record = "\x00\x00\x00\x00\x01\x02"
	for format, want := range map[string]string{
		"length": framed(record, record),
		"hex":    strings.Repeat(hex.EncodeToString([]byte(record))+"\n", 2),
		"base64": strings.Repeat(base64.StdEncoding.EncodeToString([]byte(record))+"\n", 2),
		"raw":    record + record,
	} {
		got := mustPipe(t, `{"id":1}`+"\n"+`{"id":1}`+"\n", append([]string{"fromjson", "--schema", one, "--subject", "s", "-f", format}, wire...)...)
		if got != want {
			t.Errorf("%s: %q, want %q", format, got, want)
		}
		if format == "raw" {
			want, got = record, record // one alone
		}
		if back := mustPipe(t, got, append([]string{"tojson", "--format", format}, wire...)...); back != strings.Repeat(`{"id":1}`+"\n", strings.Count(want, "\n")) &&
			back != strings.Repeat(`{"id":1}`+"\n", strings.Count(want, record)) {
			t.Errorf("%s: %s", format, back)
		}
	}
	for _, format := range []string{"hex", "base64"} {
		if got := mustPipe(t, "null\n", append([]string{"fromjson", "--schema", one, "--subject", "s", "-f", format}, wire...)...); got != "\n" {
			t.Errorf("null in %s: %q", format, got)
		}
		if got := mustPipe(t, "\n", append([]string{"tojson", "-f", format}, wire...)...); got != "null\n" {
			t.Errorf("null from %s: %q", format, got)
		}
	}
}

// The delimiter must not be in a record, and must not begin in one and end behind it.
func TestDelimitedRecords(t *testing.T) {
	text := write(t, t.TempDir(), "s.avsc", `"string"`)
	args := []string{"fromjson", "--schema", text, "-f", "delimited", "-D", "aab"}
	if got, want := mustPipe(t, `"x"`+"\n"+`""`, args...), "\x02xaab\x00aab"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if code, _, errs := piped(t, `"-aab-"`, args...); code != 1 || !strings.Contains(errs, "line 1") || !strings.Contains(errs, "delimiter") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	if code, out, _ := piped(t, `"-a"`, args...); code != 0 || out != "\x04-aaab" {
		// The first aab in -aaab begins behind the a: kcat splits it right.
		t.Errorf("exit code %d, %q", code, out)
	}
	if code, _, _ := piped(t, `"-a"`, "fromjson", "--schema", text, "-f", "delimited", "-D", "aa"); code != 1 {
		t.Errorf("a record that ends as the delimiter begins: exit code %d", code)
	}
}

func TestBareData(t *testing.T) {
	t.Setenv("SCHEMA_REGISTRY_URL", "http://127.0.0.1:1") // is not asked
	dir := t.TempDir()
	one, two := write(t, dir, "1.avsc", itemV1), write(t, dir, "2.avsc", itemV2)
	bare := mustPipe(t, `{"id":1}`+"\n"+`{"id":-1}`, "fromjson", "--schema", one, "-f", "raw")
	if want := "\x02\x01"; bare != want {
		t.Errorf("%q, want %q", bare, want)
	}
	file := filepath.Join(dir, "data")
	if err := os.WriteFile(file, []byte(bare), 0o666); err != nil {
		t.Fatal(err)
	}
	if got, want := mustPipe(t, "", "tojson", file, "--schema", one, "--as", two, "-f", "raw"), `{"id":1,"note":null}`+"\n"+`{"id":-1,"note":null}`+"\n"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	nothing := write(t, dir, "null.avsc", `"null"`)
	if got := mustPipe(t, mustPipe(t, "null\nnull", "fromjson", "--schema", nothing), "tojson", "--schema", nothing); got != "null\nnull\n" {
		t.Errorf("values of no bytes: %q", got)
	}
	optional := write(t, dir, "optional.avsc", `["null","int"]`)
	if got := mustPipe(t, mustPipe(t, "null\n1", "fromjson", "--schema", optional, "-f", "hex"), "tojson", "--schema", optional, "-f", "hex"); got != "null\n{\"int\":1}\n" {
		t.Errorf("a union: %q", got)
	}
}

func TestInputThatIsNotWhatItShouldBe(t *testing.T) {
	url := registryURL(t)
	registerAll(t, url, "s", itemV2)
	dir := t.TempDir()
	one, nothing := write(t, dir, "1.avsc", itemV1), write(t, dir, "null.avsc", `"null"`)
	const good = "\x00\x00\x00\x00\x01\x02\x00"
	for name, c := range map[string]struct {
		in   string
		args []string
		want string
	}{
		"cut length":     {framed(good) + "\x00\x00", []string{"tojson"}, "length of a record"},
		"cut record":     {"\x7f\xff\xff\xff" + good, []string{"tojson"}, "ends after 7"},
		"negative":       {"\xff\xff\xff\xfe", []string{"tojson"}, "--format"},
		"text":           {`{"id":1}`, []string{"tojson"}, "--format"},
		"no frame":       {framed(good, "\x01abcdef"), []string{"tojson"}, "record 2 of the input: avro: not in the Confluent wire format"},
		"unknown id":     {framed("\x00\x00\x00\x00\x09\x02"), []string{"tojson"}, "schema id 9"},
		"short":          {framed("\x00\x00\x00\x00\x01\x02"), []string{"tojson"}, "note"},
		"left over":      {framed(good + "\x00"), []string{"tojson"}, "1 bytes are left over"},
		"no hex":         {"0g\n", []string{"tojson", "-f", "hex"}, "not in hex"},
		"no base64":      {"%\n", []string{"tojson", "-f", "base64"}, "not in base64"},
		"endless nulls":  {"\x00", []string{"tojson", "-f", "raw", "--schema", nothing}, "1 bytes are left over"},
		"no such file":   {"", []string{"tojson", filepath.Join(dir, "none")}, "no such file"},
		"no JSON":        {"{\n", []string{"fromjson", "--schema", one}, "line 1 of the input: not JSON"},
		"two values":     {`{"id":1} {"id":2}`, []string{"fromjson", "--schema", one}, "a line of its own"},
		"another type":   {"\n" + `{"id":"x"}`, []string{"fromjson", "--schema", one}, "line 2 of the input: not a shop.Item"},
		"null":           {"null", []string{"fromjson", "--schema", one}, "not a shop.Item"},
		"null, raw":      {"null", []string{"fromjson", "--subject", "s", "-f", "raw"}, "no way to write a null"},
		"subject":        {"1", []string{"fromjson", "--subject", "none"}, "none"},
		"no schema file": {"1", []string{"fromjson", "--schema", filepath.Join(dir, "none")}, "no such file"},
	} {
		code, _, errs := piped(t, c.in, append(c.args, "--registry", url)...)
		if code != 1 || !strings.Contains(errs, c.want) {
			t.Errorf("%s: exit code %d, %s, want %q", name, code, errs, c.want)
		}
	}
	for _, args := range [][]string{{}, {"--schema", one, "-f", "delimited"}, {"--schema", one, "-D", "x"}, {"--schema", one, "--reference", "a=b:1"}, {"--schema", one, "-f", "morse"}} {
		if code, _, _ := piped(t, "", append([]string{"fromjson"}, args...)...); code != 80 {
			t.Errorf("%q: exit code %d", args, code)
		}
	}
}

// What was decoded before a bad record is printed.
func TestWhatComesBeforeABadRecordIsPrinted(t *testing.T) {
	one := write(t, t.TempDir(), "1.avsc", itemV1)
	if code, out, _ := piped(t, "02\n80\n", "tojson", "-f", "hex", "--schema", one); code != 1 || out != `{"id":1}`+"\n" {
		t.Errorf("exit code %d, %q", code, out)
	}
}
