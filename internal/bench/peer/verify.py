#!/usr/bin/env python3
"""Checks the application's output topics with a client that shares no code with it.

Reads inventory-aggregates and inventory-events-dlq to their ends as a read_committed consumer and compares what it finds
with the line that the Loader printed. Prints PASS or FAIL with a line of JSON; the exit code is 0 or 1.

With --half-way GROUP the application may have stopped anywhere: what it has put out must be exactly what follows from the
offsets it has committed, which the checks of sums replace; the checksums, which only the end has, are left out.
"""
import argparse
import io
import json
import os
import struct
import sys
import urllib.request

import fastavro
from confluent_kafka import Consumer, KafkaError, TopicPartition

MASK = (1 << 64) - 1
HEADERS = ("error.type", "error.message", "source.topic", "source.partition", "source.offset")


def fnv1a(data):
    h = 0xCBF29CE484222325
    for b in data:
        h = ((h ^ b) * 0x100000001B3) & MASK
    return h


def without_logical_types(schema):
    if isinstance(schema, dict):
        return {k: without_logical_types(v) for k, v in schema.items() if k != "logicalType"}
    if isinstance(schema, list):
        return [without_logical_types(s) for s in schema]
    return schema


class Decoder:
    def __init__(self, registry):
        self.registry, self.schemas = registry.rstrip("/"), {}

    def __call__(self, value):
        magic, ident = struct.unpack_from(">BI", value)
        assert magic == 0, "not in the Confluent wire format"
        if ident not in self.schemas:
            with urllib.request.urlopen(f"{self.registry}/schemas/ids/{ident}") as answer:
                schema = json.loads(json.load(answer)["schema"])
            self.schemas[ident] = fastavro.parse_schema(without_logical_types(schema))
        body = io.BytesIO(value)
        body.seek(5)
        record = fastavro.schemaless_reader(body, self.schemas[ident], None)
        assert body.tell() == len(value), "bytes are left over after the record"
        return record


def read(bootstrap, topic):
    """All committed messages of a topic, partition by partition in order."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "inventory-verify", "isolation.level": "read_committed",
                         "enable.auto.commit": False, "auto.offset.reset": "earliest", "enable.partition.eof": True})
    partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    consumer.assign([TopicPartition(topic, p, 0) for p in partitions])
    left = set(partitions)
    while left:
        for message in consumer.consume(10000, timeout=1.0):
            if message.error() is None:
                yield message
            elif message.error().code() == KafkaError._PARTITION_EOF:
                left.discard(message.partition())
            else:
                raise SystemExit(f"FAIL {message.error()}")
    consumer.close()


def committed(bootstrap, group, topic):
    """How many records of a topic, which has no gaps, a group has left behind."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group})
    partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    offsets = consumer.committed([TopicPartition(topic, p) for p in partitions], timeout=30)
    consumer.close()
    return sum(max(o.offset, 0) for o in offsets)


def short(a):
    return f'{a["sku"]}|{a["totalQuantity"]}|{a["reservedQuantity"]}|{a["eventCount"]}'


def full(a):
    locations = "".join(f"{name}={n}," for name, n in sorted(a["locations"].items()))
    return "|".join([a["sku"], a["productName"] or "", str(a["totalQuantity"]), str(a["warehouseQuantity"]),
                     str(a["storeQuantity"]), str(a["ecommerceQuantity"]), str(a["reservedQuantity"]),
                     str(a["availableQuantity"]), "true" if a["lowStock"] else "false", locations, str(a["eventCount"]),
                     a["lastEventId"] or "", str(a["lastUpdated"])])


def consistent(a):
    by_location = {"W": 0, "S": 0, "E": 0}
    for name, n in a["locations"].items():
        by_location[name[0]] += n
    return (by_location == {"W": a["warehouseQuantity"], "S": a["storeQuantity"], "E": a["ecommerceQuantity"]}
            and sum(by_location.values()) == a["totalQuantity"]
            and a["availableQuantity"] == a["totalQuantity"] - a["reservedQuantity"]
            and a["lowStock"] == (a["availableQuantity"] < 10))


def total(hashes):
    return f"{sum(hashes) & MASK:016x}"


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--expected", required=True, help="file whose last line is what the Loader printed")
    p.add_argument("--bootstrap", default=os.environ.get("KAFKA_BROKERS", "127.0.0.1:9092"))
    p.add_argument("--registry", default=os.environ.get("SCHEMA_REGISTRY_URL", "http://127.0.0.1:8081/apis/ccompat/v7"))
    p.add_argument("--aggregates", default="inventory-aggregates")
    p.add_argument("--dlq", default="inventory-events-dlq")
    p.add_argument("--events", default="inventory-events")
    p.add_argument("--half-way", metavar="GROUP", help="check what the application with this id has done so far")
    p.add_argument("--every-update", action="store_true", help="each valid event must have emitted exactly one aggregate")
    o = p.parse_args()
    with open(o.expected) as f:
        want = json.loads(f.read().strip().splitlines()[-1])

    problems = []

    def check(what, found, expected):
        if found != expected:
            problems.append(f"{what}: {found}, expected {expected}")

    decode, last, home, outputs, backwards, gaps = Decoder(o.registry), {}, {}, 0, 0, 0
    for m in read(o.bootstrap, o.aggregates):
        outputs += 1
        key, a = m.key(), decode(m.value())
        step = a["eventCount"] - (last[key]["eventCount"] if key in last else 0)
        backwards += step <= 0
        gaps += step != 1
        check("partition of a key", m.partition(), home.setdefault(key, m.partition()))
        check("sku of a key", a["sku"], key.decode())
        last[key] = a
    events = sum(a["eventCount"] for a in last.values())
    if not o.half_way:
        check("keys", len(last), want["keys"])
        check("sum of eventCount", events, want["valid"])
        check("checksum", total(fnv1a(short(a).encode()) for a in last.values()), want["checksum"])
        check("full checksum", total(fnv1a(full(a).encode()) for a in last.values()), want["fullChecksum"])
    check("aggregates that contradict themselves", sum(not consistent(a) for a in last.values()), 0)
    check("updates whose eventCount does not rise", backwards, 0)
    if o.every_update:
        check("updates", outputs, events)
        check("updates that skip an event", gaps, 0)

    dlq, sources, hashes, bare = 0, set(), [], 0
    for m in read(o.bootstrap, o.dlq):
        dlq += 1
        headers = dict(m.headers() or [])
        bare += not all(headers.get(h) for h in HEADERS)
        sources.add(tuple(headers.get(h) for h in HEADERS[2:]))
        hashes.append(fnv1a(m.value() or b""))
    check("distinct sources of dead letters", len(sources), dlq)
    if o.half_way:
        check("events and dead letters", events + dlq, committed(o.bootstrap, o.half_way, o.events))
    else:
        check("dead letters", dlq, want["invalid"])
        check("checksum of dead letters", total(hashes), want["dlqChecksum"])
    check("dead letters without their headers", bare, 0)

    print("FAIL" if problems else "PASS", json.dumps({"outputs": outputs, "keys": len(last), "dlq": dlq, "problems": problems[:10]}))
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
