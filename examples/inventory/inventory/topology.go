package inventory

import (
	"context"
	"strconv"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/topology"
)

// The topics and the store.
const (
	EventsTopic     = "inventory-events"
	AggregatesTopic = "inventory-aggregates"
	DLQTopic        = "inventory-events-dlq"
	StoreName       = "inventory-aggregates-store"
)

// The headers of a dead letter.
const (
	HeaderType      = "error.type"
	HeaderMessage   = "error.message"
	HeaderTopic     = "source.topic"
	HeaderPartition = "source.partition"
	HeaderOffset    = "source.offset"
)

// The values of [HeaderType].
const (
	DeserializationError = "DESERIALIZATION_ERROR"
	ValidationError      = "VALIDATION_ERROR"
)

// Topology builds the application. processed, if not nil, is called for every
// input record after everything that follows from it was done, from the goroutine
// of its partition's task.
//
// No event and no aggregate is kept, so each is read into the one before.
func Topology(events serde.Serde[*Event], aggregates serde.Serde[*Aggregate], processed func(partition int32, offset int64)) (*topology.Topology, error) {
	key := serde.String()
	b := stream.NewBuilder()

	input := stream.From(b, EventsTopic, stream.With(key, InboundSerde(events)).Timestamps(eventTime).ReuseValues())
	checked := stream.ProcessValues(input, func() *validate { return &validate{processed: processed} })
	split := checked.Split(stream.Named("events-"))
	invalid := split.Branch(func(_ string, in Inbound) bool { return in.Undecodable != "" }, stream.Named("invalid"))
	valid := split.Default(stream.Named("valid"))

	stream.MapValues(invalid, func(in Inbound) []byte { return in.Bytes }).
		To(DLQTopic, stream.With(key, serde.Bytes()))

	stream.Aggregate(
		stream.MapValues(valid, func(in Inbound) *Event { return in.Event }).GroupByKey(),
		Empty, Apply,
		stream.InStore(StoreName, key, aggregates).ReuseValues(),
	).ToStream().To(AggregatesTopic, stream.With(key, aggregates))

	return b.Build()
}

// eventTime is the time of the event, or of the record if the event has none.
func eventTime(r topology.Record[string, Inbound], partitionTime int64) int64 {
	if e := r.Value.Event; e != nil && e.Timestamp > 0 {
		return e.Timestamp
	}
	// A negative time would drop the record, and a dead letter with it.
	return max(r.Timestamp, partitionTime, 0)
}

// validate marks what breaks a rule, or could not be decoded, with the headers of
// a dead letter.
type validate struct {
	processed func(partition int32, offset int64)
	out       *topology.FixedKeyContext[string, Inbound]
}

func (v *validate) Init(out *topology.FixedKeyContext[string, Inbound]) error {
	v.out = out
	return nil
}

func (v *validate) Process(_ context.Context, r topology.FixedKeyRecord[string, Inbound]) error {
	source, _ := v.out.RecordMetadata()
	kind, message := DeserializationError, r.Value.Undecodable
	if r.NullValue {
		message = noValue
	}
	if message == "" {
		kind, message = ValidationError, Problem(r.Key(), r.Value.Event)
	}
	if message != "" {
		r.Value = Inbound{Bytes: r.Value.Bytes, Undecodable: message}
		r.NullValue = false // the letter's value is still null: it has no bytes
		r.Headers = r.Headers.
			With(HeaderType, []byte(kind)).
			With(HeaderMessage, []byte(message)).
			With(HeaderTopic, []byte(source.Topic)).
			With(HeaderPartition, strconv.AppendInt(nil, int64(source.Partition), 10)).
			With(HeaderOffset, strconv.AppendInt(nil, source.Offset, 10))
	}
	if err := v.out.Forward(r); err != nil {
		return err
	}
	if v.processed != nil {
		v.processed(source.Partition, source.Offset)
	}
	return nil
}
