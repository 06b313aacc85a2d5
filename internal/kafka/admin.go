package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/streamweir/streamweir/internal/record"
)

// Partitions returns the number of partitions of topics. One that does not exist
// is missing from the result.
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

// CreateTopics creates topics and waits until their partitions have leaders. One
// that exists is left as it is.
func (c *Client) CreateTopics(ctx context.Context, specs []TopicSpec) error {
	req := &sarama.CreateTopicsRequest{Version: 4, Timeout: c.cfg.Timeout, TopicDetails: map[string]*sarama.TopicDetail{}}
	var partitions []record.Partition
	for _, s := range specs {
		d := &sarama.TopicDetail{NumPartitions: s.Partitions, ReplicationFactor: s.Replication, ConfigEntries: map[string]*string{}}
		for k, v := range s.Configs {
			d.ConfigEntries[k] = &v
		}
		req.TopicDetails[s.Name] = d
		for p := range s.Partitions {
			partitions = append(partitions, record.Partition{Topic: s.Name, ID: p})
		}
	}
	err := c.retry(ctx, "creating topics", func(ctx context.Context) error {
		r, err := c.metadata(ctx, []string{})
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
	return c.retry(ctx, "leaders of new topics", func(ctx context.Context) error {
		_, err := c.byLeader(ctx, partitions, false)
		return err
	})
}

// When says which offset of a partition is asked for.
type When int64

// The ends of a partition.
const (
	Latest   When = -1 // behind the last record, committed or not
	Earliest When = -2
)

// Offsets returns the offset at an end of partitions.
func (c *Client) Offsets(ctx context.Context, partitions []record.Partition, at When) (map[record.Partition]int64, error) {
	out := make(map[record.Partition]int64, len(partitions))
	refresh := false
	err := c.retry(ctx, "offsets of partitions", func(ctx context.Context) error {
		var left []record.Partition
		for _, p := range partitions {
			if _, ok := out[p]; !ok {
				left = append(left, p)
			}
		}
		if len(left) == 0 {
			return nil
		}
		groups, err := c.byLeader(ctx, left, refresh)
		refresh = true
		if err != nil {
			return err
		}
		var errs []error
		for addr, ps := range groups {
			errs = append(errs, c.offsetsOf(ctx, addr, ps, at, out))
		}
		return errors.Join(errs...)
	})
	return out, err
}

func (c *Client) offsetsOf(ctx context.Context, addr string, partitions []record.Partition, at When, out map[record.Partition]int64) error {
	req := &sarama.OffsetRequest{Version: 4}
	for _, p := range partitions {
		req.AddBlock(p.Topic, p.ID, int64(at), 1)
	}
	return c.admin.do(ctx, addr, func(b *sarama.Broker) error {
		r, err := b.GetAvailableOffsets(req)
		if err != nil {
			return err
		}
		for _, p := range partitions {
			blk := r.GetBlock(p.Topic, p.ID)
			switch {
			case blk == nil:
				err = sarama.ErrIncompleteResponse
			case blk.Err != sarama.ErrNoError:
				err = fmt.Errorf("partition %s-%d: %w", p.Topic, p.ID, blk.Err)
			default:
				out[p] = blk.Offset
			}
		}
		return err
	})
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
	req := &sarama.OffsetFetchRequest{Version: 7, ConsumerGroup: group, RequireStable: true}
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

// CommitOffsets commits offsets outside of a transaction.
func (c *Client) CommitOffsets(ctx context.Context, m Membership, offsets map[record.Partition]Offset) error {
	req := &sarama.OffsetCommitRequest{Version: 7, ConsumerGroup: m.Group, ConsumerID: m.MemberID, GroupInstanceId: m.instance(), ConsumerGroupGeneration: m.Generation}
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

// DeleteRecords deletes the records before an offset. A partition that is moving
// is left for the next time.
func (c *Client) DeleteRecords(ctx context.Context, before map[record.Partition]int64) error {
	var partitions []record.Partition
	for p := range before {
		partitions = append(partitions, p)
	}
	groups, err := c.byLeader(ctx, partitions, false)
	if err != nil {
		return fmt.Errorf("kafka: deleting records: %w", err)
	}
	for addr, ps := range groups {
		req := &sarama.DeleteRecordsRequest{Version: 1, Timeout: 5 * time.Second, Topics: map[string]*sarama.DeleteRecordsRequestTopic{}}
		for _, p := range ps {
			t := req.Topics[p.Topic]
			if t == nil {
				t = &sarama.DeleteRecordsRequestTopic{PartitionOffsets: map[int32]int64{}}
				req.Topics[p.Topic] = t
			}
			t.PartitionOffsets[p.ID] = before[p]
		}
		err := c.admin.do(ctx, addr, func(b *sarama.Broker) error {
			r, err := b.DeleteRecords(req)
			if err != nil {
				return err
			}
			for _, p := range ps {
				if t := r.Topics[p.Topic]; t != nil && t.Partitions[p.ID] != nil && t.Partitions[p.ID].Err != sarama.ErrNoError {
					c.forgetLeader(p)
					err = fmt.Errorf("partition %s-%d: %w", p.Topic, p.ID, t.Partitions[p.ID].Err)
				}
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("kafka: deleting records: %w", err)
		}
	}
	return nil
}
