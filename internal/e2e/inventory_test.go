package e2e

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/streamweir/streamweir/internal/bench/peer"
)

func TestEveryEventIsCountedOnce(t *testing.T) {
	w := newWorld(t)
	report := w.start(w.app, peer.Settings{StateDir: t.TempDir(), UntilCaughtUp: true}).finish()
	if report.Records != int64(w.records) {
		t.Errorf("%d records reported, want %d", report.Records, w.records)
	}
	w.verify()
}

// Killed at random moments, in the start, between commits and in them, the
// application begins again at once where it stood.
func TestKilledAgainAndAgain(t *testing.T) {
	w := newWorld(t)
	kills, seed := number(t, "E2E_KILLS", 10), uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	// Many short transactions: a kill hits one, and the input lasts for all kills.
	settings := peer.Settings{StateDir: t.TempDir(), CommitInterval: 20 * time.Millisecond}
	hits := 0
	for i := range kills {
		before, began := w.committed(), time.Now()
		p := w.start(w.app, settings)
		delay := time.Duration(rnd.Int64N(int64(time.Second)))
		if i%3 > 0 {
			w.await("progress", time.Minute, func() bool { return w.committed() > before }, p)
			delay = time.Duration(rnd.Int64N(int64(60 * time.Millisecond)))
		}
		<-time.After(delay)
		p.kill()
		after := w.committed()
		if after > before && after < int64(w.records) {
			hits++
		}
		t.Logf("kill %d after %v, at %d records", i+1, time.Since(began).Round(time.Millisecond), after)
		if after == int64(w.records) {
			break
		}
	}
	if hits < kills/2 {
		t.Errorf("only %d of %d kills hit the application at work: raise E2E_RECORDS", hits, kills)
	}
	settings.UntilCaughtUp = true
	w.start(w.app, settings).finish()
	w.verify()
}

// A process that was killed has its seat in the group back at once, not after
// the session timeout of 45 s, and what is on its disk is not restored again.
func TestRestartAfterKillGoesOnAtOnce(t *testing.T) {
	w := newWorld(t)
	state := t.TempDir()

	first := w.start(w.app, peer.Settings{StateDir: state})
	w.awaitCommitted(0.25, first)
	first.stop() // all that is committed is on disk
	onDisk := w.committed()

	second := w.start(w.app, peer.Settings{StateDir: state})
	w.awaitCommitted(0.5, second)
	second.kill()

	began := time.Now()
	third := w.start(w.app, peer.Settings{StateDir: state, UntilCaughtUp: true})
	killedAt := w.committed() // after the kill, so no commit of the second is still under way
	if killedAt >= int64(w.records) {
		t.Fatal("the input was at its end before the kill: raise E2E_RECORDS")
	}
	w.await("output after the restart", time.Minute, func() bool { return w.committed() > killedAt }, third)
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("first commit %v after the restart, want 3 s at most", took)
	} else {
		t.Logf("first commit %v after the restart", took)
	}
	report := third.finish()
	t.Logf("%d records were on disk, %d committed at the kill, %d restored", onDisk, killedAt, report.RestoreRecords)
	if lost := killedAt - onDisk; report.RestoreRecords > lost {
		t.Errorf("%d records restored, but only %d were not on disk", report.RestoreRecords, lost)
	}
	w.verify()
}

func TestTwoProcessesShareTheGroup(t *testing.T) {
	w := newWorld(t)
	w.check(jvm.Topics(w.ctx, peer.Events))
	loaded = [2]int{}
	a, b := w.start(w.app, peer.Settings{StateDir: t.TempDir()}), w.start(w.app, peer.Settings{StateDir: t.TempDir()})
	w.await("two members with partitions each", time.Minute, func() bool { return w.sharing() == 2 }, a, b)

	var filled atomic.Bool
	done := make(chan error, 1)
	go func() {
		done <- jvm.Fill(w.ctx, w.records, w.skus)
		filled.Store(true)
	}()
	w.awaitCommitted(0.3, a, b)
	b.stop() // its half moves to the other one
	w.await("the end of the input", 3*time.Minute, func() bool { return filled.Load() && w.committed() == int64(w.records) }, a)
	w.check(<-done)
	a.stop()
	loaded = [2]int{w.records, w.skus}
	w.verify()
}

// sharing is the number of members that have partitions of the input.
func (w *world) sharing() int {
	request := kmsg.NewPtrDescribeGroupsRequest()
	request.Groups = []string{w.id}
	response, err := request.RequestWith(w.ctx, w.client)
	w.check(err)
	sharing := 0
	for _, group := range response.Groups {
		if group.State != "Stable" {
			return 0
		}
		for _, m := range group.Members {
			var assignment kmsg.ConsumerMemberAssignment
			if assignment.ReadFrom(m.MemberAssignment) != nil {
				continue
			}
			for _, topic := range assignment.Topics {
				if topic.Topic == peer.Events && len(topic.Partitions) > 0 {
					sharing++
				}
			}
		}
	}
	return sharing
}

// State and offsets go from the JVM to us and back under one application id:
// each goes on from the other's changelog, as if it were its own.
func TestTakesTurnsWithTheJVM(t *testing.T) {
	w := newWorld(t)
	jvmState, state := t.TempDir(), t.TempDir()

	first := w.start(jvm, peer.Settings{StateDir: jvmState})
	w.awaitCommitted(0.1, first)
	first.stop()
	w.verifySoFar()
	atFirst := w.committed()

	second := w.start(w.app, peer.Settings{StateDir: state})
	w.await("progress of the second turn", time.Minute, func() bool { return w.committed() > atFirst }, second)
	w.awaitCommitted(0.3, second)
	second.stop()
	w.verifySoFar()
	if w.committed() == int64(w.records) {
		t.Fatal("the input was at its end before the third turn: raise E2E_RECORDS")
	}

	report := w.start(jvm, peer.Settings{StateDir: jvmState, UntilCaughtUp: true}).finish()
	t.Logf("the JVM had %d records before, %d after the second turn, and restored %d", atFirst, int64(w.records)-report.Records, report.RestoreRecords)
	w.verify()
}
