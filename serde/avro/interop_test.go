package avro

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/streamweir/streamweir/serde/avro/avsc"
)

// setLevel sets the compatibility level of a subject.
func setLevel(t *testing.T, url, subject string, m avsc.Mode) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url+"/config/"+subject, strings.NewReader(fmt.Sprintf(`{"compatibility":%q}`, m)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	req.Close = true
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("level of %s: %s", subject, answer.Status)
	}
}

// confluent-kafka for Python, on fastavro, reads what For writes, and For what it
// writes, through the registry and under the subject that either would choose.
func TestConfluentPythonReadsAndWritesTheSame(t *testing.T) {
	url, run := realRegistry(t)
	topic := run + "-python"
	want := sampleEvent()
	data := encode(t, boundTo(t, For[inventoryEvent](freshRegistry(t, url), eventSchema), topic), want)

	var out, problems bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "../../internal/lab/lab", "python", "testdata/interop.py", url, topic)
	cmd.Stdin = strings.NewReader(text(map[string]string{"hex": hex.EncodeToString(data), "schema": eventSchema}))
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.ExitCode() == 2 && os.Getenv("CI") != "true" {
			t.Skipf("needs a Python with confluent-kafka: %s", &problems)
		}
		t.Fatalf("%v\n%s", err, &problems)
	}
	var answer struct {
		Read struct {
			EventID  string `json:"eventId"`
			SKU      string `json:"sku"`
			Quantity int64  `json:"quantity"`
		}
		Hex     string
		Subject string
	}
	if err := json.Unmarshal(out.Bytes(), &answer); err != nil {
		t.Fatalf("%v: %s", err, &out)
	}
	if r := answer.Read; r.EventID != want.EventID || r.SKU != want.SKU || r.Quantity != int64(want.Quantity) {
		t.Errorf("Python reads %+v, want %+v", r, want)
	}
	back, err := hex.DecodeString(answer.Hex)
	if err != nil {
		t.Fatal(err)
	}
	// The ids may differ: some registries compare schemas as texts.
	if !bytes.Equal(back[HeaderSize:], data[HeaderSize:]) || answer.Subject != topic+"-value" {
		t.Errorf("Python writes\n% x under %s\n% x", back, answer.Subject, data)
	}
	if d := cmp.Diff(want, decode(t, boundTo(t, For[inventoryEvent](freshRegistry(t, url), eventSchema), topic), back)); d != "" {
		t.Error(d)
	}
}
