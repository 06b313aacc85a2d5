"""Reads a record with confluent-kafka's AvroDeserializer and writes it back with its AvroSerializer.

usage: interop.py REGISTRY TOPIC; stdin: {"hex", "schema"}; stdout: {"read", "hex", "subject"}.
"""
import json
import sys

try:
    from confluent_kafka.schema_registry import SchemaRegistryClient, topic_subject_name_strategy
    from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
    from confluent_kafka.serialization import MessageField, SerializationContext
except ImportError as e:
    print(e, file=sys.stderr)
    sys.exit(2)

client = SchemaRegistryClient({"url": sys.argv[1]})
context = SerializationContext(sys.argv[2], MessageField.VALUE)
given = json.load(sys.stdin)
value = AvroDeserializer(client)(bytes.fromhex(given["hex"]), context)
written = AvroSerializer(client, given["schema"])(value, context)
print(json.dumps({"read": value, "hex": written.hex(), "subject": topic_subject_name_strategy(context, None)}, default=str))
