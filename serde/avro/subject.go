package avro

import (
	"fmt"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/serde/avro/avsc"
)

// A SubjectStrategy names the subject under which the schema of a topic's keys or
// values is registered. [TopicNameStrategy], [RecordNameStrategy] and
// [TopicRecordNameStrategy] are those of Confluent's serializers; another function
// will do as well. It is called while a serde is bound.
type SubjectStrategy func(topic string, role serde.Role, schema *avsc.Schema) (subject string, err error)

// TopicNameStrategy gives <topic>-key and <topic>-value: one schema, with its
// versions, for a topic. It is the default for topics that are not internal.
func TopicNameStrategy(topic string, role serde.Role, _ *avsc.Schema) (string, error) {
	return topic + "-" + role.String(), nil
}

// RecordNameStrategy gives the full name of the record, whatever the topic. A schema
// that is not a record is an error, as it is with Confluent's.
func RecordNameStrategy(_ string, role serde.Role, schema *avsc.Schema) (string, error) {
	if schema.Kind != avsc.Record {
		return "", fmt.Errorf("avro: RecordNameStrategy and TopicRecordNameStrategy need a record, but the %s is %s", role, schema.Label())
	}
	return schema.Name, nil
}

// TopicRecordNameStrategy gives <topic>-<full name of the record>, for keys and
// values alike. A schema that is not a record is an error.
func TopicRecordNameStrategy(topic string, role serde.Role, schema *avsc.Schema) (string, error) {
	name, err := RecordNameStrategy(topic, role, schema)
	return topic + "-" + name, err
}

// internalStrategy is the default for internal topics: a registry is shared, and an
// application of twenty stores must not leave forty subjects in it that nobody else
// ever looks at, and that nothing deletes. What has no name has the topic's subject.
func internalStrategy(topic string, role serde.Role, schema *avsc.Schema) (string, error) {
	if schema.Kind == avsc.Record {
		return schema.Name, nil
	}
	return TopicNameStrategy(topic, role, schema)
}
