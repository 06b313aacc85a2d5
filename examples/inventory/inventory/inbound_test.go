package inventory

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

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
	data := []byte("first")
	first, err := codec.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	copy(data, "other")
	second, err := codec.Decode(data)
	if err != nil || string(first.Bytes) != "first" || first.Event.EventID != "first" || string(second.Bytes) != "other" {
		t.Errorf("%+v and %+v, %v", first, second, err)
	}
	if in, err := codec.Decode([]byte{}); err != nil || in.Bytes == nil {
		t.Errorf("no bytes are not a value: %+v, %v", in, err)
	}
}

// TestInboundIsReadIntoTheOneBefore compares with records that are read anew.
func TestInboundIsReadIntoTheOneBefore(t *testing.T) {
	reused, fresh := inboundOf(t).(serde.Reuser[Inbound]), inboundOf(t)
	var last Inbound
	for _, data := range []string{"a longer one", "bad", "short", "nil", "", "short", "a longer one"} {
		var err error
		if last, err = reused.DecodeInto(last, []byte(data)); err != nil {
			t.Fatal(err)
		}
		want, err := fresh.Decode([]byte(data))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, last); diff != "" {
			t.Errorf("%q: %s", data, diff)
		}
	}
}

func TestInboundCannotBeWritten(t *testing.T) {
	if _, err := inboundOf(t).Append(nil, Inbound{}); err == nil {
		t.Error("no error")
	}
}
