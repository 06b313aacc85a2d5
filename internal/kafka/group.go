package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"github.com/streamweir/streamweir/internal/record"
)

// GroupConfig configures a [Group].
type GroupConfig struct {
	ID, InstanceID    string        // InstanceID "": a dynamic member
	SessionTimeout    time.Duration // 0 is 45 s
	RebalanceTimeout  time.Duration // 0 is 60 s
	HeartbeatInterval time.Duration // 0 is 3 s
	ProtocolType      string        // "" is "consumer"
	Protocol          string
	Topics            []string
}

// Member is what the leader sees of a member.
type Member struct {
	ID         string
	InstanceID string
	Topics     []string
	UserData   []byte
}

// Assignment is what the leader gives to a member.
type Assignment struct {
	Partitions []record.Partition
	UserData   []byte
}

// Generation is the outcome of a join.
type Generation struct {
	Membership
	Assignment Assignment
	Leader     bool
}

// A Group is one membership of a consumer group. Join and Close are called by one
// goroutine; from a join on another one sends heartbeats. Subscriptions and
// assignments are encoded as consumers do, so that Kafka's tools can show them.
//
// A static member that was killed takes its seat again with its first Join: the
// group does not rebalance, and it has what it had. JoinGroup is sent in version 5,
// to which a broker does not answer that a returning leader should skip the
// assignment (KIP-814), but simply that another one leads.
type Group struct {
	c         *Client
	cfg       GroupConfig
	pool      *pool
	memberID  string
	joining   bool         // the broker may know this member, under whatever id
	cut       bool         // the last join was given up without an answer
	missed    bool         // it was lost by a generation, not by the seat
	gen       atomic.Int32 // -1: not a member
	lost      atomic.Bool
	fenced    atomic.Pointer[error]
	rebalance chan struct{}
	check     chan struct{}

	stop  context.CancelFunc // ends the heartbeats
	beats sync.WaitGroup
}

// NewGroup returns a group that was not joined yet.
func NewGroup(c *Client, cfg GroupConfig) *Group {
	if cfg.SessionTimeout == 0 {
		cfg.SessionTimeout = 45 * time.Second
	}
	if cfg.RebalanceTimeout == 0 {
		cfg.RebalanceTimeout = time.Minute
	}
	if cfg.HeartbeatInterval == 0 {
		cfg.HeartbeatInterval = 3 * time.Second
	}
	if cfg.ProtocolType == "" {
		cfg.ProtocolType = "consumer"
	}
	g := &Group{c: c, cfg: cfg, pool: c.newPool(cfg.RebalanceTimeout), rebalance: make(chan struct{}, 1), check: make(chan struct{}, 1)}
	g.gen.Store(-1)
	return g
}

// Rebalance is sent to when the group wants its members to join again, or the
// membership was lost.
func (g *Group) Rebalance() <-chan struct{} { return g.rebalance }

// Lost tells whether the membership was lost since the last Join: what it had may
// belong to others now.
func (g *Group) Lost() bool { return g.lost.Load() }

// Generation is the current one; ok is false without one.
func (g *Group) Generation() (generation int32, ok bool) {
	n := g.gen.Load()
	return n, n >= 0
}

// Check makes the next heartbeat come at once: somebody was told that the group
// has moved on.
func (g *Group) Check() { poke(g.check) }

// Join joins the group and returns what was assigned. lead is called if this
// member was made the leader. ErrLost means that the member should join again,
// after giving up what it has if Lost says so; ErrInstanceFenced that another
// process has taken its instance id, which no further Join changes.
func (g *Group) Join(ctx context.Context, userData []byte, lead func([]Member) (map[string]Assignment, error)) (Generation, error) {
	g.halt()
	if why := g.fenced.Load(); why != nil {
		return Generation{}, *why
	}
	select {
	case <-g.rebalance:
	default:
	}
	if g.lost.Swap(false) {
		if !g.missed {
			g.memberID = ""
		}
		g.missed = false
		g.gen.Store(-1)
	}
	before := g.gen.Load()
	joined, err := g.join(ctx, userData)
	if err != nil {
		return Generation{}, g.lose(err)
	}
	if before >= 0 && joined.GenerationId != before && joined.GenerationId != before+1 {
		// A static member keeps its seat in a rebalance that it slept through, and may
		// join again before a heartbeat tells it. What it had may have been others' in
		// between, and come back to it.
		g.missed = true
		g.lost.Store(true)
		return Generation{}, fmt.Errorf("%w: generation %d comes after %d", ErrLost, joined.GenerationId, before)
	}
	// The leader may take its time, and the others wait for it: all stay members.
	g.gen.Store(joined.GenerationId)
	g.beat()
	out, err := g.sync(ctx, joined, lead)
	if err != nil {
		g.halt()
		return Generation{}, g.lose(err)
	}
	return out, nil
}

// lose turns an error that means that the membership is gone into ErrLost.
func (g *Group) lose(err error) error {
	switch {
	case errors.Is(err, ErrInstanceFenced):
		g.fence(err)
	case errors.Is(err, sarama.ErrRebalanceInProgress):
		return fmt.Errorf("%w: %w", ErrLost, err)
	case errors.Is(err, ErrMember):
		g.lost.Store(true)
		return fmt.Errorf("%w: %w", ErrLost, err)
	}
	return err
}

// fence notes that this membership cannot be had again.
func (g *Group) fence(err error) {
	err = fmt.Errorf("kafka: instance %q of group %q: %w", g.cfg.InstanceID, g.cfg.ID, err)
	g.fenced.CompareAndSwap(nil, &err)
	g.lost.Store(true)
}

func (g *Group) instance() *string { return Membership{InstanceID: g.cfg.InstanceID}.instance() }

// errNoMemberID makes a member that was just given an id ask again with it.
var errNoMemberID = fmt.Errorf("a member id was assigned: %w", sarama.ErrLeaderNotAvailable)

func (g *Group) join(ctx context.Context, userData []byte) (*sarama.JoinGroupResponse, error) {
	var joined *sarama.JoinGroupResponse
	g.joining = true
	err := g.coordinated(ctx, "joining group "+g.cfg.ID, func(b *sarama.Broker) (sarama.KError, error) {
		req := &sarama.JoinGroupRequest{Version: joinVersion, GroupId: g.cfg.ID, MemberId: g.memberID, GroupInstanceId: g.instance(), ProtocolType: g.cfg.ProtocolType,
			SessionTimeout: int32(g.cfg.SessionTimeout.Milliseconds()), RebalanceTimeout: int32(g.cfg.RebalanceTimeout.Milliseconds())}
		if err := req.AddGroupProtocolMetadata(g.cfg.Protocol, &sarama.ConsumerGroupMemberMetadata{Version: 1, Topics: g.cfg.Topics, UserData: userData}); err != nil {
			return 0, err
		}
		r, err := b.JoinGroup(req)
		if err != nil {
			return 0, err
		}
		switch r.Err {
		case sarama.ErrMemberIdRequired:
			g.memberID = r.MemberId
			return 0, errNoMemberID
		case sarama.ErrUnknownMemberId:
			g.memberID = ""
		}
		joined = r
		return r.Err, nil
	})
	if err == nil {
		g.memberID = joined.MemberId
	}
	g.cut = err != nil && ctx.Err() != nil
	return joined, err
}

func (g *Group) sync(ctx context.Context, joined *sarama.JoinGroupResponse, lead func([]Member) (map[string]Assignment, error)) (Generation, error) {
	out := Generation{Membership: Membership{Group: g.cfg.ID, MemberID: joined.MemberId, InstanceID: g.cfg.InstanceID, Generation: joined.GenerationId},
		Leader: joined.LeaderId == joined.MemberId}
	req := &sarama.SyncGroupRequest{Version: syncVersion, GroupId: g.cfg.ID, GenerationId: joined.GenerationId, MemberId: joined.MemberId, GroupInstanceId: g.instance()}
	if out.Leader {
		if err := g.assign(req, joined, lead); err != nil {
			return out, err
		}
	}
	err := g.coordinated(ctx, "assignment of group "+g.cfg.ID, func(b *sarama.Broker) (sarama.KError, error) {
		r, err := b.SyncGroup(req)
		if err != nil {
			return 0, err
		}
		if r.Err != sarama.ErrNoError {
			return r.Err, nil
		}
		if len(r.MemberAssignment) == 0 {
			return sarama.ErrNoError, nil
		}
		a, err := r.GetMemberAssignment()
		if err != nil {
			return 0, fmt.Errorf("the assignment of member %s cannot be decoded: %v", joined.MemberId, err)
		}
		out.Assignment.UserData = a.UserData
		for topic, ids := range a.Topics {
			for _, id := range ids {
				out.Assignment.Partitions = append(out.Assignment.Partitions, record.Partition{Topic: topic, ID: id})
			}
		}
		return sarama.ErrNoError, nil
	})
	return out, err
}

func (g *Group) assign(req *sarama.SyncGroupRequest, joined *sarama.JoinGroupResponse, lead func([]Member) (map[string]Assignment, error)) error {
	metas, err := joined.GetMembers()
	if err != nil {
		return fmt.Errorf("kafka: subscriptions of the members of group %q cannot be decoded: %w", g.cfg.ID, err)
	}
	members := make([]Member, 0, len(metas))
	for _, m := range joined.Members {
		meta := metas[m.MemberId]
		member := Member{ID: m.MemberId, Topics: meta.Topics, UserData: meta.UserData}
		if m.GroupInstanceId != nil {
			member.InstanceID = *m.GroupInstanceId
		}
		members = append(members, member)
	}
	plan, err := lead(members)
	if err != nil {
		return err
	}
	for id, a := range plan {
		topics := map[string][]int32{}
		for _, p := range a.Partitions {
			topics[p.Topic] = append(topics[p.Topic], p.ID)
		}
		if err := req.AddGroupAssignmentMember(id, &sarama.ConsumerGroupMemberAssignment{Version: 1, Topics: topics, UserData: a.UserData}); err != nil {
			return err
		}
	}
	return nil
}

func (g *Group) coordinated(ctx context.Context, what string, f func(*sarama.Broker) (sarama.KError, error)) error {
	return g.c.coordinated(ctx, g.pool, sarama.CoordinatorGroup, g.cfg.ID, what, f)
}

// Close ends the membership: with leave the group is told, so that others take
// over at once, also from a static member; without, the seat is kept until the
// session times out.
func (g *Group) Close(ctx context.Context, leave bool) error {
	g.halt()
	defer g.pool.close()
	if !leave || !g.joining || g.fenced.Load() != nil {
		return nil
	}
	if g.memberID == "" && (g.cfg.InstanceID == "" || g.lost.Load()) {
		return nil // the group never gave it an id, or knows it no more
	}
	for attempt := 0; ; attempt++ {
		err := g.leave(ctx)
		if errors.Is(err, ErrInstanceFenced) {
			return nil // somebody else has the seat by now
		}
		if !errors.Is(err, sarama.ErrUnknownMemberId) {
			return err
		}
		// It was forgotten before. But a join that was cut off may reach the
		// coordinator after this, on another connection, and the others would wait
		// for a member that is not there.
		if !g.cut || attempt == lastLeave || pause(ctx, attempt) != nil {
			return nil
		}
	}
}

// lastLeave is the attempt, about 300 ms after the first one, after which a join
// that was cut off is taken for lost.
const lastLeave = 6

func (g *Group) leave(ctx context.Context) error {
	return g.coordinated(ctx, "leaving group "+g.cfg.ID, func(b *sarama.Broker) (sarama.KError, error) {
		r, err := b.LeaveGroup(&sarama.LeaveGroupRequest{Version: leaveVersion, GroupId: g.cfg.ID, Members: []sarama.MemberIdentity{{MemberId: g.memberID, GroupInstanceId: g.instance()}}})
		if err != nil {
			return 0, err
		}
		for _, m := range r.Members {
			if m.Err != sarama.ErrNoError {
				return m.Err, nil
			}
		}
		return r.Err, nil
	})
}
