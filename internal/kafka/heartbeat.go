package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/IBM/sarama"
)

// beat starts the heartbeats of the current generation; halt waits for them.
func (g *Group) beat() {
	ctx, stop := context.WithCancel(context.Background())
	g.stop = stop
	h := heart{g: g, request: sarama.HeartbeatRequest{Version: heartbeatVersion, GroupId: g.cfg.ID, GenerationId: g.gen.Load(), MemberId: g.memberID, GroupInstanceId: g.instance()}}
	g.beats.Go(func() { h.beat(ctx) })
}

func (g *Group) halt() {
	if g.stop != nil {
		g.stop()
		g.stop = nil
		g.beats.Wait()
	}
}

// heart sends the heartbeats of one generation.
type heart struct {
	g       *Group
	request sarama.HeartbeatRequest
}

// beat keeps the membership. When the group wants a rebalance it says so and goes
// on: until the member joins again, which may take it a while, it must not be
// taken for dead. A coordinator that does not answer is asked again; after a
// session timeout without an answer the membership is taken for lost, as the
// coordinator will.
func (h *heart) beat(ctx context.Context) {
	g := h.g
	ticker := time.NewTicker(g.cfg.HeartbeatInterval)
	defer ticker.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-g.check:
		}
		sent := time.Now()
		err := h.send(ctx, last.Add(g.cfg.SessionTimeout))
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			last = sent
		case errors.Is(err, sarama.ErrRebalanceInProgress):
			last = sent
			poke(g.rebalance)
		default:
			g.c.cfg.Log.Warn("group membership lost", "group", g.cfg.ID, "error", err)
			if errors.Is(err, ErrInstanceFenced) {
				g.fence(err)
			}
			g.lost.Store(true)
			poke(g.rebalance)
			return
		}
	}
}

// send sends one heartbeat, over and over until it is answered or the deadline has
// passed. A connection that is half open costs an attempt, not the membership.
func (h *heart) send(ctx context.Context, deadline time.Time) error {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	for {
		err := h.attempt(ctx)
		if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		h.g.c.forgetCoordinator(coordinator{sarama.CoordinatorGroup, h.g.cfg.ID})
	}
}

func (h *heart) attempt(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, min(h.g.c.cfg.Timeout, h.g.cfg.SessionTimeout/3))
	defer cancel()
	return h.g.coordinated(ctx, "heartbeat of group "+h.g.cfg.ID, func(b *sarama.Broker) (sarama.KError, error) {
		r, err := b.Heartbeat(&h.request)
		if err != nil {
			return 0, err
		}
		return r.Err, nil
	})
}
