package inventory

import (
	"errors"

	"github.com/streamweir/streamweir/serde"
)

// Inbound is the value of an input record as it came in: its bytes, and either
// the event they hold or why they hold none. So what cannot be decoded goes
// through the topology like everything else, to the dead letters.
type Inbound struct {
	Bytes       []byte
	Event       *Event // nil if Undecodable is set
	Undecodable string
}

// noValue is the reason for a record without a value.
const noValue = "no value"

// InboundSerde reads what events reads. Bytes that it cannot decode are a value
// too; an error that may pass (no answer from the schema registry) remains an
// error, so that the task waits instead of giving the record up. It cannot
// write.
func InboundSerde(events serde.Serde[*Event]) serde.Serde[Inbound] { return inboundSerde{events} }

type inboundSerde struct{ events serde.Serde[*Event] }

func (s inboundSerde) Bind(topic string, role serde.Role) (serde.Codec[Inbound], error) {
	events, err := s.events.Bind(topic, role)
	if err != nil {
		return nil, err
	}
	c := &inboundCodec{events: events}
	c.reuser, _ = events.(serde.Reuser[*Event])
	return c, nil
}

type inboundCodec struct {
	events serde.Codec[*Event]
	reuser serde.Reuser[*Event] // events, if they are one
}

func (*inboundCodec) Append([]byte, Inbound) ([]byte, error) {
	return nil, errors.New("inventory: an inbound record cannot be written")
}

func (c *inboundCodec) Decode(data []byte) (Inbound, error) { return c.DecodeInto(Inbound{}, data) }

// DecodeInto implements [serde.Reuser]: the topology keeps no event.
func (c *inboundCodec) DecodeInto(old Inbound, data []byte) (Inbound, error) {
	kept := append(old.Bytes[:0], data...)
	if kept == nil {
		kept = []byte{} // no bytes are a value
	}
	event, err := c.event(old.Event, data)
	switch {
	case errors.Is(err, serde.ErrRetriable):
		return Inbound{}, err
	case err != nil:
		return Inbound{Bytes: kept, Undecodable: err.Error()}, nil
	case event == nil:
		return Inbound{Bytes: kept, Undecodable: noValue}, nil
	}
	return Inbound{Bytes: kept, Event: event}, nil
}

func (c *inboundCodec) event(old *Event, data []byte) (*Event, error) {
	if c.reuser == nil {
		return c.events.Decode(data)
	}
	return c.reuser.DecodeInto(old, data)
}
