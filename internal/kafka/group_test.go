package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamweir/streamweir/internal/record"
)

// assignAll gives the partitions to the members in turn, in the order of their user
// data, which they get back.
func assignAll(topic string, partitions int32) func([]Member) (map[string]Assignment, error) {
	return func(members []Member) (map[string]Assignment, error) {
		slices.SortFunc(members, func(a, b Member) int { return slices.Compare(a.UserData, b.UserData) })
		out := map[string]Assignment{}
		for i, m := range members {
			a := Assignment{UserData: append([]byte("to "), m.UserData...)}
			for p := int32(i); p < partitions; p += int32(len(members)) {
				a.Partitions = append(a.Partitions, record.Partition{Topic: topic, ID: p})
			}
			out[m.ID] = a
		}
		return out, nil
	}
}

func notLeading([]Member) (map[string]Assignment, error) {
	return nil, errors.New("is not the leader")
}

// member is a group that joins with its name as user data.
type member struct {
	*Group
	name string
	lead func([]Member) (map[string]Assignment, error)
}

func newMember(t testing.TB, c *Client, cfg GroupConfig, name string, lead func([]Member) (map[string]Assignment, error)) *member {
	t.Helper()
	if cfg.SessionTimeout == 0 {
		cfg.SessionTimeout = 10 * time.Second
	}
	cfg.Protocol, cfg.RebalanceTimeout, cfg.HeartbeatInterval = "test", 20*time.Second, 50*time.Millisecond
	m := &member{NewGroup(c, cfg), name, lead}
	t.Cleanup(m.crash)
	return m
}

// crash ends a member as kill -9 does.
func (m *member) crash() {
	m.halt()
	m.pool.close()
}

func (m *member) join(t testing.TB) (Generation, error) {
	for {
		gen, err := m.Join(within(t, 30*time.Second), []byte(m.name), m.lead)
		if !errors.Is(err, ErrLost) {
			return gen, err
		}
	}
}

// together lets members join, again whenever they are asked to, until all are in
// one generation.
func together(t testing.TB, members ...*member) []Generation {
	t.Helper()
	type result struct {
		member int
		gen    Generation
		err    error
	}
	results, done := make(chan result), make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(done)
	for i, m := range members {
		wg.Go(func() {
			for {
				r := result{member: i}
				r.gen, r.err = m.join(t)
				select {
				case results <- r:
				case <-done:
					return
				}
				select {
				case <-m.Rebalance():
				case <-done:
					return
				}
			}
		})
	}
	out := make([]Generation, len(members))
	for n := 0; n < len(members) || slices.ContainsFunc(out, func(g Generation) bool { return g.Generation != out[0].Generation }); n++ {
		r := <-results
		must(t, r.err)
		out[r.member] = r.gen
	}
	return out
}

// assigned are the partitions of generations.
func assigned(gens ...Generation) [][]int32 {
	out := make([][]int32, len(gens))
	for i, g := range gens {
		for _, p := range g.Assignment.Partitions {
			out[i] = append(out[i], p.ID)
		}
		slices.Sort(out[i])
	}
	return out
}

func signalled(t testing.TB, m *member) {
	t.Helper()
	select {
	case <-m.Rebalance():
	case <-time.After(20 * time.Second):
		t.Fatalf("%s was not told of a rebalance", m.name)
	}
}

func TestMembersJoinLeaveAndCrash(t *testing.T) {
	for _, static := range []bool{false, true} {
		t.Run(fmt.Sprintf("static=%v", static), func(t *testing.T) {
			onBoth(t, func(t *testing.T, e *env) {
				c := e.client(t)
				group, lead := unique("g"), assignAll("t", 4)
				session := 6 * time.Second // the least that a real broker allows
				if e.fake != nil {
					session = 500 * time.Millisecond
				}
				start := func(name string) *member {
					cfg := GroupConfig{ID: group, Topics: []string{"t"}, SessionTimeout: session}
					if static {
						cfg.InstanceID = name
					}
					return newMember(t, c, cfg, name, lead)
				}
				a, b := start("a"), start("b")
				gen, err := a.join(t)
				must(t, err)
				if diff := cmp.Diff([][]int32{{0, 1, 2, 3}}, assigned(gen)); diff != "" || !gen.Leader || string(gen.Assignment.UserData) != "to a" {
					t.Errorf("alone: %+v", gen)
				}
				var wg sync.WaitGroup
				wg.Go(func() { _, err = b.Join(within(t, 30*time.Second), nil, lead) })
				signalled(t, a)
				if a.Lost() {
					t.Error("a rebalance is no loss")
				}
				_, joined := a.join(t)
				wg.Wait()
				must(t, joined)
				if err != nil && !errors.Is(err, ErrLost) {
					t.Error(err)
				}
				gens := together(t, a, b)
				if diff := cmp.Diff([][]int32{{0, 2}, {1, 3}}, assigned(gens...)); diff != "" {
					t.Error(diff)
				}
				must(t, b.Close(within(t, 10*time.Second), true))
				signalled(t, a)
				if diff := cmp.Diff([][]int32{{0, 1, 2, 3}}, assigned(together(t, a)...)); diff != "" {
					t.Error(diff)
				}
				x := start("x")
				together(t, a, x)
				x.crash()
				signalled(t, a)
				if diff := cmp.Diff([][]int32{{0, 1, 2, 3}}, assigned(together(t, a)...)); diff != "" {
					t.Error(diff)
				}
				must(t, a.Close(within(t, 10*time.Second), true))
			})
		})
	}
}

// A static member that was killed has its seat back at once, leader or not, and the
// others notice nothing.
func TestStaticMemberTakesItsSeatAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, e *env) {
		c := e.client(t)
		group, lead := unique("g"), assignAll("t", 4)
		start := func(name string, lead func([]Member) (map[string]Assignment, error)) *member {
			return newMember(t, c, GroupConfig{ID: group, InstanceID: name, Topics: []string{"t"}}, name, lead)
		}
		a, b := start("a", lead), start("b", lead)
		before := together(t, a, b)
		for i, m := range []**member{&a, &b} {
			(*m).crash()
			*m = start((*m).name, lead)
			if e.fake == nil {
				(*m).lead = notLeading // the fake asks a returning leader to assign, and takes no notice
			}
			gen, err := (*m).join(t)
			must(t, err)
			if gen.Generation != before[i].Generation || gen.MemberID == before[i].MemberID {
				t.Errorf("was %+v, is %+v", before[i], gen)
			}
			if diff := cmp.Diff(assigned(before[i]), assigned(gen)); diff != "" {
				t.Error(diff)
			}
			(*m).lead = lead
		}
		select {
		case <-a.Rebalance():
			t.Errorf("a rebalance was asked for, lost: %v", a.Lost())
		case <-b.Rebalance():
			t.Errorf("a rebalance was asked for, lost: %v", b.Lost())
		case <-time.After(300 * time.Millisecond): // several heartbeats of both
		}
		// And the group goes on as any other: somebody leads the next generation.
		x := start("c", lead)
		if diff := cmp.Diff([][]int32{{0, 3}, {1}, {2}}, assigned(together(t, a, b, x)...)); diff != "" {
			t.Error(diff)
		}
		for _, m := range []*member{a, b, x} {
			must(t, m.Close(within(t, 10*time.Second), true))
		}
	})
}

// Two processes with one instance id: the older one has to stop.
func TestOlderProcessWithTheSameInstanceIsFenced(t *testing.T) {
	onBoth(t, func(t *testing.T, e *env) {
		ctx, c := within(t, 30*time.Second), e.client(t)
		topic := e.topic(t, c, 1, nil)
		cfg := GroupConfig{ID: unique("g"), InstanceID: "i", Topics: []string{topic}}
		older := newMember(t, c, cfg, "a", assignAll(topic, 1))
		gen, err := older.join(t)
		must(t, err)
		newer := newMember(t, c, cfg, "a", assignAll(topic, 1))
		_, err = newer.join(t)
		must(t, err)

		offsets := map[record.Partition]Offset{{Topic: topic}: {Next: 1}}
		if err := c.CommitOffsets(ctx, gen.Membership, offsets); !errors.Is(err, ErrInstanceFenced) || errors.Is(err, ErrMember) || Retriable(err) {
			t.Errorf("committing: %v", err)
		}
		p := e.producer(t, c, ProducerConfig{TransactionalID: unique("x")})
		if err := p.Commit(ctx, gen.Membership, offsets); !errors.Is(err, ErrInstanceFenced) {
			t.Errorf("committing in a transaction: %v", err)
		}
		must(t, p.Abort(ctx))
		signalled(t, older)
		if !older.Lost() {
			t.Error("not lost")
		}
		for range 2 { // it does not fight for the seat
			if _, err := older.Join(ctx, nil, notLeading); !errors.Is(err, ErrInstanceFenced) || !strings.Contains(err.Error(), `"i"`) {
				t.Errorf("joining: %v", err)
			}
		}
		must(t, older.Close(ctx, true))
		newer.Check()
		select {
		case <-newer.Rebalance():
			t.Error("the older one took the newer one's seat away")
		case <-time.After(200 * time.Millisecond):
		}
		must(t, newer.Close(ctx, true))
	})
}

// A static member that sleeps through a whole rebalance keeps its seat: that its
// tasks may have been others' meanwhile it must find out by the generation.
func TestMissedGenerationIsALostMembership(t *testing.T) {
	e := fake(t)
	c := e.client(t)
	m := newMember(t, c, GroupConfig{ID: unique("g"), InstanceID: "i"}, "m", assignAll("t", 1))
	gen, err := m.join(t)
	if err != nil {
		t.Fatal(err)
	}
	missed(e, gen)
	if _, err := m.Join(within(t, 30*time.Second), []byte("m"), m.lead); !errors.Is(err, ErrLost) || !m.Lost() {
		t.Fatalf("joining a generation after the next: %v, lost %v", err, m.Lost())
	}
	again, err := m.Join(within(t, 30*time.Second), []byte("m"), m.lead)
	if err != nil || m.Lost() {
		t.Fatalf("joining again: %v, lost %v", err, m.Lost())
	}
	if again.MemberID != gen.MemberID {
		t.Errorf("it gave its seat up: member %q was %q", again.MemberID, gen.MemberID)
	}
}

// missed makes the next join one to the generation after the next.
func missed(e *env, gen Generation) {
	e.fake.ControlKey(int16(kmsg.JoinGroup), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		r := kreq.ResponseKind().(*kmsg.JoinGroupResponse)
		protocol := "test"
		r.Generation, r.Protocol, r.LeaderID, r.MemberID = gen.Generation+2, &protocol, "somebody", kreq.(*kmsg.JoinGroupRequest).MemberID
		return r, nil, true
	})
	e.fake.ControlKey(int16(kmsg.SyncGroup), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		return kreq.ResponseKind(), nil, true
	})
}

// Its seat is still there, so it has to be left: the others would wait for it.
func TestSeatIsFreedAfterAMissedGeneration(t *testing.T) {
	e := fake(t)
	c := e.client(t)
	group := unique("g")
	m := newMember(t, c, GroupConfig{ID: group, InstanceID: "i", Topics: []string{"t"}}, "m", assignAll("t", 2))
	gen, err := m.join(t)
	must(t, err)
	missed(e, gen)
	if _, err := m.Join(within(t, 30*time.Second), []byte("m"), m.lead); !errors.Is(err, ErrLost) {
		t.Fatal(err)
	}
	must(t, m.Close(within(t, 10*time.Second), true))
	other := newMember(t, c, GroupConfig{ID: group, InstanceID: "j", Topics: []string{"t"}}, "other", assignAll("t", 2))
	began := time.Now()
	if _, err := other.join(t); err != nil || time.Since(began) > 5*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}

func TestForgottenMemberJoinsAnew(t *testing.T) {
	for _, refusal := range []*kerr.Error{kerr.UnknownMemberID, kerr.IllegalGeneration} {
		t.Run(refusal.Message, func(t *testing.T) {
			e := fake(t)
			c := e.client(t)
			m := newMember(t, c, GroupConfig{ID: unique("g"), Topics: []string{"t"}, SessionTimeout: 500 * time.Millisecond}, "a", assignAll("t", 1))
			_, err := m.join(t)
			must(t, err)
			e.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: refusal})
			signalled(t, m)
			if !m.Lost() {
				t.Error("not lost")
			}
			gen, err := m.join(t)
			must(t, err)
			if m.Lost() || len(gen.Assignment.Partitions) != 1 {
				t.Errorf("after joining again: lost %v, %+v", m.Lost(), gen)
			}
		})
	}
}

// The coordinator cannot be asked, but it will have given the seat to others.
func TestMembershipIsLostWithoutAnAnswer(t *testing.T) {
	e := fake(t)
	c := e.client(t)
	m := newMember(t, c, GroupConfig{ID: unique("g"), Topics: []string{"t"}, SessionTimeout: 500 * time.Millisecond}, "a", assignAll("t", 1))
	_, err := m.join(t)
	must(t, err)
	e.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.NotCoordinator, Count: -1})
	began := time.Now()
	signalled(t, m)
	if d := time.Since(began); !m.Lost() || d > 3*time.Second {
		t.Errorf("lost %v after %v", m.Lost(), d)
	}
}

// While the leader makes topics, or a member finishes its work before it joins
// again, nobody may take it for dead.
func TestHeartbeatsGoOnDuringARebalance(t *testing.T) {
	e := fake(t)
	c := e.client(t)
	beats := e.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Observe: true, Count: -1})
	more := func() { must(t, beats.Wait(within(t, 10*time.Second), beats.Hits()+3)) }
	m := newMember(t, c, GroupConfig{ID: unique("g"), Topics: []string{"t"}}, "a", func(members []Member) (map[string]Assignment, error) {
		more()
		return assignAll("t", 1)(members)
	})
	_, err := m.join(t)
	must(t, err)
	beats = e.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.RebalanceInProgress, Count: -1})
	signalled(t, m)
	more() // it has not joined again yet
	if m.Lost() {
		t.Error("lost")
	}
}

func TestJoiningWaitsForTheCoordinator(t *testing.T) {
	e := fake(t)
	c := e.client(t)
	for _, key := range []kmsg.Key{kmsg.JoinGroup, kmsg.SyncGroup, kmsg.FindCoordinator} {
		for _, refusal := range []*kerr.Error{kerr.NotCoordinator, kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable} {
			fault := e.fake.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Err: refusal, Count: 3})
			m := newMember(t, c, GroupConfig{ID: unique("g"), Topics: []string{"t"}}, "a", assignAll("t", 1))
			if _, err := m.join(t); err != nil {
				t.Errorf("%v %s: %v", key, refusal.Message, err)
			}
			fault.Remove()
			must(t, m.Close(within(t, 10*time.Second), true))
		}
	}
}

func TestJoinCanBeCancelledAndTheSeatIsFreed(t *testing.T) {
	onBoth(t, func(t *testing.T, e *env) {
		c := e.client(t)
		group := unique("g")
		a := newMember(t, c, GroupConfig{ID: group, Topics: []string{"t"}}, "a", assignAll("t", 2))
		b := newMember(t, c, GroupConfig{ID: group, Topics: []string{"t"}}, "b", assignAll("t", 2))
		_, err := a.join(t)
		must(t, err)
		ctx, cancel := context.WithCancel(within(t, 30*time.Second))
		failed := make(chan error, 1)
		go func() { _, err := b.Join(ctx, []byte("b"), nil); failed <- err }() // the test receives from it
		signalled(t, a)                                                        // now b waits for a
		began := time.Now()
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) || time.Since(began) > time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		must(t, b.Close(within(t, 10*time.Second), true))
		gens := together(t, a)
		if diff := cmp.Diff([][]int32{{0, 1}}, assigned(gens...)); diff != "" {
			t.Errorf("b has a seat still: %s", diff)
		}
		must(t, a.Close(within(t, 10*time.Second), true))
	})
}
