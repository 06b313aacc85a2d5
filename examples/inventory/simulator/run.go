package simulator

import (
	"context"
	"errors"
	"time"

	"github.com/streamweir/streamweir/examples/inventory/inventory"
	"github.com/streamweir/streamweir/serde"
)

// burst is the number of records sent at once at most, after a pause of the
// process too.
const burst = 1000

// Run sends records at a rate a second until ctx is cancelled or send fails. A
// registry that does not answer makes it wait.
func (s *Simulator) Run(ctx context.Context, rate float64, events serde.Serde[*inventory.Event], send func(key, value []byte) error) error {
	codec, err := events.Bind(inventory.EventsTopic, serde.Value)
	if err != nil {
		return err
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	due, before := 0.0, time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := time.Now()
		due = min(due+rate*now.Sub(before).Seconds(), burst)
		before = now
		for ; due >= 1; due-- {
			key, value, err := s.Record(now, codec)
			if errors.Is(err, serde.ErrRetriable) {
				break
			}
			if err != nil {
				return err
			}
			if err := send(key, value); err != nil {
				if ctx.Err() != nil {
					return nil
				}
				return err
			}
		}
	}
}
