package kafka

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamweir/streamweir/internal/record"
)

func TestCommittedRecordsAreVisibleAndAbortedOnesAreNot(t *testing.T) {
	onBoth(t, func(t *testing.T, e *env) {
		ctx, c := within(t, 60*time.Second), e.client(t)
		topic := e.topic(t, c, 1, nil)
		at := record.Partition{Topic: topic}
		p := e.producer(t, c, ProducerConfig{TransactionalID: unique("x"), TransactionTimeout: 30 * time.Second})
		var want []string
		for range 3 {
			send(t, p, topic, 0, "committed")
			want = append(want, "committed")
			must(t, p.Commit(ctx, Membership{}, nil))
			next, ok := p.Next(at)
			if !ok {
				t.Error("no position after a commit")
			}
			send(t, p, topic, 0, "aborted")
			must(t, p.Flush(ctx))
			if now, _ := p.Next(at); now <= next {
				t.Errorf("position %d after %d", now, next)
			}
			must(t, p.Abort(ctx))
			must(t, p.Abort(ctx)) // of nothing
		}
		if diff := cmp.Diff(want, values(e.all(t, c, topic, 0, true))); diff != "" {
			t.Error(diff)
		}
		if got := e.all(t, c, topic, 0, false); len(got) != 6 {
			t.Errorf("read uncommitted: %q", values(got))
		}
		// The last offset is a marker: the position must get behind it.
		ends, err := c.Offsets(ctx, []record.Partition{at}, Latest)
		must(t, err)
		if ends[at] != 12 {
			t.Errorf("end %d, want 6 records and 6 markers", ends[at])
		}
	})
}

func TestNothingToCommitSendsNothing(t *testing.T) {
	e := fake(t)
	ctx, c := within(t, 30*time.Second), e.client(t)
	p := e.producer(t, c, ProducerConfig{TransactionalID: unique("x")})
	requests := e.fake.Fault(kfake.Fault{Observe: true, Count: -1, TxnID: p.cfg.TransactionalID})
	must(t, p.Commit(ctx, Membership{}, nil))
	must(t, p.Abort(ctx))
	if n := requests.Hits(); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestOffsetsAreCommittedWithTheTransaction(t *testing.T) {
	onBoth(t, func(t *testing.T, e *env) {
		ctx, c := within(t, 60*time.Second), e.client(t)
		topic, group := e.topic(t, c, 1, nil), unique("g")
		at := record.Partition{Topic: topic}
		p := e.producer(t, c, ProducerConfig{TransactionalID: unique("x")})
		none := Membership{Group: group, Generation: -1}
		must(t, p.Commit(ctx, none, map[record.Partition]Offset{at: {Next: 4, Metadata: "m"}}))
		send(t, p, topic, 0, "a")
		must(t, p.offsets(ctx, none, map[record.Partition]Offset{at: {Next: 9}}))
		must(t, p.Abort(ctx))
		got, err := c.Committed(ctx, group, []record.Partition{at})
		must(t, err)
		if diff := cmp.Diff(map[record.Partition]Offset{at: {Next: 4, Metadata: "m"}}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestPredecessorIsFencedAndItsTransactionAborted(t *testing.T) {
	onBoth(t, func(t *testing.T, e *env) {
		ctx, c := within(t, 60*time.Second), e.client(t)
		topic, id := e.topic(t, c, 2, nil), unique("x")
		idle := e.producer(t, c, ProducerConfig{TransactionalID: id})
		send(t, idle, topic, 0, "never sent")
		zombie := e.producer(t, c, ProducerConfig{TransactionalID: id})
		send(t, zombie, topic, 0, "zombie")
		must(t, zombie.Flush(ctx))
		heir := e.producer(t, c, ProducerConfig{TransactionalID: id})
		send(t, heir, topic, 0, "heir")
		must(t, heir.Commit(ctx, Membership{}, nil))

		send(t, zombie, topic, 1, "zombie again")
		err := zombie.Commit(ctx, Membership{}, nil)
		if !errors.Is(err, ErrFenced) || !Retriable(err) {
			t.Errorf("zombie's commit: %v", err)
		}
		if again := zombie.Send(topic, 0, nil, nil, 0, nil); !errors.Is(again, ErrFenced) {
			t.Errorf("after the error: %v", again)
		}
		must(t, zombie.Abort(ctx)) // does not fence the heir, and so leaves it
		must(t, zombie.Abort(ctx)) // without an epoch
		if e.fake == nil {         // which gives a new epoch to any producer of before
			must(t, idle.Abort(ctx))
		}
		send(t, heir, topic, 1, "heir")
		must(t, heir.Commit(ctx, Membership{}, nil))
		for id := range int32(2) {
			if diff := cmp.Diff([]string{"heir"}, values(e.all(t, c, topic, id, true))); diff != "" {
				t.Error(diff)
			}
		}
		if err := zombie.Send(topic, 0, nil, nil, 0, nil); !errors.Is(err, ErrAbort) || !Retriable(err) {
			t.Errorf("sending without an epoch: %v", err)
		}
		must(t, zombie.Abort(ctx)) // takes it back
		send(t, zombie, topic, 1, "back")
		must(t, zombie.Abort(ctx))
		send(t, heir, topic, 0, "late")
		if err := heir.Commit(ctx, Membership{}, nil); !errors.Is(err, ErrFenced) {
			t.Errorf("heir's commit: %v", err)
		}
	})
}

// A transaction that was refused before its end can be done again.
func TestRefusedCommitIsAbortedAndDoneAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, e *env) {
		ctx, c := within(t, 60*time.Second), e.client(t)
		topic := e.topic(t, c, 1, nil)
		at := record.Partition{Topic: topic}
		g := NewGroup(c, GroupConfig{ID: unique("g"), Protocol: "p", Topics: []string{topic}, SessionTimeout: 10 * time.Second})
		gen, err := g.Join(ctx, nil, assignAll(topic, 1))
		must(t, err)
		p := e.producer(t, c, ProducerConfig{TransactionalID: unique("x")})
		for name, change := range map[string]func(*Membership){
			"generation": func(m *Membership) { m.Generation += 7 },
			"member":     func(m *Membership) { m.MemberID = "nobody" },
		} {
			stale := gen.Membership
			change(&stale)
			send(t, p, topic, 0, "refused")
			if err := p.Commit(ctx, stale, map[record.Partition]Offset{at: {Next: 5}}); !errors.Is(err, ErrMember) || !Retriable(err) {
				t.Errorf("%s: %v", name, err)
			}
			must(t, p.Abort(ctx))
			if err := c.CommitOffsets(ctx, stale, map[record.Partition]Offset{at: {Next: 5}}); !errors.Is(err, ErrMember) {
				t.Errorf("%s, without a transaction: %v", name, err)
			}
		}
		send(t, p, topic, 0, "again")
		must(t, p.Commit(ctx, gen.Membership, map[record.Partition]Offset{at: {Next: 6}}))
		if diff := cmp.Diff([]string{"again"}, values(e.all(t, c, topic, 0, true))); diff != "" {
			t.Error(diff)
		}
		got, err := c.Committed(ctx, gen.Group, []record.Partition{at})
		must(t, err)
		if got[at].Next != 6 {
			t.Errorf("committed %v", got)
		}
		must(t, g.Close(ctx, true))
	})
}

func TestCoordinatorErrorsAreWaitedFor(t *testing.T) {
	e := fake(t)
	ctx, c := within(t, 60*time.Second), e.client(t)
	topic, group := e.topic(t, c, 1, nil), unique("g")
	for _, key := range []kmsg.Key{kmsg.InitProducerID, kmsg.AddPartitionsToTxn, kmsg.AddOffsetsToTxn, kmsg.TxnOffsetCommit, kmsg.EndTxn} {
		for _, refusal := range []*kerr.Error{kerr.NotCoordinator, kerr.CoordinatorNotAvailable, kerr.CoordinatorLoadInProgress, kerr.ConcurrentTransactions} {
			fault := e.fake.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Err: refusal, Count: 2})
			p := e.producer(t, c, ProducerConfig{TransactionalID: unique("x")})
			send(t, p, topic, 0, "a")
			if err := p.Commit(ctx, Membership{Group: group, Generation: -1}, map[record.Partition]Offset{{Topic: topic}: {Next: 1}}); err != nil {
				t.Errorf("%v %s: %v", key, refusal.Message, err)
			}
			if fault.Hits() != 2 {
				t.Errorf("%v %s: %d faults", key, refusal.Message, fault.Hits())
			}
			fault.Remove()
		}
	}
	if got := e.all(t, c, topic, 0, true); len(got) != 20 {
		t.Errorf("%d records", len(got))
	}
}

// The broker has committed, but its answer is lost: it is asked again.
func TestLostAnswerToACommit(t *testing.T) {
	e := fake(t)
	ctx, c := within(t, 30*time.Second), e.client(t)
	topic := e.topic(t, c, 1, nil)
	p := e.producer(t, c, ProducerConfig{TransactionalID: unique("x")})
	for range 5 {
		send(t, p, topic, 0, "a")
		must(t, p.Flush(ctx))
		ends := e.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, Observe: true, Count: -1})
		e.wire.cut.Store(1) // nothing but EndTxn is on its way
		must(t, p.Commit(ctx, Membership{}, nil))
		if ends.Hits() < 2 || e.wire.cut.Load() > 0 {
			t.Errorf("EndTxn was sent %d times", ends.Hits())
		}
		ends.Remove()
	}
	if got := e.all(t, c, topic, 0, true); len(got) != 5 {
		t.Errorf("%q", values(got))
	}
}

// Nobody ever answers: whether it was committed is for the offsets to tell.
func TestOutcomeOfACommitIsUnknown(t *testing.T) {
	for name, committed := range map[string]bool{"committed": true, "not committed": false} {
		t.Run(name, func(t *testing.T) {
			e := fake(t)
			ctx, c := within(t, 60*time.Second), e.client(t)
			topic, group := e.topic(t, c, 1, nil), unique("g")
			at := record.Partition{Topic: topic}
			p := e.producer(t, c, ProducerConfig{TransactionalID: unique("x")})
			m := Membership{Group: group, Generation: -1}
			send(t, p, topic, 0, "a")
			must(t, p.Flush(ctx))
			must(t, p.offsets(ctx, m, map[record.Partition]Offset{at: {Next: 8}}))
			if committed {
				e.wire.cut.Store(1000) // it is carried out, but no answer ever arrives
			} else {
				lost := e.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.CoordinatorNotAvailable, Count: -1})
				defer lost.Remove()
			}
			short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
			defer cancel()
			err := p.Commit(short, Membership{}, nil)
			if !errors.Is(err, ErrOutcomeUnknown) || !Retriable(err) {
				t.Fatalf("error %v", err)
			}
			e.wire.cut.Store(0)
			must(t, p.Init(ctx))
			found, err := c.Committed(ctx, group, []record.Partition{at})
			must(t, err)
			visible := len(e.all(t, c, topic, 0, true)) == 1
			if (found[at].Next == 8) != visible || visible != committed {
				t.Errorf("offsets say %v, record visible: %v, want %v", found, visible, committed)
			}
		})
	}
}

// Nothing may be on its way when a transaction is aborted: a broker could take a
// late batch for part of another transaction, or leave it open for ever.
func TestAbortWaitsForWhatIsOnItsWay(t *testing.T) {
	e := fake(t)
	ctx, c := within(t, 30*time.Second), e.client(t)
	topic := e.topic(t, c, 1, nil)
	p := e.producer(t, c, ProducerConfig{TransactionalID: unique("x")})
	var held atomic.Int32
	var released atomic.Bool
	arrived, ended := make(chan struct{}), make(chan struct{})
	e.fake.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		if held.Add(1) > 1 {
			return nil, nil, false // of the next transaction
		}
		close(arrived)
		e.fake.SleepControl(func() {
			select { // the end of the transaction must not come first
			case <-ended:
			case <-time.After(200 * time.Millisecond):
			}
		})
		released.Store(true)
		return nil, nil, false
	})
	for _, key := range []kmsg.Key{kmsg.EndTxn, kmsg.InitProducerID} {
		e.fake.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Observe: true, Count: -1, When: func(kmsg.Request) bool {
			if held.Load() > 0 && !released.Swap(true) {
				t.Errorf("%v was sent while a batch was on its way", key)
				close(ended)
			}
			return true
		}})
	}
	send(t, p, topic, 0, "aborted")
	must(t, p.start(ctx))
	<-arrived
	must(t, p.Abort(ctx))
	send(t, p, topic, 0, "committed")
	must(t, p.Commit(ctx, Membership{}, nil))
	if diff := cmp.Diff([]string{"committed"}, values(e.all(t, c, topic, 0, true))); diff != "" {
		t.Error(diff)
	}
}

func TestAbortsInMidFlightLeaveNothingBehind(t *testing.T) {
	onBoth(t, func(t *testing.T, e *env) {
		ctx, c := within(t, 60*time.Second), e.client(t)
		topic := e.topic(t, c, 2, nil)
		p := e.producer(t, c, ProducerConfig{TransactionalID: unique("x"), BatchBytes: 100})
		sent := 0
		for range 10 {
			send(t, p, topic, 0, "x", "x", "x", "x", "x", "x", "x", "x")
			must(t, p.start(ctx))
			must(t, p.Abort(ctx))
			numbered(t, p, topic, sent, 20)
			sent += 20
			must(t, p.Commit(ctx, Membership{}, nil))
		}
		inOrder(t, e, c, topic, sent, true)
		if p.bytes != 0 {
			t.Errorf("%d bytes are taken for not acknowledged", p.bytes)
		}
	})
}

func TestCancelledCommitCanBeAborted(t *testing.T) {
	onBoth(t, func(t *testing.T, e *env) {
		ctx, c := within(t, 60*time.Second), e.client(t)
		topic := e.topic(t, c, 1, nil)
		p := e.producer(t, c, ProducerConfig{TransactionalID: unique("x")})
		send(t, p, topic, 0, "cancelled")
		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		if err := p.Commit(cancelled, Membership{}, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		if err := p.Abort(cancelled); !errors.Is(err, context.Canceled) {
			t.Errorf("abort: %v", err)
		}
		if err := p.Send(topic, 0, nil, nil, 0, nil); err == nil {
			t.Error("sent before the abort was done")
		}
		must(t, p.Abort(ctx))
		send(t, p, topic, 0, "after")
		must(t, p.Commit(ctx, Membership{}, nil))
		if diff := cmp.Diff([]string{"after"}, values(e.all(t, c, topic, 0, true))); diff != "" {
			t.Error(diff)
		}
	})
}
