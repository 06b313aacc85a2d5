#!/usr/bin/env bash
# Runs the JVM Kafka Streams peer against a broker and a registry; see README.md.
# usage: run.sh load                 fill inventory-events (replaces what is there)
#        run.sh run [APP FLAGS]      run the application over it, print its JSON, verify
#        run.sh restore [APP FLAGS]  the same, then wipe the state, start again and print the JSON of the restoration
#        run.sh crash [APP FLAGS]    kill -9 after KILL_AFTER seconds (15), wipe the state, run to the end, verify
#        run.sh verify [FLAGS]       verify the output topics of whichever application filled them
#        run.sh all [APP FLAGS]      load, run
#        run.sh topics TOPIC...      recreate topics empty; TOPIC* deletes those with the prefix
#        run.sh fill                 as load, into topics that are there
#        run.sh app [APP FLAGS]      the application and nothing else, in place of this process
#        run.sh build                compile
# Environment: RECORDS (2000000), SKUS (50000), PARTITIONS (4), INVALID_PERMILLE (5), SEED (42), JAVA_OPTS (-Xmx1g -XX:+UseParallelGC),
#              PEER_HOME (default streamweir-peer in the user's cache folder), KAFKA_BROKERS and SCHEMA_REGISTRY_URL
#              (default: those of the lab, which is started), and the lab's own.
set -euo pipefail
mode=${1:-}
case $mode in load | run | restore | crash | verify | all | topics | fill | app | build) shift ;; *) sed -n 2,16p "$0"; exit 2 ;; esac
here=$(cd "$(dirname "$0")" && pwd)
lab=$here/../../lab/lab
PEER_HOME=${PEER_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/streamweir-peer}
PARTITIONS=${PARTITIONS:-4}
if [ -z "${KAFKA_BROKERS:-}" ] || [ -z "${SCHEMA_REGISTRY_URL:-}" ]; then
  up=$("$lab" up registry)
  eval "$up"
fi
export KAFKA_BROKERS SCHEMA_REGISTRY_URL
run=$PEER_HOME/run-${KAFKA_BROKERS##*:}
jar=$PEER_HOME/target/inventory-peer.jar
id=inventory-peer-$(date +%s)
java=(java ${JAVA_OPTS:--Xmx1g -XX:+UseParallelGC} -cp "$jar:$PEER_HOME/target/lib/*")
app=("${java[@]}" com.inventory.peer.InventoryApp --until-caught-up --application-id "$id" --state-dir "$run/state")

build() {
  mkdir -p "$run"
  exec 9>"$PEER_HOME/build.lock"
  flock 9
  if [ ! -e "$jar" ] || [ -n "$(find "$here/pom.xml" "$here/src" "$here/schemas" -newer "$jar" -type f -print -quit)" ]; then
    rm -rf "$PEER_HOME/target"
    mvn -q -B -Dstyle.color=never -f "$here/pom.xml" -Dpeer.home="$PEER_HOME" package >&2
  fi
  exec 9>&-
}
topics() { "$lab" python "$here/topics.py" "$KAFKA_BROKERS" "$PARTITIONS" "$@"; }
fill() {
  "${java[@]}" com.inventory.peer.Loader --records "${RECORDS:-2000000}" --skus "${SKUS:-50000}" --partitions "$PARTITIONS" \
    --invalid-permille "${INVALID_PERMILLE:-5}" --seed "${SEED:-42}" | tee "$run/expected.json"
}
load() {
  topics inventory-events inventory-aggregates inventory-events-dlq
  fill
}
fresh() {
  topics inventory-aggregates inventory-events-dlq 'inventory-peer-*'
  rm -rf "$run/state"
}
verify() { "$lab" python "$here/verify.py" --expected "$run/expected.json" "$@"; }
once() {
  fresh
  "${app[@]}" "$@"
  case " $* " in *" --cache-bytes 0 "*) verify --every-update ;; *) verify ;; esac
}
crash() {
  app+=(--set session.timeout.ms=6000 --set heartbeat.interval.ms=2000 "$@") # the dead member holds the group up that long
  fresh
  "${app[@]}" >/dev/null &
  sleep "${KILL_AFTER:-15}"
  kill -9 $!
  wait $! || true
  rm -rf "$run/state"
  "${app[@]}"
  verify
}

build
case $mode in
load) load ;;
run) once "$@" ;;
restore) once "$@"; rm -rf "$run/state"; "${app[@]}" "$@" ;;
crash) crash "$@" ;;
verify) verify "$@" ;;
all) load; once "$@" ;;
topics) topics "$@" ;;
fill) fill ;;
app) exec "${java[@]}" com.inventory.peer.InventoryApp "$@" ;;
build) ;;
esac
