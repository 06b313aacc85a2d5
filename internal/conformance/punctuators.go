package conformance

import (
	"context"
	"fmt"
	"time"

	"github.com/streamweir/streamweir/topology"
)

// counter counts keys in its store, forwards nothing, and forwards the whole store
// at each punctuation.
func counter(by topology.Punctuation) procFunc {
	return func(pc procContext, name, arg string) (func(rec) error, error) {
		s, err := topology.Store[kvStore](pc, name)
		if err != nil {
			return nil, err
		}
		_, err = pc.Schedule(time.Duration(atoi(arg))*time.Millisecond, by, func(_ context.Context, now int64) error {
			it := s.All()
			var all []rec
			for it.Next() {
				all = append(all, rec{Key: it.Key(), Value: fmt.Sprintf("%s@%d", text(it.Value()), now), Timestamp: now})
			}
			if err := it.Close(); err != nil {
				return err
			}
			for _, r := range all {
				if err := pc.Forward(r); err != nil {
					return err
				}
			}
			return nil
		})
		return func(r rec) error {
			if r.Key == nil {
				return nil
			}
			_, err := increment(s, r.Key)
			return err
		}, err
	}
}

// ticker forwards its records, and a tick at each punctuation; limit is the number
// of ticks, 0 for no end.
func ticker(by topology.Punctuation, limit int) procFunc {
	return func(pc procContext, _, arg string) (func(rec) error, error) {
		var cancel func()
		fired := 0
		cancel, err := pc.Schedule(time.Duration(atoi(arg))*time.Millisecond, by, func(_ context.Context, now int64) error {
			err := pc.Forward(rec{Key: "tick", Value: fmt.Sprintf("%d/%s", now, meta(pc.RecordMetadata())), Timestamp: now})
			if fired++; fired == limit {
				cancel()
			}
			return err
		})
		return pc.Forward, err
	}
}
