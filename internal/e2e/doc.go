// Package e2e has the end-to-end tests: examples/inventory as a process of its
// own on a real Kafka with a real schema registry, killed, doubled, and taking
// turns with the JVM application, its output checked by a verifier that shares no
// code with it (internal/bench/peer). `make integration` runs them; without
// KAFKA_BROKERS and SCHEMA_REGISTRY_URL in the environment they are skipped.
//
// E2E_RECORDS (200000), E2E_SKUS (5000) and E2E_KILLS (10) are the size.
// E2E_APPLICATION=jvm runs the JVM application in the place of ours where the
// test can hold for it: it shows that a test is right, and what the original
// does.
package e2e
