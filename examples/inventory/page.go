package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/streamweir/streamweir/examples/inventory/client"
	"github.com/streamweir/streamweir/examples/inventory/config"
	"github.com/streamweir/streamweir/examples/inventory/inventory"
	"github.com/streamweir/streamweir/examples/inventory/web"
	"github.com/streamweir/streamweir/serde"
	"github.com/streamweir/streamweir/stream/monitor"
)

// A page is the live page: a view fed by what the application has committed, and
// the server in front of it.
type page struct {
	view   *web.View
	server *http.Server
	addr   net.Addr
	done   chan struct{} // ends the streams
	wait   sync.WaitGroup
	stop   context.CancelFunc
}

func startPage(c config.Config, s *service) (*page, error) {
	l, err := net.Listen("tcp", c.HTTP)
	if err != nil && !c.Given("http") {
		l, err = net.Listen("tcp", freeOr(c.HTTP, s.log))
	}
	if err != nil {
		return nil, fmt.Errorf("inventory: page: %w", err)
	}
	p := &page{view: web.NewView(), addr: l.Addr(), done: make(chan struct{})}
	handler, err := web.Handler(p.view, monitor.Handler(s.app, monitor.Registry(s.requests)), p.done, s.log)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	p.server = &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	// close waits for all of them.
	p.wait.Go(func() {
		if err := p.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("page", "error", err)
		}
	})
	p.wait.Go(func() { p.follow(ctx, s, inventory.AggregatesTopic, s.aggregates, p.aggregate(s.log)) })
	p.wait.Go(func() { p.follow(ctx, s, inventory.DLQTopic, s.aggregates, p.letter) })
	p.wait.Go(func() { p.sample(ctx, c, s) })
	return p, nil
}

// close ends the page. Pages that are open see that it is gone.
func (p *page) close() {
	p.stop()
	close(p.done)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := p.server.Shutdown(ctx); err != nil {
		_ = p.server.Close()
	}
	p.wait.Wait()
}

type take func(codec serde.Codec[*inventory.Aggregate], m *client.Message) error

// follow feeds the view from a topic. The topic, or the registry, may not be there
// yet.
func (p *page) follow(ctx context.Context, s *service, topic string, aggregates serde.Serde[*inventory.Aggregate], f take) {
	codec, err := aggregates.Bind(topic, serde.Value)
	if err != nil {
		s.log.Error("page", "error", err)
		return
	}
	for ctx.Err() == nil {
		err := s.kafka.Follow(ctx, topic, true, func(m *client.Message) error {
			for {
				err := f(codec, m)
				if !errors.Is(err, serde.ErrRetriable) || !pause(ctx, time.Second) {
					return err
				}
			}
		})
		if err != nil {
			s.log.Debug("page: trying again", "topic", topic, "error", err)
			pause(ctx, time.Second)
		}
	}
}

// pause waits, or tells that ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func (p *page) aggregate(log *slog.Logger) take {
	return func(codec serde.Codec[*inventory.Aggregate], m *client.Message) error {
		if m.Value == nil {
			p.view.Aggregate(string(m.Key), nil)
			return nil
		}
		a, err := codec.Decode(m.Value)
		if errors.Is(err, serde.ErrRetriable) {
			return err
		}
		if err != nil {
			log.Warn("page: not an aggregate", "partition", m.Partition, "offset", m.Offset, "error", err)
			return nil
		}
		p.view.Aggregate(string(m.Key), a)
		return nil
	}
}

func (p *page) letter(_ serde.Codec[*inventory.Aggregate], m *client.Message) error {
	p.view.DeadLetter(web.Letter{
		Key: string(m.Key), Type: m.Last(inventory.HeaderType), Message: m.Last(inventory.HeaderMessage),
		Partition: m.Last(inventory.HeaderPartition), Offset: m.Last(inventory.HeaderOffset), Time: m.Timestamp,
	})
	return nil
}

// sample tells the view once a second how the application is.
func (p *page) sample(ctx context.Context, c config.Config, s *service) {
	for {
		p.view.Sample(time.Now(), appOf(c, s), s.progress.count(), s.lag())
		if !pause(ctx, time.Second) {
			return
		}
	}
}

func appOf(c config.Config, s *service) web.App {
	status := s.app.Status()
	a := web.App{ID: c.ApplicationID, State: status.State.String(), Guarantee: c.Guarantee, Cluster: s.where, Threads: c.Threads}
	if status.Waiting != nil {
		a.Waiting = "Waiting: " + status.Waiting.Error()
	}
	return a
}

// lag is the number of input records that are not committed. Where the application
// has not committed anything yet, the group's offset tells.
func (s *service) lag() int64 {
	ends, err := s.kafka.Ends(inventory.EventsTopic)
	if err != nil {
		return 0
	}
	offsets, err := s.kafka.Committed(s.group, inventory.EventsTopic, len(ends))
	if err != nil {
		return 0
	}
	var lag int64
	for i, end := range ends {
		lag += max(end-max(offsets[i], 0), 0)
	}
	return lag
}
