package runtime

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/streamweir/streamweir/internal/kafka"
	"github.com/streamweir/streamweir/internal/record"
)

// restoring is a changelog partition on its way to its end.
type restoring struct {
	store  string
	next   int64 // offset of the first record that is not yet in the store
	end    int64 // the high watermark when the task was taken over
	source bool  // it is an input; end is how far it is committed
}

// begin finds out what each store of the tasks has to read of its changelog. The
// end is the high watermark: the last stable offset would miss what is committed
// behind a transaction that is still open (KAFKA-10167). An input that serves as a
// changelog goes on behind the committed offset; what comes there is processed.
func (w *worker) begin(ctx context.Context, tasks []*running) error {
	var logs, fresh, inputs []record.Partition
	behind := map[record.Partition]int64{}
	for _, t := range tasks {
		for _, s := range t.sub.Stores {
			if !w.r.topics.Logged(s) && s.SourceTopic == "" {
				continue
			}
			p := record.Partition{Topic: w.r.topics.Changelog(s), ID: t.id.Partition}
			source := s.SourceTopic != ""
			if source {
				if !slices.Contains(t.inputs, p) {
					continue // the task has more partitions than this topic
				}
				inputs = append(inputs, p)
			}
			next, ok := t.set.Offset(s.Builder.Name())
			if !ok {
				fresh = append(fresh, p)
			}
			t.restores[p] = &restoring{store: s.Builder.Name(), next: next, source: source}
			logs = append(logs, p)
		}
	}
	ends, err := w.r.client.Offsets(ctx, logs, kafka.Latest)
	if err != nil {
		return err
	}
	starts, err := w.r.client.Offsets(ctx, fresh, kafka.Earliest)
	if err != nil {
		return err
	}
	committed, err := w.r.client.Committed(ctx, w.r.cfg.ApplicationID, inputs)
	if err != nil {
		return err
	}
	for _, t := range tasks {
		for p, r := range t.restores {
			r.end = ends[p]
			r.next = max(r.next, starts[p])
			if r.source && r.next <= r.end {
				// Without a committed offset nothing of the input is in the state. One that
				// was set back makes the task process again what the store has already.
				r.end = min(r.end, max(committed[p].Next, r.next))
			}
			if r.next > r.end {
				if err := w.rebuild(ctx, t, p, r, fmt.Sprintf("it stands at offset %d, behind the changelog's end %d", r.next, r.end)); err != nil {
					return err
				}
			}
			if r.next < r.end {
				w.logs[p], behind[p] = t, r.next
				w.r.status.restoring.Add(r.end - r.next)
			}
		}
	}
	w.restorer.Set(behind)
	return nil
}

// rebuild discards what a store has, because the changelog does not go on from it,
// and restores it from the changelog's beginning to the end it has now.
func (w *worker) rebuild(ctx context.Context, t *running, p record.Partition, r *restoring, why string) error {
	w.log.Warn("store does not fit its changelog and is rebuilt from the beginning", "task", t.id.String(), "store", r.store,
		"changelog", p.Topic, "partition", p.ID, "reason", why)
	if err := t.set.Wipe(r.store); err != nil {
		return err
	}
	ends, err := w.r.client.Offsets(ctx, []record.Partition{p}, kafka.Latest)
	if err != nil {
		return err
	}
	starts, err := w.r.client.Offsets(ctx, []record.Partition{p}, kafka.Earliest)
	if err != nil {
		return err
	}
	r.next, r.end = starts[p], ends[p]
	if r.source {
		committed, err := w.r.client.Committed(ctx, w.r.cfg.ApplicationID, []record.Partition{p})
		if err != nil {
			return err
		}
		r.end = max(min(r.end, committed[p].Next), r.next)
	}
	return nil
}

// restore puts changelog records into their stores.
func (w *worker) restore(f kafka.Fetched) error {
	for _, b := range f.Batches {
		t := w.logs[b.Partition]
		if t == nil {
			continue
		}
		r := t.restores[b.Partition]
		if r.source {
			b = upTo(b, r.end)
		}
		if err := t.set.Restore(r.store, b.Records, b.Next); err != nil {
			return fmt.Errorf("runtime: task %s: restoring from %s-%d: %w", t.id, b.Partition.Topic, b.Partition.ID, err)
		}
		w.r.status.restored.Add(int64(len(b.Records)))
		w.r.status.restoring.Add(r.next - min(b.Next, r.end))
		r.next = b.Next
		w.restored(b.Partition, r)
	}
	for _, e := range f.Errors {
		t := w.logs[e.Partition]
		if t == nil {
			continue
		}
		r := t.restores[e.Partition]
		if !e.OutOfRange {
			return &e
		}
		left := r.end - r.next
		if err := w.rebuild(w.until, t, e.Partition, r, e.Error()); w.over(err) {
			return nil
		} else if err != nil {
			return err
		}
		w.r.status.restoring.Add(max(r.end-r.next, 0) - left)
		if !w.restored(e.Partition, r) {
			w.restorer.Set(map[record.Partition]int64{e.Partition: r.next})
		}
	}
	return nil
}

// upTo leaves out of a batch what is at an offset and behind it.
func upTo(b kafka.Batch, end int64) kafka.Batch {
	if n := len(b.Records); n > 0 && b.Records[n-1].Offset >= end {
		at, _ := slices.BinarySearchFunc(b.Records, end, func(r record.Record, end int64) int { return cmp.Compare(r.Offset, end) })
		b.Records = b.Records[:at]
	}
	b.Next = min(b.Next, end)
	return b
}

// restored takes notice of a store that is complete.
func (w *worker) restored(p record.Partition, r *restoring) bool {
	if r.next < r.end {
		return false
	}
	delete(w.logs, p)
	w.restorer.Remove(p)
	return true
}

// standing are the changelog positions that the stores have reached.
func (t *running) standing() map[string]int64 {
	m := map[string]int64{}
	for _, r := range t.restores {
		m[r.store] = max(r.next, r.end)
	}
	return m
}

func (w *worker) behind(t *running) bool {
	for p := range t.restores {
		if w.logs[p] == t {
			return true
		}
	}
	return false
}
