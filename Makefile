# The targets of development and CI; .ci/run runs the same ones.
SHELL := /bin/bash

# Ports apart from the usual ones, so that the lab does not get in the way of another Kafka on the machine.
export LAB_PORT ?= 29092
export LAB_REGISTRY_PORT ?= 28081

LAB := internal/lab/lab
# How large the runs are: RECORDS and SKUS of the benchmark, E2E_RECORDS and E2E_KILLS of the end-to-end tests.
RECORDS ?= 1000000
SKUS ?= 50000
ROUNDS ?= 2
SEEDS ?= 1000
SEED ?= 1

.PHONY: check fmt vet staticcheck order test conformance sim race integration bench-peer pgo bench bench-avro lab-up lab-down

check: fmt vet staticcheck order test

fmt:
	@files=$$(gofmt -l .); if [ -n "$$files" ]; then echo "not gofmt-ed:"; echo "$$files"; exit 1; fi

vet:
	go vet ./...

staticcheck:
	go tool staticcheck ./...

# Which package may import which, and whose types show: DESIGN.md.
order:
	go test -count=1 ./internal/importorder

test:
	go test ./...

# What Kafka Streams did, scenario by scenario; the last line counts. SCENARIOS is any other folder of them.
conformance:
	go test -count=1 -v ./internal/conformance $(if $(SCENARIOS),-scenarios $(SCENARIOS))

# Random programs, run in many ways that must give the same; SEED is the first one's.
sim:
	go test -count=1 ./internal/sim -seeds $(SEEDS) -seed $(SEED)

# Everything that has goroutines or is used by several; the generators and pure functions elsewhere have none.
race:
	go test -race ./stream/... ./store/... ./serde/... ./internal/kafka/... ./internal/runtime/... ./internal/state/... ./internal/task/...

# The tests that ask for a real broker and registry, one package at a time, the end-to-end tests last.
integration:
	$(LAB) run $(MAKE) --no-print-directory integration-tests e2e-tests

.PHONY: integration-tests e2e-tests
integration-tests:
	@dirs=$$(grep -rl --include='*_test.go' KAFKA_BROKERS . | xargs -rn 1 dirname | sort -u | grep -v internal/e2e); \
	if [ -n "$$dirs" ]; then go test -count=1 -p 1 -timeout 10m $$dirs; fi

e2e-tests:
	go test -count=1 -v -timeout 15m ./internal/e2e

# The JVM application and ours over the same input, verified, in a table.
bench-peer:
	$(LAB) run go run ./internal/bench/compare -records $(RECORDS) -skus $(SKUS) -rounds $(ROUNDS)

# The profile that the inventory example is built with.
pgo:
	$(LAB) run go run ./internal/bench/pgo -records $(RECORDS) -skus $(SKUS) -o examples/inventory/default.pgo

# What operators cost on a task without a broker, with few keys and many, and in an App over the embedded broker.
bench:
	go test -run '^$$' -bench BenchmarkTask -benchtime 200000x -benchmem -timeout 30m ./internal/bench/operators
	go test -run '^$$' -bench BenchmarkApp -benchtime 100000x -benchmem ./internal/bench/operators

# Avro codecs beside each other: ours, goavro, hamba/avro, twmb/avro.
bench-avro:
	GOGC=400 go test -count=1 -run TestTable -v ./internal/bench/avro -table

lab-up:
	$(LAB) up registry

lab-down:
	$(LAB) down
