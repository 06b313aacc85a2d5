package conformance

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream/streamtest"
	"github.com/streamweir/streamweir/topology"
)

// result is what became of a scenario, laid out like a golden.
type result struct {
	Describe    string              `json:"describe,omitempty"`
	Topics      []topic             `json:"topics,omitempty"`
	Copartition [][]string          `json:"copartition,omitempty"`
	Branches    map[string][]string `json:"branches,omitempty"`
	Queryable   map[string]any      `json:"queryableStoreNames,omitempty"`
	Output      []produced          `json:"output"`
	Internal    []produced          `json:"internal"`
	Calls       []produced          `json:"calls,omitempty"`
	Dropped     [][2]int64          `json:"dropped,omitempty"`
	Checks      map[string]contents `json:"checks,omitempty"`
	Stores      contents            `json:"stores,omitempty"`
	Error       *failure            `json:"error,omitempty"`
}

// contents are stores by their names.
type contents map[string]*content

// failure is where a scenario ended early.
type failure struct {
	Phase string `json:"phase"`
	I     *int   `json:"i,omitempty"`
	err   error
}

// Run runs a scenario and returns what came of it, in the layout of a golden file.
// A scenario that needs what the library does not have is an error; one whose
// topology or input fails is not.
func Run(s *Scenario) ([]byte, error) {
	r := &runner{scenario: s, rec: &recorder{input: -1}, result: &result{Output: []produced{}, Internal: []produced{}}}
	if err := r.run(); err != nil {
		return nil, err
	}
	return json.Marshal(r.result)
}

type runner struct {
	scenario *Scenario
	rec      *recorder
	builder  *builder
	driver   *streamtest.Driver
	dropped  int64
	*result
}

func (r *runner) run() error {
	cfg, err := r.config()
	if err != nil {
		return err
	}
	r.builder = newBuilder(r.scenario, r.rec)
	if r.builder.options, err = r.buildOptions(); err != nil {
		return r.end("build", err)
	}
	t, err := r.builder.build()
	r.Queryable = r.builder.queryable
	if err != nil {
		return r.end("build", err)
	}
	r.rec.sinks = r.builder.sinks
	r.Describe = t.Describe()
	r.Branches = branches(t, r.builder.splits)
	if r.driver, err = streamtest.NewDriver(t, cfg); err != nil {
		return r.end("start", err)
	}
	r.Topics, r.Copartition = internalTopics(t, cmp.Or(cfg.InternalTopicPrefix, cfg.ApplicationID))
	err = r.drive(t)
	r.Output, r.Internal, r.Calls = r.rec.output, r.rec.internal, r.rec.calls
	if closing := r.driver.Close(); closing != nil && r.Error == nil && err == nil {
		return r.end("close", closing)
	}
	return errors.Join(err, r.rec.err)
}

// end remembers why a scenario ended; what the library lacks ends the run.
func (r *runner) end(phase string, err error) error {
	var lacks missing
	if errors.As(err, &lacks) {
		return lacks
	}
	r.Error = &failure{Phase: phase, err: err}
	if r.rec.input >= 0 {
		i := r.rec.input
		r.Error.I = &i
	}
	return nil
}

func (r *runner) drive(t *topology.Topology) error {
	stores := storeNames(t)
	for i, in := range r.scenario.Input {
		r.rec.begin(i)
		var err error
		switch {
		case in.Advance != nil:
			err = r.driver.Advance(time.Duration(*in.Advance) * time.Millisecond)
		case in.CheckStores:
			var c contents
			if c, err = r.contents(stores); err == nil {
				if r.Checks == nil {
					r.Checks = map[string]contents{}
				}
				r.Checks[strconv.Itoa(i)] = c
			}
		default:
			err = r.pipe(in)
		}
		r.countDropped()
		if err != nil {
			return r.end("input", err)
		}
	}
	r.rec.begin(len(r.scenario.Input))
	var err error
	if r.Stores, err = r.contents(stores); err != nil {
		return r.end("stores", err)
	}
	return nil
}

func (r *runner) pipe(in input) error {
	rec := topology.Record[[]byte, []byte]{Key: in.Key, Value: in.Value, Timestamp: in.Timestamp}
	for _, h := range in.Headers {
		var v []byte
		if h[1] != nil {
			v = []byte(*h[1])
		}
		rec.Headers = rec.Headers.With(*h[0], v)
	}
	return streamtest.NewInput(r.driver, in.Topic, serde.Bytes(), serde.Bytes()).PipeRecord(rec)
}

// countDropped notes the records that were dropped since it was last called.
func (r *runner) countDropped() {
	if n := r.driver.Dropped(); n > r.dropped {
		r.Dropped = append(r.Dropped, [2]int64{int64(r.rec.input), n - r.dropped})
		r.dropped = n
	}
}

func (r *runner) contents(names []string) (contents, error) {
	c := contents{}
	for _, name := range names {
		one, err := r.dumpVersions(name)
		if err == nil && one == nil {
			one, err = dump(r.driver, name)
		}
		if err != nil {
			return nil, err
		}
		if one != nil {
			c[name] = one
		}
	}
	return c, nil
}

// config is the driver's configuration of a scenario's properties.
func (r *runner) config() (streamtest.Config, error) {
	_, listed := divergences[r.scenario.Name]
	cfg := streamtest.Config{ApplicationID: "app", Produced: r.rec.produced, Exact: !listed}
	skip := map[topology.Phase]bool{}
	for _, name := range slices.Sorted(maps.Keys(r.scenario.Config)) {
		v := fmt.Sprint(r.scenario.Config[name])
		n, notNumber := strconv.ParseInt(v, 10, 64)
		switch name {
		case "application.id":
			cfg.ApplicationID = v
		case "__internal.override.topic.prefix__":
			cfg.InternalTopicPrefix = v
		case "statestore.cache.max.bytes":
			cfg.CacheMaxBytes = n
		case "__emit.interval.ms.kstreams.windowed.aggregation__", "__emit.interval.ms.kstreams.outer.join.spurious.results.fix__":
			cfg.EmitInterval = time.Duration(n) * time.Millisecond
		case "max.task.idle.ms":
			cfg.MaxTaskIdle = time.Duration(n) * time.Millisecond
		case "default.deserialization.exception.handler", "deserialization.exception.handler":
			skip[topology.Deserialization] = strings.HasSuffix(v, ":continue")
			continue
		case "processing.exception.handler":
			skip[topology.Processing] = strings.HasSuffix(v, ":continue")
			continue
		case "processing.guarantee":
			continue // nothing that a test driver shows depends on it
		case "topology.optimization", "ensure.explicit.internal.resource.naming", "dsl.store.format", storeSuppliers, processFix:
			continue // see buildOptions
		default:
			return cfg, missing("config " + name)
		}
		if name != "application.id" && name != "__internal.override.topic.prefix__" && notNumber != nil {
			return cfg, fmt.Errorf("conformance: config %s is %q", name, v)
		}
	}
	if r.scenario.TopologyConfig && !namesOnly(r.scenario.Config) {
		return cfg, missing("a topology with a config")
	}
	cfg.ErrorHandler = skipIn(skip)
	return cfg, nil
}
