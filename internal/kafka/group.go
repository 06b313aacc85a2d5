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
	ID, InstanceID    string // InstanceID "": a dynamic member
	SessionTimeout    time.Duration
	RebalanceTimeout  time.Duration
	HeartbeatInterval time.Duration
	ProtocolType      string
	Protocol          string
	Topics            []string
}

// Member is what the leader sees of a member.
type Member struct {
	ID       string
	Topics   []string
	UserData []byte
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

// A Group is one membership of a consumer group. Join, Leave and Close are called
// by one goroutine; between two joins another one sends heartbeats.
type Group struct {
	c         *Client
	cfg       GroupConfig
	pool      *pool
	memberID  string
	gen       atomic.Int32 // -1: not a member
	lost      atomic.Bool
	rebalance chan struct{}

	mu    sync.Mutex
	stop  context.CancelFunc // ends the heartbeats
	beats sync.WaitGroup
	check chan struct{}
}

// NewGroup returns a group that was not joined yet.
func NewGroup(c *Client, cfg GroupConfig) *Group {
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
// member was made the leader. ErrLost means that the member was forgotten on the
// way and should join again.
func (g *Group) Join(ctx context.Context, userData []byte, lead func([]Member) (map[string]Assignment, error)) (Generation, error) {
	g.halt()
	select {
	case <-g.rebalance:
	default:
	}
	if g.lost.Swap(false) {
		g.memberID = ""
		g.gen.Store(-1)
	}
	joined, err := g.join(ctx, userData)
	if err != nil {
		return Generation{}, g.lose(err)
	}
	out, err := g.sync(ctx, joined, lead)
	if err != nil {
		return Generation{}, g.lose(err)
	}
	g.gen.Store(out.Generation)
	g.beat()
	return out, nil
}

// lose turns an error that means that the membership is gone into ErrLost.
func (g *Group) lose(err error) error {
	if errors.Is(err, ErrMember) && !errors.Is(err, ErrInstanceFenced) {
		if !errors.Is(err, sarama.ErrRebalanceInProgress) {
			g.lost.Store(true)
		}
		return fmt.Errorf("%w: %w", ErrLost, err)
	}
	return err
}

func (g *Group) instance() *string { return Membership{InstanceID: g.cfg.InstanceID}.instance() }

func (g *Group) join(ctx context.Context, userData []byte) (*sarama.JoinGroupResponse, error) {
	var joined *sarama.JoinGroupResponse
	err := g.c.coordinated(ctx, g.pool, sarama.CoordinatorGroup, g.cfg.ID, "joining group "+g.cfg.ID, func(b *sarama.Broker) (sarama.KError, error) {
		req := &sarama.JoinGroupRequest{Version: 5, GroupId: g.cfg.ID, MemberId: g.memberID, GroupInstanceId: g.instance(), ProtocolType: g.cfg.ProtocolType,
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
			return sarama.ErrLeaderNotAvailable, nil // any transient code: ask again, with the id
		case sarama.ErrUnknownMemberId:
			g.memberID = ""
		}
		joined = r
		return r.Err, nil
	})
	if errors.Is(err, sarama.ErrInconsistentGroupProtocol) {
		return nil, fmt.Errorf("kafka: group %q has members that run something else (a JVM application with the same id?): stop them first: %w", g.cfg.ID, err)
	}
	if err == nil {
		g.memberID = joined.MemberId
	}
	return joined, err
}

func (g *Group) sync(ctx context.Context, joined *sarama.JoinGroupResponse, lead func([]Member) (map[string]Assignment, error)) (Generation, error) {
	out := Generation{Membership: Membership{Group: g.cfg.ID, MemberID: joined.MemberId, InstanceID: g.cfg.InstanceID, Generation: joined.GenerationId},
		Leader: joined.LeaderId == joined.MemberId}
	req := &sarama.SyncGroupRequest{Version: 3, GroupId: g.cfg.ID, GenerationId: joined.GenerationId, MemberId: joined.MemberId, GroupInstanceId: g.instance()}
	if out.Leader {
		if err := g.assign(req, joined, lead); err != nil {
			return out, err
		}
	}
	err := g.c.coordinated(ctx, g.pool, sarama.CoordinatorGroup, g.cfg.ID, "assignment of group "+g.cfg.ID, func(b *sarama.Broker) (sarama.KError, error) {
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
			return 0, err
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
		return fmt.Errorf("kafka: members of group %q: %w", g.cfg.ID, err)
	}
	var members []Member
	for id, m := range metas {
		members = append(members, Member{ID: id, Topics: m.Topics, UserData: m.UserData})
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

// beat starts the heartbeats; halt waits for them.
func (g *Group) beat() {
	ctx, stop := context.WithCancel(context.Background())
	g.mu.Lock()
	g.stop = stop
	g.mu.Unlock()
	g.beats.Go(func() { g.heartbeats(ctx) })
}

func (g *Group) halt() {
	g.mu.Lock()
	stop := g.stop
	g.stop = nil
	g.mu.Unlock()
	if stop != nil {
		stop()
		g.beats.Wait()
	}
}

// heartbeats keeps the membership until the group wants a rebalance. A coordinator
// that does not answer is asked again; after a session timeout without an answer
// the membership is taken for lost, as the coordinator will.
func (g *Group) heartbeats(ctx context.Context) {
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
		rctx, cancel := context.WithDeadline(ctx, last.Add(g.cfg.SessionTimeout))
		err := g.heartbeat(rctx)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			last = time.Now()
			continue
		case !errors.Is(err, sarama.ErrRebalanceInProgress):
			g.c.cfg.Log.Warn("group membership lost", "group", g.cfg.ID, "error", err)
			g.lost.Store(true)
		}
		poke(g.rebalance)
		return
	}
}

func (g *Group) heartbeat(ctx context.Context) error {
	return g.c.coordinated(ctx, g.pool, sarama.CoordinatorGroup, g.cfg.ID, "heartbeat of group "+g.cfg.ID, func(b *sarama.Broker) (sarama.KError, error) {
		r, err := b.Heartbeat(&sarama.HeartbeatRequest{Version: 3, GroupId: g.cfg.ID, GenerationId: g.gen.Load(), MemberId: g.memberID, GroupInstanceId: g.instance()})
		if err != nil {
			return 0, err
		}
		return r.Err, nil
	})
}

// Close ends the membership: with leave the group is told, so that others take
// over at once; without, the seat is kept until the session times out.
func (g *Group) Close(ctx context.Context, leave bool) error {
	g.halt()
	defer g.pool.close()
	if !leave || g.gen.Load() < 0 || g.lost.Load() {
		return nil
	}
	return g.c.coordinated(ctx, g.pool, sarama.CoordinatorGroup, g.cfg.ID, "leaving group "+g.cfg.ID, func(b *sarama.Broker) (sarama.KError, error) {
		r, err := b.LeaveGroup(&sarama.LeaveGroupRequest{Version: 3, GroupId: g.cfg.ID, Members: []sarama.MemberIdentity{{MemberId: g.memberID, GroupInstanceId: g.instance()}}})
		if err != nil {
			return 0, err
		}
		return r.Err, nil
	})
}
