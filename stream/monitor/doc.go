// Package monitor shows what an application does over HTTP: whether it is alive
// and ready, its metrics for Prometheus, and its topology as text and as a picture.
//
//	requests := monitor.NewRegistryRequests()
//	registry := avro.NewRegistry(url, avro.Config{Observe: requests.Observe})
//	...
//	app, err := stream.NewApp(topo, config)
//	go http.ListenAndServe("localhost:9090", monitor.Handler(app, monitor.Registry(requests)))
//	err = app.Run(ctx)
//
// The handler starts no goroutine and holds nothing that must be closed. It has
// no authentication: topology and topic names are shown to whoever can connect.
//
// # Health
//
// /healthz says whether the process is worth keeping; /readyz whether it does its
// work now. Both answer 200 and "ok", or 503 and the reasons, a line each.
//
//	            healthz                                       readyz
//	created     ok                                            not ready
//	rebalancing ok, unless it lasts ten times the limit       not ready
//	restoring   ok, unless a worker is stuck                  not ready
//	running     ok, unless a worker is stuck                  ok, unless something is waited for
//	stopping    ok                                            not ready
//	stopped     ok                                            not ready
//	failed      not ok                                        not ready
//
// A worker is stuck when its loop has not turned for a minute (see [StuckAfter]);
// that happens when a function of the topology does not return. A broker or a
// schema registry that does not answer is waited for: the application is not
// ready, but healthy, because a restart would not help.
//
// # Metrics
//
// /metrics has these metrics in Prometheus' text format, named after those of
// Kafka Streams, and those of the Go runtime and the process. All of an
// application carry the label application_id. Counters begin at 0 with the App.
//
//	streamweir_state{state}                            1 for the state the App is in, 0 for the others
//	streamweir_waiting_seconds                         for how long something has been waited for; 0: nothing is
//	streamweir_rebalances_total                        rebalances the App took part in
//	streamweir_worker_progress_timestamp_seconds{worker}  Unix time at which the worker's loop last turned
//	streamweir_tasks{worker,state}                     tasks by what they do: running, restoring or waiting
//	streamweir_records_consumed_total                  input records processed, those processed again included
//	streamweir_records_produced_total{topic}           records written, changelogs and what was aborted included
//	streamweir_records_per_second{direction}           consumed and produced, over the last ten seconds or since the last scrape
//	streamweir_records_lag{topic,partition}            records between what is committed and the end of the partition;
//	                                                   absent until the first commit
//	streamweir_dropped_records_total                   records skipped by operators and by the error handler
//	streamweir_dead_letter_records_total               records sent to the dead letter topic
//	streamweir_process_latency_seconds                 histogram: turns of a task, of up to 1,000 records each
//	streamweir_commit_latency_seconds                  histogram: commits
//	streamweir_restore_remaining_records               changelog records still to be restored
//	streamweir_restored_records_total                  changelog records restored
//	streamweir_state_store_bytes{task}                 size of the task's stores, in memory and on disk, approximate
//	streamweir_schema_registry_latency_seconds{op}     histogram: requests to the schema registry, see [Registry]
//	streamweir_schema_registry_errors_total{op}        requests that failed
//
// # Topology
//
// /topology is the text of Describe, or the picture for a client that prefers one
// (a browser); ?format=text and ?format=svg choose. /topology.svg is the picture:
// sub-topologies are boxes, topics are rounded, stores are cylinders. It has no
// script and loads nothing.
package monitor
