package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/IBM/sarama"

	"github.com/streamweir/streamweir/internal/record"
)

// Partitions returns the number of partitions of topics. One that does not exist
// is missing from the result; so may be, for a moment, one that was just created.
func (c *Client) Partitions(ctx context.Context, topics []string) (map[string]int32, error) {
	counts := map[string]int32{}
	if len(topics) == 0 {
		return counts, nil
	}
	err := c.retry(ctx, "metadata of topics", func(ctx context.Context) error {
		r, err := c.metadata(ctx, topics)
		if err != nil {
			return err
		}
		for _, t := range r.Topics {
			switch t.Err {
			case sarama.ErrNoError, sarama.ErrLeaderNotAvailable:
				counts[t.Name] = int32(len(t.Partitions))
			case sarama.ErrUnknownTopicOrPartition:
			default:
				return fmt.Errorf("topic %q: %w", t.Name, t.Err)
			}
		}
		return nil
	})
	return counts, err
}

// Topics returns the names of all topics but the cluster's own.
func (c *Client) Topics(ctx context.Context) ([]string, error) {
	var names []string
	err := c.retry(ctx, "names of topics", func(ctx context.Context) error {
		r, err := c.metadata(ctx, nil)
		if err != nil {
			return err
		}
		names = names[:0]
		for _, t := range r.Topics {
			if t.Err == sarama.ErrNoError && !t.IsInternal {
				names = append(names, t.Name)
			}
		}
		return nil
	})
	return names, err
}

// TopicSpec is a topic to be created.
type TopicSpec struct {
	Name        string
	Partitions  int32
	Replication int16 // -1: the broker's default
	Configs     map[string]string
}

// CreateTopics creates topics and waits until all their partitions have leaders.
// One that exists is left as it is, also if its partitions or configuration differ.
func (c *Client) CreateTopics(ctx context.Context, specs []TopicSpec) error {
	if len(specs) == 0 {
		return nil
	}
	req := &sarama.CreateTopicsRequest{Version: createVersion, Timeout: c.cfg.Timeout, TopicDetails: map[string]*sarama.TopicDetail{}}
	var names []string
	for _, s := range specs {
		d := &sarama.TopicDetail{NumPartitions: s.Partitions, ReplicationFactor: s.Replication, ConfigEntries: map[string]*string{}}
		for k, v := range s.Configs {
			d.ConfigEntries[k] = &v
		}
		req.TopicDetails[s.Name] = d
		names = append(names, s.Name)
	}
	err := c.retry(ctx, "creating topics", func(ctx context.Context) error {
		r, err := c.metadata(ctx, names)
		if err != nil {
			return err
		}
		c.mu.Lock()
		controller, ok := c.brokers[r.ControllerID]
		c.mu.Unlock()
		if !ok {
			return sarama.ErrNotController
		}
		return c.admin.do(ctx, controller, func(b *sarama.Broker) error {
			r, err := b.CreateTopics(req)
			if err != nil {
				return err
			}
			for name, e := range r.TopicErrors {
				if e.Err != sarama.ErrNoError && e.Err != sarama.ErrTopicAlreadyExists {
					return fmt.Errorf("topic %q: %w", name, e)
				}
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	return c.retry(ctx, "leaders of new topics", func(ctx context.Context) error { return c.led(ctx, names) })
}

// led returns an error if a partition of these topics has no leader yet.
func (c *Client) led(ctx context.Context, topics []string) error {
	r, err := c.metadata(ctx, topics)
	if err != nil {
		return err
	}
	var partitions []record.Partition
	for _, t := range r.Topics {
		if t.Err != sarama.ErrNoError {
			return fmt.Errorf("topic %q: %w", t.Name, t.Err)
		}
		for _, p := range t.Partitions {
			partitions = append(partitions, record.Partition{Topic: t.Name, ID: p.ID})
		}
	}
	if _, missing := c.knownLeaders(partitions); len(missing) > 0 {
		return fmt.Errorf("partition %s-%d: %w", missing[0].Topic, missing[0].ID, sarama.ErrLeaderNotAvailable)
	}
	return nil
}

// TopicConfigs returns the configuration of topics, with the broker's defaults
// where a topic has none of its own. A topic that does not exist is missing.
func (c *Client) TopicConfigs(ctx context.Context, topics []string) (map[string]map[string]string, error) {
	out := map[string]map[string]string{}
	if len(topics) == 0 {
		return out, nil
	}
	req := &sarama.DescribeConfigsRequest{Version: describeConfigsVersion}
	for _, t := range topics {
		req.Resources = append(req.Resources, &sarama.ConfigResource{Type: sarama.TopicResource, Name: t})
	}
	err := c.retry(ctx, "configuration of topics", func(ctx context.Context) error {
		return c.any(ctx, func(b *sarama.Broker) error {
			r, err := b.DescribeConfigs(req)
			if err != nil {
				return err
			}
			for _, res := range r.Resources {
				switch code := sarama.KError(res.ErrorCode); code {
				case sarama.ErrNoError:
				case sarama.ErrUnknownTopicOrPartition:
					continue
				default:
					return fmt.Errorf("topic %q: %w", res.Name, code)
				}
				configs := make(map[string]string, len(res.Configs))
				for _, e := range res.Configs {
					configs[e.Name] = e.Value
				}
				out[res.Name] = configs
			}
			return nil
		})
	})
	return out, err
}

// When says which offset of a partition is asked for.
type When int64

// The ends of a partition. A When that is not negative is a time in milliseconds:
// of the first record with that timestamp or a later one, -1 if there is none.
const (
	Latest   When = -1 // behind the last record, committed or not
	Earliest When = -2
	Stable   When = -3 // behind the last record before the first transaction that is open
)

// Offsets returns the offset at an end of partitions, or at a time, with one request
// to each of their leaders.
func (c *Client) Offsets(ctx context.Context, partitions []record.Partition, at When) (map[record.Partition]int64, error) {
	out := make(map[record.Partition]int64, len(partitions))
	err := c.retry(ctx, "offsets of partitions", func(ctx context.Context) error {
		var left []record.Partition
		for _, p := range partitions {
			if _, ok := out[p]; !ok {
				left = append(left, p)
			}
		}
		groups, err := c.byLeader(ctx, left)
		errs := []error{err}
		for addr, ps := range groups {
			errs = append(errs, c.offsetsOf(ctx, addr, ps, at, out))
		}
		return worst(errs)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// worst picks of several errors one that waiting does not mend, if there is one.
func worst(errs []error) error {
	var first error
	for _, err := range errs {
		if err != nil && (first == nil || !transient(err)) {
			first = err
		}
	}
	return first
}

func (c *Client) offsetsOf(ctx context.Context, addr string, partitions []record.Partition, at When, out map[record.Partition]int64) error {
	req := &sarama.OffsetRequest{Version: offsetsVersion}
	if at == Stable {
		at, req.IsolationLevel = Latest, sarama.ReadCommitted
	}
	for _, p := range partitions {
		req.AddBlock(p.Topic, p.ID, int64(at), 1)
	}
	var r *sarama.OffsetResponse
	err := c.admin.do(ctx, addr, func(b *sarama.Broker) (err error) {
		r, err = b.GetAvailableOffsets(req)
		return err
	})
	errs := make([]error, 0, len(partitions))
	for _, p := range partitions {
		why := err
		if why == nil {
			switch blk := r.GetBlock(p.Topic, p.ID); {
			case blk == nil:
				why = sarama.ErrIncompleteResponse
			case blk.Err != sarama.ErrNoError:
				why = blk.Err
			default:
				out[p] = blk.Offset
				continue
			}
		}
		if moved(why) {
			c.forgetLeader(p)
		}
		errs = append(errs, fmt.Errorf("partition %s-%d: %w", p.Topic, p.ID, why))
	}
	return worst(errs)
}

// Offset is a committed offset.
type Offset struct {
	Next     int64 // the first offset that is not processed
	Metadata string
}

// Committed returns a group's committed offsets; a partition without one is
// missing. While a transaction that may commit one is open, it waits.
func (c *Client) Committed(ctx context.Context, group string, partitions []record.Partition) (map[record.Partition]Offset, error) {
	out := map[record.Partition]Offset{}
	if len(partitions) == 0 {
		return out, nil
	}
	req := &sarama.OffsetFetchRequest{Version: committedVersion, ConsumerGroup: group, RequireStable: true}
	for _, p := range partitions {
		req.AddPartition(p.Topic, p.ID)
	}
	err := c.coordinated(ctx, c.admin, sarama.CoordinatorGroup, group, "committed offsets of group "+group, func(b *sarama.Broker) (sarama.KError, error) {
		r, err := b.FetchOffset(req)
		if err != nil {
			return 0, err
		}
		if code := r.GroupError(); code == sarama.ErrGroupIDNotFound {
			return sarama.ErrNoError, nil // a group that was never there, on a broker that says so
		} else if code != sarama.ErrNoError {
			return code, nil
		}
		clear(out)
		for _, p := range partitions {
			blk := r.GetBlock(p.Topic, p.ID)
			if blk == nil {
				continue
			}
			if blk.Err != sarama.ErrNoError {
				return blk.Err, nil
			}
			if blk.Offset >= 0 {
				out[p] = Offset{Next: blk.Offset, Metadata: blk.Metadata}
			}
		}
		return sarama.ErrNoError, nil
	})
	return out, err
}

// Membership is a member of a generation of a group.
type Membership struct {
	Group, MemberID, InstanceID string
	Generation                  int32
}

func (m Membership) instance() *string {
	if m.InstanceID == "" {
		return nil
	}
	return &m.InstanceID
}

// CommitOffsets commits offsets outside of a transaction. ErrMember and
// ErrInstanceFenced mean that none was committed.
func (c *Client) CommitOffsets(ctx context.Context, m Membership, offsets map[record.Partition]Offset) error {
	if len(offsets) == 0 {
		return nil
	}
	req := &sarama.OffsetCommitRequest{Version: commitVersion, ConsumerGroup: m.Group, ConsumerID: m.MemberID, GroupInstanceId: m.instance(), ConsumerGroupGeneration: m.Generation}
	for p, o := range offsets {
		req.AddBlockWithLeaderEpoch(p.Topic, p.ID, o.Next, -1, 0, o.Metadata)
	}
	return c.coordinated(ctx, c.admin, sarama.CoordinatorGroup, m.Group, "committing offsets of group "+m.Group, func(b *sarama.Broker) (sarama.KError, error) {
		r, err := b.CommitOffset(req)
		if err != nil {
			return 0, err
		}
		for _, codes := range r.Errors {
			for _, code := range codes {
				if code != sarama.ErrNoError {
					return code, nil
				}
			}
		}
		return sarama.ErrNoError, nil
	})
}

// DeleteRecords deletes the records before an offset. It tries once: a partition
// that is moving is in the error, and left for the next time.
func (c *Client) DeleteRecords(ctx context.Context, before map[record.Partition]int64) error {
	groups, err := c.byLeader(ctx, slices.Collect(maps.Keys(before)))
	errs := []error{err}
	for addr, ps := range groups {
		errs = append(errs, c.deleteRecords(ctx, addr, ps, before)...)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("kafka: deleting records: %w", explain(err))
	}
	return nil
}

func (c *Client) deleteRecords(ctx context.Context, addr string, partitions []record.Partition, before map[record.Partition]int64) []error {
	req := &sarama.DeleteRecordsRequest{Version: deleteRecordsVersion, Timeout: c.cfg.Timeout / 2, Topics: map[string]*sarama.DeleteRecordsRequestTopic{}}
	for _, p := range partitions {
		t := req.Topics[p.Topic]
		if t == nil {
			t = &sarama.DeleteRecordsRequestTopic{PartitionOffsets: map[int32]int64{}}
			req.Topics[p.Topic] = t
		}
		t.PartitionOffsets[p.ID] = before[p]
	}
	var r *sarama.DeleteRecordsResponse
	err := c.admin.do(ctx, addr, func(b *sarama.Broker) (err error) {
		r, err = b.DeleteRecords(req)
		return err
	})
	var errs []error
	for _, p := range partitions {
		why := err
		if why == nil {
			if t := r.Topics[p.Topic]; t == nil || t.Partitions[p.ID] == nil {
				why = sarama.ErrIncompleteResponse
			} else if code := t.Partitions[p.ID].Err; code != sarama.ErrNoError {
				why = code
			}
		}
		if why != nil {
			if moved(why) {
				c.forgetLeader(p)
			}
			errs = append(errs, fmt.Errorf("partition %s-%d: %w", p.Topic, p.ID, why))
		}
	}
	return errs
}
