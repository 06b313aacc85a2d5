package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/streamweir/streamweir/examples/inventory/client"
	"github.com/streamweir/streamweir/examples/inventory/config"
	"github.com/streamweir/streamweir/examples/inventory/inventory"
	"github.com/streamweir/streamweir/examples/inventory/simulator"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/serde/avro"
	"github.com/streamweir/streamweir/stream"
	"github.com/streamweir/streamweir/stream/embedded"
	"github.com/streamweir/streamweir/stream/monitor"
)

// A service is the application with all that it runs on.
type service struct {
	log        *slog.Logger
	where      string // what the page says of the cluster
	group      string
	cluster    *embedded.Cluster // nil with real brokers
	stateDir   string
	kafka      *client.Client
	registry   *avro.Registry
	requests   *monitor.RegistryRequests
	events     serde.Serde[*inventory.Event]
	aggregates serde.Serde[*inventory.Aggregate]
	progress   *progress
	app        *stream.App
}

// serve runs the application until ctx ends or it has done what it was told.
func serve(ctx context.Context, c config.Config, out io.Writer) error {
	if c.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.For)
		defer cancel()
	}
	if c.CPUProfile != "" {
		stop, err := profileTo(c.CPUProfile)
		if err != nil {
			return err
		}
		defer stop()
	}
	s := &service{log: slog.Default(), group: c.ApplicationID}
	err := s.open(c)
	if err == nil {
		err = s.run(ctx, c)
	}
	if s.app != nil {
		committed, whyNot := s.progress.committed()
		if c.JSON {
			line, jsonErr := json.Marshal(newReport(c, s.progress, err == nil && committed, s.app.Status().Restored))
			fmt.Fprintf(out, "%s\n", line)
			err = errors.Join(err, jsonErr)
		}
		if err == nil && c.UntilCaughtUp && !committed {
			err = errors.Join(errors.New("inventory: stopped before all of the input was committed"), whyNot)
		}
	}
	return s.close(err)
}

func (s *service) open(c config.Config) error {
	brokers, registry := c.Brokers, c.Registry
	s.where, s.stateDir = strings.Join(c.Brokers, ", "), c.StateDir
	if c.Embedded() {
		var err error
		if s.cluster, err = startEmbedded(c.StateDir, s.log); err != nil {
			return err
		}
		brokers, registry = s.cluster.Brokers(), s.cluster.RegistryURL()
		s.where = "embedded broker " + brokers[0]
		s.stateDir = filepath.Join(embeddedDir(c.StateDir), "state")
		s.log.Info("embedded", "broker", brokers[0], "registry", registry)
	}
	s.log.Info("state", "folder", s.stateDir)
	s.kafka = client.New(brokers)
	s.requests = monitor.NewRegistryRequests()
	s.registry = avro.NewRegistry(registry, avro.Config{Observe: s.requests.Observe})
	s.events = avro.Of[*inventory.Event](s.registry)
	s.aggregates = avro.Of[*inventory.Aggregate](s.registry)
	s.progress = newProgress(s.kafka, s.group)
	return s.newApp(c, brokers)
}

func (s *service) newApp(c config.Config, brokers []string) error {
	topo, err := inventory.Topology(s.events, s.aggregates, s.progress.processed)
	if err != nil {
		return err
	}
	guarantee, err := stream.ParseGuarantee(c.Guarantee)
	if err != nil {
		return usageError{err}
	}
	cache := c.CacheBytes
	if cache == 0 {
		cache = stream.NoCache
	}
	// Linger has no counterpart: records are sent when a batch is full and with
	// each commit.
	app, err := stream.NewApp(topo, stream.Config{
		ApplicationID: c.ApplicationID, Brokers: brokers, Guarantee: guarantee, Workers: c.Threads,
		CommitInterval: c.CommitInterval, CacheMaxBytes: cache, StateDir: s.stateDir, BatchBytes: c.BatchSize, Log: s.log,
	})
	if err != nil {
		return usageError{err}
	}
	app.OnState(func(now stream.State) {
		switch now {
		case stream.Restoring:
			s.progress.restoring()
		case stream.Running:
			s.progress.ran(processAge())
			s.progress.restorationOver()
		}
	})
	s.app = app
	return nil
}

// run runs the application and what belongs to it; all has ended when it returns.
func (s *service) run(ctx context.Context, c config.Config) error {
	if c.HTTP != "" && (!c.UntilCaughtUp || c.Given("http")) {
		p, err := startPage(c, s)
		if err != nil {
			return err
		}
		defer p.close()
		s.log.Info("live page", "url", "http://"+p.addr.String())
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var beside sync.WaitGroup
	defer beside.Wait()
	defer stop() // before the wait
	if s.cluster != nil && c.Rate > 0 && (!c.UntilCaughtUp || c.Given("rate")) {
		beside.Go(func() {
			if err := s.simulate(ctx, c.Rate); err != nil {
				s.log.Error("simulator", "error", err)
			}
		})
	}
	beside.Go(func() {
		s.progress.awaitCaughtUp(ctx)
		if c.UntilCaughtUp {
			stop()
		}
	})
	err := s.app.Run(ctx)
	s.progress.close()
	return err
}

const seed = 1

// simulate sends events as long as the application runs. They go on from the stock
// that is there.
func (s *service) simulate(ctx context.Context, rate float64) error {
	sim := simulator.New(seed)
	codec, err := s.aggregates.Bind(inventory.AggregatesTopic, serde.Value)
	if err != nil {
		return err
	}
	enough, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	err = s.kafka.Read(enough, inventory.AggregatesTopic, func(m *client.Message) error {
		if a, err := codec.Decode(m.Value); err == nil {
			sim.Stock(a)
		}
		return nil
	})
	if err != nil {
		return err
	}
	p, err := s.kafka.NewProducer(func(_ int, err error) { s.log.Warn("simulator", "error", err) })
	if err != nil {
		return err
	}
	defer p.Close()
	return sim.Run(ctx, rate, s.events, func(key, value []byte) error { return p.Send(ctx, 0, key, value) })
}

// close releases everything, and returns err with what went wrong on the way.
func (s *service) close(err error) error {
	errs := []error{err}
	if s.kafka != nil {
		errs = append(errs, s.kafka.Close())
	}
	if s.registry != nil {
		s.registry.Close()
	}
	if s.cluster != nil {
		errs = append(errs, s.cluster.Close())
	}
	return errors.Join(errs...)
}
