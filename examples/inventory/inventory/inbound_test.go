package inventory

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/streamweir/streamweir/serde"
)

// eventsOf decodes a record to an event with that id, and fails on some.
type eventsOf struct{}

func (e eventsOf) Bind(string, serde.Role) (serde.Codec[*Event], error) { return e, nil }

func (eventsOf) Append(dst []byte, e *Event) ([]byte, error) { return append(dst, e.EventID...), nil }

func (eventsOf) Decode(data []byte) (*Event, error) {
	switch string(data) {
	case "bad":
		return nil, errors.New("not the wire format")
	case "down":
		return nil, fmt.Errorf("registry: %w", serde.ErrRetriable)
	case "nil":
		return nil, nil
	}
	return &Event{EventID: string(data)}, nil
}

func inboundOf(t *testing.T) serde.Codec[Inbound] {
	t.Helper()
	codec, err := InboundSerde(eventsOf{}).Bind(EventsTopic, serde.Value)
	if err != nil {
		t.Fatal(err)
	}
	return codec
}

func TestInboundKeepsWhatItCannotDecode(t *testing.T) {
	codec := inboundOf(t)
	for data, want := range map[string]string{"bad": "not the wire format", "nil": "no value"} {
		in, err := codec.Decode([]byte(data))
		if err != nil || in.Event != nil || in.Undecodable != want || string(in.Bytes) != data {
			t.Errorf("%q: %+v, %v", data, in, err)
		}
	}
}

func TestInboundPassesRetriableErrorsOn(t *testing.T) {
	if in, err := inboundOf(t).Decode([]byte("down")); !errors.Is(err, serde.ErrRetriable) {
		t.Errorf("got %+v, %v: the record would become a dead letter while the registry is down", in, err)
	}
}

func TestInboundBytesAreCopies(t *testing.T) {
	codec := inboundOf(t)
	data := make([]byte, 0, chunkSize)
	var kept []Inbound
	for i := range 400 {
		data = fmt.Appendf(data[:0], "%d-%s", i, bytes.Repeat([]byte{'x'}, i*7))
		in, err := codec.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		_ = append(in.Bytes, "overwrites the next one, unless the capacity is cut"...)
		kept = append(kept, in)
	}
	for i, in := range kept {
		if want := fmt.Sprintf("%d-%s", i, bytes.Repeat([]byte{'x'}, i*7)); string(in.Bytes) != want || in.Event.EventID != want {
			t.Fatalf("record %d has become %q", i, in.Bytes)
		}
	}
	huge := bytes.Repeat([]byte{'y'}, 3*chunkSize)
	if in, err := codec.Decode(huge); err != nil || !bytes.Equal(in.Bytes, huge) {
		t.Errorf("a record larger than a chunk: %v", err)
	}
}

func TestInboundCannotBeWritten(t *testing.T) {
	if _, err := inboundOf(t).Append(nil, Inbound{}); err == nil {
		t.Error("no error")
	}
}
